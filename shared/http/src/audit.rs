//! The audit log.

use crate::{
    call::{Call, Post, scoped},
    checks::Checks,
    json::{self, Object},
    page::{self, limit},
    problem::Problem,
    requests::allowed,
    rooms::{Gate, IntakeRooms},
    routes::{Routes, routes},
    shapes,
    subject::{GivenIdentifiers, IdentifierBody, asked_about},
    words::{EventType, Word},
};
use axum::{Json, extract::State};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use oubli_domain::{
    access::{Action, Caller},
    audit::AuditExclusion,
    written_time::{iso_date, rfc3339},
};
use oubli_engine::{
    ProblemCode, Result,
    api::{AuditQuery, AuditView},
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use utoipa::{IntoParams, ToSchema};

/// What intake serves of it.
pub(crate) fn intake() -> Routes<IntakeRooms> {
    routes!(query, search)
}

/// Which entries to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntriesQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Only entries of this type.
    #[param(value_type = Option<EventType>)]
    event_type: Option<String>,
    /// Not before this date, in the organization's time zone, or this time with its offset.
    #[param(value_type = Option<shapes::Moment>, example = "2026-01-01")]
    start_date: Option<String>,
    /// Not after this date, which is included, or this time with its offset.
    #[param(value_type = Option<shapes::Moment>, example = "2026-12-31T23:59:59Z")]
    end_date: Option<String>,
    /// Only entries about this request.
    #[param(value_type = Option<shapes::RequestId>)]
    request_id: Option<String>,
    /// Only what this actor did, by its opaque id.
    #[param(value_type = Option<shapes::ActorId>)]
    actor: Option<String>,
    /// Only what is about this person, as far as the index of people reaches back.
    #[param(value_type = Option<shapes::Identifier>)]
    subject_id: Option<String>,
    /// As `subject_id`.
    #[param(value_type = Option<shapes::EmailAddress>)]
    subject_email: Option<String>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<shapes::Cursor>)]
    cursor: Option<String>,
    /// How many, 1 to 100; 20 unless given.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// Which entries to look for. What names a person stands in no address, which others may log.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "subject_id": "cust-00042", "event_type": "request_received", "start_date": "2026-11-01" }))]
