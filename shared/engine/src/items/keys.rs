//! Addresses of items. Parts are joined with `#`, which no id contains; numbers are padded so that they sort.

use crate::ports::{Key, TableName, WrappingKey};
use jiff::Timestamp;
use oubli_domain::{
    ids::{ActorId, DiscoveryId, HoldId, OrganizationId, QueryName, ReportId, RequestId},
    ledger::WitnessKey,
    limits::{InFlight, Metered},
    notification::{About, Notification},
    request::RequestKind,
    review::ReviewId,
};
use uuid::Uuid;

fn control(pk: String, sk: String) -> Key {
    Key { table: TableName::Control, pk, sk }
}

/// Everything of one request.
pub fn request_partition(organization: &OrganizationId, request: &RequestId) -> String {
    format!("org#{organization}#request#{request}")
}

/// The request itself.
pub fn request_key(organization: &OrganizationId, request: &RequestId) -> Key {
    control(request_partition(organization, request), "request".to_owned())
}

/// A round's plan.
pub fn plan_key(partition: &str, round: u32) -> Key {
    control(partition.to_owned(), format!("plan#{round:03}"))
}

/// The round of whom an export starts from that goes before an erasure.
pub const BEFORE_ANY_ROUND: u32 = 0;

/// Who a round found the person to be.
pub fn resolution_key(partition: &str, round: u32) -> Key {
    control(partition.to_owned(), format!("{RESOLUTION}{round:03}"))
}

/// What a certificate of the request says.
pub fn claims_key(partition: &str) -> Key {
    control(partition.to_owned(), "claims".to_owned())
}

/// A round's steps.
pub fn step_prefix(round: u32) -> String {
    format!("step#{round:03}#")
}

/// One step.
pub fn step_key(partition: &str, round: u32, step: u32) -> Key {
    control(partition.to_owned(), format!("step#{round:03}#{step:03}"))
}

/// The batches of a step.
pub fn batch_prefix(round: u32, step: u32) -> String {
    format!("batch#{round:03}#{step:03}#")
}

/// One batch.
pub fn batch_key(partition: &str, round: u32, step: u32, batch: u32) -> Key {
    control(partition.to_owned(), format!("batch#{round:03}#{step:03}#{batch:06}"))
}

/// How far discovery is with one producer, which is that step of the plan.
pub fn discovery_key(partition: &str, round: u32, step: u32) -> Key {
    control(partition.to_owned(), format!("discovery#{round:03}#{step:03}"))
}

/// How far the packaging of an export is.
pub fn package_key(partition: &str) -> Key {
    control(partition.to_owned(), "package".to_owned())
}

/// The rows of one batch, copied for an export.
pub fn rows_key(partition: &str, round: u32, step: u32, batch: u32) -> Key {
    control(partition.to_owned(), format!("rows#{round:03}#{step:03}#{batch:06}"))
}

/// Columns of an export's tables.
pub const COLUMNS: &str = "columns#";

/// Those of one step of it.
pub fn columns_prefix(round: u32, step: u32) -> String {
    format!("{COLUMNS}{round:03}#{step:03}#")
}

/// The columns that the rows of one batch brought.
pub fn columns_key(partition: &str, round: u32, step: u32, batch: u32) -> Key {
    control(partition.to_owned(), format!("{}{batch:06}", columns_prefix(round, step)))
}

/// Files of an export, as its directory will list them.
pub const ENTRIES: &str = "entries#";

/// Some files of an export, in their order.
pub fn entries_key(partition: &str, number: u32) -> Key {
    control(partition.to_owned(), format!("{ENTRIES}{number:06}"))
}

/// Records that could not be read for an export.
pub const MISSING: &str = "missing#";

/// Those of one batch.
pub fn missing_key(partition: &str, step: u32, batch: u32, place: usize) -> Key {
    control(partition.to_owned(), format!("{MISSING}{step:03}#{batch:06}#{place:06}"))
}

/// A record that failed, flagged by one attempt at its batch.
pub fn exception_key(partition: &str, round: u32, step: u32, batch: u32, fence: u64, place: usize) -> Key {
    control(partition.to_owned(), format!("exception#{round:03}#{step:03}#{batch:06}#{fence:06}#{place:06}"))
}

/// What people are to be told, by what it is.
pub const NOTIFICATION: &str = "notification#";

/// What people are to be told of one thing: apart from it, since whoever tells them changes nothing else.
pub fn notifications_partition(organization: &OrganizationId, about: &About) -> String {
    match about {
        About::Request(id) => format!("org#{organization}#notification#{id}"),
    }
}

