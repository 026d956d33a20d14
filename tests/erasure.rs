//! A full erasure from submission to `completed_with_exceptions`, told by the API and checked in the stores.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use data_encoding::HEXLOWER;
use oubli_tests::{AUDIT, Api, Customer, DISCOVERY, Job, Organization, REQUESTS, full_erasure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Producers of the data map, the stores they stand for, and what their sort keys begin with there.
const PRODUCERS: [(&str, &str, &str); 13] = [
    ("profiles", "shop-profiles", ""),
    ("orders", "shop-orders", ""),
    ("order-lines", "shop-order-lines", ""),
    ("chat-messages", "shop-chat", ""),
    ("invoices", "shop-invoices", ""),
    ("audit-logs", "shop-audit-logs", ""),
    ("documents", "shop-documents", ""),
    ("avatars", "shop-avatars", ""),
    ("loyalty-accounts", "shop-loyalty", "/ACCOUNT"),
    ("reviews", "shop-loyalty", "/REVIEW#"),
    ("redemptions", "shop-loyalty", "/REDEMPTION#"),
    ("returns", "shop-returns", ""),
    ("return-photos", "shop-uploads", ""),
];

fn has(value: &Value, fields: &[&str]) -> Result<()> {
    for field in fields {
        ensure!(value.get(field).is_some(), "no {field} in {value}");
    }
    Ok(())
}

#[test]
fn p3_what_is_found_is_erased_and_nothing_else() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let neighbour = Customer::plant_as(format!("{}0", customer.id))?;
    let others = neighbour.look()?;
    let before = customer.look()?;
    let held: BTreeMap<&str, u64> = PRODUCERS
        .map(|(producer, store, sort)| (producer, before[store].keys().filter(|key| key.contains(sort)).count() as u64))
        .into();
    ensure!(held.values().all(|records| *records > 0), "something of every producer's is there: {held:?}");

    let found = demo.officer.post(DISCOVERY, &json!({ "subject_id": customer.id, "include_metadata": true }))?.ok()?;
    has(&found, &["discovery_id", "data_categories", "total_items", "total_size_bytes"])?;
    let categories = found["data_categories"].as_array().context("no categories")?;
    let mut counted = BTreeMap::new();
    for category in categories {
        has(category, &["name", "document_count", "vector_count", "total_size_bytes", "retention_required", "retention_reason"])?;
        let producers = category["producers"].as_array().context("no producers")?;
        let count = |p: &Value| p["count"].as_u64().unwrap_or_default();
        assert_eq!(category["document_count"].as_u64(), Some(producers.iter().map(count).sum()), "{category}");
        counted.extend(producers.iter().map(|p| (p["name"].as_str().unwrap_or_default(), count(p))));
    }
    assert_eq!(counted, held);
    assert_eq!(found["total_items"].as_u64(), Some(held.values().sum()));
    let kept = categories.iter().filter(|c| c["retention_required"] == true).map(|c| c["name"].as_str().unwrap_or_default());
    assert_eq!(kept.collect::<Vec<_>>(), ["invoices", "audit_logs", "redemptions"]);
    let names = |found: &Value| -> Vec<(String, String)> {
        let text = |u: &Value, field: &str| u[field].as_str().unwrap_or_default().to_owned();
        let missed = found["unsearched"].as_array().into_iter().flatten();
        missed.map(|u| (text(u, "producer"), text(u, "why"))).collect()
    };
    assert_eq!(names(&found), []);
    let by_address = demo.officer.post(DISCOVERY, &json!({ "subject_email": customer.email }))?.ok()?;
    assert_eq!((names(&by_address), &by_address["total_items"]), (vec![], &found["total_items"]), "{by_address}");
    let found = &by_address["identifiers"][1];
    assert_eq!((&found["kind"], &found["found_in"], &found["value"]), (&json!("subject_id"), &json!("profiles"), &json!(null)));
    let nobody = json!({ "subject_email": format!("x{}", customer.email) });
    let nobody = demo.officer.post(DISCOVERY, &nobody)?.ok()?;
    assert!(names(&nobody).contains(&("orders".to_owned(), "no_identifier".to_owned())), "{nobody}");

    let job = Job::submit(&demo, &full_erasure(&customer.id))?;
    has(&job.submitted, &["request_id", "status", "deadline"])?;
    assert_eq!(job.submitted["status"], "pending");
    job.wait_for("in_review")?;
    let detail = job.detail()?;
    let approval = json!({
        "approved_by": "dpo@shop.example", "approval_notes": "identity checked", "plan_digest": detail["plan_digest"],
    });
    let execution = job.execute(&approval)?.ok()?;
    has(&execution, &["execution_id", "status"])?;

    let done = job.wait_for("completed_with_exceptions")?;
    let fields = ["request_id", "status", "phase", "progress_percent", "started_at", "estimated_completion_at", "steps"];
    has(&done, &fields)?;
    assert_eq!(done["progress_percent"], 100);
    let mut processed = BTreeMap::new();
    for step in done["steps"].as_array().context("no steps")? {
        has(step, &["name", "status", "items_processed", "items_total"])?;
        let name = step["name"].as_str().unwrap_or_default();
        ensure!(name == "document_deletion", "a step is called {name}");
        assert_eq!((&step["status"], &step["items_processed"]), (&json!("completed"), &step["items_total"]), "{step}");
        processed.insert(step["producer"].as_str().unwrap_or_default(), step["items_total"].as_u64().unwrap_or_default());
    }
    // One of two invoices and of two vouchers is older than seven years; audit logs stay whole.
    let mut erased = held.clone();
    erased.remove("audit-logs");
    erased.extend([("invoices", 1), ("redemptions", 1)]);
    assert_eq!(processed, erased);
    let detail = job.detail()?;
    assert_eq!(detail["counts"]["erased"].as_u64(), Some(erased.values().sum()), "{detail}");

    let after = customer.look()?;
    let left: BTreeMap<_, _> = after.iter().filter(|(_, records)| !records.is_empty()).collect();
    assert_eq!(left.keys().copied().collect::<Vec<_>>(), ["shop-audit-logs", "shop-invoices", "shop-loyalty"], "{left:?}");
    let voucher = format!("MEMBER#{}/REDEMPTION#1", customer.id);
    assert_eq!(after["shop-loyalty"], BTreeMap::from([(voucher.clone(), before["shop-loyalty"][&voucher].clone())]));
    assert_eq!(after["shop-audit-logs"], before["shop-audit-logs"]);
    let invoice = format!("inv-{}-1", customer.id);
    assert_eq!(after["shop-invoices"], BTreeMap::from([(invoice.clone(), before["shop-invoices"][&invoice].clone())]));
    assert_eq!(neighbour.look()?, others);

    let log = job.sealed_log("request_completed")?;
    for entry in &log {
        has(entry, &["audit_id", "event_type", "timestamp", "request_id", "subject_id_hash", "executed_by", "exclusions"])?;
        has(&entry["data_erased"], &["documents", "vectors", "size_bytes"])?;
        for hash in ["hash", "previous_hash"] {
            ensure!(entry[hash].as_str().is_some_and(|h| h.starts_with("sha256:")), "{hash} in {entry}");
        }
    }
    let place = |event: &str| log.iter().position(|e| e["event_type"] == event).with_context(|| format!("no {event}"));
    ensure!(place("request_approved")? < place("gdpr_erasure_started")?);
    ensure!(place("purge_started")? < place("gdpr_erasure_executed")?);
    ensure!(place("gdpr_erasure_executed")? < place("request_completed")?);
    let executed = &log[place("gdpr_erasure_executed")?];
    assert_eq!(executed["data_erased"]["documents"].as_u64(), Some(erased.values().sum()));
    let excluded = executed["exclusions"].as_array().context("no exclusions")?;
    ensure!(["invoices", "audit_logs", "redemptions"].iter().all(|c| excluded.iter().any(|e| e["category"] == *c)), "{executed}");
    Ok(())
}

