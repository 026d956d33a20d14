//! Keys that a kind of store takes in a data map.

use crate::datamap::words::Words;
use serde::de::{Error as _, MapAccess};
use std::collections::BTreeMap;

/// A key that a kind of store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::datamap) enum StoreKey {
    /// One text.
    Text(&'static str),
    /// Several.
    Texts(&'static str),
    /// Words by name.
    Mapping(&'static str),
}

impl StoreKey {
    pub const fn name(self) -> &'static str {
        match self {
            StoreKey::Text(name) | StoreKey::Texts(name) | StoreKey::Mapping(name) => name,
        }
    }
}

/// What a mapping says under keys of any kind of store.
#[derive(Debug, Default)]
pub(in crate::datamap) struct StoreKeys {
    text: BTreeMap<&'static str, String>,
    texts: BTreeMap<&'static str, Vec<String>>,
    mappings: BTreeMap<&'static str, BTreeMap<String, Vec<String>>>,
    /// Names read, those of empty values among them.
    given: Vec<&'static str>,
}

impl StoreKeys {
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.text.remove(name)
    }

    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.texts.remove(name)
    }

    pub fn mapping(&mut self, name: &str) -> Option<BTreeMap<String, Vec<String>>> {
        self.mappings.remove(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.text.keys().chain(self.texts.keys()).chain(self.mappings.keys()).copied()
    }

    pub(in crate::datamap) fn read<'de, A: MapAccess<'de>>(&mut self, key: StoreKey, map: &mut A) -> Result<(), A::Error> {
        if self.given.contains(&key.name()) {
            return Err(A::Error::duplicate_field(key.name()));
        }
        self.given.push(key.name());
        match key {
            StoreKey::Text(name) => self.text.extend(map.next_value::<Option<String>>()?.map(|text| (name, text))),
            StoreKey::Texts(name) => self.texts.extend(map.next_value::<Option<Vec<String>>>()?.map(|texts| (name, texts))),
            StoreKey::Mapping(name) => {
                let words = map.next_value::<Option<BTreeMap<String, Words>>>()?;
                let words = words.map(|words| words.into_iter().map(|(key, words)| (key, words.0)).collect());
                self.mappings.extend(words.map(|words| (name, words)));
            }
        }
        Ok(())
    }
}