/// One thing that people are to be told.
pub fn notification_key(notification: &Notification) -> Key {
    let partition = notifications_partition(&notification.organization, &notification.about);
    control(partition, format!("{NOTIFICATION}{}", notification.kind.name()))
}

/// One download of an export that was noted.
pub fn download_key(partition: &str, event: &str) -> Key {
    control(partition.to_owned(), format!("{DOWNLOAD}{event}"))
}

/// That a delivered copy could not be taken back.
pub fn left_key(partition: &str) -> Key {
    control(partition.to_owned(), "delivery-left".to_owned())
}

/// Downloads that were noted.
pub const DOWNLOAD: &str = "download#";

/// What people said of a request.
pub const WORDS: &str = "words#";

/// What somebody said, by the entry that commits to it and what it is of.
pub fn words_key(partition: &str, audit_id: &str, what: &str) -> Key {
    control(partition.to_owned(), format!("{WORDS}{audit_id}#{what}"))
}

/// Before whom each round found the person to be.
pub const RESOLUTION: &str = "person#";

/// What became of the one-time codes that somebody gave.
pub fn step_up_key(organization: &OrganizationId, actor: &ActorId) -> Key {
    control(format!("org#{organization}#step-up"), actor.to_string())
}

/// The saved queries that an export runs, as they were when it was asked for.
pub fn queries_key(partition: &str) -> Key {
    control(partition.to_owned(), "queries".to_owned())
}

/// An organization's saved queries.
pub fn saved_queries_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#queries")
}

/// One of them.
pub fn saved_query_key(organization: &OrganizationId, name: &QueryName) -> Key {
    control(saved_queries_partition(organization), name.to_string())
}

/// What concerns a subject, by one of its keys.
pub fn subject_partition(organization: &OrganizationId, subject_key: &str) -> String {
    format!("org#{organization}#subject#{subject_key}")
}

/// The guard of a subject.
pub fn guard_key(organization: &OrganizationId, subject_key: &str) -> Key {
    control(subject_partition(organization, subject_key), "guard".to_owned())
}

/// A hold in force on a subject.
pub fn subject_hold_key(organization: &OrganizationId, subject_key: &str, hold: &HoldId) -> Key {
    control(subject_partition(organization, subject_key), format!("{SUBJECT_HOLD}{hold}"))
}

/// Holds in force on a subject.
pub const SUBJECT_HOLD: &str = "hold#";

/// Open verified requests about a subject, of one kind or of any, the first to come first.
pub fn open_of_subject_prefix(kind: Option<RequestKind>) -> String {
    kind.map_or_else(|| "open#".to_owned(), |kind| format!("open#{}#", kind.name()))
}

/// One of them.
pub fn open_of_subject_key(
    organization: &OrganizationId,
    subject_key: &str,
    kind: RequestKind,
    at: Timestamp,
    request: &RequestId,
) -> Key {
    let sort = format!("{}{}", open_of_subject_prefix(Some(kind)), by_age(at, request));
    control(subject_partition(organization, subject_key), sort)
}

/// Those that wait until nothing else is under way for a subject, the first to come first.
pub fn waiting_for_subject_prefix(erases: bool) -> String {
    format!("waiting#{}#", if erases { "erasure" } else { "export" })
}

/// One of them.
pub fn waiting_for_subject_key(
    organization: &OrganizationId,
    subject_key: &str,
    erases: bool,
    at: Timestamp,
    request: &RequestId,
) -> Key {
    let sort = format!("{}{}", waiting_for_subject_prefix(erases), by_age(at, request));
    control(subject_partition(organization, subject_key), sort)
}

/// Sorts by time, then by id.
fn by_age(at: Timestamp, request: &RequestId) -> String {
    format!("{:016}#{request}", at.as_millisecond().max(0))
}

/// In how many items the version of the holds on everybody is kept: what checks it meets few others at each.
const EVERYBODY_SHARDS: u32 = 16;

/// The version of the holds on everybody, as a request checks it.
pub fn everybody_key(organization: &OrganizationId, request: &RequestId) -> Key {
    let last = request.to_string().chars().last().and_then(|c| c.to_digit(16));
    everybody_shard(organization, last.unwrap_or_default() % EVERYBODY_SHARDS)
}

/// All of them.
pub fn everybody_keys(organization: &OrganizationId) -> Vec<Key> {
    (0..EVERYBODY_SHARDS).map(|shard| everybody_shard(organization, shard)).collect()
}

fn everybody_shard(organization: &OrganizationId, shard: u32) -> Key {
    control(format!("org#{organization}#everybody#{shard:02}"), "guard".to_owned())
}

