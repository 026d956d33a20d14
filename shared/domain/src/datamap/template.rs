//! Texts with a place for a value.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A text with `{}` where a value goes, once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    before: String,
    after: String,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// It holds no `{}`, or more than one: what is wrong, in words that follow the name of its key.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let misread = |part: &str| part.contains(['*', '{', '}']);
        match text.split_once("{}") {
            None => Err("must hold {} where the identity goes"),
            Some((_, after)) if after.contains("{}") => Err("must hold {} once"),
            // Nothing but the identity is filled in.
            Some((before, after)) if misread(before) || misread(after) => {
                Err("must hold {} and nothing else that could stand for a text: no *, no other braces")
            }
            Some((before, after)) => Ok(Self { before: before.to_owned(), after: after.to_owned() }),
        }
    }

    /// The value and nothing else.
    pub fn plain() -> Self {
        Self { before: String::new(), after: String::new() }
    }

    /// Whether it is the value and nothing else.
    pub fn is_plain(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// What stands before the value.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// What stands after it.
    pub fn after(&self) -> &str {
        &self.after
    }

    /// The value in a text that is written so; none in one that is not, or has none.
    pub fn value_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        let value = text.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?;
        (!value.is_empty()).then_some(value)
    }

    /// Whether a text is written so.
    pub fn fits(&self, text: &str) -> bool {
        self.value_in(text).is_some()
    }

    /// The text with a value in its place.
    pub fn fill(&self, value: &str) -> String {
        format!("{}{value}{}", self.before, self.after)
    }
}

impl TryFrom<String> for Template {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{{}}{}", self.before, self.after)
    }
}
