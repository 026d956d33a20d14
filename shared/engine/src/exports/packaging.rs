//! How far the packaging of an export is, and what a worker under claim holds of it.

use crate::{
    EngineError, Result,
    core::{Core, Delivered},
    exports::open_file::{BeforeFile, OpenFileItem},
    items::{RequestItem, StepItem},
    ports::{Condition, Connector, DataKey},
    transaction::equals,
};
use data_encoding::HEXLOWER;
use jiff::{Timestamp, tz::TimeZone};
use oubli_archive::{
    contents::{Hidden, MOST_MISSING, Missing},
    look::Look,
    rows::Columns,
    tables::{ROWS_A_PAGE, pages_of, rows_a_page},
};
use oubli_domain::{
    datamap::{DataMap, Producer},
    ids::{Category, QueryName},
    language::Language,
    saved_query::SavedQuery,
    settings::Settings,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How far the packaging of an export is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PackageItem {
    /// Counts claims: every write checks it.
    pub fence: u32,
    /// Until when the claim holds, in milliseconds.
    pub lease_until: i64,
    /// Claims since it last got on.
    pub attempts: u32,
    /// Uploads to the organization's own bucket that were lost.
    #[serde(default)]
    pub uploads_lost: u32,
    pub stage: Stage,
    /// The round whose plan is packaged; 0 where nobody noted it.
    #[serde(default)]
    pub round: u32,
    /// The time that the archive shows.
    pub began_at: Timestamp,
    /// The message's id, in hexadecimal.
    pub message_id: String,
    pub upload: Option<String>,
    /// Parts uploaded, and the SHA-256 chain of their tags.
    pub parts: u32,
    pub parts_digest: String,
    /// Bytes of the archive so far.
    pub offset: u64,
    /// Bytes of the message so far.
    pub size: u64,
    /// The message's state, sealed.
    pub sealed_message: Option<String>,
    /// The object with the message's bytes that are in no part yet.
    pub unflushed: Option<String>,
    /// The file that the archive stands inside of.
    #[serde(default)]
    pub open_file: Option<OpenFileItem>,
    /// How often the next file was begun anew, for it had changed.
    #[serde(default)]
    pub begun_anew: u32,
    /// The object is there.
    #[serde(default)]
    pub whole: bool,
    /// Objects with entries.
    pub saves: u32,
    /// Objects with bytes that fill no part, so far.
    #[serde(default)]
    pub tails: u32,
    /// Of these, those that were written over by later ones and may still be there.
    #[serde(default)]
    pub superseded: Vec<String>,
    /// Files so far.
    pub entries: u64,
    /// By step.
    pub tallies: BTreeMap<u32, Tally>,
    /// What became of each saved query.
    #[serde(default)]
    pub queries: BTreeMap<QueryName, Answered>,
    /// What its files begin with.
    #[serde(default)]
    pub file_prefix: String,
    /// Whom its pages are written for: the same from the first to the last.
    #[serde(default)]
    pub look: ExportLook,
    /// What erasures hide of the person.
    #[serde(default)]
    pub hidden: Vec<Hidden>,
    /// Bytes of the files' lines in the manifest so far.
    #[serde(default)]
    pub listed_bytes: u64,
    /// What becomes of its delivery.
    #[serde(flatten)]
    pub delivered: Delivered,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Copies rows to the staging area.
    Collect { at: usize, batch: u32 },
    /// Writes the archive.
    Pack(Position),
    /// All of it is written.
    Written,
}

/// What became of a step's records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub records: u64,
    pub gone: u64,
    pub missing: u64,
    /// Delete markers, and whatever else has nothing to show.
    #[serde(default)]
    pub bare: u64,
    /// How many columns its table has. Their names may be data, and as many as there are records: they are put down sealed.
    #[serde(default)]
    pub columns: u32,
    /// Some fields have no column.
    #[serde(default)]
    pub more_fields: bool,
    /// Fields that the data map masks or names, and that some record has.
    #[serde(default)]
    pub seen: BTreeSet<String>,
    /// Fields by which something of some record is masked.
    #[serde(default)]
    pub masked: BTreeSet<String>,
    /// Bytes of its rows, as they were copied.
    #[serde(default)]
    pub bytes: u64,
    /// Files that its table has.
    #[serde(default)]
    pub tables: u32,
    /// The first save that may have files of it.
    #[serde(default)]
    pub first_save: u32,
}

/// Whom the pages of an export are written for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExportLook {
    pub language: Language,
    /// Whose days are meant, an IANA name.
    pub time_zone: String,
    /// Who holds the data, by name.
    pub controller: String,
}

impl ExportLook {
    pub fn of(settings: &Settings) -> Self {
        let (time_zone, controller) = (settings.time_zone.clone(), settings.name.clone());
        Self { language: settings.language, time_zone, controller }
    }

