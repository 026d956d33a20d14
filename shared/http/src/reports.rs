//! Compliance reports.

mod csv;
mod log;

use crate::{
    call::{Call, Id, NoQuery, Post, scoped},
    checks::Checks,
    files::FileAnswer,
    json::Object,
    problem::Problem,
    requests::{FailureAnswer, allowed},
    rooms::ReportRooms,
    routes::{Routes, routes},
    shapes,
    words::{ReportFormat, ReportSection, ReportType, TableFormat, Word},
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    ids::ReportId,
    report::{Period, Report, Section},
};
use oubli_engine::{
    EngineError, ProblemCode,
    api::{ReportOrder, ReportOutcome, ReportView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What report serves of them.
pub(crate) fn report() -> Routes<ReportRooms> {
    routes!(create, show, fetch, log::export)
}

/// A report to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "type": "gdpr_erasure",
    "period": { "start_date": "2026-01-01", "end_date": "2026-12-31" },
    "format": "pdf",
    "include": ["request_summary", "sla_compliance"]
}))]
pub(crate) struct NewReport {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// What it is about.
    #[serde(rename = "type")]
    #[schema(value_type = ReportType)]
    kind: Option<String>,
    /// Requests received in it.
    #[schema(value_type = PeriodBody)]
    period: Option<Object<PeriodBody>>,
    /// `json` unless given.
    #[schema(value_type = Option<ReportFormat>)]
    format: Option<String>,
    /// Everything unless given.
    #[schema(value_type = Option<Vec<ReportSection>>)]
    include: Option<Vec<String>>,
}

/// A period in the organization's time zone, both days included.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportPeriod)]
pub(crate) struct PeriodBody {
    /// First day; not in the future.
    #[schema(value_type = String, format = Date, example = "2026-01-01")]
    start_date: Option<String>,
    /// Last day; not before the first.
    #[schema(value_type = String, format = Date, example = "2026-12-31")]
    end_date: Option<String>,
}

scoped!(NewReport);

struct Wanted {
    order: ReportOrder,
    format: TableFormat,
}

impl NewReport {
    fn check(self, now: Timestamp) -> Result<Wanted, Problem> {
        let mut checks = Checks::default();
        if self.kind.is_none() {
            checks.missing("type", ReportType::all().join(", "));
        }
        let kind =
            self.kind.and_then(|k| checks.word(ProblemCode::UnknownType, "type", &k, ReportType::parse, ReportType::all()));
        let format = self.format.as_deref().unwrap_or("json");
        let format = checks.word(ProblemCode::UnknownFormat, "format", format, ReportFormat::parse, ReportFormat::all());
        let sections = match self.include {
            None => Section::ALL.to_vec(),
            Some(names) => {
                let read = |name: &String| {
                    checks.word(ProblemCode::UnknownSection, "include", name, ReportSection::parse, ReportSection::all())
                };
                names.iter().filter_map(read).collect()
            }
        };
        let period = Self::period(&mut checks, self.period.map(|Object(period)| period), now);
        let wanted = kind.zip(format).zip(period);
        checks
            .finish_with(wanted.map(|((kind, format), period)| Wanted { order: ReportOrder { kind, period, sections }, format }))
    }

    fn period(checks: &mut Checks, period: Option<PeriodBody>, now: Timestamp) -> Option<Period> {
        let accepted = "two dates such as 2026-01-01, the first not after the second";
        let Some(period) = period else {
            checks.missing("period", format!("start_date and end_date: {accepted}"));
            return None;
        };
        for (name, date) in [("period.start_date", &period.start_date), ("period.end_date", &period.end_date)] {
            if date.is_none() {
                checks.missing(name, "a date such as 2026-01-31");
            }
        }
        let start = checks.date("period.start_date", period.start_date.as_deref())?;
        let end = checks.date("period.end_date", period.end_date.as_deref())?;
        if end < start {
            checks.refuse(ProblemCode::InvalidPeriod, "period.end_date", "it is before start_date", accepted);
        }
        // A day ahead is today somewhere.
        let tomorrow = now.to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().ok()?;
        if start > tomorrow {
            checks.refuse(ProblemCode::InvalidPeriod, "period.start_date", "it is in the future", "a day that has begun");
        }
        Some(Period { start_date: start, end_date: end })
    }
}

/// A compliance report that is made in the background.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub(crate) struct ReportAnswer {
    /// By which to ask for it again.
    report_id: String,
    /// `running`, `completed` or `failed`.
    status: String,
    /// When it began to be made.
    started_at: Timestamp,
    /// Requests counted so far.
    requests_counted: u64,
    /// Why it could not be made, if it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureAnswer>,
}

impl From<ReportView> for ReportAnswer {
    fn from(view: ReportView) -> Self {
        let ReportView { id, status, started_at, requests_counted, failure } = view;
        Self {
            report_id: id.to_string(),
            status: status.name().to_owned(),
            started_at,
            requests_counted,
            failure: failure.map(Into::into),
        }
    }
}

/// How to write a report.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// `json` unless given.
    #[param(value_type = Option<ReportFormat>)]
    format: Option<String>,
}

scoped!(FileQuery);

