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

/// Puts something in the place of whatever is at a path.
pub fn replace(row: &mut Fields, path: &str, with: &RawValue) {
    for (name, rest) in splits(path) {
        if let Some(value) = row.get_mut(name)
            && is_in(value, rest)
        {
            replace_in(value, rest, with);
        }
    }
}

fn replace_in(value: &mut Json, path: Option<&str>, with: &RawValue) {
    let Some(path) = path else {
        *value = with.to_owned();
        return;
    };
    let Some(mut level) = Level::of(value) else { return };
    match &mut level {
        Level::List(list) => list.iter_mut().for_each(|member| replace_in(member, Some(path), with)),
        Level::Object(object) => {
            for (name, rest) in splits(path) {
                if let Some(value) = object.get_mut(name) {
                    replace_in(value, rest, with);
                }
            }
        }
    }
    if let Some(json) = level.into_json() {
        *value = json;
    }
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
        "replies": [{"agent": "Sam", "text": "hi", "by": {"name": "Ada", "at": 12345678901234567890.1}}, {"text": "no agent"}, 7],
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
            replace(&mut changed, path, &masked);
            let text = |row: &Fields| serde_json::to_string(row).expect("JSON").replace([' ', '\n'], "");
            let before = serde_json::to_string(&row(CHAT)).expect("JSON").replace([' ', '\n'], "");
            let of = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            assert_eq!(of(&text(&changed)), of(&before.replacen(was, is, 1)), "{path}");
            assert!(path.starts_with("replies.by") || !text(&changed).contains(was), "{path}");
        }
        let mut untouched = row(CHAT);
        for path in ["agents", "replies.agents", "replies.text.agent", "n.m", "deep.deep", ""] {
            assert!(!has(&untouched, path), "{path}");
            replace(&mut untouched, path, &masked);
            assert_eq!(pick(&untouched, path).map(|json| json.get().to_owned()), None, "{path}");
        }
        assert_eq!(serde_json::to_string(&untouched).expect("JSON"), serde_json::to_string(&row(CHAT)).expect("JSON"));
    }

    #[test]
    fn what_is_at_a_path_is_picked_digit_for_digit() {
        let picked = |path: &str| pick(&row(CHAT), path).map(|json| json.get().to_owned());
        assert_eq!(picked("replies.by.at").as_deref(), Some("[12345678901234567890.1]"));
        assert_eq!(picked("replies.text").as_deref(), Some(r#"["hi","no agent"]"#));
        assert_eq!(picked("n.m.k.x").as_deref(), Some("2.50"));
    }
}
