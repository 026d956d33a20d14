//! Compliance reports.

mod csv;
mod log;

use crate::{
    call::{Post, scoped},
    checks::Checks,
    files::FileAnswer,
    openapi::IdempotencyKey,
    problem::{ChangeRefusals, Problem, Refusals},
    requests::allowed,
    words::{ReportFormat, ReportSection, ReportType, TableFormat, Word},
};
use axum::extract::State;
use jiff::Timestamp;
use oubli_domain::{
    access::Action,
    report::{Period, ReportKind, Section},
};
use oubli_engine::{Engine, EngineError};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What report serves of them.
pub(crate) fn report() -> OpenApiRouter<Engine> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(log::export))
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
    organization_id: Option<String>,
    #[serde(rename = "type")]
    #[schema(value_type = ReportType)]
    kind: Option<String>,
    /// Requests received in it.
    #[schema(value_type = PeriodBody)]
    period: Option<PeriodBody>,
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
    /// First day.
    #[schema(value_type = String, example = "2026-01-01")]
    start_date: Option<String>,
    /// Last day.
    #[schema(value_type = String, example = "2026-12-31")]
    end_date: Option<String>,
}

scoped!(NewReport);

struct Wanted {
    kind: ReportKind,
    period: Period,
    format: TableFormat,
    sections: Vec<Section>,
}

impl NewReport {
    fn check(self, now: Timestamp) -> Result<Wanted, Problem> {
        let mut checks = Checks::default();
        if self.kind.is_none() {
            checks.missing("type", ReportType::all().join(", "));
        }
        let kind = self.kind.and_then(|k| checks.word("unknown_type", "type", &k, ReportType::parse, ReportType::all()));
        let format = self.format.as_deref().unwrap_or("json");
        let format = checks.word("unknown_format", "format", format, ReportFormat::parse, ReportFormat::all());
        let sections = match self.include {
            None => Section::ALL.to_vec(),
            Some(names) => {
                let read =
                    |name: &String| checks.word("unknown_section", "include", name, ReportSection::parse, ReportSection::all());
                names.iter().filter_map(read).collect()
            }
        };
        let period = Self::period(&mut checks, self.period, now);
        let wanted = kind.zip(format).zip(period);
        checks.finish_with(wanted.map(|((kind, format), period)| Wanted { kind, period, format, sections }))
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
            checks.refuse("invalid_period", "period.end_date", "it is before start_date", accepted);
        }
        // A day ahead is today somewhere.
        let tomorrow = now.to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().ok()?;
        if start > tomorrow {
            checks.refuse("invalid_period", "period.start_date", "it is in the future", "a day that has begun");
        }
        Some(Period { start_date: start, end_date: end })
    }
}

/// Make a compliance report
///
/// On the requests received in a period: how many, how long they took, whether targets were met, what was kept. Making
/// one is noted in the log. Repeating the call is safe, with or without a key.
#[utoipa::path(
    post,
    path = "/v1/compliance/reports",
    tag = "reports",
    operation_id = "create_compliance_report",
    security(("bearer" = [])),
    params(IdempotencyKey),
    request_body = NewReport,
    responses(
        (
            status = 200,
            description = "The report.",
            content((Object = "application/json"), (String = "text/csv"), (Vec<u8> = "application/pdf")),
        ),
        Refusals,
        ChangeRefusals,
    ),
)]
pub(crate) async fn create(
    State(engine): State<Engine>,
    Post { caller, body, .. }: Post<NewReport>,
) -> Result<FileAnswer, Problem> {
    let wanted = allowed(&caller, Action::Report, body.check(Timestamp::now()))?;
    let report = engine.report(&caller, wanted.kind, wanted.period, &wanted.sections).await?;
    let name = |ending: &str| format!("report-{}-{}.{ending}", wanted.period.start_date, wanted.period.end_date);
    Ok(match wanted.format {
        TableFormat::Json => {
            let bytes = serde_json::to_vec(&report).map_err(|e| EngineError::Broken(format!("a report: {e}")))?;
            FileAnswer { media_type: "application/json", name: name("json"), bytes }
        }
        TableFormat::Csv => {
            FileAnswer { media_type: "text/csv; charset=utf-8", name: name("csv"), bytes: csv::table(&report).into_bytes() }
        }
        TableFormat::Pdf => FileAnswer {
            media_type: "application/pdf",
            name: name("pdf"),
            bytes: engine.report_pdf(&caller.organization, &report).await?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(start: &str, end: &str) -> Result<Wanted, Problem> {
        let period = PeriodBody { start_date: Some(start.to_owned()), end_date: Some(end.to_owned()) };
        let body = NewReport { kind: Some("sla".to_owned()), period: Some(period), ..NewReport::default() };
        body.check("2026-06-15T12:00:00Z".parse().expect("a time"))
    }

    #[test]
    fn a_period_backwards_or_in_the_future_is_refused() {
        assert!(checked("2026-01-01", "2026-12-31").is_ok());
        assert!(checked("2026-06-15", "2026-06-15").is_ok());
        for (start, end) in [("2026-02-01", "2026-01-31"), ("2026-06-17", "2026-06-30")] {
            assert_eq!(checked(start, end).err().expect("refused").code(), "invalid_period");
        }
        assert_eq!(checked("2026-02-30", "2026-03-31").err().expect("refused").code(), "invalid_date");
    }

    #[test]
    fn what_is_missing_is_named() {
        let problem = NewReport::default().check(Timestamp::UNIX_EPOCH).err().expect("refused");
        assert_eq!(problem.code(), "missing_field");
    }
}