    pub fn look(&self) -> Look {
        Look { language: self.language, zone: TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC) }
    }
}

impl PackageItem {
    /// Nobody wrote since. Whoever was slow may go on saving until somebody else claims: what it saved is not written over.
    pub fn as_read(&self) -> Vec<Condition> {
        vec![equals("fence", self.fence), equals("lease_until", self.lease_until)]
    }

    pub fn new(core: &Core, settings: &Settings, round: u32, hidden: Vec<Hidden>, fence: u32) -> Self {
        let mut message_id = [0_u8; 32];
        core.ports.entropy.fill(&mut message_id);
        Self {
            fence,
            lease_until: 0,
            attempts: 0,
            uploads_lost: 0,
            stage: Stage::Collect { at: 0, batch: 0 },
            round,
            began_at: core.now(),
            message_id: HEXLOWER.encode(&message_id),
            upload: None,
            parts: 0,
            parts_digest: String::new(),
            offset: 0,
            size: 0,
            sealed_message: None,
            unflushed: None,
            open_file: None,
            begun_anew: 0,
            whole: false,
            saves: 0,
            tails: 0,
            superseded: vec![],
            entries: 0,
            tallies: BTreeMap::new(),
            queries: BTreeMap::new(),
            file_prefix: settings.file_prefix.clone(),
            look: ExportLook::of(settings),
            hidden,
            listed_bytes: 0,
            delivered: Delivered::default(),
        }
    }

    /// How far it is: what is saved and is no further counts as no step.
    pub fn reached(&self) -> Reached {
        let Self { stage, offset, upload, whole, delivered, .. } = self;
        Reached { stage: stage.clone(), offset: *offset, upload: upload.clone(), whole: *whole, delivered: delivered.clone() }
    }

    /// Where the archive stands, as it was just put down before a file.
    pub fn before_file(&self) -> BeforeFile {
        let Self { offset, size, parts, parts_digest, sealed_message, unflushed, .. } = self.clone();
        BeforeFile { offset, size, parts, parts_digest, sealed_message, unflushed }
    }

    /// The objects with bytes of the message that it may yet go on from.
    pub fn needed_tails(&self) -> impl Iterator<Item = &String> {
        self.unflushed.iter().chain(self.open_file.iter().filter_map(|open| open.before.unflushed.as_ref()))
    }

    /// Records on a page of a step's table.
    pub fn rows_a_page(&self, number: u32) -> u64 {
        self.tallies.get(&number).map_or(ROWS_A_PAGE, |t| rows_a_page(t.records, t.bytes, t.columns as usize))
    }

    /// Pages that show a step, of files or of rows.
    pub fn pages(&self, number: u32, files: bool) -> u32 {
        let a_page = if files { ROWS_A_PAGE } else { self.rows_a_page(number) };
        pages_of(self.tallies.get(&number).map_or(0, |t| t.records), a_page)
    }

    /// The parts that were written, if those of an upload are these.
    pub fn written(&self, parts: Vec<(u32, String)>) -> Option<Vec<(u32, String)>> {
        let parts: Vec<(u32, String)> = parts.into_iter().filter(|(number, _)| *number <= self.parts).collect();
        let digest = parts.iter().fold(String::new(), |digest, (number, tag)| chain(&digest, *number, tag));
        (digest == self.parts_digest).then_some(parts)
    }

    /// Records in the archive, and those that could not be read; a saved query that its store did not wholly answer counts
    /// as one of them.
    pub fn totals(&self) -> (u64, u64) {
        let unanswered = self.queries.values().filter(|a| a.failed.is_some()).count() as u64;
        self.tallies.values().fold((0, unanswered), |(records, missing), t| (records + t.records, missing + t.missing))
    }
}

/// What became of a saved query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub rows: u64,
    /// Why it has no answer, or not all of it.
    pub failed: Option<String>,
    /// It has a table all the same: its store answered to some of what it was asked by.
    #[serde(default)]
    pub in_part: bool,
    /// Files of its table; none of one of before, which had one.
    #[serde(default)]
    pub files: u32,
}

impl Answered {
    /// Without an answer.
    pub fn not(reason: String) -> Self {
        Self { rows: 0, failed: Some(reason), in_part: false, files: 0 }
    }

    pub const fn has_table(&self) -> bool {
        self.failed.is_none() || self.in_part
    }
}

/// A place that a packaging has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    stage: Stage,
    offset: u64,
    upload: Option<String>,
    whole: bool,
    delivered: Delivered,
}