pub(crate) struct EntriesSearch {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Only entries of this type.
    #[schema(value_type = Option<EventType>)]
    event_type: Option<String>,
    /// Not before this date, in the organization's time zone, or this time with its offset.
    #[schema(value_type = Option<shapes::Moment>)]
    start_date: Option<String>,
    /// Not after this date, which is included, or this time with its offset.
    #[schema(value_type = Option<shapes::Moment>)]
    end_date: Option<String>,
    /// Only entries about this request.
    #[schema(value_type = Option<shapes::RequestId>)]
    request_id: Option<String>,
    /// Only what this actor did, by its opaque id.
    #[schema(value_type = Option<shapes::ActorId>)]
    actor: Option<String>,
    /// Only what is about this person, as far as the index of people reaches back.
    #[schema(value_type = Option<shapes::Identifier>)]
    subject_id: Option<String>,
    /// The person's email address.
    #[schema(value_type = Option<shapes::EmailAddress>)]
    subject_email: Option<String>,
    /// More identifiers of the person, of kinds that the data map declares.
    #[schema(max_items = 10, value_type = Option<Vec<IdentifierBody>>)]
    identifiers: Option<Vec<Object<IdentifierBody>>>,
    /// `next_cursor` of the page before.
    #[schema(value_type = Option<shapes::Cursor>)]
    cursor: Option<String>,
    /// How many; 20 unless given.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

scoped!(EntriesQuery, EntriesSearch);

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub(crate) struct EntriesAnswer {
    /// Sealed entries in order, then events that wait to be sealed.
    entries: Vec<EntryAnswer>,
    /// For the next page; none after the last. A page may be short, or empty, and still have a next one.
    next_cursor: Option<String>,
}

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct EntryAnswer {
    /// Names the entry.
    audit_id: String,
    event_type: EventType,
    /// When it happened.
    timestamp: Timestamp,
    /// The request it is about, if it is about one.
    request_id: Option<String>,
    /// A commitment to the person's identifier, which cannot be guessed back.
    subject_id_hash: Option<String>,
    /// Who did it: a name while the directory knows it, then the opaque id; `oubli` for what Oubli did by itself.
    executed_by: String,
    /// Opaque id of whoever did it.
    actor: Option<String>,
    data_erased: DataErasedAnswer,
    /// What was kept, and why.
    exclusions: Vec<AuditExclusionAnswer>,
    /// SHA-256 of the entry; none before it is sealed, as are `previous_hash` and `index`.
    hash: Option<String>,
    /// That of the entry before.
    previous_hash: Option<String>,
    /// Its place in the organization's log, from 0.
    index: Option<u64>,
    /// The version of the entry's format.
    version: Option<u32>,
    /// Random bytes that keep the entry from being guessed by its hash.
    nonce: Option<String>,
    /// It is in the log.
    sealed: bool,
    /// Further facts: codes, counts, digests.
    #[schema(value_type = Object)]
    details: serde_json::Map<String, serde_json::Value>,
}

/// How much was erased.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DataErased)]
pub(crate) struct DataErasedAnswer {
    /// Records other than vectors.
    documents: u64,
    /// Records that are vectors.
    vectors: u64,
    /// The size of all of them.
    size_bytes: u64,
}

/// A category kept, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditExclusion)]
pub(crate) struct AuditExclusionAnswer {
    /// The category.
    category: String,
    /// `retention`, `with_parent`, `export_only`, `fields_not_replaced`, `locked`, `legal_hold`, `excluded_by_reviewer`,
    /// `out_of_scope`, `restored`, `too_large`, `another_person`, `refused` or `cancelled`; of what was not looked at, `no_identifier`,
    /// `some_identifiers`, `backups_left_out`, `logs_left_out`, `derived_left_out`, `not_asked`, `unusable` or
    /// `unusable_identifier`.
    reason: String,
    /// The last day on which it is kept, where one is known.
    retention_until: Option<Date>,
}

impl From<AuditExclusion> for AuditExclusionAnswer {
    fn from(exclusion: AuditExclusion) -> Self {
        let AuditExclusion { category, reason, retention_until } = exclusion;
        Self { category: category.into(), reason, retention_until }
    }
}

impl From<AuditView> for EntryAnswer {
    fn from(view: AuditView) -> Self {
        let (entry, sealed) = (view.entry, view.sealed);
        let actor = entry.event.actor.map(String::from);
        Self {
            audit_id: entry.event.audit_id,
            event_type: EventType(entry.event.event_type),
            timestamp: entry.event.timestamp,
            request_id: entry.event.request_id.map(Into::into),
            subject_id_hash: entry.event.subject_id_hash,
            executed_by: view.executed_by.or_else(|| actor.clone()).unwrap_or_else(|| "oubli".to_owned()),
            actor,
            data_erased: DataErasedAnswer {
                documents: entry.event.data_erased.documents,
                vectors: entry.event.data_erased.vectors,
                size_bytes: entry.event.data_erased.size_bytes,
            },
            exclusions: entry.event.exclusions.into_iter().map(Into::into).collect(),
            hash: sealed.then_some(entry.hash),
            previous_hash: sealed.then_some(entry.previous_hash),
            index: sealed.then_some(entry.index),
            version: sealed.then_some(entry.version),
            nonce: sealed.then_some(entry.nonce),
            sealed,
            details: entry.event.details,
        }
    }
}

/// A date or a time, as an end of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Day(Date),
    Time(Timestamp),
}

impl Moment {
    fn read(checks: &mut Checks, field: &str, text: Option<&str>) -> Option<Self> {
        let text = text?;
        let moment = iso_date(text).map(Moment::Day).or_else(|| rfc3339(text).map(Moment::Time));
        if moment.is_none() {
            let accepted = "a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z";
            checks.refuse(ProblemCode::InvalidDate, field, "it is neither a date nor a time with an offset", accepted);
        }
        moment
    }

    fn first(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Moment::Time(time) => Some(time),
            Moment::Day(day) => day.to_zoned(zone.clone()).ok().map(|z| z.timestamp()),
        }
    }

    /// The day itself is included.
    fn last(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Moment::Time(time) => Some(time),
            Moment::Day(day) => {
                let next = day.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
                next.timestamp().checked_sub(1.nanosecond()).ok()
            }
        }
    }
}

/// Days begin and end in the organization's time zone.
async fn zone<G: Gate>(gate: &G, caller: &Caller, moments: [Option<Moment>; 2]) -> Result<TimeZone> {
    if !moments.iter().any(|m| matches!(m, Some(Moment::Day(_)))) {
        return Ok(TimeZone::UTC);
    }
    let settings = gate.directory().settings(&caller.organization).await?;
    Ok(TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC))
}

/// The two ends of a period, either of which may be open.
pub(crate) async fn moments<G: Gate>(
    gate: &G,
    caller: &Caller,
    checks: &mut Checks,
    start_date: Option<&str>,
    end_date: Option<&str>,
) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
    let from = Moment::read(checks, "start_date", start_date);
    let to = Moment::read(checks, "end_date", end_date);
    let zone = zone(gate, caller, [from, to]).await?;
    let (start, end) = (from.and_then(|m| m.first(&zone)), to.and_then(|m| m.last(&zone)));
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        checks.refuse(ProblemCode::InvalidDate, "end_date", "it is before start_date", "a date or time not before start_date");
    }
    Ok((start, end))
}

