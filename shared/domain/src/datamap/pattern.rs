//! Patterns of keys, in which a value stands somewhere between other texts.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A pattern such as `logs/*/{}/**`: `*` is whatever has no `/`, `**` whole segments between `/`, and `{}` the value, which is
/// in the same place of every key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// `**`.
    Many,
    /// Texts with anything between them.
    Texts(Vec<String>),
    /// The value, and what stands around it.
    Value { before: String, after: String },
}

/// Where a value goes.
const VALUE: &str = "{}";

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong, in words that follow the name of its key.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(VALUE) {
            None => return Err("must hold {} where the identity goes".to_owned()),
            Some((_, after)) if after.contains(VALUE) => return Err("must hold {} once".to_owned()),
            Some((before, after)) if [before, after].into_iter().any(|part| part.contains(['{', '}', '?', '[', ']'])) => {
                return Err(
                    "must hold {}, * and **, and nothing else that could stand for a text: no ?, no [ ], no other braces"
                        .to_owned(),
                );
            }
            Some(_) => {}
        }
        let Some((fixed, _)) = text.split_once('*') else {
            return Err("holds no *: write it as prefix, or as object where it is one key".to_owned());
        };
        if fixed.is_empty() {
            return Err(
                "begins with *, so that every key of the bucket would be listed: begin with what all of them begin with, \
                        such as logs/"
                    .to_owned(),
            );
        }
        let mut segments = text.split('/').map(Segment::parse).collect::<Result<Vec<_>, _>>()?;
        let value = segments.iter().position(|segment| matches!(segment, Segment::Value { .. }));
        if segments.iter().take(value.unwrap_or_default()).any(|segment| *segment == Segment::Many) {
            return Err(
                "has ** before {}, so that who is called 2026 would take logs/2026/u2/x: write * for each of the segments \
                        before {}, such as logs/*/{}/**, and one selection for each number of them"
                    .to_owned(),
            );
        }
        // What ends with ** goes on at least by one segment.
        if segments.last() == Some(&Segment::Many) {
            segments.insert(segments.len() - 1, Segment::Texts(vec![String::new(), String::new()]));
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    /// What all keys begin with, whatever the value.
    pub fn head(&self) -> &str {
        let end = [self.text.find('*'), self.text.find(VALUE)].into_iter().flatten().min();
        &self.text[..end.unwrap_or(self.text.len())]
    }

    /// What all keys of a value begin with.
    pub fn prefix(&self, value: &str) -> String {
        let fixed = self.text.split('*').next().unwrap_or_default();
        fixed.replacen(VALUE, value, 1)
    }

    /// Whether other people's keys have to be looked at to find those of a value.
    pub fn lists_others(&self) -> bool {
        self.text.find('*') < self.text.find(VALUE)
    }

    /// Whether a key is of this value.
    pub fn holds(&self, key: &str, value: &str) -> bool {
        let parts: Vec<&str> = key.split('/').collect();
        fits(&self.segments, &parts, Some(value))
    }

    /// Whether a key is of any value.
    pub fn may_hold(&self, key: &str) -> bool {
        let parts: Vec<&str> = key.split('/').collect();
        fits(&self.segments, &parts, None)
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "**" {
            return Ok(Self::Many);
        }
        if text.contains("**") {
            return Err("holds ** beside something else: ** stands alone between two /".to_owned());
        }
        match text.split_once(VALUE) {
            Some(_) if text.contains('*') => Err("has * beside {} between the same two /, so that u1 would take what is u10's or \
                                                  what is named u1 for another reason: let nothing but fixed text stand beside {} \
                                                  there"
                .to_owned()),
            Some((before, after)) => Ok(Self::Value { before: before.to_owned(), after: after.to_owned() }),
            None => Ok(Self::Texts(text.split('*').map(str::to_owned).collect())),
        }
    }

    /// Whether it is so. Only [`Segment::Many`] is more than one.
    fn is(&self, part: &str, value: Option<&str>) -> bool {
        match self {
            Self::Many => false,
            Self::Value { before, after } => {
                let within = part.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str()));
                within.is_some_and(|within| value.map_or(!within.is_empty(), |value| within == value))
            }
            Self::Texts(texts) => are_in_order(texts, part),
        }
    }
}

