//! Drafts a data map from what stores hold: tables with their keys and indexes, samples of their records, keys of objects.
//!
//! Nothing here does I/O. Whoever looks into stores ([`Sampling`]) hands over what they found; a [`Survey`] keeps of values what
//! they look like and keyed hashes of them, and [`draft`] draws conclusions. A draft is a text with fixed parts of keys and names
//! of tables, fields and indexes in it, and no value of any record.
#![forbid(unsafe_code)]

mod answered;
mod column;
mod decisions;
mod draft;
mod edges;
mod findings;
mod groups;
mod hash;
mod judge;
mod names;
mod objects;
mod people;
mod plan;
mod port;
mod questions;
mod shape;
mod survey;
mod value;
mod ways;
mod write;

pub use decisions::{Decisions, InvalidDecisions};
pub use draft::{Draft, draft};
pub use findings::{Link, PersonalField};
pub use port::{Contents, NotSampled, Read, Sampling, See, Seen};
pub use questions::Question;
pub use survey::{NotLookedAt, Survey};
pub use value::{Index, Keys, Record, Table, Value, size};