impl Reached {
    /// Whether it is further than another by something else than a few bytes inside of a file.
    pub fn is_beyond(&self, before: &Self, least: u64) -> bool {
        let elsewhere = Self { offset: before.offset, ..self.clone() } != *before;
        elsewhere || self.offset.abs_diff(before.offset) >= least
    }
}

/// Records that cannot be read after which a worker writes a checkpoint: a transaction holds no more.
const MOST_MISSING_AT_ONCE: usize = 200;

/// What the next checkpoint notes.
#[derive(Default)]
pub(super) struct Notes {
    /// Records that could not be read, each with its step, batch and place.
    pub missing: Vec<((u32, u32, usize), Missing)>,
    /// Records and batches that a step is through with.
    pub processed: BTreeMap<u32, (u64, u64)>,
}

impl Notes {
    /// Whether there are so many that they have to be put down.
    pub fn is_due(&self) -> bool {
        self.missing.len() >= MOST_MISSING_AT_ONCE
    }

    /// Counts a batch of a step as processed, for whoever watches.
    pub fn processed(&mut self, number: u32, records: u64) {
        let before = self.processed.entry(number).or_default();
        *before = (before.0 + records, before.1 + 1);
    }
}

/// A packaging under claim.
pub(super) struct Packaging {
    pub request: RequestItem,
    pub partition: String,
    pub item: PackageItem,
    /// Where it stood when it last got on.
    pub reached: Reached,
    pub map: Arc<DataMap>,
    pub steps: Vec<(u32, StepItem)>,
    pub queries: Vec<SavedQuery>,
    /// Opens the manifest.
    pub manifest: DataKey,
    /// Seals what is staged.
    pub staging_key: DataKey,
    /// The columns of each step's table, once somebody asked for them.
    pub columns: BTreeMap<u32, Columns>,
    /// What goes with the next checkpoint.
    pub notes: Notes,
    /// No effect begins at or after this time, in milliseconds.
    pub stop_at: i64,
}

/// How far a worker got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// To the end.
    Through,
    /// Until its time was used up.
    Paused,
}

impl Packaging {
    /// Whether a reviewer left a category out.
    pub fn leaves_out(&self, category: &Category) -> bool {
        self.request.leaves_out(category)
    }

    /// Counts a record that could not be read, and lists it: the export says so, and is not complete.
    pub fn note_missing(&mut self, place: (u32, u32, usize), missing: Missing) {
        // The counts are of all; the list is as long as one can read.
        if self.item.totals().1 < MOST_MISSING as u64 {
            self.notes.missing.push((place, missing));
        }
        self.item.tallies.entry(place.0).or_default().missing += 1;
    }

    /// What became of a step's records so far.
    pub fn tally(&self, number: u32) -> Tally {
        self.item.tallies.get(&number).cloned().unwrap_or_default()
    }

    /// A step's number, what it is about, and who speaks to its store.
    pub fn step(&self, core: &Core, at: usize) -> Result<(u32, &StepItem, &Producer, Arc<dyn Connector>)> {
        let broken = || EngineError::internal("a step of an export is not in its data map");
        let (number, step) = self.steps.get(at).ok_or_else(broken)?;
        let producer = self.map.producer(&step.producer).ok_or_else(broken)?;
        let store = self.map.stores.get(&producer.store).ok_or_else(broken)?;
        Ok((*number, step, producer, core.ports.stores.connector(&producer.store, store)?))
    }
}

/// Where the archive goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Position {
    /// With a step, whatever it holds.
    Step {
        at: usize,
    },
    /// With a table, as JSON or for spreadsheets, from a batch on.
    Rows {
        at: usize,
        table: bool,
        batch: u32,
        /// Files of it so far.
        #[serde(default)]
        files: u32,
    },
    /// With the pages of a table.
    RowPages {
        at: usize,
        pages: RowPages,
    },
    /// With files, from one on.
    Files {
        at: usize,
        batch: u32,
        record: usize,
    },
    /// With the pages of files.
    FilePages {
        at: usize,
        pages: FilePages,
    },
    /// With a saved query.
    Query {
        at: usize,
    },
    #[default]
    Begin,
    /// With the pages for people.
    Pages,
    Manifest,
    Directory,
}

/// Where the pages of a table go on: behind so many rows of a batch, and so many pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RowPages {
    pub batch: u32,
    pub row: u64,
    pub page: u32,
}

/// Where the pages of files go on: behind so many files of a save, and so many pages; the last save with files is before
/// `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilePages {
    pub save: u32,
    pub skip: u64,
    pub page: u32,
    pub until: u32,
}

/// Chains a part's number and tag onto those before it.
pub(super) fn chain(before: &str, number: u32, tag: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    hash.update(number.to_be_bytes());
    hash.update(tag.as_bytes());
    HEXLOWER.encode(&hash.finalize())
}
