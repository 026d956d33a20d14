//! Which values are the same, and which is the greater.

use serde_json::{Number, Value};
use std::cmp::Ordering;

/// Whether two values are the same: numbers by what they count, texts to the letter, lists and objects by what is in them.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => order_of_numbers(a, b) == Some(Ordering::Equal),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// How two numbers, or two texts, are ordered; nothing else is.
pub(super) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => order_of_numbers(a, b),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn order_of_numbers(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => Some(order_of_whole(a, b.as_f64()?)),
        (None, Some(b)) => Some(order_of_whole(b, a.as_f64()?).reverse()),
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// A float cannot hold every whole number (beyond 2^53 not), so it is the float that is rounded, and downwards.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates far beyond what whole numbers in JSON reach")]
fn order_of_whole(whole: i128, float: f64) -> Ordering {
    let below = float.floor();
    match whole.cmp(&(below as i128)) {
        Ordering::Equal if float > below => Ordering::Less,
        order => order,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_ordered_by_what_they_count() {
        let ascending = [
            json!(-1e300),
            json!(i64::MIN),
            json!(-9_007_199_254_740_993_i64),
            json!(-9_007_199_254_740_992.0),
            json!(-1.5),
            json!(-1),
            json!(-0.5),
            json!(0),
            json!(0.1),
            json!(1),
            json!(1.5),
            json!(9_007_199_254_740_992.0),
            json!(9_007_199_254_740_993_i64),
            json!(i64::MAX),
            json!(9_223_372_036_854_775_808.0),
            json!(u64::MAX),
            json!(18_446_744_073_709_551_616.0),
            json!(1e300),
        ];
        for (place, a) in ascending.iter().enumerate() {
            for (other, b) in ascending.iter().enumerate() {
                assert_eq!(order(a, b), Some(place.cmp(&other)), "{a} and {b}");
                assert_eq!(same(a, b), place == other, "{a} and {b}");
            }
        }
        for (a, b) in [(json!(1), json!(1.0)), (json!(0), json!(-0.0)), (json!(-3), json!(-3.0))] {
            assert!(same(&a, &b) && same(&b, &a), "{a} and {b}");
        }
    }

    #[test]
    fn other_values_are_the_same_by_what_is_in_them() {
        let nested = json!({ "a": [1, { "b": 2.0 }], "c": null });
        assert!(same(&nested, &json!({ "c": null, "a": [1.0, { "b": 2 }] })));
        for other in [json!({ "a": [1, { "b": 2 }] }), json!({ "a": [{ "b": 2 }, 1], "c": null }), json!([]), json!(null)] {
            assert!(!same(&nested, &other), "{other}");
        }
        for (a, b) in
            [(json!(1), json!("1")), (json!(0), json!(false)), (json!("é"), json!("e\u{301}")), (json!("A"), json!("a"))]
        {
            assert!(!same(&a, &b), "{a} and {b}");
        }
    }

    #[test]
    fn a_number_and_a_text_are_not_ordered() {
        assert_eq!(order(&json!("b"), &json!("a")), Some(Ordering::Greater));
        assert_eq!(order(&json!("2026-01-31"), &json!("2026-02-01")), Some(Ordering::Less));
        for (a, b) in [(json!(1), json!("2")), (json!(true), json!(false)), (json!([1]), json!([2])), (json!(null), json!(1))] {
            assert_eq!(order(&a, &b), None, "{a} and {b}");
        }
    }
}