/// Make a compliance report
///
/// On the requests received in a period: how many, how long they took, whether targets were met, what was kept. Making
/// one is noted in the log. A report that takes longer than 20 seconds to count is answered 202 and made in the
/// background; its file is kept for a day.
#[utoipa::path(
    post,
    path = "/v1/compliance/reports",
    tag = "reports",
    operation_id = "create_compliance_report",
    request_body = NewReport,
    responses(
        (
            status = 200,
            description = "The report.",
            content((Object = "application/json"), (String = "text/csv"), (Vec<u8> = "application/pdf")),
        ),
        (status = 202, description = "It is being made; ask again by its id.", body = ReportAnswer),
    ),
)]
pub(crate) async fn create(
    State(engine): State<ReportRooms>,
    Post { caller, body, key }: Post<NewReport>,
) -> Result<Response, Problem> {
    let Wanted { order, format } = allowed(&caller, Action::Report, body.check(Timestamp::now()))?;
    let id = ReportId::from_uuid(key.map_or_else(Uuid::now_v7, |key| key.id()));
    match engine.reports().report(&caller, id, order).await? {
        ReportOutcome::Done(report) => Ok(file(&engine, &caller, &report, format).await?.into_response()),
        ReportOutcome::Running(view) => {
            let location = format!("/v1/compliance/reports/{}", view.id);
            Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(ReportAnswer::from(view))).into_response())
        }
    }
}

/// Show how far a report is
///
/// For one that is made in the background.
#[utoipa::path(
    get,
    path = "/v1/compliance/reports/{id}",
    tag = "reports",
    operation_id = "get_compliance_report",
    params(("id" = shapes::ReportId, Path, description = "The report."), NoQuery),
    responses((status = 200, description = "How far it is.", body = ReportAnswer)),
)]
pub(crate) async fn show(
    State(engine): State<ReportRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(id): Id<ReportId>,
) -> Result<Json<ReportAnswer>, Problem> {
    Ok(Json(engine.reports().report_status(&caller, id).await?.into()))
}

/// Fetch a report made in the background
///
/// Fetching it is noted in the log.
#[utoipa::path(
    get,
    path = "/v1/compliance/reports/{id}/file",
    tag = "reports",
    operation_id = "get_compliance_report_file",
    params(("id" = shapes::ReportId, Path, description = "The report."), FileQuery),
    responses(
        (
            status = 200,
            description = "The report.",
            content((Object = "application/json"), (String = "text/csv"), (Vec<u8> = "application/pdf")),
        ),
    ),
)]
pub(crate) async fn fetch(
    State(engine): State<ReportRooms>,
    Call { caller, query }: Call<FileQuery>,
    Id(id): Id<ReportId>,
) -> Result<FileAnswer, Problem> {
    let mut checks = Checks::default();
    let format = query.format.as_deref().unwrap_or("json");
    let format = checks.word(ProblemCode::UnknownFormat, "format", format, ReportFormat::parse, ReportFormat::all());
    let format = checks.finish_with(format)?;
    let report = engine.reports().finished_report(&caller, id).await?;
    file(&engine, &caller, &report, format).await
}

async fn file(engine: &ReportRooms, caller: &Caller, report: &Report, format: TableFormat) -> Result<FileAnswer, Problem> {
    let name = |ending: &str| format!("report-{}-{}.{ending}", report.period.start_date, report.period.end_date);
    Ok(match format {
        TableFormat::Json => {
            let bytes = serde_json::to_vec(report).map_err(|e| EngineError::internal(format!("a report: {e}")))?;
            FileAnswer { media_type: "application/json", name: name("json"), bytes }
        }
        TableFormat::Csv => FileAnswer { media_type: "text/csv; charset=utf-8", name: name("csv"), bytes: csv::table(report) },
        TableFormat::Pdf => FileAnswer {
            media_type: "application/pdf",
            name: name("pdf"),
            bytes: engine.reports().report_pdf(&caller.organization, report).await?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(start: &str, end: &str) -> Result<Wanted, Problem> {
        let period = PeriodBody { start_date: Some(start.to_owned()), end_date: Some(end.to_owned()) };
        let body = NewReport { kind: Some("sla".to_owned()), period: Some(Object(period)), ..NewReport::default() };
        body.check("2026-06-15T12:00:00Z".parse().expect("a time"))
    }

    #[test]
    fn a_period_backwards_or_in_the_future_is_refused() {
        assert!(checked("2026-01-01", "2026-12-31").is_ok());
        assert!(checked("2026-06-15", "2026-06-15").is_ok());
        for (start, end) in [("2026-02-01", "2026-01-31"), ("2026-06-17", "2026-06-30")] {
            assert_eq!(checked(start, end).err().expect("refused").code(), ProblemCode::InvalidPeriod);
        }
        assert_eq!(checked("2026-02-30", "2026-03-31").err().expect("refused").code(), ProblemCode::InvalidDate);
    }

    #[test]
    fn what_is_missing_is_named() {
        let problem = NewReport::default().check(Timestamp::UNIX_EPOCH).err().expect("refused");
        assert_eq!(problem.code(), ProblemCode::MissingField);
    }
}
