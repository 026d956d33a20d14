//! Calls made twice, and lists read to their end.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use oubli_tests::{AUDIT, Answer, HOLDS, Job, Organization, REQUESTS, full_erasure, unique};
use serde_json::{Value, json};

fn post(organization: &Organization, path: &str, key: &str, body: &Value) -> Result<Answer> {
    organization.officer.call("POST", path, Some(&body.to_string()), &[("idempotency-key", key)])
}

#[test]
fn p4_a_call_made_twice_has_its_effect_once() -> Result<()> {
    let demo = Organization::demo()?;
    let (key, body) = (format!("key-{}", unique()), full_erasure(&format!("cust-{}", unique())));
    let first = post(&demo, REQUESTS, &key, &body)?;
    assert_eq!((first.status, first.replayed), (201, false), "{}", first.text);
    let again = post(&demo, REQUESTS, &key, &body)?;
    assert_eq!((again.status, again.replayed, again.body), (201, true, first.body.clone()));
    let mut other = body.clone();
    other["reason"] = json!("objection");
    post(&demo, REQUESTS, &key, &other)?.refused(422, "idempotency_key_reused")?;
    // Without the key, or with another, it is a second request, and says so.
    let second = Job::submit(&demo, &body)?;
    ensure!(second.submitted["request_id"] != first.body["request_id"]);
    assert_eq!(second.submitted["duplicate_of"], first.body["request_id"]);
    Ok(())
}

#[test]
fn p4_calls_made_at_the_same_time_have_their_effect_once() -> Result<()> {
    let demo = Organization::demo()?;
    let (key, body) = (format!("key-{}", unique()), full_erasure(&format!("cust-{}", unique())));
    let answers: Vec<Result<Answer>> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| post(&demo, REQUESTS, &key, &body))).collect();
        calls.into_iter().filter_map(|call| call.join().ok()).collect()
    });
    let mut ids = BTreeSet::new();
    for answer in answers {
        let answer = answer?;
        match answer.status {
            201 => ids.extend(answer.body["request_id"].as_str().map(ToOwned::to_owned)),
            _ => answer.refused(409, "idempotency_in_progress").map(drop)?,
        }
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    Ok(())
}

#[test]
fn a_key_belongs_to_its_caller_and_its_route() -> Result<()> {
    let demo = Organization::demo()?;
    let (key, body) = (format!("key-{}", unique()), full_erasure(&format!("cust-{}", unique())));
    let mine = post(&demo, REQUESTS, &key, &body)?.ok()?;
    let theirs = demo.service.call("POST", REQUESTS, Some(&body.to_string()), &[("idempotency-key", &key)])?;
    ensure!(!theirs.replayed && theirs.ok()?["request_id"] != mine["request_id"]);
    let hold = json!({ "subject_id": body["subject_id"], "categories": ["profile"], "reason": "Dispute" });
    let placed = post(&demo, HOLDS, &key, &hold)?.ok()?;
    assert_eq!(post(&demo, HOLDS, &key, &hold)?.ok()?, placed);
    let hold = placed["hold_id"].as_str().context("no hold")?;
    demo.officer.delete(&format!("{HOLDS}/{hold}"))?.ok().map(drop)
}

#[test]
fn a_refused_call_leaves_its_key_free() -> Result<()> {
    let demo = Organization::demo()?;
    let key = format!("key-{}", unique());
    post(&demo, REQUESTS, &key, &json!({ "subject_id": "x" }))?.refused(400, "missing_field")?;
    post(&demo, REQUESTS, &key, &full_erasure(&format!("cust-{}", unique())))?.ok()?;
    let long = "x".repeat(256);
    for bad in ["a b", &long] {
        post(&demo, REQUESTS, bad, &full_erasure("cust-1"))?.refused(400, "invalid_idempotency_key")?.names("Idempotency-Key")?;
    }
    Ok(())
}

#[test]
fn lists_can_be_read_to_their_end_and_show_nothing_twice() -> Result<()> {
    let own = Organization::create(600)?;
    let mut expected = BTreeSet::new();
    for _ in 0..5 {
        let job = Job::in_review(&own, &full_erasure(&format!("cust-{}", unique())))?;
        job.sealed_log("plan_created")?;
        expected.insert(job.id);
        own.officer.post(HOLDS, &json!({ "subject_id": unique(), "reason": "Dispute" }))?.ok()?;
    }
    for limit in [1, 2, 5, 100] {
        for (path, list, id, at_least) in
            [(REQUESTS, "requests", "request_id", 5), (HOLDS, "holds", "hold_id", 5), (AUDIT, "entries", "audit_id", 15)]
        {
            let (found, pages) = own.auditor.all(path, list, limit)?;
            let ids: BTreeSet<_> = found.iter().filter_map(|f| f[id].as_str()).collect();
            assert_eq!(ids.len(), found.len(), "{path} with {limit} a page shows something twice");
            ensure!(found.len() >= at_least && pages >= found.len().div_ceil(limit), "{path}: {} in {pages}", found.len());
            if path == REQUESTS {
                ensure!(found.iter().all(|f| f[id].as_str().is_some_and(|i| expected.contains(i))) && found.len() == 5);
                ensure!(
                    found.windows(2).all(|w| w[0]["submitted_at"].as_str() > w[1]["submitted_at"].as_str()),
                    "not newest first"
                );
            }
        }
    }
    let (reviewed, _) = own.auditor.all(&format!("{REQUESTS}?status=in_review"), "requests", 2)?;
    assert_eq!(reviewed.len(), 5);
    assert_eq!(own.auditor.all(&format!("{REQUESTS}?status=completed"), "requests", 2)?.0.len(), 0);
    Ok(())
}

#[test]
fn p8_a_cursor_is_of_one_organization_and_one_list() -> Result<()> {
    let demo = Organization::demo()?;
    let other = Organization::other()?;
    for _ in 0..2 {
        Job::submit(&demo, &full_erasure(&format!("cust-{}", unique())))?;
    }
    let page = demo.officer.get(&format!("{REQUESTS}?limit=1"))?.ok()?;
    let cursor = page["next_cursor"].as_str().context("no cursor")?;
    demo.officer.get(&format!("{REQUESTS}?limit=1&cursor={cursor}"))?.ok()?;
    other.get(&format!("{REQUESTS}?limit=1&cursor={cursor}"))?.refused(400, "invalid_cursor")?.names("cursor")?;
    for path in [HOLDS, AUDIT] {
        demo.officer.get(&format!("{path}?cursor={cursor}"))?.refused(400, "invalid_cursor")?.names("cursor")?;
    }
    let half = &cursor[..cursor.len() / 2];
    for bad in [half, "x", "e30"] {
        demo.officer.get(&format!("{REQUESTS}?cursor={bad}"))?.refused(400, "invalid_cursor")?.names("cursor")?;
    }
    Ok(())
}
