//! Dates and ids in the forms that data has them in, and what is gone before it is hidden.

use anyhow::{Result, ensure};
use oubli_tests::{Job, full_erasure};
use serde_json::{Value, json};

use crate::stores::{Place, certificate};

const DATED: &str = "
version: 1
stores: {db: {connector: dynamodb}}
anchors: {paper: [db/PREFIX-papers]}
producers:
  - {name: plain, category: plain, store: db, table: PREFIX-papers, key: [owner, paper], select: [{by: subject_id, attribute: owner, where: {form: plain}}], retention: {reason: Tax law, exception: legal_obligation, from: issued_at, years: 7}, owns: [paper]}
  - {name: seconds, category: seconds, store: db, table: PREFIX-papers, key: [owner, paper], select: [{by: subject_id, attribute: owner, where: {form: seconds}}], retention: {reason: Tax law, exception: legal_obligation, from: issued_at, form: epoch_seconds, years: 7}}
  - {name: millis, category: millis, store: db, table: PREFIX-papers, key: [owner, paper], select: [{by: subject_id, attribute: owner, where: {form: millis}}], retention: {reason: Tax law, exception: legal_obligation, from: issued_at, form: epoch_milliseconds, years: 7}}
  - {name: british, category: british, store: db, table: PREFIX-papers, key: [owner, paper], select: [{by: subject_id, attribute: owner, where: {form: british}}], retention: {reason: Tax law, exception: legal_obligation, from: issued_at, form: '%d/%m/%Y', years: 7}}
  - {name: yearly, category: yearly, store: db, table: PREFIX-papers, key: [owner, paper], select: [{by: subject_id, attribute: owner, where: {form: yearly}}], retention: {reason: Tax law, exception: legal_obligation, from: issued_at, from_end_of: year, years: 7}}
";

/// What a plan says of the records of a producer that stay: how many, in which words, and until when.
fn staying(plan: &Value, producer: &str) -> Vec<(u64, String, Value)> {
    let lines = plan["plan"]["kept"].as_array().cloned().unwrap_or_default();
    let own = lines.into_iter().filter(|line| line["producer"] == producer && line["why"] == "retention");
    let mut told: Vec<_> = own
        .map(|line| {
            let words = line["reason"].as_str().unwrap_or_default().to_owned();
            (line["records"].as_u64().unwrap_or_default(), words, line["retention_until"].clone())
        })
        .collect();
    told.sort_by(|a, b| a.1.cmp(&b.1));
    told
}

#[test]
fn p2_p3_a_date_counts_only_in_the_form_that_is_declared_and_one_that_cannot_be_read_keeps_its_record() -> Result<()> {
    let place = Place::make(DATED)?;
    place.run("table", "papers", &["owner", "paper"])?;
    let number = |n: &str| json!({ "N": n });
    // Each form with what is over in it, in 2010, and what it cannot read.
    let papers = [
        ("plain", "goes-date", json!("2010-02-01")),
        ("plain", "goes-time", json!("2010-02-01T23:30:00-05:00")),
        ("plain", "stays-seconds", number("1265063400")),
        ("plain", "stays-millis", number("1265063400000")),
        ("plain", "stays-slashes", json!("01/02/2010")),
        ("seconds", "goes", number("1265063400")),
        ("seconds", "stays-millis", number("1265063400000")),
        ("seconds", "stays-date", json!("2010-02-01")),
        ("millis", "goes", number("1265063400000")),
        ("millis", "stays-seconds", number("1265063400")),
        ("british", "goes", json!("01/02/2010")),
        ("british", "stays-date", json!("2010-02-01")),
    ];
    let paper = |form: &str, name: &str, at: &Value| json!({ "owner": "c-8", "paper": format!("{form}-{name}"), "form": form, "issued_at": at });
    let mut items: Vec<Value> = papers.iter().map(|(form, name, at)| paper(form, name, at)).collect();
    items.push(json!({ "owner": "c-8", "paper": "plain-stays-undated", "form": "plain" }));
    place.put("papers", &items)?;
    let (_, plan, ended) = place.erased("c-8")?;
    ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
    let unread = "Tax law (no date can be read in issued_at, so that it cannot be shown that it is over)";
    for (producer, records) in [("plain", 4), ("seconds", 2), ("millis", 1), ("british", 1)] {
        assert_eq!(staying(&plan, producer), [(records, unread.to_owned(), Value::Null)], "{producer}: {plan}");
    }
    let mut left: Vec<String> =
        items.iter().filter_map(|item| item["paper"].as_str()).map(|paper| format!("c-8 {paper}")).collect();
    left.retain(|key| key.contains("stays"));
    left.sort_unstable();
    assert_eq!(place.left("keys", "papers")?, left);
    Ok(())
}

#[test]
fn p2_a_period_from_the_end_of_the_year_ends_with_a_year() -> Result<()> {
    let place = Place::make(DATED)?;
    place.run("table", "papers", &["owner", "paper"])?;
    let year = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year();
    let paper = |name: &str, at: String| json!({ "owner": "c-8", "paper": name, "form": "yearly", "issued_at": at });
    // Of seven years from the tenth of February 2019, the last day is the last of 2026.
    place.put("papers", &[paper("stays", format!("{}-02-10", year - 7)), paper("goes", format!("{}-12-31", year - 8))])?;
    let (_, plan, ended) = place.erased("c-8")?;
    ensure!(ended["status"] == "completed_with_exceptions", "{ended}");
    assert_eq!(staying(&plan, "yearly"), [(1, "Tax law".to_owned(), json!(format!("{year}-12-31")))], "{plan}");
    assert_eq!(place.left("keys", "papers")?, ["c-8 stays"]);
    Ok(())
}

