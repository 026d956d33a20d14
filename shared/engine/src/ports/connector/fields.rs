//! Fields of a record, as they are asked for by name.

use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What a record has in the fields that were asked for. Personal.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// Texts, and numbers and truths as texts; of a list or a set every member.
    values: BTreeMap<String, Vec<String>>,
    /// Fields that hold lists or sets, also of one member.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    lists: BTreeSet<String>,
    /// Fields that hold something else, or hold it somewhere.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    unreadable: BTreeSet<String>,
}

impl Fields {
    /// Adds the text of a field.
    pub fn add(&mut self, name: &str, text: String) {
        self.values.entry(name.to_owned()).or_default().push(text);
    }

    /// Adds the members of a list in a field, and whether it holds what is no text either.
    pub fn add_list(&mut self, name: &str, members: Vec<String>, unreadable: bool) {
        self.lists.insert(name.to_owned());
        if !members.is_empty() {
            self.values.entry(name.to_owned()).or_default().extend(members);
        }
        if unreadable {
            self.unreadable.insert(name.to_owned());
        }
    }

    /// The value of a field that is one, and no list.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.all(name) {
            [only] if !self.lists.contains(name) => Some(only),
            _ => None,
        }
    }

    /// Every value of a field.
    pub fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a field holds what is no text or number, or holds it somewhere.
    pub fn is_unreadable(&self, name: &str) -> bool {
        self.unreadable.contains(name)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.unreadable.is_empty()
    }

    /// The size of what is in it.
    pub fn bytes(&self) -> u64 {
        self.values.values().flatten().map(|text| text.len() as u64).sum()
    }

    /// Only these fields.
    #[must_use]
    pub fn only(mut self, names: &[String]) -> Self {
        self.values.retain(|name, _| names.contains(name));
        self.lists.retain(|name| names.contains(name));
        self.unreadable.retain(|name| names.contains(name));
        self
    }
}

impl FromIterator<(String, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Self {
        let mut all = Self::default();
        fields.into_iter().for_each(|(name, text)| all.add(&name, text));
        all
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[fields]")
    }
}
