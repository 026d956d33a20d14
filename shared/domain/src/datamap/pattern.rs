//! Patterns of keys, in which a value stands somewhere between other texts.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A pattern such as `logs/*/{}/**`: `*` is whatever has no `/`, `**` whole segments between `/`, and `{}` the value.
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
    One(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Text(String),
    Any,
    Value,
}

/// Where a value goes.
const VALUE: &str = "{}";

impl Pattern {
    /// Reads a pattern. `delimiters` end a value where something else of its segment follows that can be anything.
    ///
    /// # Errors
    /// What is wrong, in words that follow the name of its key.
    pub fn parse(text: &str, delimiters: &[char]) -> Result<Self, String> {
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
        let segments = text.split('/').map(|part| Segment::parse(part, delimiters)).collect::<Result<_, _>>()?;
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

    /// The signs that end a value in it, besides `/`.
    pub fn ends(&self) -> impl Iterator<Item = char> {
        // Where nothing beside it can be anything, nothing has to end it.
        let own = self.text.split('/').find(|part| part.contains(VALUE) && part.contains('*'));
        let mut around = own.unwrap_or_default().split(VALUE);
        let before = around.next().and_then(|text| text.chars().next_back());
        let after = around.next().and_then(|text| text.chars().next());
        [before, after].into_iter().flatten()
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
    fn parse(text: &str, delimiters: &[char]) -> Result<Self, String> {
        if text == "**" {
            return Ok(Self::Many);
        }
        if text.contains("**") {
            return Err("holds ** beside something else: ** stands alone between two /".to_owned());
        }
        if text.contains('*')
            && let Some((before, after)) = text.split_once(VALUE)
        {
            let ends = |edge: Option<char>, other: &str| !other.contains('*') || edge.is_some_and(|c| delimiters.contains(&c));
            if !ends(before.chars().next_back(), before) || !ends(after.chars().next(), after) {
                let accepted = delimiters.iter().map(char::to_string).collect::<Vec<_>>().join(" ");
                return Err(format!(
                    "has * right beside {{}} between the same two /, so that u1 would take what is u10's: let {{}} stand alone \
                     there, or a delimiter (one of {accepted}) stand right between"
                ));
            }
        }
        let mut tokens = Vec::new();
        for (n, piece) in text.split('*').enumerate() {
            if n > 0 {
                tokens.push(Token::Any);
            }
            match piece.split_once(VALUE) {
                None => tokens.push(Token::Text(piece.to_owned())),
                Some((before, after)) => {
                    tokens.extend([Token::Text(before.to_owned()), Token::Value, Token::Text(after.to_owned())]);
                }
            }
        }
        tokens.retain(|token| *token != Token::Text(String::new()));
        Ok(Self::One(tokens))
    }
}

/// Whether segments of a key are as a pattern has them. What ends with `**` goes on at least by one segment.
fn fits(segments: &[Segment], parts: &[&str], value: Option<&str>) -> bool {
    match (segments, parts) {
        ([], parts) => parts.is_empty(),
        ([Segment::Many], parts) => !parts.is_empty(),
        ([Segment::Many, rest @ ..], parts) => (0..=parts.len()).any(|n| fits(rest, &parts[n..], value)),
        ([Segment::One(tokens), rest @ ..], [part, more @ ..]) => within(tokens, part, value) && fits(rest, more, value),
        ([Segment::One(_), ..], []) => false,
    }
}

fn within(tokens: &[Token], text: &str, value: Option<&str>) -> bool {
    let cuts = |least: usize| text.char_indices().map(|(at, _)| at).chain([text.len()]).filter(move |at| *at >= least);
    match (tokens, value) {
        ([], _) => text.is_empty(),
        ([Token::Text(own), rest @ ..], _) => text.strip_prefix(own.as_str()).is_some_and(|text| within(rest, text, value)),
        ([Token::Value, rest @ ..], Some(own)) => text.strip_prefix(own).is_some_and(|text| within(rest, text, value)),
        ([Token::Value, rest @ ..], None) => cuts(1).any(|at| within(rest, &text[at..], value)),
        ([Token::Any, rest @ ..], _) => cuts(0).any(|at| within(rest, &text[at..], value)),
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // What was accepted once was checked with the delimiters of its store.
        let any: Vec<char> = text.chars().collect();
        Self::parse(&text, &any)
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

    const DELIMITERS: &[char] = &['#', '|', '='];

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text, DELIMITERS).expect(text)
    }

    #[test]
    fn a_pattern_takes_what_is_of_its_value_and_nothing_of_one_that_begins_so() {
        for (text, taken, left) in [
            (
                "logs/*/{}/**",
                &["logs/2026/u1/a", "logs/2026/u1/a/b", "logs//u1/", "logs/x y/u1/é"][..],
                &["logs/2026/u10/a", "logs/2026/xu1/a", "logs/2026/u1", "logs/a/b/u1/c", "logs/u1/a", "log/2026/u1/a"][..],
            ),
            (
                "logs/**/{}.json",
                &["logs/u1.json", "logs/a/b/u1.json"],
                &["logs/u10.json", "logs/a/u1.json.gz", "logs/a/u1/.json"],
            ),
            ("a/*/{}#*", &["a/b/u1#", "a/b/u1#x"], &["a/b/u1", "a/b/u10#x", "a/b/xu1#x", "a/b/u1/#x"]),
            ("a/*={}/**", &["a/id=u1/x", "a/=u1/x"], &["a/id=u10/x", "a/idu1/x"]),
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
            ("logs/a**/{}/x", "stands alone"),
            ("logs/?/{}/*", "no ?"),
            ("logs/{a}/{}/*", "no other braces"),
        ] {
            let refused = Pattern::parse(text, DELIMITERS).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }
}
