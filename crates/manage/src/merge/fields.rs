use std::cmp::Ordering;

use similar::{Algorithm, TextMerge};
use understory_model::{Column, MergeRule, Value, check_value};

use super::json::{Clash, merge_json, merge_set};

/// The value of a column that both sides may have changed; `base` is absent where no row was there before.
///
/// A change that one side alone made stands; in a row that both added, each side made every value, null too. Where
/// both changed it, the column's rule decides, and what the rule makes must be a value that the column accepts: two
/// edits that each fit a JSON Schema need not fit together.
pub(super) fn merge_field(column: &Column, base: Option<&Value>, ours: &Value, theirs: &Value) -> Result<Value, Clash> {
    if ours == theirs || base == Some(theirs) {
        return Ok(ours.clone());
    }
    if base == Some(ours) {
        return Ok(theirs.clone());
    }
    let merged = match column.merge {
        MergeRule::Cell => return Err(Clash),
        MergeRule::Newer => return Ok(greater(ours, theirs).clone()),
        MergeRule::Json => merge_json(base, Some(ours), Some(theirs))?.unwrap_or_default(),
        MergeRule::Set => merge_set(base, ours, theirs)?,
        MergeRule::Lines => match (base, ours, theirs) {
            (Some(Value::String(base)), Value::String(ours), Value::String(theirs)) => {
                merge_lines(base, ours, theirs)?.into()
            }
            _ => return Err(Clash),
        },
    };
    if check_value(column, &merged).is_empty() { Ok(merged) } else { Err(Clash) }
}

/// The greater of two values of one type; null is the least.
pub(super) fn greater<'a>(ours: &'a Value, theirs: &'a Value) -> &'a Value {
    let order = match (ours, theirs) {
        (Value::String(ours), Value::String(theirs)) => ours.cmp(theirs),
        (Value::Number(ours), Value::Number(theirs)) => {
            ours.as_f64().partial_cmp(&theirs.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::Null, _) => Ordering::Less,
        _ => Ordering::Greater,
    };
    if order == Ordering::Less { theirs } else { ours }
}

/// Merges text by line. Changes to lines that touch clash, since nothing between them says that they are apart.
fn merge_lines(base: &str, ours: &str, theirs: &str) -> Result<String, Clash> {
    // With a newline at every end, a line added at the end of a text does not count as a change of the last one.
    let [base, ours, theirs] = [base, ours, theirs].map(|text| format!("{text}\n"));
    let merge = TextMerge::configure().algorithm(Algorithm::Patience).merge_lines(&base, &ours, &theirs);
    if merge.is_conflicted() {
        return Err(Clash);
    }
    let mut merged = merge.to_string();
    merged.pop();
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_merge_where_they_do_not_touch() {
        assert_eq!(merge_lines("a\nb\nc", "A\nb\nc", "a\nb\nC"), Ok("A\nb\nC".into()));
        assert_eq!(merge_lines("a\nb", "A\nb", "a\nb\nc"), Ok("A\nb\nc".into()));
        assert_eq!(merge_lines("a\nb\nc\n", "b\nc\n", "a\nb\nc\nd\n"), Ok("b\nc\nd\n".into()));
        assert_eq!(merge_lines("a\r\nb\r\nc", "A\r\nb\r\nc", "a\r\nb\r\nC"), Ok("A\r\nb\r\nC".into()));
        assert_eq!(merge_lines("a\nb\nc\n", "A\nb\nc\n", "a\nb\nc"), Ok("A\nb\nc".into()));
    }

    #[test]
    fn touching_and_equal_places_clash() {
        assert_eq!(merge_lines("a", "b", "c"), Err(Clash));
        assert_eq!(merge_lines("a\nb", "A\nb", "a\nB"), Err(Clash));
        assert_eq!(merge_lines("a", "a\nx", "a\ny"), Err(Clash));
        assert_eq!(merge_lines("a\nb\nc", "A\nb\nc", "A\nb\nC"), Ok("A\nb\nC".into()));
    }

    #[test]
    fn each_rule_decides_what_both_sides_changed() {
        let model = understory_model::Model::built_in().unwrap();
        let column = |merge| Column { merge, ..model.entity("agent").unwrap().column("description").unwrap().clone() };
        let merged = |merge, [base, ours, theirs]: [&str; 3]| {
            merge_field(&column(merge), Some(&base.into()), &ours.into(), &theirs.into())
        };
        for rule in [MergeRule::Cell, MergeRule::Json, MergeRule::Set, MergeRule::Lines] {
            assert_eq!(merged(rule, ["1", "2", "3"]), Err(Clash));
        }
        for rule in [MergeRule::Cell, MergeRule::Json, MergeRule::Set, MergeRule::Lines, MergeRule::Newer] {
            assert_eq!(merged(rule, ["2", "1", "2"]), Ok("1".into()), "a lone change stands");
            assert_eq!(merged(rule, ["2", "2", "1"]), Ok("1".into()), "a lone change stands");
            assert_eq!(merged(rule, ["2", "1", "1"]), Ok("1".into()), "so does one made twice");
        }
        assert_eq!(merged(MergeRule::Newer, ["1", "2", "3"]), Ok("3".into()));
        assert_eq!(merged(MergeRule::Newer, ["1", "3", "2"]), Ok("3".into()));
        assert_eq!(merged(MergeRule::Lines, ["a\n\nb", "A\n\nb", "a\n\nB"]), Ok("A\n\nB".into()));
    }

    #[test]
    fn greater_knows_numbers_texts_and_null() {
        let (two, ten) = (Value::from(2), Value::from(10));
        assert_eq!(greater(&two, &ten), &ten);
        assert_eq!(greater(&ten, &two), &ten);
        assert_eq!(greater(&Value::Null, &two), &two);
        assert_eq!(greater(&"2026-01-02".into(), &"2026-01-01".into()), &Value::from("2026-01-02"));
    }
}