/// Whether a text begins with the first of these, ends with the last, and has the others in between in their order: each is
/// taken where it comes first, which leaves most to the rest.
fn are_in_order(texts: &[String], text: &str) -> bool {
    let [first, more @ ..] = texts else { return false };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    let [between @ .., last] = more else { return rest.is_empty() };
    for one in between {
        match rest.split_once(one.as_str()) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

/// Whether segments of a key are as a pattern has them. Only the last `**` that was met takes more, if what follows does not
/// fit: earlier ones could take no more than it can.
fn fits(segments: &[Segment], parts: &[&str], value: Option<&str>) -> bool {
    let (mut at, mut part) = (0, 0);
    let mut many: Option<(usize, usize)> = None;
    while let Some(text) = parts.get(part) {
        match (segments.get(at), many) {
            (Some(Segment::Many), _) => {
                at += 1;
                many = Some((at, part));
            }
            (Some(segment), _) if segment.is(text, value) => (at, part) = (at + 1, part + 1),
            (_, Some((after, from))) => {
                many = Some((after, from + 1));
                (at, part) = (after, from + 1);
            }
            (_, None) => return false,
        }
    }
    segments.iter().skip(at).all(|segment| *segment == Segment::Many)
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.text
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect(text)
    }

    #[test]
    fn a_pattern_takes_what_is_of_its_value_and_nothing_of_one_that_begins_so() {
        for (text, taken, left) in [
            (
                "logs/*/{}/**",
                &["logs/2026/u1/a", "logs/2026/u1/a/b", "logs//u1/", "logs/x y/u1/é"][..],
                &["logs/2026/u10/a", "logs/2026/xu1/a", "logs/2026/u1", "logs/a/b/u1/c", "logs/u1/a", "log/2026/u1/a"][..],
            ),
            ("logs/*/{}.json", &["logs/a/u1.json"], &["logs/a/u10.json", "logs/a/u1.json.gz", "logs/a/u1/.json", "logs/u1.json"]),
            ("a/*/id={}#x/**", &["a/b/id=u1#x/y"], &["a/b/id=u10#x/y", "a/b/id=u1#x", "a/b/u1#x/y", "a/b/id=xu1#x/y"]),
            ("a/{}/**/x/**", &["a/u1/x/y", "a/u1/b/x/y", "a/u1/x/x/x"], &["a/u1/x", "a/u10/x/y", "a/u1/b/y"]),
            ("a/{}/b*c*d", &["a/u1/bcd", "a/u1/bccd", "a/u1/bxcxd", "a/u1/bcdcd"], &["a/u1/bd", "a/u1/bcdx", "a/u1/bxd"]),
            ("a/{}/b*b", &["a/u1/bb", "a/u1/bxb"], &["a/u1/b"]),
            ("users/{}/*.jpg", &["users/u1/.jpg", "users/u1/a.jpg"], &["users/u1/a/b.jpg", "users/u10/a.jpg", "users/u1/a.jpeg"]),
        ] {
            let pattern = pattern(text);
            for key in taken {
                assert!(pattern.holds(key, "u1") && pattern.may_hold(key), "{text} takes {key}");
            }
            for key in left {
                assert!(!pattern.holds(key, "u1"), "{text} leaves {key}");
            }
        }
        // A value is a text: nothing of it stands for another.
        assert!(!pattern("logs/*/{}/**").holds("logs/a/u1/x", "*") && pattern("logs/*/{}/**").holds("logs/a/*/x", "*"));
    }

    /// Somebody is called as a year is, or as another part of other people's keys.
    #[test]
    fn p1_who_is_called_as_another_part_of_a_key_takes_nothing_of_others() {
        for (text, called, own, others) in [
            ("logs/*/{}/**", "2026", "logs/07/2026/x", "logs/2026/u2/x"),
            ("logs/*/*/{}/**", "07", "logs/2026/08/07/x", "logs/2026/07/u2/x"),
            ("logs/*/{}/**", "x", "logs/2026/x/y", "logs/2026/u2/x"),
            ("logs/*/{}/**", "a", "logs/2026/a/y", "logs/2026/u2/a/y"),
            ("logs/{}/**", "logs", "logs/logs/x", "logs/u2/logs/x"),
            ("a/*/id={}", "id", "a/b/id=id", "a/id/id=u2"),
        ] {
            let pattern = pattern(text);
            assert!(pattern.holds(own, called), "{text}");
            assert!(!pattern.holds(others, called), "{text}: {called} takes {others}");
        }
    }

    #[test]
    fn a_key_that_nearly_fits_is_told_quickly() {
        let many = format!("a/{{}}/{}z", "**/*a*a*a*a*a/".repeat(20));
        let key = format!("a/u1/{}y", "aaaaaaaaaaaaaaaa/".repeat(50));
        assert!(!pattern(&many).holds(&key, "u1"));
    }

    #[test]
    fn no_more_is_listed_than_has_to_be() {
        for (text, head, prefix, others) in [
            ("logs/*/{}/**", "logs/", "logs/", true),
            ("logs/2*/{}/x", "logs/2", "logs/2", true),
            ("users/{}/*.jpg", "users/", "users/u1/", false),
            ("{}/*/x", "", "u1/", false),
        ] {
            let pattern = pattern(text);
            assert_eq!((pattern.head(), pattern.prefix("u1").as_str(), pattern.lists_others()), (head, prefix, others), "{text}");
            let again: Pattern = String::from(pattern.clone()).try_into().expect("it was accepted");
            assert_eq!(again, pattern);
        }
    }

    #[test]
    fn what_takes_everything_or_other_peoples_is_refused_with_what_to_write() {
        for (text, said) in [
            ("logs/*/x", "must hold {}"),
            ("logs/{}/{}/*", "once"),
            ("logs/{}/", "prefix"),
            ("*/{}/x", "every key of the bucket"),
            ("**/{}/**", "every key of the bucket"),
            ("logs/{}*/x", "u10"),
            ("logs/*{}/x", "u10"),
            ("logs/{}x*", "u10"),
            ("logs/*-{}", "u10"),
            ("logs/*#{}/x", "u10"),
            ("logs/{}#*", "u10"),
            ("logs/**/{}.json", "before {}"),
            ("logs/**/{}/**", "before {}"),
            ("logs/a/**/b/{}/*", "before {}"),
            ("logs/a**/{}/x", "stands alone"),
            ("logs/?/{}/*", "no ?"),
            ("logs/{a}/{}/*", "no other braces"),
        ] {
            let refused = Pattern::parse(text).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }
}
