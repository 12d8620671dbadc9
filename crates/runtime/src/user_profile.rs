use serde_json::Value;
use understory_model::now;
use understory_sql::SqlValue;

use crate::columns::{Columns, decode_one};
use crate::scope::{json, text};
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

const GET: &str = "select timezone, attributes, created_at, updated_at from user_profile where user_id = ?";
const PUT: &str = "insert into user_profile (user_id, timezone, attributes, created_at, updated_at) \
    values (?, ?, ?, ?, ?) on conflict (user_id) do update \
    set timezone = excluded.timezone, attributes = excluded.attributes, updated_at = excluded.updated_at";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[GET, PUT];

/// What applications know of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct UserProfile {
    /// Where their clock is.
    pub timezone: Option<String>,
    /// Anything else.
    pub attributes: Option<Value>,
    /// When it was first kept.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

impl RuntimeStore {
    /// A person's profile, if one is kept.
    pub async fn user_profile_get(&self, user: &str) -> RuntimeResult<Option<UserProfile>> {
        let key = [user.into()];
        self.read(move |db| decode_one(db.query_row(GET, &key)?, decode)).await
    }

    /// Changes a person's profile, or begins one: what is none here stays, and may be set to null.
    pub async fn user_profile_put(
        &self,
        user: &str,
        timezone: Option<Option<String>>,
        attributes: Option<Option<Value>>,
    ) -> RuntimeResult<UserProfile> {
        let user = SqlValue::from(user);
        self.write(move |db| {
            let key = std::slice::from_ref(&user);
            let present = decode_one(db.query_row(GET, key)?, decode)?;
            let (old_timezone, old_attributes) = present.map_or_else(
                || (None, Some(Value::Object(Default::default()))),
                |profile| (profile.timezone, profile.attributes),
            );
            let timezone = text(&timezone.clone().unwrap_or(old_timezone));
            let attributes = json(&attributes.clone().unwrap_or(old_attributes));
            let at = SqlValue::from(now());
            db.execute(PUT, &[user.clone(), timezone, attributes, at.clone(), at])?;
            let kept = decode_one(db.query_row(GET, key)?, decode)?;
            kept.ok_or_else(|| RuntimeError::corrupt("a profile is there and is not"))
        })
        .await
    }
}

fn decode(columns: &mut Columns) -> RuntimeResult<UserProfile> {
    Ok(UserProfile {
        timezone: columns.text_or_null()?,
        attributes: columns.json_or_null()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}
