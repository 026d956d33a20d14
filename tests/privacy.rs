//! Nothing that names a person stands in logs, tables, object names, queues, answers about others or refusals.

use anyhow::{Context, Result, ensure};
use oubli_tests::{AUDIT, Customer, DISCOVERY, HOLDS, Job, Organization, REQUESTS, full_erasure, python};
use serde_json::{Value, json};

fn search(customer: &Customer) -> Result<Value> {
    let report: Value = serde_json::from_str(&python("leaks.py", &[&customer.id, &customer.email, &customer.word])?)?;
    ensure!(report["found"].as_array().is_some_and(Vec::is_empty), "{:#}", report["found"]);
    Ok(report["searched"].clone())
}

/// Who, in every way a caller may say it.
fn request(customer: &Customer) -> Value {
    let mut body = full_erasure(&customer.id);
    body["subject_email"] = json!(customer.email);
    body
}

#[test]
fn p10_an_erasure_leaves_no_trace_of_whom_it_was_about() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let subject = json!({ "subject_id": customer.id, "subject_email": customer.email, "include_metadata": true });
    let seen = demo.officer.post(DISCOVERY, &subject)?.ok()?;
    ensure!(!seen.to_string().contains(&customer.word), "discovery repeats the address");
    let hold = json!({
        "subject_id": customer.id, "categories": ["invoices"],
        "reason": format!("{} sued us", customer.word), "reference": customer.id,
    });
    let placed = demo.officer.post(HOLDS, &hold)?.ok()?;
    let hold = format!("{HOLDS}/{}", placed["hold_id"].as_str().context("no hold_id")?);

    let job = Job::in_review(&demo, &request(&customer))?;
    search(&customer).context("in review")?;
    job.execute(&json!({ "approval_notes": format!("I called {} ({})", customer.word, customer.email) }))?.ok()?;
    job.wait_for("recoverable")?;
    search(&customer).context("while recoverable")?;
    demo.officer.delete(&hold)?.ok()?;
    job.until(|status| Ok(status["phase"] == "completed_with_exceptions" || status["phase"] == "in_review"))?;

    job.sealed_log("request_received")?;
    let (entries, _) = demo.auditor.all(&format!("{AUDIT}?request_id={}", job.id), "entries", 100)?;
    let log = json!(entries).to_string();
    ensure!(!log.contains(&customer.word) && !log.contains(&customer.id), "{log}");
    let searched = search(&customer).context("at the end")?;
    for place in ["logs", "control table", "keys table", "decisions table", "ledger table", "directory table", "queues"] {
        ensure!(searched[place].as_u64() > Some(0), "nothing was searched in {place}: {searched}");
    }
    Ok(())
}

#[test]
fn p7_certificates_exports_and_reports_name_nobody() -> Result<()> {
    let demo = Organization::demo()?;
    let (customer, other) = (Customer::plant()?, Customer::plant()?);
    let mut jobs = Vec::new();
    for whose in [&customer, &other] {
        let job = Job::in_review(&demo, &request(whose))?;
        job.execute(&json!({}))?.ok()?;
        jobs.push(job);
    }
    for job in &jobs {
        job.wait_for("completed_with_exceptions")?;
        job.sealed_log("request_completed")?;
    }
    let mut papers = Vec::new();
    for job in &jobs {
        // Not even one's own certificate names one: it only opens the commitment.
        papers.push(demo.officer.post(&job.path("/certificate"), &json!({ "include_details": true }))?);
    }
    for format in ["ndjson", "csv"] {
        let mut from = 0;
        loop {
            let part = demo.auditor.post(&format!("{AUDIT}/exports"), &json!({ "format": format, "from": from }))?;
            let entries = part.text.lines().count() as u64 - u64::from(format == "csv");
            papers.push(part);
            from += entries;
            let size = demo.auditor.get(&format!("{AUDIT}/checkpoint"))?.ok()?["size"].as_u64();
            if entries == 0 || size.is_none_or(|size| from + 3 >= size) {
                break;
            }
        }
    }
    for format in ["json", "csv"] {
        let period = json!({ "start_date": "2026-01-01", "end_date": "2126-12-31" });
        let body = json!({ "type": "gdpr_erasure", "period": period, "format": format });
        papers.push(demo.auditor.post("/v1/compliance/reports", &body)?);
    }
    for paper in papers {
        ensure!(paper.status == 200 && paper.text.len() > 100, "{} {}", paper.status, paper.text);
        for whose in [&customer, &other] {
            for word in [&whose.id, &whose.email, &whose.word] {
                ensure!(!paper.text.contains(word.as_str()), "{word} stands in {}", paper.text);
            }
        }
    }
    Ok(())
}

#[test]
fn how_a_person_was_checked_is_kept_sealed() -> Result<()> {
    let customer = Customer::plant()?;
    let mut body = request(&customer);
    let method = json!(format!("called {}", customer.word));
    body["verification"]["method"] = method.clone();
    let job = Job::in_review(&Organization::demo()?, &body)?;
    assert_eq!(job.detail()?["verification"]["method"], method);
    search(&customer).map(drop)
}

#[test]
fn why_a_category_is_left_out_is_kept_sealed() -> Result<()> {
    let customer = Customer::plant()?;
    let job = Job::in_review(&Organization::demo()?, &request(&customer))?;
    let reason = format!("{} wants it back", customer.word);
    job.execute(&json!({ "exclusions": [{ "category": "chat_history", "reason": reason }] }))?.ok()?;
    assert_eq!(job.detail()?["exclusions"][0]["reason"], reason);
    search(&customer).map(drop)
}

