use data_encoding::BASE64URL_NOPAD;
use rand::RngExt as _;

use crate::Secret;
use crate::secret::Digest;

const PREFIX: &str = "uns_";

/// What a session is carried on with: `uns_HANDLE.SECRET`. The handle stays, the secret changes whenever the session is
/// refreshed: so a token that was replaced tells which session it was of.
#[derive(Clone)]
pub(crate) struct SessionToken {
    handle: String,
    secret: String,
}

impl SessionToken {
    pub(crate) fn generate() -> Self {
        let handle: [u8; 16] = rand::rng().random();
        Self { handle: BASE64URL_NOPAD.encode(&handle), secret: new_secret() }
    }

    /// The next token of the same session.
    pub(crate) fn next(&self) -> Self {
        Self { handle: self.handle.clone(), secret: new_secret() }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (handle, secret) = text.strip_prefix(PREFIX)?.split_once('.')?;
        Some(Self { handle: handle.to_owned(), secret: secret.to_owned() })
    }

    pub(crate) fn reveal(&self) -> Secret {
        Secret::of(format!("{PREFIX}{}.{}", self.handle, self.secret))
    }

    pub(crate) fn handle_hash(&self) -> String {
        Digest::of(&self.handle).hex()
    }

    pub(crate) fn secret_hash(&self) -> String {
        Digest::of(&self.secret).hex()
    }
}

fn new_secret() -> String {
    let secret: [u8; 32] = rand::rng().random();
    BASE64URL_NOPAD.encode(&secret)
}
