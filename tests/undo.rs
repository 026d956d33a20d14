//! Cancelling and restoring, before and after it is too late.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use oubli_tests::{AUDIT, Customer, Holdings, Job, Organization, full_erasure, text};
use serde_json::{Value, json};

/// Over the same stores, with a window that outlasts any of these tests.
fn patient() -> Result<Organization> {
    static PATIENT: OnceLock<Result<Organization, String>> = OnceLock::new();
    let made = PATIENT.get_or_init(|| Organization::create(600).map_err(|e| format!("{e:#}")));
    made.clone().map_err(anyhow::Error::msg)
}

/// Of what was hidden, nothing is visible; of the versioned bucket, markers hide it.
fn hidden(held: &Holdings) -> bool {
    let rows = ["shop-profiles", "shop-orders", "shop-order-lines", "shop-chat", "shop-returns"];
    let objects = ["shop-avatars", "shop-uploads", "shop-documents now"];
    rows.iter().chain(&objects).all(|store| held[*store].is_empty())
}

#[test]
fn p1_what_is_cancelled_before_its_approval_is_never_touched() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let job = Job::in_review(&patient()?, &full_erasure(&customer.id))?;
    let cancelled = job.cancel()?.ok()?;
    assert_eq!((&cancelled["status"], &cancelled["phase"]), (&json!("cancelled"), &json!("cancelled")), "{cancelled}");
    assert_eq!((&cancelled["account"]["recoverable"], &cancelled["account"]["purged"]), (&json!(0), &json!(0)));
    job.execute(&json!({}))?.refused(409, "invalid_state")?;
    job.cancel()?.refused(409, "invalid_state")?;
    assert_eq!(customer.look()?, before);
    Ok(())
}

#[test]
fn p5_a_restore_gives_back_every_record_byte_for_byte() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let job = Job::recoverable(&patient()?, &full_erasure(&customer.id))?;
    let while_hidden = customer.look()?;
    ensure!(hidden(&while_hidden), "{while_hidden:?}");
    let planned = job.detail()?["plan"]["records"].clone();
    let asked = Instant::now();
    job.restore(&json!({}))?.ok()?;
    let status = job.restored()?;
    let took = asked.elapsed();
    assert_eq!((&status["status"], &status["phase"]), (&json!("cancelled"), &json!("restored")), "{status}");
    let after = customer.look()?;
    for (store, records) in &before {
        assert_eq!(&after[store], records, "{store}");
    }
    let counts = &job.detail()?["counts"];
    assert_eq!((&counts["restored"], &counts["erased"], &counts["conflicts"]), (&planned, &json!(0), &json!(0)), "{counts}");
    ensure!(took < Duration::from_secs(30), "25 records came back after {took:?}");
    job.restore(&json!({}))?.refused(409, "invalid_state")?;
    job.cancel()?.refused(409, "invalid_state").map(drop)
}

#[test]
fn p5_a_cancel_during_the_purge_comes_too_late_and_says_what_is_gone() -> Result<()> {
    // A small purge is soon over: somebody else is erased until one is met in the midst of it.
    for _ in 0..10 {
        let customer = Customer::plant()?;
        let job = Job::recoverable(&Organization::demo()?, &full_erasure(&customer.id))?;
        let mut phase = String::new();
        while !["purging", "verifying", "completed", "completed_with_exceptions"].contains(&phase.as_str()) {
            phase = job.status()?["phase"].as_str().context("no phase")?.to_owned();
        }
        let answer = job.cancel()?;
        let late = answer.body["code"] == "purge_running";
        answer.refused(409, if late { "purge_running" } else { "invalid_state" })?;
        job.wait_for("completed_with_exceptions")?;
        if late {
            return Ok(());
        }
    }
    anyhow::bail!("no purge was met while it ran")
}

