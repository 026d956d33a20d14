//! What one organization may use up, as the deployed functions keep it, with their own roles.

use std::{thread::sleep, time::Duration};

use anyhow::{Result, ensure};
use oubli_tests::{Customer, DISCOVERY, HOLDS, Job, Organization, full_erasure, oubli};
use serde_json::{Value, json};

fn limit(organization: &Organization, limits: &[&str]) -> Result<()> {
    oubli("", &[&["admin", "organization", "limits", "--id", &organization.id], limits].concat())?.succeeded()?;
    // So long functions go by what they knew.
    sleep(Duration::from_secs(2));
    Ok(())
}

#[test]
fn p8_whoever_floods_is_told_to_come_again_and_nobody_else_is() -> Result<()> {
    let (busy, calm) = (Organization::create(5)?, Organization::create(5)?);
    limit(&busy, &["--calls-per-second", "1", "--calls-at-once", "4"])?;
    let mut refused = 0;
    for _ in 0..20 {
        let answer = busy.officer.get(HOLDS)?;
        if answer.status == 429 {
            answer.refused(429, "rate_limited")?;
            refused += 1;
        }
        calm.officer.get(HOLDS)?.ok()?;
    }
    ensure!((1..20).contains(&refused), "{refused} of 20 calls were refused");
    // The command line waits as told.
    oubli(&busy.key, &["hold", "list"])?.succeeded()?;
    let shown = calm.administrator.get("/v1/organization")?.ok()?;
    ensure!(shown["limits"]["calls_per_second"].as_u64().is_some_and(|limit| limit > 1), "{shown}");
    Ok(())
}

#[test]
fn p8_discoveries_and_batches_beyond_the_limit_wait_and_nothing_fails() -> Result<()> {
    let organization = Organization::create(5)?;
    limit(&organization, &["--discoveries-per-minute", "3", "--batches-per-minute", "30"])?;
    let customer = Customer::plant()?;
    let whom = json!({ "subject_id": customer.id });
    organization.officer.post(DISCOVERY, &whom)?.ok()?;
    organization.officer.post(DISCOVERY, &whom)?.refused(429, "rate_limited")?;
    let job = Job::in_review(&organization, &full_erasure(&customer.id))?;
    job.execute(&json!({}))?.ok()?;
    let done = job.until(|status| Ok(status["finished_at"].is_string()))?;
    ensure!(done["status"].as_str().is_some_and(|status| status.starts_with("completed")), "{done}");
    let errors: Vec<&Value> =
        done["steps"].as_array().into_iter().flatten().map(|s| &s["error"]).filter(|e| !e.is_null()).collect();
    ensure!(errors.is_empty(), "waiting is no error: {errors:?}");
    Ok(())
}