#[test]
fn progress_only_grows() -> Result<()> {
    let customer = Customer::plant()?;
    let job = Job::in_review(&Organization::demo()?, &full_erasure(&customer.id))?;
    job.execute(&json!({}))?.ok()?;
    let mut seen = (0, String::new());
    job.watch("completed_with_exceptions", |status| {
        let percent = status["progress_percent"].as_u64().context("no progress_percent")?;
        ensure!(percent >= seen.0, "{percent} % in {} after {} % in {}", status["phase"], seen.0, seen.1);
        let processed = |s: &Value| s["items_processed"].as_u64() <= s["items_total"].as_u64();
        ensure!(status["steps"].as_array().is_some_and(|steps| steps.iter().all(processed)), "{status}");
        seen = (percent, status["phase"].to_string());
        Ok(())
    })?;
    Ok(())
}

#[test]
fn p3_a_customer_known_by_address_alone_is_erased_wherever_the_profile_leads() -> Result<()> {
    let customer = Customer::plant()?;
    let mut body = full_erasure("");
    body.as_object_mut().context("an object")?.remove("subject_id");
    body["subject_email"] = json!(customer.email);
    let job = Job::in_review(&Organization::demo()?, &body)?;
    job.execute(&json!({}))?.ok()?;
    // The profile knows the address, and the id that leads to everything else.
    job.wait_for("completed_with_exceptions")?;
    let detail = job.detail()?;
    assert_eq!(detail["unsearched"], json!([]), "{detail}");
    let counts = customer.counts()?;
    let kept = ["shop-audit-logs", "shop-invoices", "shop-loyalty"];
    ensure!(counts.keys().all(|store| kept.contains(&store.as_str())), "{counts:?}");
    Ok(())
}