fn id<T: FromStr<Err = oubli_domain::ids::InvalidId>>(checks: &mut Checks, field: &str, text: Option<&str>) -> Option<T> {
    match text?.parse() {
        Ok(id) => Some(id),
        Err(invalid) => {
            checks.refuse(ProblemCode::InvalidValue, field, &format!("this is not {}", invalid.kind), invalid.reason);
            None
        }
    }
}

/// Query the audit log
///
/// In the log's own order, by every filter that is given. Reading it is itself noted in the log, once an
/// hour for each question.
#[utoipa::path(
    get,
    path = "/v1/compliance/audit-log",
    tag = "audit log",
    operation_id = "query_audit_log",
    params(EntriesQuery),
    responses((status = 200, description = "A page.", body = EntriesAnswer)),
)]
pub(crate) async fn query(
    State(engine): State<IntakeRooms>,
    Call { caller, query }: Call<EntriesQuery>,
) -> Result<Json<EntriesAnswer>, Problem> {
    let mut checks = Checks::default();
    let limit = limit(&mut checks, query.limit.as_deref());
    let EntriesQuery {
        organization_id,
        event_type,
        start_date,
        end_date,
        request_id,
        actor,
        subject_id,
        subject_email,
        cursor,
        limit: _,
    } = query;
    let asked = EntriesSearch {
        organization_id,
        event_type,
        start_date,
        end_date,
        request_id,
        actor,
        subject_id,
        subject_email,
        identifiers: None,
        cursor,
        limit: None,
    };
    found(&engine, &caller, checks, asked, limit).await
}

/// Search the audit log
///
/// As the query, with whoever is meant in the body.
#[utoipa::path(
    post,
    path = "/v1/compliance/audit-log/search",
    tag = "audit log",
    operation_id = "search_audit_log",
    request_body = Option<EntriesSearch>,
    responses((status = 200, description = "A page.", body = EntriesAnswer)),
)]
pub(crate) async fn search(State(engine): State<IntakeRooms>, post: Post<EntriesSearch>) -> Result<Json<EntriesAnswer>, Problem> {
    let Post { caller, body, .. } = post;
    let mut checks = Checks::default();
    let limit = page::limit_of_body(&mut checks, body.limit);
    found(&engine, &caller, checks, body, limit).await
}

async fn found(
    engine: &IntakeRooms,
    caller: &Caller,
    mut checks: Checks,
    asked: EntriesSearch,
    limit: usize,
) -> Result<Json<EntriesAnswer>, Problem> {
    if let Some(word) = asked.event_type.as_deref() {
        let _ = checks.word(ProblemCode::UnknownEventType, "event_type", word, EventType::parse, EventType::all());
    }
    let request_id = id(&mut checks, "request_id", asked.request_id.as_deref());
    let actor = id(&mut checks, "actor", asked.actor.as_deref());
    let given = GivenIdentifiers::of(&asked.subject_id, &asked.subject_email, &asked.identifiers);
    let subject = asked_about(&engine.subjects(), caller, &mut checks, given).await?;
    let cursor = page::cursor(&mut checks, asked.cursor);
    let (from, to) = (asked.start_date.as_deref(), asked.end_date.as_deref());
    let (start, end) = moments(engine, caller, &mut checks, from, to).await?;
    allowed(caller, Action::ReadAudit, checks.finish())?;
    let query = AuditQuery { event_type: asked.event_type, start, end, request_id, actor, subject, cursor, limit };
    let page = engine.ledger().audit(caller, query).await?;
    Ok(Json(EntriesAnswer { entries: page.entries.into_iter().map(Into::into).collect(), next_cursor: page.next_cursor }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_included_whole_in_the_time_zone_of_the_organization() {
        let zone = TimeZone::get("Europe/Berlin").expect("zone");
        let day = Moment::read(&mut Checks::default(), "end_date", Some("2026-03-29")).expect("a date");
        assert_eq!(day.first(&zone).expect("in range").to_string(), "2026-03-28T23:00:00Z");
        // The day on which summer time begins has 23 hours.
        assert_eq!(day.last(&zone).expect("in range").to_string(), "2026-03-29T21:59:59.999999999Z");
    }

    #[test]
    fn a_date_of_another_shape_is_refused() {
        for bad in ["29.03.2026", "2026-13-01", "2026-03-29T10:00:00", "today", ""] {
            let mut checks = Checks::default();
            assert_eq!(Moment::read(&mut checks, "start_date", Some(bad)), None);
            assert_eq!(checks.finish().expect_err(bad).code(), ProblemCode::InvalidDate);
        }
    }
}
