//! The data map: where an organization keeps personal data, how a person's records are found there, and what
//! erasing them means.

mod address;
mod check;
mod duties;
mod erase;
mod finding;
mod keyed;
mod model;
mod nearest;
mod order;
mod overlap;
mod parse;
mod pattern;
mod personal_fields;
mod reach;
mod read;
mod retention;
mod selection;
mod showing;
mod source;
mod stores;
mod template;
mod unfinished;
mod words;

#[cfg(test)]
mod bounded_tests;
#[cfg(test)]
mod tests;

pub use address::{InvalidStoreAddress, StoreAddress};
pub use check::check;
pub use finding::{Finding, Severity};
pub use model::{DataMap, EraseAction, ExportRules, Producer, Store};
pub use nearest::nearest;
pub use order::{Cycle, deletion_order, selection_order};
pub use overlap::{Duty, OtherWay, Overlap, Sharing, overlaps};
pub use pattern::Pattern;
pub use personal_fields::{
    Meaning, Strength, is_about_another, is_role, is_thing, looks_personal, meaning, names_an_id, words as words_of,
};
pub use reach::{Reach, identifies_further, leads_both_ways, reach};
pub use read::{InvalidMap, MAX_BYTES, kinds_alone, parse};
pub use retention::{DateForm, Duties, EndOf, Retention, RetentionPeriod, YearEnd};
pub use selection::{ItemSelection, ObjectKeys, ObjectSelection, ScanBound, SelectBy, Selection, SortKey, SortKeyIs};
pub use showing::Showing;
pub use source::{Change, Difference, Lines, differences};
pub use stores::*;
pub use template::Template;
pub use unfinished::unfinished_of;
