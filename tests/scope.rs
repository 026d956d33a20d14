//! Erasures of part of what is there.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use oubli_tests::{Customer, Job, Organization, full_erasure, partial_erasure};
use serde_json::{Value, json};

fn erase(body: &Value, approval: &Value, end: &str) -> Result<Job> {
    let job = Job::in_review(&Organization::demo()?, body)?;
    job.execute(approval)?.ok()?;
    job.wait_for(end)?;
    Ok(job)
}

fn without(mut counts: BTreeMap<String, usize>, stores: &[&str]) -> BTreeMap<String, usize> {
    counts.retain(|store, _| !stores.iter().any(|gone| store == gone));
    counts
}

#[test]
fn p1_only_the_categories_named_go() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.counts()?;
    let body = partial_erasure(&customer.id, "categories", &["chat_history", "order_history"]);
    let job = erase(&body, &json!({}), "completed")?;
    assert_eq!(customer.counts()?, without(before, &["shop-chat", "shop-orders", "shop-order-lines"]));
    let detail = job.detail()?;
    assert_eq!(detail["categories"], json!(["chat_history", "order_history"]), "{detail}");
    assert_eq!(detail["counts"]["erased"], 16);
    Ok(())
}

#[test]
fn p1_the_categories_excluded_stay() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.counts()?;
    let stay = ["documents", "profile", "invoices", "audit_logs", "loyalty", "reviews", "redemptions", "returns"];
    let body = partial_erasure(&customer.id, "exclude_categories", &stay);
    erase(&body, &json!({}), "completed")?;
    assert_eq!(customer.counts()?, without(before, &["shop-chat", "shop-orders", "shop-order-lines"]));
    Ok(())
}

#[test]
fn p3_logs_out_of_scope_stay() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let mut body = full_erasure(&customer.id);
    body["scope"] = json!({ "include_logs": false });
    let job = erase(&body, &json!({}), "completed_with_exceptions")?;
    assert_eq!(customer.look()?["shop-audit-logs"], before["shop-audit-logs"]);
    let scope = json!({ "include_backups": true, "include_logs": false, "include_derived_data": true });
    let detail = job.detail()?;
    assert_eq!(detail["scope"], scope);
    let logs =
        json!({ "producer": "audit-logs", "category": "audit_logs", "why": "logs_left_out", "by_part": false, "reason": null });
    ensure!(detail["unsearched"].as_array().is_some_and(|u| u.contains(&logs)), "{detail}");
    Ok(())
}

#[test]
fn p1_what_the_reviewer_excludes_stays_with_the_reason_and_the_date() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let exclusion = json!({ "category": "chat_history", "reason": "Tax audit", "retention_until": "2031-12-31" });
    let job = erase(&full_erasure(&customer.id), &json!({ "exclusions": [exclusion] }), "completed_with_exceptions")?;
    let after = customer.look()?;
    assert_eq!(after["shop-chat"], before["shop-chat"]);
    ensure!(after["shop-orders"].is_empty() && after["shop-documents"].is_empty());
    let detail = job.detail()?;
    assert_eq!(detail["exclusions"], json!([exclusion]));
    let kept = detail["kept"].as_array().context("nothing is kept")?;
    let chat = kept.iter().find(|k| k["category"] == "chat_history").with_context(|| detail.to_string())?;
    assert_eq!(chat["why"], "excluded_by_reviewer");
    assert_eq!((&chat["records"], &chat["retention_until"]), (&json!(7), &json!("2031-12-31")), "{chat}");

    let log = job.sealed_log("request_completed")?;
    for event in ["request_approved", "gdpr_erasure_executed"] {
        let entry = log.iter().find(|e| e["event_type"] == event).context(event)?;
        let exclusions = entry["exclusions"].as_array().context("no exclusions")?;
        let chat = exclusions.iter().find(|e| e["category"] == "chat_history").with_context(|| entry.to_string())?;
        assert_eq!((&chat["reason"], &chat["retention_until"]), (&json!("excluded_by_reviewer"), &json!("2031-12-31")));
    }
    ensure!(!json!(log).to_string().contains("Tax audit"), "free text stands in the log");
    Ok(())
}

#[test]
fn an_erasure_of_nobody_says_that_there_was_nothing() -> Result<()> {
    let nobody = format!("cust-{}", oubli_tests::unique());
    let mut body = full_erasure(&nobody);
    body["reason"] = json!("user_request");
    let job = Job::in_review(&Organization::demo()?, &body)?;
    let detail = job.detail()?;
    assert_eq!(detail["plan"]["records"], 0);
    let cautions = detail["plan"]["cautions"].to_string();
    ensure!(cautions.contains("nobody of this identifier was found in the 13 places searched"), "{detail}");
    job.execute(&json!({}))?.ok()?;
    job.wait_for("completed")?;
    Ok(())
}

#[test]
fn an_erasure_for_later_waits() -> Result<()> {
    let customer = Customer::plant()?;
    let before = customer.counts()?;
    let mut body = full_erasure(&customer.id);
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(8);
    body["scheduled_at"] = json!(later.to_string());
    let job = Job::in_review(&Organization::demo()?, &body)?;
    let approved = job.execute(&json!({}))?.ok()?;
    assert_eq!((&approved["status"], &approved["phase"]), (&json!("scheduled"), &json!("scheduled")), "{approved}");
    if jiff::Timestamp::now() < later {
        assert_eq!(customer.counts()?, before);
    }
    let done = job.wait_for("completed_with_exceptions")?;
    let began: jiff::Timestamp = done["started_at"].as_str().context("no started_at")?.parse()?;
    ensure!(began >= later, "it began at {began}, before {later}");
    Ok(())
}
