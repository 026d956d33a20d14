//! Compliance reports that are made in the background.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use oubli_tests::{AUDIT, Answer, Api, Organization, REQUESTS, run_example, text};
use serde_json::{Value, json};

const REPORTS: &str = "/v1/compliance/reports";

/// One more than is counted before anybody looks whether it takes too long.
const RECEIVED: usize = 101;

/// A report whose caller waited for no more than its beginning, once the deployment has made it.
fn made_in_the_background(organization: &Organization) -> Result<String> {
    let id = run_example("slow_report", &[&organization.id])?.succeeded()?.trim().to_owned();
    let since = Instant::now();
    loop {
        let report = organization.auditor.get(&format!("{REPORTS}/{id}"))?.ok()?;
        if report["status"] == "completed" {
            assert_eq!(report["requests_counted"], RECEIVED, "{report}");
            return Ok(id);
        }
        ensure!(report["status"] == "running" && since.elapsed() < Duration::from_secs(60), "{report}");
        std::thread::sleep(Duration::from_millis(150));
    }
}

fn file(api: &Api, id: &str, format: &str) -> Result<Answer> {
    let answer = api.get(&format!("{REPORTS}/{id}/file?format={format}"))?;
    ensure!(answer.status == 200, "{format}: {} {}", answer.status, answer.text);
    Ok(answer)
}

#[test]
fn p7_a_report_made_in_the_background_is_the_file_that_is_asked_for_and_whose_fetching_is_noted() -> Result<()> {
    let shop = Organization::create(5)?;
    for n in 0..RECEIVED {
        // Nobody has verified it: it waits, and its stores are left alone.
        let body = json!({ "subject_id": format!("cust-{n}"), "request_type": "full_erasure", "reason": "consent_withdrawn" });
        shop.officer.post(REQUESTS, &body)?.ok()?;
    }
    let (first, second) = (made_in_the_background(&shop)?, made_in_the_background(&shop)?);
    for id in [&first, &second] {
        let made = file(&shop.auditor, id, "json")?;
        ensure!(made.content_type.starts_with("application/json"), "{}", made.content_type);
        assert_eq!(made.body["request_summary"]["open"], RECEIVED, "{}", made.text);
        let csv = file(&shop.auditor, id, "csv")?;
        ensure!(csv.content_type.starts_with("text/csv"), "{}", csv.content_type);
        ensure!(csv.text.starts_with("\u{feff}\"section\",\"measure\",\"value\"\r\n"), "{}", csv.text);
        ensure!(csv.text.contains(&format!(r#""request_summary","received","{RECEIVED}""#)), "{}", csv.text);
        let pdf = file(&shop.auditor, id, "pdf")?;
        ensure!(pdf.content_type == "application/pdf" && pdf.text.starts_with("%PDF-"), "{}", pdf.content_type);
        ensure!(pdf.text.trim_end().ends_with("%%EOF"), "it is cut: {} characters", pdf.text.len());
    }
    // It says what one that was made at once says.
    let period = json!({ "start_date": "2026-01-01", "end_date": "2126-12-31" });
    let at_once = shop.auditor.post(REPORTS, &json!({ "type": "gdpr_erasure", "period": period }))?.ok()?;
    let made = file(&shop.officer, &first, "json")?.body;
    for part in ["type", "period", "request_summary", "completion_stats", "sla_compliance", "exceptions"] {
        ensure!(!made[part].is_null(), "no {part} in {made}");
        assert_eq!(made[part], at_once[part], "{part}");
    }

    let path = format!("{REPORTS}/{first}/file");
    shop.auditor.get(&format!("{path}?format=docx"))?.refused(400, "unknown_format")?.names("format")?;
    shop.reviewer.get(&path)?.refused(403, "forbidden")?;
    Organization::other()?.get(&path)?.refused(404, "not_found")?;

    let noted = shop.auditor.all(&format!("{AUDIT}?event_type=report_read"), "entries", 100)?.0;
    let of = |entry: &Value| -> Result<(String, String)> {
        Ok((text(&entry["details"], "report_id")?.to_owned(), text(entry, "actor")?.to_owned()))
    };
    let read = noted.iter().map(of).collect::<Result<BTreeSet<_>>>()?;
    let of_report = |id: &str| read.iter().filter(|(report, _)| report == id).count();
    assert_eq!((of_report(&first), of_report(&second), read.len()), (2, 1, 3), "two read the first, one both: {noted:?}");
    // Whoever fetches one in each of its forms has read it once, unless the hour ends meanwhile.
    let hour =
        |entry: &Value| -> Result<_> { Ok((of(entry)?, text(entry, "timestamp")?.get(..13).context("a time")?.to_owned())) };
    let hours = noted.iter().map(hour).collect::<Result<BTreeSet<_>>>()?;
    assert_eq!(hours.len(), noted.len(), "{noted:?}");
    Ok(())
}
