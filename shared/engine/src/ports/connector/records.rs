//! Records as connectors find, read, change and return them.

use super::{Fields, StoreError};
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::civil::Date;
use oubli_domain::datamap::Selection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// A record's address in its store, as its connector writes it. Personal: keys often carry a person's id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRef {
    /// The primary key, or object key and version.
    pub key: Value,
    /// What made it the subject's when it was found; checked again before it is touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<Matched>,
    /// The place of the selection that found it; none where that is not known, so that it may have been any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<u16>,
}

impl RecordRef {
    /// Whether a selection of its producer may have found it, by its place.
    pub fn may_be_found_by(&self, place: usize) -> bool {
        self.selection.is_none_or(|own| usize::from(own) == place)
    }
}

impl fmt::Debug for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[record]")
    }
}

/// An attribute and the value that a record was selected by.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// The attribute.
    pub attribute: String,
    /// Its value.
    pub value: String,
}

impl fmt::Debug for Matched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}

/// A way to records, with what it starts from.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// The way.
    pub selection: &'a Selection,
    /// What it starts from.
    pub value: &'a str,
}

/// What is to be found.
#[derive(Clone, Copy)]
pub struct Selector<'a> {
    /// The way to the records.
    pub way: Way<'a>,
    /// Fields of each record to bring along, for retention rules and for producers found through this one.
    pub fields: &'a [String],
    /// What any of these finds is left out: an earlier selection of the producer found it, or it belongs to a producer that
    /// is more specific.
    pub but: &'a [Way<'a>],
}

/// A record found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its address.
    pub record: RecordRef,
    /// Its size in bytes, as the store counts it.
    pub bytes: u64,
    /// The fields asked for.
    pub fields: Fields,
    /// The store itself forbids its deletion until this day (Object Lock). [`Date::MAX`] where it names none.
    pub locked_until: Option<Date>,
}

/// A page of records found.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// The records.
    pub records: Vec<Found>,
    /// Where to go on; `None` at the end. Connector's own form, may hold personal data.
    pub next: Option<Value>,
    /// At the end of a way whose looking at others' records is bounded: how much that was. The first page for the next value of
    /// the same selection goes on after it, so that the bound is one for all that a person is looked for by.
    pub looked: Option<Value>,
}

/// What makes a record exactly the version that was read.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Version(pub Value);

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[version]")
    }
}

/// A record as it stands, with all that is needed to put it back.
pub struct Snapshot {
    /// Its version.
    pub version: Version,
    /// It still matches what it was selected by.
    pub still_selected: bool,
    /// The fields asked for, as in [`Found::fields`].
    pub fields: Fields,
    /// What belongs to it besides its bytes (content type, metadata).
    pub envelope: Value,
    /// Exact length of its bytes.
    pub length: u64,
    /// Its bytes.
    pub body: BoxStream<'static, Result<Bytes, StoreError>>,
}

/// A record to change if it is still this version.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Its address.
    pub record: RecordRef,
    /// The version.
    pub version: Version,
}

/// What is done to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It goes.
    Remove,
}

/// What became of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Done by this call, on a reply that this very try did it.
    Done,
    /// There, but another version: not touched.
    Changed,
    /// Not there. After a lost reply this may have been our own doing.
    Absent,
}

/// A record to put back.
pub struct Returned {
    /// Its address.
    pub record: RecordRef,
    /// What [`Snapshot::envelope`] said.
    pub envelope: Value,
    /// Exact length of its bytes.
    pub length: u64,
    /// Its bytes.
    pub body: BoxStream<'static, Result<Bytes, StoreError>>,
}

/// What became of a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutBack {
    /// It stands again; also when it already stood and is equal.
    Restored,
    /// Something newer stands there: left alone.
    Conflict,
    /// Neither it nor what hid it is there any more: somebody else removed it.
    Gone,
}
