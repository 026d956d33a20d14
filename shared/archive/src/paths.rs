//! Fields inside records, by dotted paths: `replies.agent` is `agent` in every member of `replies`, or in it itself.

use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

type Json = Box<RawValue>;

/// A record, or an object in it.
type Fields = BTreeMap<String, Json>;

/// An object or a list, one level of it. Numbers keep every digit.
enum Level {
    Object(Fields),
    List(Vec<Json>),
}

impl Level {
    fn of(json: &RawValue) -> Option<Self> {
        match json.get().as_bytes().first()? {
            b'{' => serde_json::from_str(json.get()).ok().map(Self::Object),
            b'[' => serde_json::from_str(json.get()).ok().map(Self::List),
            _ => None,
        }
    }

    fn into_json(self) -> Option<Json> {
        match self {
            Self::Object(object) => to_raw_value(&object).ok(),
            Self::List(list) => to_raw_value(&list).ok(),
        }
    }
}

/// What a path may be split into: a name may hold dots itself.
fn splits(path: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let dots = path.match_indices('.').map(|(at, _)| (&path[..at], Some(&path[at + 1..])));
    std::iter::once((path, None)).chain(dots)
}

/// Whether a record has something at a path.
pub fn has(row: &Fields, path: &str) -> bool {
    splits(path).any(|(name, rest)| row.get(name).is_some_and(|value| is_in(value, rest)))
}

fn is_in(value: &RawValue, path: Option<&str>) -> bool {
    let Some(path) = path else { return true };
    match Level::of(value) {
        Some(Level::List(list)) => list.iter().any(|member| is_in(member, Some(path))),
        Some(Level::Object(object)) => splits(path).any(|(name, rest)| object.get(name).is_some_and(|value| is_in(value, rest))),
        None => false,
    }
}

/// Puts something in the place of whatever is at a path, and of a value that the path ends at before its end: a text, which
/// may hold what stands elsewhere in lists and maps. Answers whether there was any.
pub fn replace(row: &mut Fields, path: &str, with: &RawValue) -> bool {
    let mut any = false;
    for (name, rest) in splits(path) {
        if let Some(value) = row.get_mut(name) {
            any |= replace_in(value, rest, with);
        }
    }
    any
}

fn replace_in(value: &mut Json, path: Option<&str>, with: &RawValue) -> bool {
    let level = path.and_then(|path| Some((path, Level::of(value)?)));
    let Some((path, mut level)) = level else {
        // In what is null there is nothing.
        let whole = path.is_none() || value.get() != "null";
        if whole {
            *value = with.to_owned();
        }
        return whole;
    };
    let mut any = false;
    match &mut level {
        Level::List(list) => list.iter_mut().for_each(|member| any |= replace_in(member, Some(path), with)),
        Level::Object(object) => {
            for (name, rest) in splits(path) {
                if let Some(value) = object.get_mut(name) {
                    any |= replace_in(value, rest, with);
                }
            }
        }
    }
    if any {
        *value = level.into_json().unwrap_or_else(|| with.to_owned());
    }
    any
}

/// What is at a path; of a list, what each of its members has there.
pub fn pick(row: &Fields, path: &str) -> Option<Json> {
    splits(path).find_map(|(name, rest)| pick_in(row.get(name)?, rest))
}