/// A customer whose first chat message was written anew while it was hidden, and all else put back.
fn in_conflict() -> Result<(Customer, Holdings, Job)> {
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let job = Job::recoverable(&patient()?, &full_erasure(&customer.id))?;
    customer.rewrite()?;
    let first = format!("{}/m-000001", customer.id);
    let newer = customer.look()?["shop-chat"][&first].clone();
    job.restore(&json!({}))?.ok()?;
    let status = job.restored()?;
    assert_eq!(status["phase"], "recoverable", "the copy is kept: {status}");
    let mut after = customer.look()?;
    assert_eq!(after["shop-chat"][&first], newer);
    let chat = after.get_mut("shop-chat").context("no chat")?;
    chat.insert(first.clone(), before["shop-chat"][&first].clone());
    assert_eq!(after, before);
    let steps = status["steps"].as_array().context("no steps")?;
    let chat = steps.iter().find(|s| s["producer"] == "chat-messages").context("no step")?;
    assert_eq!((&chat["counts"]["conflicts"], &chat["counts"]["restored"]), (&json!(1), &json!(6)), "{chat}");
    Ok((customer, before, job))
}

#[test]
fn p5_p6_what_was_written_meanwhile_is_left_alone_and_its_copy_can_be_put_back_later() -> Result<()> {
    let (customer, before, job) = in_conflict()?;
    let conflicts = job.conflicts()?;
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    let conflict = &conflicts[0];
    assert_eq!((&conflict["producer"], &conflict["record"]["message_id"]["S"]), (&json!("chat-messages"), &json!("m-000001")));
    ensure!(conflict["hidden_at"].as_str() < conflict["conflict_at"].as_str(), "{conflict}");
    ensure!(conflict["reason"].is_string(), "{conflict}");
    let other = json!({ "records": ["rec_000_000000_999999"] });
    job.restore(&other)?.refused(400, "unknown_record")?;
    job.restore(&json!({ "records": ["the first"] }))?.refused(400, "invalid_record")?;

    customer.unwrite()?;
    job.restore(&json!({ "records": [conflict["name"]] }))?.ok()?;
    assert_eq!(job.restored()?["phase"], "restored");
    assert_eq!(customer.look()?, before);
    ensure!(job.conflicts()?.is_empty());
    Ok(())
}

#[test]
fn p7_what_could_not_be_put_back_is_listed_to_who_may_undo_and_each_reading_is_noted() -> Result<()> {
    let (customer, _, job) = in_conflict()?;
    let (organization, path) = (&job.organization, job.path("/conflicts"));
    for _ in 0..3 {
        let (rows, _) = organization.officer.all(&path, "conflicts", 1)?;
        let [row] = rows.as_slice() else { anyhow::bail!("not one row: {rows:?}") };
        assert_eq!((&row["producer"], &row["category"]), (&json!("chat-messages"), &json!("chat_history")), "{row}");
        let (whose, which) = (&row["record"]["customer_id"]["S"], &row["record"]["message_id"]["S"]);
        assert_eq!((whose, which), (&json!(customer.id), &json!("m-000001")), "{row}");
        ensure!(text(row, "name")?.starts_with("rec_") && row["reason"] == "something newer stands there", "{row}");
        ensure!(row["standing_since"].is_null(), "its store does not say when it was written: {row}");
    }
    for api in [&organization.reviewer, &organization.auditor, &organization.service] {
        api.get(&path)?.refused(403, "forbidden")?;
    }
    Organization::other()?.get(&path)?.refused(404, "not_found")?;

    let asked = format!("{AUDIT}?event_type=conflicts_read&request_id={}", job.id);
    let noted = organization.auditor.all(&asked, "entries", 100)?.0;
    ensure!(!noted.is_empty() && !json!(noted).to_string().contains(&customer.id), "{noted:?}");
    // Once, unless an hour ended meanwhile.
    let hour = |entry: &Value| -> Result<_> { Ok(text(entry, "timestamp")?.get(..13).context("a time")?.to_owned()) };
    let hours = noted.iter().map(hour).collect::<Result<BTreeSet<String>>>()?;
    assert_eq!(hours.len(), noted.len(), "{noted:?}");
    Ok(())
}

