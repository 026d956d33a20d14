//! Tables.

use super::{Deed, size, unavailable};
use crate::{mutant::Mutant, oracle, promise, world::WorldState};
use bytes::Bytes;
use oubli_domain::datamap::{Producer, Selection};
use oubli_engine::ports::{Applied, Expected, Fields, Found, Matched, PutBack, RecordRef, StoreError};
use serde_json::json;
use std::collections::BTreeMap;

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub version: u64,
    pub fields: BTreeMap<String, String>,
    pub written_ms: i64,
}

/// What sets the members of a list apart.
const MEMBERS: char = '|';

/// A member that is no text.
const UNREADABLE: &str = "{}";

impl Row {
    pub(super) fn body(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(&(self.version, &self.fields)).unwrap_or_default())
    }

    pub(super) fn found(&self, key: &str, matched: Option<Matched>, fields: &[String]) -> Found {
        let record = RecordRef { key: json!({ "id": key }), matched, selection: None };
        Found { record, bytes: size(key), fields: self.read(fields), locked_until: None }
    }

    /// Fields of it, as whoever asks for them by name gets them.
    pub(super) fn read(&self, fields: &[String]) -> Fields {
        let mut read = Fields::default();
        for name in fields {
            match self.fields.get(name) {
                Some(text) if text.contains(MEMBERS) => {
                    let members = text.split(MEMBERS).filter(|member| *member != UNREADABLE).map(str::to_owned).collect();
                    read.add_list(name, members, text.split(MEMBERS).any(|member| member == UNREADABLE));
                }
                Some(text) => read.add(name, text.clone()),
                None => {}
            }
        }
        read
    }
}

pub(super) fn key_of(record: &RecordRef) -> String {
    record.key.get("id").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn still_selected(producer: &Producer, record: &RecordRef, row: &Row) -> bool {
    let Some(matched) = &record.matched else { return true };
    let own = producer.select.iter().enumerate().filter(|(place, _)| record.may_be_found_by(*place));
    let mut ways = own.filter_map(|(_, s)| if let Selection::Items(items) = s { Some(items) } else { None });
    row.fields.get(&matched.attribute) == Some(&matched.value)
        && ways.any(|items| {
            let own = items.attribute == matched.attribute && items.value.fits(&matched.value);
            own && items.is_met(|name| row.fields.get(name).map(Into::into))
        })
}

impl WorldState {
    /// The application writes a row.
    pub fn app_writes(&mut self, table: &str, key: &str, fields: &[(&str, &str)]) {
        self.shop.next_version += 1;
        let version = self.shop.next_version;
        let fields: BTreeMap<String, String> = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.shop.written.entry(table.to_owned()).or_default().insert(fields.clone());
        self.note(|| format!("row of {table}/{key}: {fields:?}"));
        let row = Row { version, fields, written_ms: self.now_ms };
        self.shop.tables.entry(table.to_owned()).or_default().insert(key.to_owned(), row);
        self.did(table, key, Deed::AppWrote, version);
    }

    /// The application deletes a row.
    pub fn app_deletes(&mut self, table: &str, key: &str) {
        if let Some(row) = self.shop.tables.entry(table.to_owned()).or_default().remove(key) {
            self.did(table, key, Deed::AppDeleted, row.version);
        }
    }

    /// Between the copy of a row and its removal, the application may delete it or write it anew.
    fn app_is_quicker(&mut self, table: &str, key: &str) {
        if !self.interferes() {
            return;
        }
        if self.chance(500) {
            return self.app_deletes(table, key);
        }
        if let Some(row) = self.shop.tables.get(table).and_then(|t| t.get(key)).cloned() {
            let fields: Vec<(&str, &str)> = row.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            self.app_writes(table, key, &fields);
        }
    }

    pub(super) fn remove_row(&mut self, table: &str, expected: &Expected) -> Result<Applied, StoreError> {
        let key = key_of(&expected.record);
        if let Some(refused) = self.refusal(table, &key) {
            return Err(refused);
        }
        self.app_is_quicker(table, &key);
        let mutant = self.mutant;
        let Some(row) = self.shop.tables.get(table).and_then(|t| t.get(&key)).cloned() else {
            return Ok(if mutant == Some(Mutant::NotFoundIsErased) { Applied::Done } else { Applied::Absent });
        };
        let same = expected.version.0 == json!(row.version);
        if !same && mutant != Some(Mutant::DeleteWithoutVersion) {
            return Ok(Applied::Changed);
        }
        if !same {
            self.broke(promise::NEWER_REMOVED, || format!("{table}/{key}"));
        }
        oracle::before_hiding(self, table, &key, row.version, &row.fields);
        if let Some(rows) = self.shop.tables.get_mut(table) {
            rows.remove(&key);
        }
        self.did(table, &key, Deed::Removed, row.version);
        Ok(Applied::Done)
    }

    pub(super) fn return_row(&mut self, table: &str, record: &RecordRef, bytes: &[u8]) -> Result<PutBack, StoreError> {
        let key = key_of(record);
        if let Some(refused) = self.refusal(table, &key) {
            return Err(refused);
        }
        let (version, fields): (u64, BTreeMap<String, String>) =
            serde_json::from_slice(bytes).map_err(|_| unavailable("unreadable"))?;
        if let Some(there) = self.shop.tables.get(table).and_then(|t| t.get(&key)) {
            return Ok(if there.version == version && there.fields == fields { PutBack::Restored } else { PutBack::Conflict });
        }
        let written_ms = self.now_ms;
        self.shop.tables.entry(table.to_owned()).or_default().insert(key.clone(), Row { version, fields, written_ms });
        self.did(table, &key, Deed::PutBack, version);
        Ok(PutBack::Restored)
    }
}