fn pick_in(value: &RawValue, path: Option<&str>) -> Option<Json> {
    let Some(path) = path else { return Some(value.to_owned()) };
    match Level::of(value)? {
        Level::Object(object) => splits(path).find_map(|(name, rest)| pick_in(object.get(name)?, rest)),
        Level::List(list) => {
            let each: Vec<Json> = list.iter().filter_map(|member| pick_in(member, Some(path))).collect();
            if each.is_empty() { None } else { to_raw_value(&each).ok() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = r#"{"agent": "Jo", "a.b": 17, "n": {"m.k": {"x": 2.50}},
        "replies": [{"agent": "Sam", "text": "hi", "by": {"name": "Ada", "at": 12345678901234567890.1}},
            {"text": "no agent"}, null],
        "deep": [[{"agent": "Bo"}], {"agent": ["C", "D"]}]}"#;

    fn row(json: &str) -> Fields {
        serde_json::from_str(json).expect("a row")
    }

    #[test]
    fn what_is_at_a_path_is_replaced_through_lists_and_maps_and_nothing_else() {
        let masked = serde_json::value::to_raw_value("-").expect("JSON");
        for (path, was, is) in [
            ("agent", r#""Jo""#, r#""-""#),
            ("a.b", ":17", r#":"-""#),
            ("n.m.k.x", "2.50", r#""-""#),
            ("replies.agent", r#""Sam""#, r#""-""#),
            ("replies.by.name", r#""Ada""#, r#""-""#),
            ("deep.agent", r#"[{"agent":"Bo"}],{"agent":["C","D"]}"#, r#"[{"agent":"-"}],{"agent":"-"}"#),
        ] {
            let mut changed = row(CHAT);
            assert!(has(&changed, path), "{path}");
            assert!(replace(&mut changed, path, &masked), "{path}");
            let text = |row: &Fields| serde_json::to_string(row).expect("JSON").replace([' ', '\n'], "");
            let before = serde_json::to_string(&row(CHAT)).expect("JSON").replace([' ', '\n'], "");
            let of = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            assert_eq!(of(&text(&changed)), of(&before.replacen(was, is, 1)), "{path}");
            assert!(path.starts_with("replies.by") || !text(&changed).contains(was), "{path}");
        }
        let mut untouched = row(CHAT);
        assert!(!has(&untouched, "replies.text.agent"));
        for path in ["agents", "replies.agents", "n.m", "deep.deep", ""] {
            assert!(!has(&untouched, path), "{path}");
            assert!(!replace(&mut untouched, path, &masked), "{path}");
            assert_eq!(pick(&untouched, path).map(|json| json.get().to_owned()), None, "{path}");
        }
        assert_eq!(serde_json::to_string(&untouched).expect("JSON"), serde_json::to_string(&row(CHAT)).expect("JSON"));
    }

    #[test]
    fn a_value_that_a_path_ends_at_before_its_end_is_replaced_whole_unless_it_is_nothing() {
        let masked = serde_json::value::to_raw_value("-").expect("JSON");
        for (was, is) in [
            (r#"{"other": 1, "replies": "[{\"agent\":\"Sam\"}]"}"#, r#"{"other":1,"replies":"-"}"#),
            (r#"{"replies": 7}"#, r#"{"replies":"-"}"#),
            (
                r#"{"replies": ["Sam said hi", {"agent": "Sam", "text": "hi"}, null, [true]]}"#,
                r#"{"replies":["-",{"agent":"-","text":"hi"},null,["-"]]}"#,
            ),
        ] {
            let mut changed = row(was);
            assert!(replace(&mut changed, "replies.agent", &masked), "{was}");
            assert_eq!(serde_json::to_string(&changed).expect("JSON"), is);
        }
        let mut deep = row(r#"{"replies": {"by": "Sam"}}"#);
        assert!(replace(&mut deep, "replies.by.name", &masked));
        assert_eq!(serde_json::to_string(&deep).expect("JSON"), r#"{"replies":{"by":"-"}}"#);
        for none in ["{}", r#"{"replies":null}"#, r#"{"replies":[]}"#, r#"{"replies":[null,{"text":"hi"}]}"#] {
            let mut same = row(none);
            assert!(!replace(&mut same, "replies.agent", &masked), "{none}");
            assert_eq!(serde_json::to_string(&same).expect("JSON"), none);
        }
    }

    #[test]
    fn what_is_at_a_path_is_picked_digit_for_digit() {
        let picked = |path: &str| pick(&row(CHAT), path).map(|json| json.get().to_owned());
        assert_eq!(picked("replies.by.at").as_deref(), Some("[12345678901234567890.1]"));
        assert_eq!(picked("replies.text").as_deref(), Some(r#"["hi","no agent"]"#));
        assert_eq!(picked("n.m.k.x").as_deref(), Some("2.50"));
    }
}
