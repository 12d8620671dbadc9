//! Access tokens: JSON Web Tokens signed with HMAC-SHA-256 (RFC 7519, RFC 7515).

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Id of the person.
    pub(crate) sub: String,
    pub(crate) email: String,
    pub(crate) username: String,
    pub(crate) role: String,
    /// Id of the session: a token is good for as long as that is.
    pub(crate) sid: String,
    /// When it was made, in seconds since 1970.
    pub(crate) iat: u64,
    /// Until when it is good, in seconds since 1970.
    pub(crate) exp: u64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// A key that tokens are signed with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SigningKey {
    kid: String,
    secret: Vec<u8>,
}

const ALGORITHM: &str = "HS256";

impl SigningKey {
    pub(crate) fn new(secret: Vec<u8>) -> Self {
        let kid = HEXLOWER.encode(&Sha256::digest([b"kid:", secret.as_slice()].concat())[..4]);
        Self { kid, secret }
    }

    fn mac(&self, signed: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(signed.as_bytes());
        Some(mac)
    }

    /// A token that says this. None is never: HMAC takes keys of every length.
    pub(crate) fn sign(&self, claims: &Claims) -> Option<String> {
        let header = Header { alg: ALGORITHM.into(), typ: "JWT".into(), kid: self.kid.clone() };
        let part = |json: Vec<u8>| BASE64URL_NOPAD.encode(&json);
        let (header, claims) = (serde_json::to_vec(&header).ok()?, serde_json::to_vec(claims).ok()?);
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = BASE64URL_NOPAD.encode(&self.mac(&signed)?.finalize().into_bytes());
        Some(format!("{signed}.{signature}"))
    }
}

/// What a token says, if one of the keys signed it and it has not expired.
pub(crate) fn verify(keys: &[SigningKey], token: &str, now: u64) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    if header.alg != ALGORITHM {
        return None;
    }
    let key = keys.iter().find(|key| key.kid == header.kid)?;
    key.mac(signed)?.verify_slice(&decode(signature)?).ok()?;
    let claims: Claims = serde_json::from_slice(&decode(claims)?).ok()?;
    (claims.exp > now).then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            sub: "1".into(),
            email: "ana@example.com".into(),
            username: "ana".into(),
            role: "user".into(),
            sid: "s".into(),
            iat: 100,
            exp: 200,
        }
    }

    fn key(text: &str) -> SigningKey {
        SigningKey::new(text.as_bytes().to_vec())
    }

    /// The example of RFC 7515, appendix A.1: its signature of its own text.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = SigningKey::new(BASE64URL_NOPAD.decode(secret.as_bytes()).unwrap());
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = key.mac(signed).unwrap().finalize().into_bytes();
        assert_eq!(BASE64URL_NOPAD.encode(&signature), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn a_token_says_what_was_signed_until_it_expires() {
        let (new, old) = (key("new"), key("old"));
        let keys = [new.clone(), old.clone()];
        for signer in [&new, &old] {
            let token = signer.sign(&claims()).unwrap();
            assert_eq!(verify(&keys, &token, 199), Some(claims()));
            assert_eq!(verify(&keys, &token, 200), None);
        }
        assert_eq!(verify(&[new], &old.sign(&claims()).unwrap(), 150), None, "a key that is gone");
    }

    #[test]
    fn what_was_not_signed_so_is_refused() {
        let key = key("key");
        let keys = [key.clone()];
        let token = key.sign(&claims()).unwrap();
        let [header, body, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let part = |json: String| BASE64URL_NOPAD.encode(json.as_bytes());
        let richer = part(serde_json::to_string(&Claims { role: "admin".into(), ..claims() }).unwrap());
        let none = part(format!(r#"{{"alg":"none","typ":"JWT","kid":"{}"}}"#, key.kid));
        for forged in [
            format!("{header}.{richer}.{signature}"),
            format!("{none}.{body}."),
            format!("{none}.{body}.{signature}"),
            format!("{header}.{body}."),
            format!("{header}.{body}.{}", &signature[..20]),
            format!("{header}.{body}"),
            format!("{token}.x"),
            String::new(),
            "..".into(),
            "ä.ö.ü".into(),
        ] {
            assert_eq!(verify(&keys, &forged, 150), None, "{forged}");
        }
    }
}
