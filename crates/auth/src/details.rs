//! What people may say of themselves.

use serde_json::Value;
use understory_model::FieldError;
use understory_runtime::{User, UserDetails};

use crate::principal::is_reserved;
use crate::{AuthError, AuthResult};

/// The fewest and most characters of a user name.
const USERNAME: (usize, usize) = (3, 20);
/// The fewest and most characters of a password.
const PASSWORD: (usize, usize) = (6, 128);
const LONGEST_NAME: usize = 50;
pub(crate) const LONGEST_EMAIL: usize = 254;
/// Most bytes of preferences, as JSON.
const LARGEST_PREFERENCES: usize = 64 * 1024;

/// What somebody says of themselves who is to become a user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PersonDetails {
    /// The address to sign in with, in whatever case.
    pub email: String,
    /// The name that commits bear.
    pub username: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// What applications keep for them.
    pub preferences: Option<Value>,
}

/// What somebody changes of what they said of themselves; what is none stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PersonChange {
    /// The address to sign in with.
    pub email: Option<String>,
    /// The name that commits bear.
    pub username: Option<String>,
    /// First name, or that there is none any more.
    pub first_name: Option<Option<String>>,
    /// Last name, or that there is none any more.
    pub last_name: Option<Option<String>>,
    /// What applications keep for them, all of it.
    pub preferences: Option<Option<Value>>,
}

impl PersonChange {
    /// What somebody says of themselves after the change.
    pub(crate) fn on(&self, user: User) -> PersonDetails {
        let change = self.clone();
        PersonDetails {
            email: change.email.unwrap_or(user.email),
            username: change.username.unwrap_or(user.username),
            first_name: change.first_name.unwrap_or(user.first_name),
            last_name: change.last_name.unwrap_or(user.last_name),
            preferences: change.preferences.unwrap_or(user.preferences),
        }
    }
}

impl PersonDetails {
    /// Checks all of it, and brings it into the form that is stored.
    pub(crate) fn checked(self, errors: &mut Vec<FieldError>) -> UserDetails {
        let email = normal_email(&self.email);
        if !is_email(&email) {
            errors.push(FieldError::new("/email", "format", "email must be an address, as ana@example.com"));
        }
        let username = self.username.trim().to_owned();
        length("username", &username, USERNAME, errors);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !username.chars().all(allowed) || is_reserved(&username) {
            let detail = "username has letters, digits, '-', '_' and '.' only, and is not 'system' or 'understory'";
            errors.push(FieldError::new("/username", "pattern", detail));
        }
        let first_name = name("firstName", self.first_name, errors);
        let last_name = name("lastName", self.last_name, errors);
        let whole = [&first_name, &last_name].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        let preferences = self.preferences.filter(|preferences| !preferences.is_null());
        if preferences.as_ref().is_some_and(|preferences| !preferences.is_object()) {
            errors.push(FieldError::new("/preferences", "type", "preferences must be an object"));
        }
        if preferences.as_ref().is_some_and(|preferences| preferences.to_string().len() > LARGEST_PREFERENCES) {
            errors.push(FieldError::new("/preferences", "too_long", "preferences must be at most 64 KiB of JSON"));
        }
        UserDetails {
            name: if whole.is_empty() { username.clone() } else { whole },
            email,
            username,
            first_name,
            last_name,
            preferences,
        }
    }
}

/// An address as it is stored and compared.
pub(crate) fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether a text has the form of an address, nearly: whether there is such a mailbox only a letter to it can tell.
pub(crate) fn is_email(text: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | '"' | ',' | ';');
    let Some((user, host)) = text.split_once('@') else { return false };
    let labels = host.split('.').all(|label| !label.is_empty());
    text.chars().count() <= LONGEST_EMAIL
        && text.chars().all(plain)
        && !user.is_empty()
        && labels
        && !host.contains('@')
}

/// Checks a password that is to be one's; `pointer` is the field's.
pub(crate) fn check_password(field: &str, password: &str, errors: &mut Vec<FieldError>) {
    length(field, password, PASSWORD, errors);
}

fn length(field: &str, text: &str, (least, most): (usize, usize), errors: &mut Vec<FieldError>) {
    let count = text.chars().count();
    let pointer = format!("/{field}");
    if count < least {
        errors.push(FieldError::new(pointer, "too_short", format!("{field} must have at least {least} characters")));
    } else if count > most {
        errors.push(FieldError::new(pointer, "too_long", format!("{field} must have at most {most} characters")));
    }
}

fn name(field: &str, name: Option<String>, errors: &mut Vec<FieldError>) -> Option<String> {
    let name = name?.trim().to_owned();
    length(field, &name, (0, LONGEST_NAME), errors);
    if name.chars().any(char::is_control) {
        errors.push(FieldError::new(format!("/{field}"), "pattern", format!("{field} must be one line")));
    }
    Some(name).filter(|name| !name.is_empty())
}

/// `Invalid` if anything is wrong.
pub(crate) fn refuse(errors: Vec<FieldError>) -> AuthResult<()> {
    if errors.is_empty() { Ok(()) } else { Err(AuthError::Invalid(errors)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ana() -> PersonDetails {
        PersonDetails { email: " Ana@Example.COM ".into(), username: "ana".into(), ..PersonDetails::default() }
    }

    fn faults(details: PersonDetails) -> Vec<String> {
        let mut errors = Vec::new();
        details.checked(&mut errors);
        errors.into_iter().map(|error| format!("{} {}", error.pointer, error.reason)).collect()
    }

    #[test]
    fn details_are_brought_into_one_form() {
        let mut errors = Vec::new();
        let plain = ana().checked(&mut errors);
        assert_eq!((plain.email.as_str(), plain.name.as_str()), ("ana@example.com", "ana"));
        let named = PersonDetails { first_name: Some(" Ana ".into()), last_name: Some("Å".into()), ..ana() };
        assert_eq!(named.checked(&mut errors).name, "Ana Å");
        assert_eq!(errors, []);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let wrong = PersonDetails {
            email: "ana".into(),
            username: "a!".into(),
            first_name: Some("x".repeat(51)),
            last_name: Some("a\nb".into()),
            preferences: Some(json!([1])),
        };
        let told =
            ["/email format", "/username too_short", "/username pattern", "/firstName too_long", "/lastName pattern"];
        assert_eq!(faults(wrong), [&told[..], &["/preferences type"]].concat());
        for email in ["@b", "a@", "a@b@c", "a b@c", "a@b..c", "<a>@b"] {
            assert_eq!(faults(PersonDetails { email: email.into(), ..ana() }), ["/email format"], "{email}");
        }
        assert_eq!(faults(PersonDetails { username: "System".into(), ..ana() }), ["/username pattern"]);
    }
}
