//! Legal holds: what they stop, what they keep, what their release sets going again.

use anyhow::{Context, Result, ensure};
use oubli_tests::{Customer, HOLDS, Job, Organization, full_erasure};
use serde_json::{Value, json};

fn place(organization: &Organization, body: &Value) -> Result<(String, Value)> {
    let placed = organization.officer.post(HOLDS, body)?.ok()?;
    Ok((placed["hold_id"].as_str().context("no hold_id")?.to_owned(), placed))
}

fn release(organization: &Organization, hold: &str) -> Result<Value> {
    organization.officer.delete(&format!("{HOLDS}/{hold}"))?.ok()
}

#[test]
fn p2_nothing_of_a_held_person_is_approved() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let job = Job::in_review(&demo, &full_erasure(&customer.id))?;
    let (hold, placed) = place(&demo, &json!({ "subject_id": customer.id, "reason": "Dispute", "reference": "4 O 117/26" }))?;
    let effects = placed["effects"].as_array().context("no effects")?;
    let effect = effects.iter().find(|e| e["request_id"] == job.id.as_str()).with_context(|| placed.to_string())?;
    assert_eq!((&effect["recoverable"], &effect["purged"]), (&json!(0), &json!(0)), "{effect}");
    job.execute(&json!({}))?.refused(409, "legal_hold_active")?;
    assert_eq!(job.status()?["phase"], "in_review");
    assert_eq!(customer.look()?, before);

    release(&demo, &hold)?;
    job.wait_for("in_review")?;
    job.execute(&json!({}))?.ok()?;
    job.wait_for("completed_with_exceptions")?;
    ensure!(customer.look()?["shop-profiles"].is_empty());
    Ok(())
}

#[test]
fn p2_a_held_category_stays_and_is_looked_for_again_after_the_release() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let held = json!({ "subject_id": customer.id, "categories": ["chat_history"], "reason": "Dispute" });
    let (hold, _) = place(&demo, &held)?;
    let job = Job::in_review(&demo, &full_erasure(&customer.id))?;
    let kept = job.detail()?["plan"]["kept"].clone();
    let chat = kept.as_array().and_then(|k| k.iter().find(|k| k["category"] == "chat_history"));
    let chat = chat.with_context(|| kept.to_string())?;
    assert_eq!((&chat["why"], &chat["hold_id"]), (&json!("legal_hold"), &json!(hold)));
    job.execute(&json!({}))?.ok()?;
    job.wait_for("completed_with_exceptions")?;
    let after = customer.look()?;
    assert_eq!(after["shop-chat"], before["shop-chat"]);
    ensure!(after["shop-orders"].is_empty() && after["shop-profiles"].is_empty());

    release(&demo, &hold)?;
    // It is complete until somebody has looked again.
    let again = job.until(|status| Ok(status["phase"] == "in_review"))?;
    ensure!(again["round"].as_u64() > Some(1), "{again}");
    let plan = job.detail()?["plan"].clone();
    assert_eq!(plan["records"], 7, "{plan}");
    assert_eq!(customer.look()?["shop-chat"], before["shop-chat"]);
    let digest = job.detail()?["plan_digest"].clone();
    let blind = job.execute(&json!({}))?;
    blind.refused(409, "plan_changed")?;
    assert_eq!(blind.body["errors"][0]["accepted"], digest);
    job.execute(&json!({ "plan_digest": digest }))?.ok()?;
    job.wait_for("completed_with_exceptions")?;
    ensure!(customer.look()?["shop-chat"].is_empty());
    let log = job.sealed_log("request_reopened")?;
    assert_eq!(log.iter().filter(|e| e["event_type"] == "request_completed").count(), 2);
    Ok(())
}

#[test]
fn p2_a_hold_inside_the_window_stops_the_purge_until_its_release() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let job = Job::recoverable(&demo, &full_erasure(&customer.id))?;
    let (hold, placed) = place(&demo, &json!({ "subject_id": customer.id, "reason": "Dispute" }))?;
    let effects = placed["effects"].as_array().context("no effects")?;
    let effect = effects.iter().find(|e| e["request_id"] == job.id.as_str()).with_context(|| placed.to_string())?;
    assert_eq!((&effect["phase"], &effect["purged"]), (&json!("recoverable"), &json!(0)), "{effect}");
    ensure!(effect["recoverable"].as_u64() > Some(20), "{effect}");

    job.until(|status| {
        ensure!(status["phase"] == "recoverable", "{status}");
        Ok(status["waiting_for"] == "legal_hold")
    })?;
    release(&demo, &hold)?;
    job.wait_for("completed_with_exceptions")?;
    ensure!(customer.look()?["shop-profiles"].is_empty());
    Ok(())
}

#[test]
fn holds_are_listed_shown_and_released_once() -> Result<()> {
    let demo = Organization::demo()?;
    let subject = format!("cust-{}", oubli_tests::unique());
    let body = json!({ "subject_id": subject, "categories": ["invoices"], "reason": "Dispute", "reference": "4 O 117/26" });
    let (hold, placed) = place(&demo, &body)?;
    assert_eq!((&placed["status"], &placed["covers"]), (&json!("effective"), &json!("subject")));
    let list = |status: &str| demo.officer.all(&format!("{HOLDS}?subject_id={subject}&status={status}"), "holds", 10);
    let path = format!("{HOLDS}/{hold}");
    oubli_tests::resolved_hold(&demo.officer, &hold)?;
    let mut shown = demo.officer.get(&path)?.ok()?;
    let effects = shown.as_object_mut().map(|shown| (shown.remove("effects"), shown.remove("more_effects")));
    assert_eq!(effects, Some((Some(json!([])), Some(json!(false)))));
    assert_eq!((&shown["reason"], &shown["reference"]), (&json!("Dispute"), &json!("4 O 117/26")));
    ensure!(shown["identifiers"][0]["value"].is_null(), "nobody asked who it is: {shown}");
    assert_eq!(list("effective")?.0, [shown]);
    let seen = demo.auditor.get(&path)?.ok()?;
    ensure!(seen["reason"].is_null() && seen["reference"].is_null() && !seen.to_string().contains(&subject), "{seen}");
    ensure!(list("released")?.0.is_empty());

    let other = Organization::other()?;
    other.get(&path)?.refused(404, "not_found")?;
    other.delete(&path)?.refused(404, "not_found")?;
    demo.auditor.delete(&path)?.refused(403, "forbidden")?;
    demo.reviewer.delete(&path)?.refused(403, "forbidden")?;
    demo.service.get(&path)?.refused(403, "forbidden")?;

    let released = release(&demo, &hold)?;
    assert_eq!(released["status"], "released");
    ensure!(released["released_at"].is_string() && released["released_by"].is_string(), "{released}");
    demo.officer.delete(&path)?.refused(409, "already_released")?;
    ensure!(list("effective")?.0.is_empty());
    assert_eq!(list("released")?.0.len(), 1);
    Ok(())
}
