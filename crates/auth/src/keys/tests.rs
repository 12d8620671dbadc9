use std::fs;

use tempfile::TempDir;
use understory_sql::{Database, Engine, Migrations, Open};

use super::*;

struct Server {
    dir: TempDir,
    runtime: RuntimeStore,
    keys: Keys,
}

fn open(dir: &TempDir) -> RuntimeStore {
    RuntimeStore::open(dir.path(), &Migrations::embedded().unwrap()).unwrap()
}

fn server() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let runtime = open(&dir);
    let keys = Keys::new(runtime.clone());
    Server { dir, runtime, keys }
}

async fn refused(keys: &Keys, presented: &str) -> bool {
    keys.authenticate(presented).await.unwrap().is_none()
}

#[tokio::test]
async fn the_admin_key_is_shown_once_and_stays_good() {
    let server = server();
    let secret = server.keys.admin_key_ensure(None).await.unwrap().shown.unwrap();
    assert!(secret.reveal().starts_with("und_admin_"));
    assert_eq!(secret.reveal().len(), "und_admin_".len() + 43);
    let later = Keys::new(open(&server.dir));
    assert!(refused(&later, secret.reveal()).await, "not before it is ensured");
    assert!(later.admin_key_ensure(None).await.unwrap().shown.is_none());
    assert_eq!(later.authenticate(secret.reveal()).await.unwrap(), Some(Principal::system()));
}

#[tokio::test]
async fn recalling_the_admin_key_makes_none() {
    let server = server();
    server.keys.admin_key_recall().await.unwrap();
    let secret = server.keys.admin_key_ensure(None).await.unwrap().shown.expect("none was there");
    let later = Keys::new(open(&server.dir));
    later.admin_key_recall().await.unwrap();
    assert!(!refused(&later, secret.reveal()).await);
}

#[tokio::test]
async fn a_given_admin_key_stands_in_for_the_stored_one() {
    let server = server();
    let stored = server.keys.admin_key_ensure(None).await.unwrap().shown.unwrap();
    assert!(server.keys.admin_key_ensure(Some("geheim-ä-1")).await.unwrap().shown.is_none());
    assert_eq!(server.keys.authenticate("geheim-ä-1").await.unwrap().unwrap(), Principal::system());
    assert!(refused(&server.keys, stored.reveal()).await);
    assert!(server.keys.admin_key_ensure(None).await.unwrap().shown.is_none());
    assert!(refused(&server.keys, "geheim-ä-1").await);
    assert!(!refused(&server.keys, stored.reveal()).await);
}

#[tokio::test]
async fn a_short_admin_key_is_an_error() {
    let keys = server().keys;
    for short in ["", "1234567"] {
        assert!(matches!(keys.admin_key_ensure(Some(short)).await, Err(AuthError::AdminKeyTooShort)));
        assert!(refused(&keys, short).await);
    }
    assert!(keys.admin_key_ensure(Some("12345678")).await.is_ok());
}

#[tokio::test]
async fn the_session_key_is_good_for_this_run_only() {
    let server = server();
    let secret = server.keys.session_key().reveal().to_owned();
    assert_eq!(secret, server.keys.clone().session_key().reveal());
    let principal = server.keys.authenticate(&secret).await.unwrap().unwrap();
    assert_eq!((principal.kind, principal.name.as_str()), (PrincipalKind::Session, "system"));
    let later = Keys::new(open(&server.dir));
    assert!(refused(&later, &secret).await);
    later.session_key();
    assert!(refused(&later, &secret).await);
}

#[tokio::test]
async fn a_named_key_is_its_principal() {
    let server = server();
    let made = server.keys.key_create("ana@example.com").await.unwrap();
    assert!(made.secret.reveal().starts_with(&format!("{}_", made.record.prefix)));
    for _ in 0..2 {
        let principal = server.keys.authenticate(made.secret.reveal()).await.unwrap().unwrap();
        assert_eq!((principal.name.as_str(), principal.kind), ("ana@example.com", PrincipalKind::Key));
        assert_eq!((principal.id, principal.access), (made.record.id.clone(), Access::Everything));
    }
    assert!(server.keys.key_list().await.unwrap()[0].last_used_at.is_some());
}

#[tokio::test]
async fn wrong_keys_are_refused() {
    let keys = server().keys;
    keys.admin_key_ensure(None).await.unwrap();
    let (one, two) = (keys.key_create("one").await.unwrap(), keys.key_create("two").await.unwrap());
    let of_two = two.secret.reveal().trim_start_matches(two.record.prefix.as_str());
    let mixed = format!("{}{of_two}", one.record.prefix);
    let longer = format!("{}x", one.secret.reveal());
    for wrong in ["", "und_", "und_admin_", "und_ä_ä", "und_ääääää_x", &mixed, &longer, &one.record.prefix] {
        assert!(refused(&keys, wrong).await, "{wrong}");
    }
}

#[tokio::test]
async fn names_are_unique_and_checked() {
    let keys = server().keys;
    keys.key_create("ci").await.unwrap();
    assert!(matches!(keys.key_create("ci").await, Err(AuthError::KeyExists(name)) if name == "ci"));
    assert!(matches!(keys.key_create("a b").await, Err(AuthError::KeyName(_))));
    assert!(matches!(keys.key_create("system").await, Err(AuthError::KeyName(_))));
    keys.key_revoke("ci").await.unwrap();
    assert!(matches!(keys.key_create("ci").await, Err(AuthError::KeyExists(_))), "its commits stay its own");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let keys = server().keys;
    let made = keys.key_create("ci").await.unwrap();
    assert!(!refused(&keys, made.secret.reveal()).await, "and remembered");
    let record = keys.key_revoke("ci").await.unwrap();
    assert!(record.revoked_at.is_some());
    assert!(refused(&keys, made.secret.reveal()).await);
    assert_eq!(keys.key_revoke("ci").await.unwrap(), record, "the first time counts");
    assert!(matches!(keys.key_revoke("nobody").await, Err(AuthError::NoKey(_))));
}

#[tokio::test]
async fn secrets_are_neither_stored_nor_printed() {
    let server = server();
    let admin = server.keys.admin_key_ensure(None).await.unwrap();
    server.keys.admin_key_ensure(Some("given-admin-key")).await.unwrap();
    let made = server.keys.key_create("ci").await.unwrap();
    server.keys.authenticate(made.secret.reveal()).await.unwrap();
    let shown = admin.shown.as_ref().unwrap();
    let printed = format!("{admin:?} {made:?} {shown:?}");
    let random = |secret: &Secret| secret.reveal()[secret.reveal().len() - 43..].to_owned();
    let secrets = [random(&made.secret), random(shown), "given-admin-key".into()];
    let backup = server.dir.path().join("copy.db");
    server.runtime.backup(&backup).await.unwrap();
    for file in fs::read_dir(server.dir.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for secret in &secrets {
            assert!(!printed.contains(secret.as_str()));
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
    assert!(
        fs::read(&backup).unwrap().windows(16).any(|w| w == &made.record.prefix.as_bytes()[..16]),
        "the search works"
    );
}

#[tokio::test]
async fn a_failing_store_is_an_error_not_a_refusal() {
    let server = server();
    let made = server.keys.key_create("ci").await.unwrap();
    let file = server.runtime.path().unwrap();
    let open = Open { engine: Engine::Stock, create: false, read_only: false };
    Database::open(file, open).unwrap().batch("drop table keys").unwrap();
    assert!(matches!(server.keys.authenticate(made.secret.reveal()).await, Err(AuthError::Storage(_))));
}