/// Requests that hold a subject's guard.
pub fn executing_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#executing")
}

/// One of them.
pub fn executing_key(organization: &OrganizationId, request: &RequestId) -> Key {
    control(executing_partition(organization), request.to_string())
}

/// That a slot was freed, which somebody who waits may want.
pub fn freed_key(organization: &OrganizationId) -> Key {
    control(format!("org#{organization}#freed"), FREED.to_owned())
}

/// The sort key of that.
pub const FREED: &str = "freed";

/// Requests that are not final.
pub fn open_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#open")
}

/// One request that is not final.
pub fn open_key(organization: &OrganizationId, request: &RequestId) -> Key {
    control(open_partition(organization), request.to_string())
}

/// Requests that wait for a slot, the first to come first.
pub fn waiting_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#waiting")
}

/// One of them.
pub fn waiting_key(organization: &OrganizationId, at: Timestamp, request: &RequestId) -> Key {
    control(waiting_partition(organization), by_age(at, request))
}

/// Requests that wait for a hold to be released.
pub fn waiting_for_hold_partition(organization: &OrganizationId, hold: &HoldId) -> String {
    format!("org#{organization}#hold#{hold}#waiting")
}

/// One of them.
pub fn waiting_for_hold_key(organization: &OrganizationId, hold: &HoldId, request: &RequestId) -> Key {
    control(waiting_for_hold_partition(organization, hold), request.to_string())
}

/// Requests that have batches in flight.
pub fn slots_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#slots")
}

/// One place for a request with batches in flight.
pub fn slot_key(organization: &OrganizationId, slot: u32) -> Key {
    control(slots_partition(organization), format!("slot#{slot:03}"))
}

/// Holds.
pub fn holds_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#holds")
}

/// Holds in force.
pub fn active_holds_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#holds#active")
}

/// One of them.
pub fn active_hold_key(organization: &OrganizationId, hold: &HoldId) -> Key {
    control(active_holds_partition(organization), hold.to_string())
}

/// Holds on somebody whose other identifiers are still looked for.
pub fn unresolved_holds_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#holds#unresolved")
}

/// One of them.
pub fn unresolved_hold_key(organization: &OrganizationId, hold: &HoldId) -> Key {
    control(unresolved_holds_partition(organization), hold.to_string())
}

/// Holds in force on everybody.
pub fn everybody_holds_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#holds#everybody")
}

/// One of them.
pub fn everybody_hold_key(organization: &OrganizationId, hold: &HoldId) -> Key {
    control(everybody_holds_partition(organization), hold.to_string())
}

/// One hold.
pub fn hold_key(organization: &OrganizationId, hold: &HoldId) -> Key {
    control(holds_partition(organization), hold.to_string())
}

/// Audit events that are not sealed yet.
pub fn outbox_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#outbox")
}

/// A data key of a request. `purpose` is [`crate::keyring::Purpose`] as text.
pub fn data_key_key(by: WrappingKey, partition: &str, purpose: &str) -> Key {
    Key { table: TableName::Keys, pk: format!("{}#{partition}", by.name()), sk: purpose.to_owned() }
}

/// One event that is not sealed yet. `order` sorts a request's events.
pub fn outbox_key(organization: &OrganizationId, order: &str) -> Key {
    control(outbox_partition(organization), order.to_owned())
}

/// That somebody looked at something in an hour, by a digest of what it was.
pub fn look_key(organization: &OrganizationId, actor: &ActorId, hour: i64, what: &str) -> Key {
    control(format!("org#{organization}#look#{actor}"), format!("{hour:08}#{what}"))
}

/// When an API key was last used, to the hour.
pub fn key_use_key(organization: &OrganizationId, key_id: &str) -> Key {
    control(format!("org#{organization}#key-use"), key_id.to_owned())
}

/// The end of an organization's log.
pub fn ledger_head_key(organization: &OrganizationId) -> Key {
    Key { table: TableName::Ledger, pk: format!("org#{organization}#ledger"), sk: "head".to_owned() }
}

/// The sort key of an organization's heartbeat.
pub const HEARTBEAT: &str = "heartbeat";

/// When an organization's log is to say that it is alive.
pub fn heartbeat_key(organization: &OrganizationId) -> Key {
    control(format!("org#{organization}#ledger"), HEARTBEAT.to_owned())
}

/// Checkpoints of an organization's log that witnesses cosigned.
pub fn cosigned_key(organization: &OrganizationId) -> Key {
    Key { table: TableName::Ledger, pk: format!("org#{organization}#ledger"), sk: "cosigned".to_owned() }
}