#[test]
fn why_something_is_cancelled_rejected_or_extended_is_kept_sealed() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let words = format!("{} called again", customer.word);
    let job = Job::in_review(&demo, &request(&customer))?;
    demo.officer.post(&job.path("/extend"), &json!({ "reasons": words }))?.ok()?;
    demo.officer.post(&job.path("/cancel"), &json!({ "reason": words }))?.ok()?;
    let job = Job::in_review(&demo, &request(&customer))?;
    demo.reviewer.post(&job.path("/reject"), &json!({ "reason": words }))?.ok()?;
    job.sealed_log("request_rejected")?;
    search(&customer).map(drop)
}

#[test]
fn a_refusal_repeats_nothing_of_what_was_sent() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let (id, email) = (customer.id.as_str(), customer.email.as_str());
    let whole = request(&customer);
    let change = |field: &str, value: Value| {
        let mut body = whole.clone();
        body[field] = value;
        body
    };
    let bodies = [
        change(email, json!(1)),
        change("reason", json!(email)),
        change("request_type", json!(id)),
        change("subject_id", json!([id])),
        change("subject_email", json!(customer.word)),
        change("scheduled_at", json!(email)),
        change("received_at", json!(email)),
        change("categories", json!([email])),
        change("regime", json!(id)),
        change("organization_id", json!(id)),
        change("verification", json!(email)),
    ];
    let mut answers = Vec::new();
    for body in bodies {
        answers.push(demo.officer.post(REQUESTS, &body)?);
        answers.push(demo.officer.post(HOLDS, &body)?);
        answers.push(demo.officer.post(DISCOVERY, &body)?);
        answers.push(demo.auditor.post(REQUESTS, &body)?);
    }
    let malformed = format!("{{\"subject_email\": \"{email}\" \"x\"");
    answers.push(demo.officer.call("POST", REQUESTS, Some(&malformed), &[])?);
    answers.push(demo.officer.call("POST", REQUESTS, Some(&format!("\"{email}\"")), &[])?);
    for query in [format!("status={id}"), format!("cursor={email}"), format!("subject_email={}", customer.word)] {
        for path in [REQUESTS, AUDIT] {
            answers.push(demo.administrator.get(&format!("{path}?{query}"))?);
        }
    }
    answers.push(demo.administrator.get(&format!("{AUDIT}?request_id={id}"))?);
    for path in [REQUESTS, HOLDS, DISCOVERY] {
        answers.push(demo.officer.get(&format!("{path}/{id}"))?);
    }
    for answer in &answers {
        ensure!(answer.status >= 400, "{} {}", answer.status, answer.text);
        ensure!(answer.content_type.starts_with("application/problem+json"), "{} {}", answer.content_type, answer.text);
        ensure!(!answer.text.contains(id) && !answer.text.contains(&customer.word), "{}", answer.text);
    }
    search(&customer).map(drop)
}

#[test]
fn p8_whom_a_request_is_about_is_shown_on_asking_to_whoever_may_and_noted() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let job = Job::in_review(&demo, &request(&customer))?;
    let path = job.path("?reveal=identity");
    for (who, role) in
        [(&demo.auditor, "auditor"), (&demo.service, "service"), (&demo.officer, "officer"), (&demo.reviewer, "reviewer")]
    {
        let plain = who.get(&job.path(""))?.ok()?;
        ensure!(plain["identity"] == "withheld" && !plain.to_string().contains(&customer.id), "{role}: {plain}");
    }
    for who in [&demo.auditor, &demo.service] {
        who.get(&path)?.refused(403, "forbidden")?;
    }
    demo.officer.get(&job.path("?reveal=all"))?.refused(400, "invalid_value")?.names("reveal")?;
    let revealed = demo.officer.get(&path)?.ok()?;
    ensure!(revealed["identity"] == "revealed" && revealed["subject_id"] == customer.id.as_str(), "{revealed}");
    demo.officer.get(&path)?.ok()?;
    job.sealed_log("identity_revealed")?;
    let asked = json!({ "request_id": job.id, "event_type": "identity_revealed" });
    let noted = demo.auditor.post(&format!("{AUDIT}/search"), &asked)?.ok()?;
    assert_eq!(noted["entries"].as_array().map(Vec::len), Some(1), "once an hour: {noted}");
    ensure!(!noted.to_string().contains(&customer.id), "{noted}");
    Ok(())
}

#[test]
fn p8_a_person_is_asked_about_in_a_body() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let hold = json!({ "subject_id": customer.id, "reason": "a dispute" });
    let placed = demo.officer.post(HOLDS, &hold)?.ok()?;
    let id = placed["hold_id"].as_str().context("no hold_id")?;
    let found = demo.officer.post(&format!("{HOLDS}/search"), &json!({ "subject_id": customer.id }))?.ok()?;
    ensure!(found["holds"].as_array().is_some_and(|holds| holds.iter().any(|h| h["hold_id"] == id)), "{found}");
    let other = json!({ "subject_id": format!("{}x", customer.id), "status": "effective", "limit": 1 });
    let none = demo.officer.post(&format!("{HOLDS}/search"), &other)?.ok()?;
    ensure!(!none["holds"].as_array().is_some_and(|holds| holds.iter().any(|h| h["hold_id"] == id)), "{none}");
    let about = json!({ "subject_id": customer.id });
    demo.officer.post(&format!("{AUDIT}/search"), &about)?.ok()?;
    demo.service.post(&format!("{AUDIT}/search"), &about)?.refused(403, "forbidden")?;
    demo.auditor.post(&format!("{AUDIT}/search"), &json!({ "limit": 0 }))?.refused(400, "invalid_value")?.names("limit")?;
    demo.officer.delete(&format!("{HOLDS}/{id}"))?.ok().map(drop)
}