const BY_HAND: &str = "
version: 1
stores: {files: {connector: s3}, db: {connector: dynamodb}}
anchors: {row: [db/PREFIX-rows], document: [files/PREFIX-docs]}
producers:
  - name: rows
    category: rows
    store: db
    table: PREFIX-rows
    key: [owner, name]
    select: [{by: subject_id, attribute: owner}]
    owns: [row]
  - name: documents
    category: documents
    store: files
    bucket: PREFIX-docs
    select: [{by: subject_id, prefix: 'customers/{}/'}]
    owns: [document]
";

#[test]
fn p3_what_somebody_deleted_by_hand_between_approval_and_hiding_is_already_absent() -> Result<()> {
    let place = Place::make(BY_HAND)?;
    place.run("table", "rows", &["owner", "name"])?;
    place.run("bucket", "docs", &[])?;
    place.put("rows", &["a", "b", "c"].map(|name| json!({ "owner": "c-7", "name": name })))?;
    place.run("objects", "docs", &["customers/c-7/a", "customers/c-7/b"])?;
    let mut body = full_erasure("c-7");
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(30);
    body["scheduled_at"] = json!(later.to_string());
    let job = Job::in_review(&place.organization, &body)?;
    let planned = job.detail()?;
    assert_eq!(planned["plan"]["records"], 5, "{planned}");
    job.execute(&json!({ "plan_digest": planned["plan_digest"] }))?.ok()?;
    place.run("take", "rows", &[&json!({ "owner": "c-7", "name": "b" }).to_string()])?;
    place.run("remove", "docs", &["customers/c-7/a"])?;
    ensure!(jiff::Timestamp::now() < later, "it took longer than the erasure waited");
    let ended = job.until(|status| Ok(status["finished_at"].is_string()))?;
    ensure!(ended["status"] == "completed", "{ended}");
    let counts = job.detail()?["counts"].clone();
    assert_eq!(
        (&counts["already_absent"], &counts["erased"], &counts["uncertain"]),
        (&json!(2), &json!(3), &json!(0)),
        "{counts}"
    );
    let claims = certificate(&job)?["claims"].clone();
    assert_eq!((&claims["already_absent"], &claims["kept"]), (&json!(2), &json!([])), "{claims}");
    let erased: Vec<_> = claims["erased"].as_array().into_iter().flatten().map(|e| (&e["category"], &e["documents"])).collect();
    assert_eq!(erased, [(&json!("documents"), &json!(1)), (&json!("rows"), &json!(2))], "{claims}");
    assert_eq!((place.left("keys", "rows")?.len(), place.left("listed", "docs")?.len()), (0, 0));
    Ok(())
}

const DELIMITED: &str = "
version: 1
stores: {files: {connector: s3}}
anchors: {document: [files/PREFIX-docs], line: [files/PREFIX-logs]}
producers:
  - {name: documents, category: documents, store: files, bucket: PREFIX-docs, select: [{by: subject_id, prefix: 'docs/{}/'}], owns: [document]}
  - {name: lines, category: logs, store: files, bucket: PREFIX-logs, select: [{by: subject_id, prefix: 'logs/{}|'}], owns: [line]}
";

#[test]
fn p1_p3_an_id_with_a_delimiter_takes_nobody_elses_objects_and_is_named_where_it_is_not_looked_for() -> Result<()> {
    let place = Place::make(DELIMITED)?;
    place.run("bucket", "docs", &[])?;
    place.run("bucket", "logs", &[])?;
    let docs = [
        "docs/@foo/a",
        "docs/@foo/bar:example.org/a",
        "docs/auth0/a",
        "docs/auth0|5f7c8ec7c3/a",
        "docs/50%25off/a",
        "docs/50%off/a",
    ];
    let logs = [
        "logs/@foo/bar:example.org|a",
        "logs/@foo|a",
        "logs/auth0|5f7c8ec7c3|a",
        "logs/auth0|a",
        "logs/50%25off|a",
        "logs/50%off|a",
    ];
    place.run("objects", "docs", &docs)?;
    place.run("objects", "logs", &logs)?;
    let (mut docs_left, mut logs_left) = (docs.to_vec(), logs.to_vec());
    // Each id, where it is not looked for, and what of it goes.
    for (id, unsearched, gone) in [
        ("@foo/bar:example.org", &["documents", "lines"][..], &[][..]),
        ("auth0|5f7c8ec7c3", &["lines"], &["docs/auth0|5f7c8ec7c3/a"]),
        // Nothing is decoded: a percent sign is a percent sign.
        ("50%25off", &[], &["docs/50%25off/a", "logs/50%25off|a"]),
    ] {
        let (_, plan, ended) = place.erased(id)?;
        assert_eq!(plan["to_acknowledge"], json!(unsearched), "{id}: {plan}");
        let named = plan["plan"]["unsearched"].as_array().cloned().unwrap_or_default();
        let told = |producer: &str| {
            let told = named.iter().find(|u| u["producer"] == producer && u["why"] == "unusable_identifier");
            told.and_then(|u| u["reason"].as_str()).is_some_and(|reason| reason.contains("delimit"))
        };
        ensure!(unsearched.iter().all(|producer| told(producer)), "{id}: {plan}");
        let end = if unsearched.is_empty() { "completed" } else { "completed_with_exceptions" };
        assert_eq!(ended["status"], end, "{id}: {ended}");
        docs_left.retain(|key| !gone.contains(key));
        logs_left.retain(|key| !gone.contains(key));
        for (bucket, left) in [("docs", &mut docs_left), ("logs", &mut logs_left)] {
            left.sort_unstable();
            assert_eq!(place.left("listed", bucket)?, *left, "{id}");
        }
    }
    Ok(())
}
