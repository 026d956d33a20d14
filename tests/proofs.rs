//! What proves an erasure: the log, its checkpoints and proofs, certificates and reports, and who accepts them.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use oubli_tests::{AUDIT, Customer, Job, Organization, full_erasure, new_key, node, oubli, python, trust_log, unique, variable};
use serde_json::{Value, json};

const REPORTS: &str = "/v1/compliance/reports";

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("oubli-proofs-{}", unique()));
        std::fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn completed(demo: &Organization, customer: &Customer) -> Result<Job> {
    let job = Job::in_review(demo, &full_erasure(&customer.id))?;
    job.execute(&json!({}))?.ok()?;
    job.wait_for("completed_with_exceptions")?;
    job.sealed_log("request_completed")?;
    Ok(job)
}

fn log_key(demo: &Organization) -> Result<String> {
    let checkpoint = demo.auditor.get(&format!("{AUDIT}/checkpoint"))?.ok()?;
    Ok(checkpoint["log_key"].as_str().context("no log_key")?.to_owned())
}

#[test]
fn p7_a_certificate_is_checked_without_a_network_and_a_changed_one_is_refused() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let job = completed(&demo, &customer)?;
    let (folder, key) = (Folder::new()?, log_key(&demo)?);
    let (json_file, pdf_file) = (folder.file("c.json"), folder.file("c.pdf"));
    let officer = variable("OUBLI_OFFICER_KEY")?;
    oubli(&officer, &["certificate", &job.id, "--format", "json", "--details", "--out", &json_file])?.succeeded()?;
    oubli(&officer, &["certificate", &job.id, "--language", "de", "--out", &pdf_file])?.succeeded()?;
    for file in [&json_file, &pdf_file] {
        let said = oubli("", &["verify", file, "--key", &key, "--subject", &customer.id])?.succeeded()?;
        ensure!(said.contains(&job.id) && said.contains("about the person") && said.contains("Not proved"), "{said}");
    }
    let wrong = oubli("", &["verify", &json_file, "--key", &key, "--subject", "cust-somebody-else"])?;
    ensure!(wrong.code == 1 && wrong.err.contains("not about the person"), "{}", wrong.err);
    ensure!(oubli("", &["verify", &json_file])?.code == 2, "a certificate was believed on its own word");

    let text = std::fs::read_to_string(&json_file)?;
    let counted = text.replacen("\"documents\":7", "\"documents\":8", 1);
    ensure!(counted != text, "no count of 7 in {text}");
    std::fs::write(&json_file, counted)?;
    let changed = oubli("", &["verify", &json_file, "--key", &key])?;
    ensure!(changed.code == 1 && changed.err.contains("is not what the log's entry is about"), "{}", changed.err);

    let printed = std::fs::read(&pdf_file)?;
    for place in [100, printed.len() / 3, printed.len() / 2, printed.len() - 40] {
        let mut flipped = printed.clone();
        flipped[place] ^= 4;
        std::fs::write(&pdf_file, flipped)?;
        let refused = oubli("", &["verify", &pdf_file, "--key", &key])?;
        ensure!(refused.code == 1 && refused.err.contains("ot verified: "), "byte {place}: {}", refused.err);
    }

    let other = Organization::create(5)?;
    let foreign = log_key_of(&other)?;
    std::fs::write(&json_file, text)?;
    let mismatch = oubli("", &["verify", &json_file, "--key", &foreign])?;
    ensure!(mismatch.code == 1 && mismatch.err.contains("names the log key"), "{}", mismatch.err);
    Ok(())
}