#[test]
fn p3_a_rejected_late_round_leaves_what_was_destroyed_proven() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let job = Job::recoverable(&demo, &full_erasure(&customer.id))?;
    // The person is back before the last look.
    customer.rewrite()?;
    let new = customer.look()?["shop-chat"].clone();
    assert_eq!(new.len(), 1, "{new:?}");
    job.wait_for("in_review")?;
    let plan = &job.detail()?["plan"];
    assert_eq!((&plan["round"], &plan["records"]), (&json!(2), &json!(1)), "{plan}");
    let rejected = demo.reviewer.post(&job.path("/reject"), &json!({ "reason": "a new account" }))?.ok()?;
    ensure!(rejected["status"] != "rejected", "{rejected}");
    let status = job.wait_for("completed_with_exceptions")?;
    assert_eq!(status["progress_percent"], 100, "{status}");
    assert_eq!(customer.look()?["shop-chat"], new);
    let kept = job.detail()?["kept"].clone();
    let late = |k: &&Value| k["why"] == "excluded_by_reviewer";
    let late: Vec<&Value> = kept.as_array().context("nothing is kept")?.iter().filter(late).collect();
    assert_eq!((late.len(), &late[0]["producer"], &late[0]["records"]), (1, &json!("chat-messages"), &json!(1)), "{kept}");
    let log = job.sealed_log("request_completed")?;
    assert_eq!(log.iter().filter(|e| e["event_type"] == "request_rejected").count(), 1, "{log:?}");
    let certificate = demo.officer.post(&job.path("/certificate"), &json!({ "format": "json" }))?.ok()?;
    let claims = &certificate["claims"];
    assert_eq!(claims["status"], "completed_with_exceptions", "{claims}");
    ensure!(claims["erased"].as_array().is_some_and(|erased| !erased.is_empty()), "{claims}");
    let named = |k: &Value| k["reason"] == "excluded_by_reviewer" && k["documents"] == 1;
    ensure!(claims["kept"].as_array().is_some_and(|kept| kept.iter().any(named)), "{claims}");
    Ok(())
}

#[test]
fn p7_the_log_verifies_from_its_first_entry() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let job = Job::in_review(&demo, &full_erasure(&customer.id))?;
    job.sealed_log("plan_created")?;
    let (entries, _) = demo.auditor.all(AUDIT, "entries", 100)?;
    let sealed: Vec<_> = entries.iter().filter(|e| e["sealed"] == true).collect();
    ensure!(sealed.iter().any(|e| e["request_id"] == job.id.as_str()), "the log lacks the request's entries");
    let mut previous = format!("sha256:{}", "0".repeat(64));
    for (place, entry) in sealed.iter().enumerate() {
        assert_eq!(entry["index"].as_u64(), Some(place as u64), "{entry}");
        assert_eq!(entry["previous_hash"], previous.as_str(), "{entry}");
        previous = hash_of(entry)?;
        assert_eq!(entry["hash"], previous.as_str(), "{entry}");
    }
    Ok(())
}

/// SHA-256 over canonical JSON (RFC 8785) of an entry without its hash, absent fields left out.
fn hash_of(shown: &Value) -> Result<String> {
    let mut entry = shown.as_object().context("an entry")?.clone();
    for added in ["hash", "sealed", "executed_by"] {
        entry.remove(added);
    }
    if let Some(exclusions) = entry.get_mut("exclusions").and_then(Value::as_array_mut) {
        exclusions.iter_mut().filter_map(Value::as_object_mut).for_each(|e| e.retain(|_, v| !v.is_null()));
    }
    let empty = |v: &Value| v.is_null() || v.as_array().is_some_and(Vec::is_empty) || v.as_object().is_some_and(|o| o.is_empty());
    entry.retain(|_, value| !empty(value));
    Ok(format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(serde_json_canonicalizer::to_vec(&entry)?))))
}

#[test]
fn the_api_describes_itself_without_a_key() -> Result<()> {
    let anybody = Api::new(None)?;
    let document = anybody.get("/openapi.json")?.ok()?;
    ensure!(document["paths"][REQUESTS]["post"].is_object() && document["paths"][AUDIT]["get"].is_object());
    anybody.get("/health")?.ok().map(drop)
}
