//! What a deployment sets.

use crate::ports::WitnessAddress;
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{datamap::StoreAddress, limits::Limits};

/// What a deployment sets for its workers.
#[derive(Debug, Clone)]
pub struct Config {
    /// After so many seconds the platform kills a worker: no effect begins later, and no lease is shorter.
    pub worker_timeout_seconds: u32,
    /// The AWS Region of its functions: tables of which a map names no Region are there.
    pub region: String,
    /// What the organizations' logs are named after; with the organization's id it is a log's origin.
    pub ledger_name: String,
    /// How long nobody can delete a checkpoint, a cosignature or a full tile of hashes.
    pub checkpoints_kept_days: u32,
    /// Oubli's own tables and buckets, which no organization's data is in.
    pub own_stores: Vec<StoreAddress>,
    /// Who is asked to cosign the checkpoints.
    pub witnesses: Vec<WitnessAddress>,
    /// How long the entries of a log are kept; for ever unless given.
    pub entries_kept_days: Option<u32>,
    /// How many years back people can be looked up in a log; for ever unless given.
    pub subject_index_kept_years: Option<u32>,
    /// How long a report is counted while its caller waits.
    pub report_patience_seconds: u32,
    /// Bytes of a part of an export's upload, at least the fewest that S3 takes of any but the last; very large exports have
    /// larger ones.
    pub export_part_bytes: u64,
    /// Bytes of an export after which a worker notes how far it is.
    pub export_save_bytes: u64,
    /// Bytes of an export that are copied at once when it is delivered: what S3 copies in some seconds.
    pub delivery_part_bytes: u64,
    /// The smallest file of an export that a worker puts down before its end, for the next one to go on with.
    pub resumable_file_bytes: u64,
    /// The largest record that is hidden through the vault; what a worker copies in its time unless given.
    pub largest_record_bytes: Option<u64>,
    /// An issuer may be on this machine itself: for trials. On AWS it is what runs the function that answers there.
    pub local_issuers: bool,
    /// What one organization may use up, unless it has limits of its own; nothing is limited, and nobody's own are read, unless
    /// given.
    pub limits: Option<Limits>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            worker_timeout_seconds: 120,
            region: "local".to_owned(),
            ledger_name: "oubli".to_owned(),
            checkpoints_kept_days: 1,
            own_stores: vec![],
            witnesses: vec![],
            entries_kept_days: None,
            subject_index_kept_years: None,
            report_patience_seconds: 20,
            export_part_bytes: 5 * 1024 * 1024,
            export_save_bytes: 32 * 1024 * 1024,
            delivery_part_bytes: 64 * 1024 * 1024,
            resumable_file_bytes: 32 * 1024 * 1024,
            largest_record_bytes: None,
            local_issuers: false,
            limits: None,
        }
    }
}

impl Config {
    /// Seconds before the end of a worker's time in which it begins nothing more.
    const RESERVE: i64 = 15;
    /// Seconds for which a lease outlives the longest worker.
    const MARGIN: i64 = 15;

    /// The longest turn of a lane.
    const LONGEST_TURN: SignedDuration = SignedDuration::from_secs(10);

    /// Bytes that a worker surely copies in a second, out of a store and into the vault or back.
    const COPIED_PER_SECOND: u64 = 10 * 1024 * 1024;

    /// The largest record that one worker hides, or puts back, in its time.
    pub(crate) fn largest_record(&self) -> u64 {
        let seconds = u64::from(self.worker_timeout_seconds);
        let working = seconds - Self::RESERVE.unsigned_abs().min(seconds / 4);
        self.largest_record_bytes.unwrap_or(working * Self::COPIED_PER_SECOND)
    }

    /// Bytes inside of one file of an export that are a step forward: whoever brings fewer each time, as from a stream that
    /// breaks off again and again, would go on for weeks.
    pub(crate) const fn least_progress(&self) -> u64 {
        let bytes = self.resumable_file_bytes / 32;
        if bytes == 0 { 1 } else { bytes }
    }

    /// How long a worker stays with one lane of batches before others have a turn: no longer where it has much time, so that no
    /// organization's large request keeps workers from the others.
    pub(crate) fn turn(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.worker_timeout_seconds) / 3).min(Self::LONGEST_TURN)
    }

    /// When a lease taken now runs out, in milliseconds.
    pub(crate) fn lease_until(&self, now: Timestamp) -> i64 {
        now.as_millisecond() + (i64::from(self.worker_timeout_seconds) + Self::MARGIN) * 1000
    }

    /// When a worker that claims now begins no more effects, in milliseconds.
    pub(crate) fn stop_at(&self, now: Timestamp) -> i64 {
        let seconds = i64::from(self.worker_timeout_seconds);
        now.as_millisecond() + (seconds - Self::RESERVE.min(seconds / 4)) * 1000
    }
}
