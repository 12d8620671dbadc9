use std::time::Duration;

use jiff::Timestamp;

/// The present time as rows store it: `YYYY-MM-DD HH:MM:SS.mmm`, UTC.
pub fn now() -> String {
    stored(Timestamp::now())
}

/// The time so long ago, as rows store it.
pub fn before_now(age: Duration) -> String {
    stored(Timestamp::now().checked_sub(age).unwrap_or(Timestamp::MIN))
}

fn stored(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// The ISO form of a stored timestamp: `2026-11-21 03:08:08.303` is `2026-11-21T03:08:08.303Z`.
pub fn timestamp_iso(stored: &str) -> String {
    if stored.ends_with('Z') { stored.to_owned() } else { format!("{}Z", stored.replacen(' ', "T", 1)) }
}
