use std::collections::{BTreeMap, BTreeSet};

/// The order in which the `kept` items of two edited sequences go on.
///
/// Items have no duplicates within a sequence. An item that one side alone added follows the item it followed
/// there; where both sides added at one place, the side whose first item is the lesser comes first, so that the
/// result does not depend on which side is called ours. `None`: both sides moved items, and not the same way.
pub(super) fn merged_order<'a, K: Ord>(
    base: &[&'a K],
    ours: &[&'a K],
    theirs: &[&'a K],
    kept: &BTreeSet<&K>,
) -> Option<Vec<&'a K>> {
    let in_ours: BTreeSet<_> = ours.iter().copied().collect();
    let common: BTreeSet<_> = theirs.iter().copied().filter(|k| in_ours.contains(k) && kept.contains(k)).collect();
    let of = |side: &[&'a K]| side.iter().copied().filter(|k| common.contains(k)).collect::<Vec<_>>();
    let (b, o, t) = (of(base), of(ours), of(theirs));
    let order = if o == t || t == b {
        o
    } else if o == b {
        t
    } else {
        return None;
    };
    let mut ours_added = additions(ours, &common, kept);
    let mut theirs_added = additions(theirs, &common, kept);
    let mut merged = Vec::with_capacity(kept.len());
    for anchor in std::iter::once(None).chain(order.into_iter().map(Some)) {
        merged.extend(anchor);
        let mut runs =
            [ours_added.remove(&anchor).unwrap_or_default(), theirs_added.remove(&anchor).unwrap_or_default()];
        runs.sort();
        merged.extend(runs.into_iter().flatten());
    }
    Some(merged)
}

/// The items that only this side has, in runs, by the common item that each run follows.
fn additions<'a, K: Ord>(
    side: &[&'a K],
    common: &BTreeSet<&'a K>,
    kept: &BTreeSet<&K>,
) -> BTreeMap<Option<&'a K>, Vec<&'a K>> {
    let mut runs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut anchor = None;
    for item in side.iter().copied().filter(|item| kept.contains(item)) {
        if common.contains(item) {
            anchor = Some(item);
        } else {
            runs.entry(anchor).or_default().push(item);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(base: &str, ours: &str, theirs: &str, kept: &str) -> Option<String> {
        let [base, ours, theirs, kept] = [base, ours, theirs, kept].map(|text| text.chars().collect::<Vec<_>>());
        let refs = |items: &'static [char]| items.iter().collect::<Vec<_>>();
        let leak = |items: Vec<char>| refs(Vec::leak(items));
        let kept = leak(kept).into_iter().collect();
        merged_order(&leak(base), &leak(ours), &leak(theirs), &kept).map(|keys| keys.into_iter().collect())
    }

    #[test]
    fn additions_stay_where_they_were_made() {
        assert_eq!(order("ab", "axb", "aby", "axby"), Some("axby".into()));
        assert_eq!(order("ab", "xab", "b", "xb"), Some("xb".into()));
        assert_eq!(order("", "ab", "abc", "abc"), Some("abc".into()));
    }

    #[test]
    fn additions_at_one_place_do_not_depend_on_the_side() {
        assert_eq!(order("a", "azq", "ax", "azqx"), Some("axzq".into()));
        assert_eq!(order("a", "ax", "azq", "azqx"), Some("axzq".into()));
    }

    #[test]
    fn one_side_may_move_items() {
        assert_eq!(order("abc", "cab", "abcd", "abcd"), Some("cdab".into()));
        assert_eq!(order("abc", "abc", "bac", "abc"), Some("bac".into()));
        assert_eq!(order("abc", "cab", "bac", "abc"), None);
    }
}
