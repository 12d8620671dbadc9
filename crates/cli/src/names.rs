//! Names on the command line, and paths of the API made of them.

use std::fmt;
use std::str::FromStr;

use clap::Args;

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// A project: `tenant/project`.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The flag that names one project of all.
#[derive(Args)]
pub struct SomeProjectArg {
    /// The project; all projects if none is named
    #[arg(short = 'p', long = "project", value_name = "TENANT/PROJECT")]
    pub project: Option<ProjectName>,
}

/// The flag that names what is read.
#[derive(Args)]
pub struct RefArg {
    /// Branch, tag or commit, as main, v1, main~2, 'main@{2026-01-31T12:00:00Z}' or 7 characters of a hash
    #[arg(long = "ref", value_name = "REF", default_value = "main")]
    pub reference: String,
}

/// The flag that names the branch that is written.
#[derive(Args)]
pub struct BranchArg {
    /// Branch that is written
    #[arg(long = "ref", value_name = "BRANCH", default_value = "main")]
    pub branch: String,
}

/// The flag for a commit's message.
#[derive(Args)]
pub struct MessageArg {
    /// The commit's message
    #[arg(short, long, value_name = "MESSAGE")]
    pub message: Option<String>,
}

/// The flag that limits a list.
#[derive(Args)]
pub struct LimitArg {
    /// How many are shown at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
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

/// A number of bytes for people: `12 B`, `1.4 MiB`.
pub fn size(bytes: u64) -> String {
    let (mut rest, mut unit) = (bytes as f64, 0);
    while rest >= 1024.0 && unit + 1 < UNITS.len() {
        (rest, unit) = (rest / 1024.0, unit + 1);
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{rest:.1} {}", UNITS[unit]) }
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
    fn sizes_are_readable() {
        let sizes = [0, 1023, 1024, 1_500_000, 5 << 40, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.4 MiB", "5.0 TiB", "16777216.0 TiB"]);
    }

    #[test]
    fn segments_are_encoded() {
        assert_eq!(encoded("feature/ä b"), "feature%2F%C3%A4%20b");
    }
}
