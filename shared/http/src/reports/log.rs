//! The audit log for regulators and auditors.

use super::csv::{begin, cell};
use crate::{
    audit::moments,
    call::{Post, scoped},
    checks::Checks,
    files::{is_marked, keep_mark},
    json,
    problem::Problem,
    requests::allowed,
    rooms::ReportRooms,
    shapes::{self, MOST},
    words::{ExportFormat, LogFormat, Word},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;
use oubli_domain::{access::Action, spreadsheet::line};
use oubli_engine::{LogExport, LogSelection, ProblemCode};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The columns of the table; `details` and `exclusions` as JSON.
const COLUMNS: [&str; 13] = [
    "index",
    "timestamp",
    "event_type",
    "audit_id",
    "request_id",
    "subject_id_hash",
    "actor",
    "data_erased",
    "exclusions",
    "details",
    "nonce",
    "previous_hash",
    "hash",
];

/// Which part of the log, and how.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "format": "ndjson", "start_date": "2026-01-01", "end_date": "2026-12-31" }))]
pub(crate) struct NewExport {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// `ndjson` unless given: each line is an entry byte for byte, so that it can be verified.
    #[schema(value_type = Option<ExportFormat>)]
    format: Option<String>,
    /// The first entry wanted; `oubli-next-index` of the answer before, or 0.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(value_type = Option<shapes::LogPlace>)]
    from: Option<u64>,
    /// Begin with the first entry not before this date, in the organization's time zone, or this time with its offset.
    #[schema(value_type = Option<shapes::Moment>)]
    start_date: Option<String>,
    /// End with the last entry not after this date, which is included, or this time with its offset.
    #[schema(value_type = Option<shapes::Moment>)]
    end_date: Option<String>,
}

scoped!(NewExport);

/// Export the audit log
///
/// From an entry on, as much as one answer carries; `oubli-next-index` says where the next part begins, and is absent
/// at the end. With dates, everything between the first and the last entry that they name. `oubli-checkpoint`
/// is the signed checkpoint of the whole log, base64. `oubli ledger export` puts the parts together and `oubli verify log` checks them. Exporting is noted in the log.
#[utoipa::path(
    post,
    path = "/v1/compliance/audit-log/exports",
    tag = "audit log",
    operation_id = "export_audit_log",
    request_body = Option<NewExport>,
    responses(
        (
            status = 200,
            description = "Entries in order.",
            content((String = "application/x-ndjson"), (String = "text/csv")),
            headers(
                ("oubli-next-index" = Option<u64>, description = "Where the next part begins."),
                ("oubli-checkpoint" = String, description = "The signed checkpoint of the whole log, base64."),
            ),
        ),
    ),
)]
pub(crate) async fn export(
    State(engine): State<ReportRooms>,
    Post { caller, body, .. }: Post<NewExport>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let format = body.format.as_deref().unwrap_or("ndjson");
    let format = checks.word(ProblemCode::UnknownFormat, "format", format, ExportFormat::parse, ExportFormat::all());
    if body.from.is_some_and(|from| from > MOST) {
        checks.refuse(
            ProblemCode::InvalidValue,
            "from",
            "no log has so many entries",
            format!("a whole number from 0 to {MOST}"),
        );
    }
    let (start, end) = moments(&engine, &caller, &mut checks, body.start_date.as_deref(), body.end_date.as_deref()).await?;
    let format = allowed(&caller, Action::ReadAudit, checks.finish_with(format))?;
    let selection = LogSelection { from: body.from.unwrap_or_default(), start, end };
    let export = engine.ledger().export_log(&caller, selection).await?;
    let (media_type, text) = match format {
        LogFormat::Ndjson => ("application/x-ndjson", lines(&export)),
        LogFormat::Csv => ("text/csv; charset=utf-8", table(&export)),
    };
    let marked = is_marked(&text);
    let mut response = (StatusCode::OK, Body::from(text)).into_response();
    let headers = response.headers_mut();
    keep_mark(headers, marked);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(next) = export.next {
        headers.insert("oubli-next-index", HeaderValue::from(next));
    }
    if let Ok(checkpoint) = HeaderValue::from_str(&BASE64.encode(export.checkpoint.as_bytes())) {
        headers.insert("oubli-checkpoint", checkpoint);
    }
    Ok(response)
}

fn lines(export: &LogExport) -> Vec<u8> {
    let mut text = Vec::new();
    for leaf in &export.leaves {
        text.extend_from_slice(leaf);
        text.push(b'\n');
    }
    text
}

fn table(export: &LogExport) -> Vec<u8> {
    let mut text = begin(&COLUMNS);
    for leaf in &export.leaves {
        let entry: Value = serde_json::from_slice(leaf).unwrap_or_default();
        text.extend(line(COLUMNS.map(|column| cell(&entry[column]))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(leaves: &[&str]) -> LogExport {
        LogExport { leaves: leaves.iter().map(|leaf| leaf.as_bytes().to_vec()).collect(), next: None, checkpoint: String::new() }
    }

    #[test]
    fn a_log_opens_in_a_spreadsheet_as_what_it_says_and_its_lines_are_its_bytes() {
        let leaf =
            r#"{"index":7,"timestamp":"2026-11-21T12:00:00Z","actor":"+33612345678","details":{"reason":"=1+1"},"nonce":"007"}"#;
        let text = String::from_utf8(table(&export(&[leaf]))).expect("text");
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("\u{feff}\"index\",\"timestamp\",\"event_type\","), "{text}");
        let cells = [
            r#""7""#,
            r#""2026-11-21T12:00:00Z""#,
            r#""""#,
            r#""""#,
            r#""""#,
            r#""""#,
            r#""'+33612345678""#,
            r#""""#,
            r#""""#,
            r#""{""reason"":""=1+1""}""#,
            r#""'007""#,
            r#""""#,
            r#""""#,
        ];
        assert_eq!(lines[1], cells.join(","));
        assert_eq!(super::lines(&export(&[leaf])), format!("{leaf}\n").into_bytes(), "no mark: they are hashed");
    }
}