/// The key of a log that has at least one entry: looking at it is one.
fn log_key_of(organization: &Organization) -> Result<String> {
    organization.auditor.get(AUDIT)?.ok()?;
    for _ in 0..100 {
        let answer = organization.auditor.get(&format!("{AUDIT}/checkpoint"))?;
        if answer.status == 200 {
            return Ok(answer.body["log_key"].as_str().context("no log_key")?.to_owned());
        }
        answer.refused(409, "log_empty")?;
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    anyhow::bail!("the reading was never sealed")
}

#[test]
fn the_same_certificate_is_the_same_file() -> Result<()> {
    let demo = Organization::demo()?;
    let job = completed(&demo, &Customer::plant()?)?;
    let certify = |body: Value| -> Result<Value> { demo.officer.post(&job.path("/certificate"), &body)?.ok() };
    let plain = certify(json!({}))?;
    let of = |entry: &Value| -> Result<String> {
        let entry: Value = serde_json::from_str(entry["entry"].as_str().context("no entry")?)?;
        Ok(entry["event_type"].as_str().context("no type")?.to_owned())
    };
    let shown = plain["entries"].as_array().context("no entries")?.iter().map(of).collect::<Result<Vec<_>>>()?;
    assert_eq!(shown, ["request_completed", "request_approved", "batch_hidden", "batch_purged"]);
    let whole = certify(json!({ "include_details": true }))?;
    ensure!(whole["entries"].as_array().map(Vec::len) > Some(10), "{whole}");
    assert_eq!((&plain["claims"], &plain["subject_opening"]), (&whole["claims"], &whole["subject_opening"]));
    let claims = &plain["claims"];
    assert_eq!((&claims["request_id"], &claims["status"]), (&json!(job.id), &json!("completed_with_exceptions")));
    assert_eq!(claims["verification"]["found"], 0);
    ensure!(claims["kept"].as_array().is_some_and(|k| k.iter().any(|k| k["category"] == "invoices" && k["until"].is_string())));
    Ok(())
}

#[test]
fn what_cannot_be_certified_says_why() -> Result<()> {
    let demo = Organization::demo()?;
    let job = Job::in_review(&demo, &full_erasure(&Customer::plant()?.id))?;
    let path = job.path("/certificate");
    demo.officer.post(&path, &json!({}))?.refused(409, "not_completed")?;
    demo.officer.post(&path, &json!({ "language": "it" }))?.refused(400, "language_not_available")?.names("language")?;
    demo.officer.post(&path, &json!({ "format": "docx" }))?.refused(400, "unknown_format")?.names("format")?;
    demo.auditor.post(&path, &json!({}))?.refused(403, "forbidden")?;
    demo.auditor.get(&format!("{AUDIT}/proof?index=999999"))?.refused(409, "not_sealed")?;
    demo.auditor.get(&format!("{AUDIT}/proof?index=x"))?.refused(400, "invalid_value")?.names("index")?;
    demo.auditor.get(&format!("{AUDIT}/proof"))?.refused(400, "invalid_value")?.names("index")?;
    demo.auditor.get(&format!("{AUDIT}/proof?from=999999"))?.refused(400, "unknown_checkpoint")?;
    demo.reviewer.get(&format!("{AUDIT}/checkpoint"))?.refused(403, "forbidden").map(drop)
}

#[test]
fn p7_a_whole_exported_log_verifies_and_begins_with_what_it_was() -> Result<()> {
    let demo = Organization::create(5)?;
    let auditor = new_key(&demo.key, "auditor")?;
    let folder = Folder::new()?;
    let key = log_key_of(&demo)?;
    let before = demo.auditor.get(&format!("{AUDIT}/checkpoint"))?.ok()?;
    let held = folder.file("held");
    std::fs::write(&held, before["checkpoint"].as_str().context("no checkpoint")?)?;
    let job = completed(&demo, &Customer::plant()?)?;
    let file = folder.file("log.ndjson");
    oubli(&auditor, &["ledger", "export", "--out", &file])?.succeeded()?;
    let said = oubli("", &["verify", "log", &file, "--key", &key, "--earlier", &held])?.succeeded()?;
    ensure!(said.contains("Verified"), "{said}");
    let lines = std::fs::read_to_string(&file)?;
    ensure!(lines.contains(&job.id) && lines.contains("request_completed"), "{lines}");
    std::fs::write(&file, lines.replacen("request_approved", "request_rejected", 1))?;
    let changed = oubli("", &["verify", "log", &file, "--key", &key])?;
    ensure!(changed.code == 1 && changed.err.contains("does not have the hash"), "{}", changed.err);

    let part = folder.file("part.ndjson");
    let range = ["--start-date", before["sealed_at"].as_str().context("no time")?, "--end-date", "2126-12-31"];
    oubli(&auditor, &[&["ledger", "export", "--out", &part][..], &range].concat())?.succeeded()?;
    let said = oubli("", &["verify", "log", &part, "--key", &key])?.succeeded()?;
    ensure!(said.contains("whose end the tree proves"), "{said}");
    let lines = std::fs::read_to_string(&part)?;
    std::fs::write(&part, lines.lines().skip(1).collect::<Vec<_>>().join("\n"))?;
    oubli("", &["verify", "log", &part, "--key", &key])?.succeeded()?;
    std::fs::write(&part, lines.lines().rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n"))?;
    let cut = oubli("", &["verify", "log", &part, "--key", &key])?;
    ensure!(cut.code == 1 && cut.err.contains("the last one here is"), "{}", cut.err);
    let backwards = json!({ "start_date": "2026-02-02", "end_date": "2026-02-01" });
    demo.auditor.post(&format!("{AUDIT}/exports"), &backwards)?.refused(400, "invalid_date")?.names("end_date")?;

    let size = before["size"].as_u64().context("no size")?;
    let proof = demo.auditor.get(&format!("{AUDIT}/proof?from={size}"))?.ok()?;
    assert_eq!(proof["earlier_checkpoint"], before["checkpoint"]);
    ensure!(proof["hashes"].as_array().is_some_and(|h| !h.is_empty()), "{proof}");
    let csv = demo.auditor.post(&format!("{AUDIT}/exports"), &json!({ "format": "csv" }))?;
    ensure!(csv.status == 200 && csv.text.contains(r#""index","timestamp","event_type""#), "{}", csv.text);
    Ok(())
}

#[test]
fn p7_what_people_said_is_shown_to_who_may_see_it_and_is_word_for_word_what_the_log_commits_to() -> Result<()> {
    let shop = Organization::create(5)?;
    let (officer, auditor) = (new_key(&shop.key, "privacy_officer")?, new_key(&shop.key, "auditor")?);
    let (folder, key) = (Folder::new()?, log_key_of(&shop)?);
    let job = Job::in_review(&shop, &full_erasure(&Customer::plant()?.id))?;
    let notes = "Looked at twice: no dispute is open.";
    job.execute(&json!({ "approved_by": "Rita Reviewer", "approval_notes": notes }))?.ok()?;
    job.wait_for("completed_with_exceptions")?;
    job.sealed_log("request_completed")?;
    let log = folder.file("log.ndjson");
    oubli(&auditor, &["ledger", "export", "--out", &log])?.succeeded()?;
    let lines = std::fs::read_to_string(&log)?;
    ensure!(lines.contains(&job.id) && !lines.contains("dispute") && !lines.contains("Rita Reviewer"), "{lines}");

    let show = |key: &str, reveal: &[&str]| oubli(key, &[&["show", &job.id, "--json"][..], reveal].concat());
    let verify = |shown: &str| {
        let file = folder.file("shown.json");
        std::fs::write(&file, shown)?;
        oubli("", &["verify", "log", &log, "--key", &key, "--words", &file])
    };
    let refused = show(&auditor, &["--reveal"])?;
    ensure!(refused.code == 1 && refused.err.contains("forbidden") && !refused.out.contains("dispute"), "{refused:?}");
    let unasked = verify(&show(&officer, &[])?.succeeded()?)?;
    ensure!(unasked.code == 2 && unasked.err.contains("no words in"), "{unasked:?}");
    let shown = show(&officer, &["--reveal"])?.succeeded()?;
    ensure!(shown.contains(notes), "{shown}");
    let said = verify(&shown)?.succeeded()?;
    ensure!(said.contains("Committed to: 3 texts of people, word for word.") && !said.contains("Not shown"), "{said}");

    let changed = verify(&shown.replace("no dispute", "a dispute"))?;
    ensure!(changed.code == 1 && changed.err.contains("notes is not what entry"), "{changed:?}");
    let mut fewer: Value = serde_json::from_str(&shown)?;
    fewer["words"].as_array_mut().context("no words")?.pop();
    let said = verify(&fewer.to_string())?.succeeded()?;
    ensure!(said.contains("Committed to: 2 texts of people") && said.contains("Not shown: 1 text "), "{said}");
    fewer["request_id"] = json!("req_00000000000000000000000000000001");
    let foreign = verify(&fewer.to_string())?;
    ensure!(foreign.code == 1 && foreign.err.contains("is about another request"), "{foreign:?}");

    let seen = shop.auditor.all(&format!("{AUDIT}?event_type=identity_revealed"), "entries", 100)?.0;
    ensure!(seen.len() == 1 && seen[0]["request_id"] == job.id.as_str(), "the one who was shown them is noted: {seen:?}");
    Ok(())
}

#[test]
fn p7_a_foreign_verifier_accepts_checkpoint_tiles_and_proofs() -> Result<()> {
    let demo = Organization::demo()?;
    let job = completed(&demo, &Customer::plant()?)?;
    let certificate = demo.officer.post(&job.path("/certificate"), &json!({ "include_details": true }))?.ok()?;
    let folder = Folder::new()?;
    let file = folder.file("c.json");
    std::fs::write(&file, serde_json_canonicalizer::to_vec(&certificate)?)?;
    let said = python("foreign.py", &[&file, &log_key(&demo)?, &demo.id])?;
    ensure!(said.contains("proofs accepted") && said.contains("tiles make up the root"), "{said}");
    Ok(())
}

/// The newest checkpoint of an organization's log, once the witness has cosigned it.
fn cosigned_checkpoint(organization: &Organization) -> Result<Value> {
    let since = std::time::Instant::now();
    loop {
        let checkpoint = organization.auditor.get(&format!("{AUDIT}/checkpoint"))?.ok()?;
        let witness = checkpoint["witnesses"].as_array().and_then(|w| w.first()).context("the stack has no witness")?;
        if witness["cosigned_size"] == checkpoint["size"] {
            ensure!(witness["failing_since"].is_null(), "{witness}");
            return Ok(checkpoint);
        }
        ensure!(since.elapsed().as_secs() < 200, "never cosigned: {checkpoint}");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

/// The key of a witness that cosigned nothing: made by `aics-tlog`, as `samples/cosigned.json` is.
const STRANGER: &str = "witness.example/w1+d7744454+BPck7Ua4dLPhmJVWe2MJG+7FPf0ffZ5EmxoPjVCX221W";

#[test]
fn p7_a_certificate_meets_a_policy_that_asks_for_its_witness_and_no_other() -> Result<()> {
    let shop = Organization::create(5)?;
    let (folder, key) = (Folder::new()?, log_key_of(&shop)?);
    trust_log(&key, &shop.id)?;
    let customer = Customer::plant()?;
    let job = completed(&shop, &customer)?;
    let checkpoint = cosigned_checkpoint(&shop)?;
    let witness = variable("OUBLI_WITNESS_KEY")?;
    let policy = |name: &str, witness: &str| -> Result<String> {
        let file = folder.file(name);
        std::fs::write(&file, format!("log {key}\nwitness theirs {witness}\ngroup enough all theirs\nquorum enough\n"))?;
        Ok(file)
    };
    let (theirs, strangers) = (policy("policy", &witness)?, policy("another", STRANGER)?);
    let (json_file, pdf_file) = (folder.file("c.json"), folder.file("c.pdf"));
    let officer = new_key(&shop.key, "privacy_officer")?;
    oubli(&officer, &["certificate", &job.id, "--format", "json", "--details", "--out", &json_file])?.succeeded()?;
    oubli(&officer, &["certificate", &job.id, "--out", &pdf_file])?.succeeded()?;
    for file in [&json_file, &pdf_file] {
        let said = oubli("", &["verify", file, "--policy", &theirs, "--subject", &customer.id])?.succeeded()?;
        ensure!(said.contains("cosigned as your policy asks, by witness.local/oubli"), "{said}");
        let refused = oubli("", &["verify", file, "--policy", &strangers])?;
        ensure!(refused.code == 1 && refused.err.contains("the policy asks for enough, and none"), "{}", refused.err);
        // Whoever asks for nobody is told what that leaves open.
        let said = oubli("", &["verify", file, "--key", &key])?.succeeded()?;
        ensure!(said.contains("compare its checkpoint with one that somebody else holds"), "{said}");
    }
    let note = folder.file("checkpoint");
    std::fs::write(&note, checkpoint["checkpoint"].as_str().context("no checkpoint")?)?;
    oubli("", &["verify", "checkpoint", &note, "--policy", &theirs])?.succeeded()?;
    ensure!(oubli("", &["verify", "checkpoint", &note, "--policy", &strangers])?.code == 1);
    let said = python("cosigned.py", &[&note, &key, &witness, STRANGER, &shop.id])?;
    ensure!(said.contains("cosigned, says proofbundle") && said.contains("locked and untagged"), "{said}");

    let auditor = new_key(&shop.key, "auditor")?;
    let proven = oubli(&auditor, &["ledger", "prove", "--index", "0", "--json"])?.succeeded()?;
    let entry = folder.file("entry.json");
    std::fs::write(&entry, proven)?;
    oubli("", &["verify", "entry", &entry, "--policy", &theirs])?.succeeded()?;
    ensure!(oubli("", &["verify", "entry", &entry, "--policy", &strangers])?.code == 1);
    Ok(())
}

#[test]
fn the_page_for_browsers_comes_to_the_same_verdict() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let job = completed(&demo, &customer)?;
    let (folder, key) = (Folder::new()?, log_key(&demo)?);
    let officer = variable("OUBLI_OFFICER_KEY")?;
    for (format, options) in [("json", vec!["--details"]), ("pdf", vec![])] {
        let file = folder.file(format);
        let certify = ["certificate", &job.id, "--format", format, "--out", &file];
        oubli(&officer, &[&certify[..], &options].concat())?.succeeded()?;
        let page = node("verify_page.mjs", &[&file, &key, &customer.id])?.succeeded()?;
        let verdict: Value = serde_json::from_str(&page)?;
        assert_eq!((&verdict["kind"], &verdict["pdf"]), (&json!("subject_id"), &json!(format == "pdf")), "{page}");
        ensure!(format == "pdf" || verdict["refused"].as_u64() > Some(100), "{page}");
        let other = node("verify_page.mjs", &[&file, &key, "cust-somebody-else"])?;
        ensure!(other.code != 0 && other.err.contains("not about the person"), "{}", other.err);
    }
    Ok(())
}

#[test]
fn p7_p10_an_auditor_finds_what_was_done_about_a_person_until_the_index_is_forgotten() -> Result<()> {
    let demo = Organization::create(5)?;
    let (customer, other) = (Customer::plant()?, Customer::plant()?);
    let job = Job::in_review(&demo, &full_erasure(&customer.id))?;
    let another = Job::in_review(&demo, &full_erasure(&other.id))?;
    job.sealed_log("plan_created")?;
    let about = |id: &str| -> Result<Vec<Value>> { Ok(demo.auditor.all(&format!("{AUDIT}?subject_id={id}"), "entries", 50)?.0) };
    let found = about(&customer.id)?;
    ensure!(!found.is_empty() && found.iter().all(|e| e["request_id"] == job.id.as_str()), "{found:?}");
    ensure!(about(&other.id)?.iter().all(|e| e["request_id"] == another.id.as_str()));
    ensure!(about("cust-nobody")?.is_empty());
    let readings = demo.auditor.all(&format!("{AUDIT}?event_type=audit_log_read"), "entries", 100)?.0;
    ensure!(readings.len() >= 3, "{readings:?}");
    ensure!(!json!(readings).to_string().contains(&customer.id), "{readings:?}");

    let year = jiff::Zoned::now().year().to_string();
    oubli("", &["admin", "index", "forget", "--organization", &demo.id, "--year", &year])?.succeeded()?;
    ensure!(about(&customer.id)?.is_empty(), "a forgotten index still answers");
    job.sealed_log("plan_created")?;
    Ok(())
}

#[test]
fn reports_say_how_many_how_long_and_whether_targets_were_met() -> Result<()> {
    let demo = Organization::create(5)?;
    completed(&demo, &Customer::plant()?)?;
    let body = |format: &str| json!({ "type": "gdpr_erasure", "period": { "start_date": "2026-01-01", "end_date": "2126-12-31" }, "format": format });
    let report = demo.auditor.post(REPORTS, &body("json"))?.ok()?;
    let summary = &report["request_summary"];
    assert_eq!((&summary["received"], &summary["completed_with_exceptions"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(report["sla_compliance"]["response"]["met"], 1);
    assert_eq!(report["exceptions"].as_array().map(Vec::len), Some(1));
    let csv = demo.auditor.post(REPORTS, &body("csv"))?;
    ensure!(csv.content_type.starts_with("text/csv") && csv.text.contains(r#""request_summary","received","1""#), "{}", csv.text);
    let folder = Folder::new()?;
    let (key, file) = (new_key(&demo.key, "auditor")?, folder.file("report.pdf"));
    oubli(&key, &["report", "sla", "--from", "2026-01-01", "--to", "2126-12-31", "--out", &file])?.succeeded()?;
    ensure!(std::fs::read(&file)?.starts_with(b"%PDF-"), "{file}");
    let narrow = json!({ "type": "sla", "period": { "start_date": "2026-01-01", "end_date": "2126-12-31" }, "include": ["sla_compliance"] });
    let narrow = demo.auditor.post(REPORTS, &narrow)?.ok()?;
    ensure!(narrow.get("request_summary").is_none() && narrow["sla_compliance"].is_object(), "{narrow}");
    demo.reviewer.post(REPORTS, &body("json"))?.refused(403, "forbidden")?;
    let mut wrong = body("json");
    wrong["period"] = json!({ "start_date": "2026-02-01", "end_date": "2026-01-01" });
    demo.auditor.post(REPORTS, &wrong)?.refused(400, "invalid_period")?.names("period.end_date")
}