#[test]
fn p5_a_copy_in_conflict_is_given_up_by_name() -> Result<()> {
    let (customer, _, job) = in_conflict()?;
    let newer = customer.look()?;
    job.give_up(&json!([]))?.refused(400, "empty_scope")?;
    let name = job.conflicts()?[0]["name"].clone();
    job.give_up(&json!([name]))?.ok()?;
    let status = job.restored()?;
    assert_eq!(status["phase"], "restored", "{status}");
    assert_eq!(job.detail()?["counts"]["given_up"], 1);
    assert_eq!(customer.look()?, newer);
    Ok(())
}

#[test]
fn p5_categories_can_be_restored_alone() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let job = Job::recoverable(&patient()?, &full_erasure(&customer.id))?;
    job.restore(&json!({ "categories": ["chat_history"] }))?.ok()?;
    let back = job.restored()?;
    assert_eq!(back["phase"], "recoverable", "{back}");
    let after = customer.look()?;
    assert_eq!(after["shop-chat"], before["shop-chat"]);
    ensure!(after["shop-orders"].is_empty() && after["shop-profiles"].is_empty());
    job.restore(&json!({ "categories": [] }))?.refused(400, "empty_scope")?.names("categories")?;
    job.restore(&json!({ "categories": ["weather"] }))?.refused(400, "unknown_category")?.names("categories[0]")
}

#[test]
fn p5_what_is_cancelled_while_recoverable_stays_hidden_and_can_still_be_restored() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let job = Job::recoverable(&patient()?, &full_erasure(&customer.id))?;
    let cancelled = job.cancel()?.ok()?;
    assert_eq!((&cancelled["status"], &cancelled["phase"]), (&json!("cancelled"), &json!("recoverable")), "{cancelled}");
    ensure!(cancelled["account"]["recoverable"].as_u64() > Some(20), "{cancelled}");
    ensure!(cancelled["note"].as_str().is_some_and(|n| n.contains("stays hidden until it is restored")), "{cancelled}");
    ensure!(hidden(&customer.look()?));
    job.restore(&json!({}))?.ok()?;
    assert_eq!(job.restored()?["status"], "cancelled");
    assert_eq!(customer.look()?, before);
    Ok(())
}

#[test]
fn p5_a_cancelled_request_that_nobody_restores_is_purged_when_its_window_ends() -> Result<()> {
    let customer = Customer::plant()?;
    let job = Job::recoverable(&Organization::demo()?, &full_erasure(&customer.id))?;
    job.cancel()?.ok()?;
    let log = job.sealed_log("batch_purged")?;
    ensure!(log.iter().any(|e| e["event_type"] == "request_cancelled"), "{log:?}");
    job.restore(&json!({}))?.refused(409, "window_closed")?;
    let held = customer.look()?;
    ensure!(hidden(&held), "{held:?}");
    assert_eq!(job.status()?["status"], "cancelled");
    Ok(())
}

#[test]
fn p5_after_the_window_nothing_is_undone() -> Result<()> {
    let customer = Customer::plant()?;
    let job = Job::recoverable(&Organization::demo()?, &full_erasure(&customer.id))?;
    job.wait_for("completed_with_exceptions")?;
    let gone = customer.look()?;
    job.restore(&json!({}))?.refused(409, "window_closed")?;
    job.cancel()?.refused(409, "invalid_state")?;
    assert_eq!(customer.look()?, gone);
    Ok(())
}

#[test]
fn p1_what_is_rejected_is_never_touched() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let job = Job::in_review(&patient()?, &full_erasure(&customer.id))?;
    let rejected = job.organization.reviewer.post(&job.path("/reject"), &json!({ "reason": "An open dispute" }))?.ok()?;
    assert_eq!(rejected["status"], "rejected");
    job.execute(&json!({}))?.refused(409, "invalid_state")?;
    job.organization.reviewer.post(&job.path("/reject"), &json!({ "reason": "again" }))?.refused(409, "invalid_state")?;
    job.restore(&json!({}))?.refused(409, "invalid_state")?;
    assert_eq!(customer.look()?, before);
    Ok(())
}
