use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A replica whose beats stand still for longer than this is dead.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How far the beats of a replica are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beats {
    pub(crate) id: String,
    pub(crate) count: i64,
}

/// What a process knows of the other replicas: when the beats of each last moved, by its own clock.
///
/// Nobody else's clock matters, nor the database's. A replica seen for the first time is alive for as long as the
/// patience lasts.
#[derive(Debug, Default)]
pub struct Liveness {
    seen: HashMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    count: i64,
    since: Instant,
}

impl Liveness {
    /// Takes in the beats of all others as they are now; those that are dead.
    pub(crate) fn judge(&mut self, others: Vec<Beats>, now: Instant) -> Vec<Beats> {
        self.seen.retain(|id, _| others.iter().any(|other| other.id == *id));
        others.into_iter().filter(|other| self.is_dead(other, now)).collect()
    }

    fn is_dead(&mut self, other: &Beats, now: Instant) -> bool {
        let new = || Seen { count: other.count, since: now };
        let seen = self.seen.entry(other.id.clone()).or_insert_with(new);
        if seen.count != other.count {
            *seen = new();
        }
        now.saturating_duration_since(seen.since) > PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn beats(all: &[(&str, i64)]) -> Vec<Beats> {
        all.iter().map(|(id, count)| Beats { id: (*id).to_owned(), count: *count }).collect()
    }

    #[test]
    fn one_whose_beats_stand_still_is_dead() {
        let (mut liveness, begin) = (Liveness::default(), Instant::now());
        let mut judge = |seconds: u32, all| liveness.judge(beats(all), begin + SECOND * seconds);
        assert_eq!(judge(0, &[("a", 5), ("b", 5)]), []);
        assert_eq!(judge(10, &[("a", 5), ("b", 6)]), []);
        assert_eq!(judge(11, &[("a", 5), ("b", 6)]), beats(&[("a", 5)]));
        assert_eq!(judge(20, &[("b", 6)]), []);
        assert_eq!(judge(21, &[("b", 6)]), beats(&[("b", 6)]));
    }

    #[test]
    fn one_that_was_gone_begins_anew() {
        let (mut liveness, begin) = (Liveness::default(), Instant::now());
        let mut judge = |seconds: u32, all| liveness.judge(beats(all), begin + SECOND * seconds);
        assert_eq!(judge(0, &[("a", 5)]), []);
        assert_eq!(judge(9, &[]), []);
        assert_eq!(judge(12, &[("a", 5)]), [], "its row was taken away and made again");
        assert_eq!(judge(23, &[("a", 5)]), beats(&[("a", 5)]));
    }

    #[test]
    fn any_other_count_is_a_beat() {
        let (mut liveness, begin) = (Liveness::default(), Instant::now());
        for (step, count) in [5, 6, 1, -3].into_iter().enumerate() {
            let now = begin + PATIENCE * u32::try_from(step).unwrap();
            assert_eq!(liveness.judge(beats(&[("a", count)]), now), []);
        }
        assert_eq!(liveness.judge(beats(&[("a", -3)]), begin), [], "a time before the last");
    }
}
