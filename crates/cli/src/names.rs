//! Names on the command line, and paths of the API made of them.

use std::fmt;
use std::str::FromStr;

use clap::Args;

/// A project: `tenant/project`.
#[derive(Clone, Debug)]
pub struct ProjectName {
    /// Its tenant.
    pub tenant: String,
    /// Its id.
    pub id: String,
}

/// The flag that names a project.
#[derive(Args)]
pub struct ProjectArg {
    /// The project
    #[arg(short = 'p', long = "project", value_name = "TENANT/PROJECT")]
    pub project: ProjectName,
}

/// The flag that names a branch or a commit.
#[derive(Args)]
pub struct RefArg {
    /// Branch, commit, or the first 7 or more characters of a commit
    #[arg(long = "ref", value_name = "REF", default_value = "main")]
    pub reference: String,
}

impl FromStr for ProjectName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((tenant, id)) if !tenant.is_empty() && !id.is_empty() && !id.contains('/') => {
                Ok(Self { tenant: tenant.to_owned(), id: id.to_owned() })
            }
            _ => Err("a project is named TENANT/PROJECT, as acme/shop".to_owned()),
        }
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.id)
    }
}

impl ProjectName {
    /// A path within the project.
    pub fn path(&self, rest: &str) -> String {
        format!("/manage/tenants/{}/projects/{}{rest}", encoded(&self.tenant), encoded(&self.id))
    }

    /// The path of the whole project as one document.
    pub fn full(&self) -> String {
        format!("/manage/tenants/{}/project-full/{}", encoded(&self.tenant), encoded(&self.id))
    }
}

/// Text as one segment of a path, or one value of a query.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// `1 project`, `2 projects`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The beginning of a hash, enough to name it.
pub fn short(hash: &str) -> &str {
    hash.get(..10).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_are_tenant_and_id() {
        let name: ProjectName = "acme/shop".parse().unwrap();
        assert_eq!(
            (name.to_string(), name.path("/x")),
            ("acme/shop".into(), "/manage/tenants/acme/projects/shop/x".into())
        );
        for bad in ["acme", "acme/", "/shop", "a/b/c", ""] {
            assert!(bad.parse::<ProjectName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn segments_are_encoded() {
        assert_eq!(encoded("feature/ä b"), "feature%2F%C3%A4%20b");
    }
}
