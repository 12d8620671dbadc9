use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use understory_runtime::RuntimeError;

use crate::AuthResult;

/// A hash of no password, made with the parameters of all others: what is compared to where nobody is known.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm8gb25lJ3Mgc2FsdCE$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// How hashes of bcrypt begin, which come from other systems.
const BCRYPT: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// Hashes passwords, as many at once as there are processors: each takes 19 MiB and some milliseconds.
#[derive(Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

/// What a password is to a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Another one.
    Wrong,
    /// The one.
    Right,
    /// The one, and the hash is not as strong as new ones are.
    RightButWeak,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))) }
    }

    /// Hashes a password with a salt of its own.
    pub(crate) async fn hash(&self, password: &str) -> AuthResult<String> {
        let password = password.to_owned();
        self.in_turn(move || hash(&password)).await
    }

    /// Compares a password to a stored hash. Without one it takes as long, and is wrong.
    pub(crate) async fn verify(&self, password: &str, stored: Option<&str>) -> AuthResult<Verdict> {
        let (password, stored) = (password.to_owned(), stored.map(str::to_owned));
        self.in_turn(move || match stored {
            Some(stored) => verify(&password, &stored),
            None => verify(&password, NOBODY).map(|_| Verdict::Wrong),
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> AuthResult<T> + Send + 'static) -> AuthResult<T> {
        // The semaphore is never closed; without a turn the work is done all the same.
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        let done = spawn_blocking(move || {
            let _until_done = turn;
            work()
        });
        match done.await {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => Err(RuntimeError::Stopping(error).into()),
        }
    }
}

fn hash(password: &str) -> AuthResult<String> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|error| corrupt(Box::new(error)))?;
    Ok(hash.to_string())
}

fn verify(password: &str, stored: &str) -> AuthResult<Verdict> {
    if BCRYPT.iter().any(|beginning| stored.starts_with(beginning)) {
        let right = bcrypt::verify(password, stored).map_err(|error| corrupt(Box::new(error)))?;
        return Ok(if right { Verdict::RightButWeak } else { Verdict::Wrong });
    }
    let hash = PasswordHash::new(stored).map_err(|error| corrupt(Box::new(error)))?;
    match Argon2::default().verify_password(password.as_bytes(), &hash) {
        Ok(()) if parameters(stored) == parameters(NOBODY) => Ok(Verdict::Right),
        Ok(()) => Ok(Verdict::RightButWeak),
        Err(HashError::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(corrupt(Box::new(error))),
    }
}

/// Algorithm, version and costs, as a hash says them.
fn parameters(hash: &str) -> Vec<&str> {
    hash.split('$').take(4).collect()
}

fn corrupt(source: Box<dyn std::error::Error + Send + Sync>) -> crate::AuthError {
    let detail = "a password cannot be hashed, or its hash does not read back".to_owned();
    RuntimeError::Corrupt { detail, source: Some(source) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_the_one_that_was_hashed() {
        let passwords = Passwords::new();
        let stored = passwords.hash("geheim-ä").await.unwrap();
        assert_eq!(parameters(&stored), parameters(NOBODY), "nobody's hash costs what others do");
        assert_ne!(stored, passwords.hash("geheim-ä").await.unwrap(), "each has a salt of its own");
        assert_eq!(passwords.verify("geheim-ä", Some(&stored)).await.unwrap(), Verdict::Right);
        assert_eq!(passwords.verify("geheim-a", Some(&stored)).await.unwrap(), Verdict::Wrong);
        assert_eq!(passwords.verify("geheim-ä", None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn hashes_of_other_systems_are_good_and_weak() {
        let passwords = Passwords::new();
        let cheap = bcrypt::hash("admin123", 4).unwrap();
        assert_eq!(passwords.verify("admin123", Some(&cheap)).await.unwrap(), Verdict::RightButWeak);
        assert_eq!(passwords.verify("admin124", Some(&cheap)).await.unwrap(), Verdict::Wrong);
        let params = argon2::Params::new(8, 1, 1, None).unwrap();
        let weak = Argon2::from(params).hash_password(b"x").unwrap().to_string();
        assert_eq!(passwords.verify("x", Some(&weak)).await.unwrap(), Verdict::RightButWeak);
        for broken in ["", "plain", "$2b$99$x", "$argon2id$v=19$m=19456,t=2,p=1$x"] {
            assert!(passwords.verify("x", Some(broken)).await.is_err(), "{broken}");
        }
    }
}
