use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A text that is shown once and never printed by accident.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A new one: a prefix that is no secret, then 256 random bits as 43 characters of base64url.
    pub(crate) fn generate(prefix: &str) -> Self {
        let bits: [u8; 32] = rand::rng().random();
        Self(format!("{prefix}_{}", BASE64URL_NOPAD.encode(&bits)))
    }

    /// A secret in a form of its own.
    pub fn of(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, to be shown to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a key is found by: characters that are hard to mistake, random and no secret.
pub(crate) fn public_part(length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
}

/// SHA-256 of a presented or stored secret. With 256 random bits below it, no slower hash is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub(crate) fn hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    /// Whether both are the same, in a time that does not tell how much of them is.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
