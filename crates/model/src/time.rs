use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The present time as rows store it: `YYYY-MM-DD HH:MM:SS.mmm`, UTC.
pub fn now() -> String {
    stored(Timestamp::now())
}

/// The time so long ago, as rows store it, but none before 1970: not every engine has years before the first.
pub fn before_now(age: Duration) -> String {
    stored(Timestamp::now().checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH))
}

/// The time in so long, as rows store it.
pub fn from_now(wait: Duration) -> String {
    stored(Timestamp::now().checked_add(wait).unwrap_or(Timestamp::MAX))
}

/// How long until a stored time by this machine's clock; none after it, and for what is no time.
pub fn until(stored: &str) -> Option<Duration> {
    let then: Timestamp = timestamp_iso(stored).parse().ok()?;
    then.duration_since(Timestamp::now()).try_into().ok()
}

/// How long ago a stored time is by this machine's clock; none before it, and for what is no time.
pub fn age(stored: &str) -> Option<Duration> {
    let then: Timestamp = timestamp_iso(stored).parse().ok()?;
    Timestamp::now().duration_since(then).try_into().ok()
}

/// An RFC 3339 time as rows store it; none if it is not one, or of a year that not every engine has.
pub fn stored_time(text: &str) -> Option<String> {
    let time: Timestamp = text.parse().ok()?;
    let years = time.to_zoned(jiff::tz::TimeZone::UTC).year();
    (1970..=9999).contains(&years).then(|| stored(time))
}

fn stored(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// Hands out times of one unit of work: each new row's is a millisecond later than the one before.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Timestamp,
    ticks: i64,
}

impl Clock {
    /// A clock that shows the present time.
    pub fn start() -> Self {
        Self { start: Timestamp::now(), ticks: 0 }
    }

    /// The time it shows: that of the newest row.
    pub fn now(&self) -> String {
        let shown = self.start.checked_add(SignedDuration::from_millis(self.ticks.saturating_sub(1).max(0)));
        stored(shown.unwrap_or(self.start))
    }

    /// Moves on by a millisecond, and tells the time.
    pub fn tick(&mut self) -> String {
        self.ticks += 1;
        self.now()
    }
}

/// The ISO form of a stored timestamp: `2026-11-21 03:08:08.303` is `2026-11-21T03:08:08.303Z`.
pub fn timestamp_iso(stored: &str) -> String {
    if stored.ends_with('Z') { stored.to_owned() } else { format!("{}Z", stored.replacen(' ', "T", 1)) }
}