/// How far each witness is with a log, and when it is asked again.
pub const WITNESS: &str = "witness#";

/// One of them.
pub fn witness_key(organization: &OrganizationId, witness: &WitnessKey) -> Key {
    control(format!("org#{organization}#ledger"), format!("{WITNESS}{:08x}", witness.id()))
}

/// That a request or a hold is about somebody. `subject` is a keyed hash.
pub fn subject_index_key(organization: &OrganizationId, subject: &str, about: &str) -> Key {
    control(subject_index_partition(organization, subject), about.to_owned())
}

/// Everything about somebody.
pub fn subject_index_partition(organization: &OrganizationId, subject: &str) -> String {
    format!("org#{organization}#subject#{subject}")
}

/// The decision on one round of a request.
pub fn decision_key(partition: &str, round: u32) -> Key {
    Key { table: TableName::Decisions, pk: partition.to_owned(), sk: format!("decision#{round:03}") }
}

/// Everything of one review.
pub fn review_partition(organization: &OrganizationId, review: ReviewId) -> String {
    format!("org#{organization}#review#{:016}", review.number())
}

/// The review itself.
pub fn review_key(organization: &OrganizationId, review: ReviewId) -> Key {
    control(review_partition(organization, review), REVIEW.to_owned())
}

/// The sort key of a review.
pub const REVIEW: &str = "review";

/// What somebody said of a review afterwards.
pub const FEEDBACK: &str = "feedback#";

/// One of these.
pub fn feedback_key(organization: &OrganizationId, review: ReviewId, number: u32) -> Key {
    control(review_partition(organization, review), format!("{FEEDBACK}{number:06}"))
}

/// An organization's reviews, as they are listed.
pub fn reviews_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#reviews")
}

/// One of them.
pub fn review_row_key(organization: &OrganizationId, review: ReviewId) -> Key {
    control(reviews_partition(organization), format!("{:016}", review.number()))
}

/// The months of which an organization has reviews.
pub fn review_months_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#review-months")
}

/// One of them.
pub fn review_month_key(organization: &OrganizationId, month: &str) -> Key {
    control(review_months_partition(organization), month.to_owned())
}

/// In how many items reviews are counted, so that those made at the same moment seldom meet.
pub const REVIEW_SHARDS: u64 = 8;

/// Where some of an organization's reviews are counted.
pub fn review_counts_key(organization: &OrganizationId, shard: u64) -> Key {
    control(format!("org#{organization}#review-counts"), format!("{:02}", shard % REVIEW_SHARDS))
}

/// Which review one call asked for.
pub fn review_asked_key(organization: &OrganizationId, call: &Uuid) -> Key {
    control(format!("org#{organization}#review-asked#{}", call.simple()), "asked".to_owned())
}

/// The greatest number that a review of an organization ever had. It stays when reviews are forgotten.
pub fn review_number_key(organization: &OrganizationId) -> Key {
    control(format!("org#{organization}#review-number"), "last".to_owned())
}

/// The decision on the review that has this number and this token.
pub fn review_decision_key(organization: &OrganizationId, review: ReviewId, token: &str) -> Key {
    Key { table: TableName::Decisions, pk: review_partition(organization, review), sk: format!("decision#{token}") }
}

/// An answer kept for a repeated call.
pub fn idempotency_key(organization: &OrganizationId, hash: &str) -> Key {
    control(format!("org#{organization}#idempotency#{hash}"), "answer".to_owned())
}

/// A report made in the background.
pub fn report_key(organization: &OrganizationId, report: &ReportId) -> Key {
    control(format!("org#{organization}#report#{report}"), REPORT.to_owned())
}

/// The sort key of a report.
pub const REPORT: &str = "report";

/// Which entries of an organization's log are removed.
pub fn pruned_key(organization: &OrganizationId) -> Key {
    Key { table: TableName::Ledger, pk: format!("org#{organization}#ledger"), sk: "pruned".to_owned() }
}

/// How much an organization took of what is metered.
pub fn bucket_key(organization: &OrganizationId, of: Metered) -> Key {
    control(format!("org#{organization}#limits"), of.name().to_owned())
}

/// One of an organization's seats for what takes long.
pub fn in_flight_key(organization: &OrganizationId, of: InFlight, number: u32) -> Key {
    control(format!("org#{organization}#in-flight"), format!("{}#{number:03}", of.name()))
}

/// A stand-alone discovery.
pub fn preview_key(organization: &OrganizationId, discovery: &DiscoveryId) -> Key {
    control(format!("org#{organization}#preview#{discovery}"), "preview".to_owned())
}
