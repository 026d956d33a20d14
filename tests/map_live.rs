//! A data map held against the deployed stack: what records have, what belongs to no producer, what roles may do.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use oubli_tests::{Organization, Ran, oubli, root, unique, variable};

const SHOP: &str = "infra/maps/demo-shop.yaml";

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

/// What is said of the demo shop's map with one change.
fn live(from: &str, to: &str) -> Result<Ran> {
    let map = std::fs::read_to_string(root().join(SHOP))?;
    ensure!(map.contains(from), "the demo map has no {from}");
    let file = Scratch(std::env::temp_dir().join(format!("oubli-live-{}.yaml", unique())));
    std::fs::write(&file.0, map.replacen(from, to, 1))?;
    oubli("", &["map", "check", "--live", &file.0.to_string_lossy()])
}

#[test]
fn every_name_of_the_demo_map_is_in_its_records() -> Result<()> {
    let said = oubli("", &["map", "check", "--live", SHOP])?.succeeded()?;
    ensure!(!said.contains(" is in none of") && !said.contains(" is so in none of"), "{said}");
    // The deployment's own belong to nobody's map.
    for own in ["OUBLI_CONTROL_TABLE", "OUBLI_WORK_BUCKET", "OUBLI_EXPORT_BUCKET", "OUBLI_LEDGER_BUCKET"] {
        let own = variable(own)?;
        let unclaimed = said.lines().filter(|line| line.contains("belong"));
        ensure!(unclaimed.clone().all(|line| !line.split([' ', ',', '.', ':']).any(|word| word == own)), "{own}: {said}");
    }
    Ok(())
}

#[test]
fn a_name_that_no_record_has_is_told_on_its_line_with_the_nearest() -> Result<()> {
    for (from, to, says) in [
        ("from: issued_at", "from: issued_on", "invoices.retention.from: issued_on is in none of"),
        ("subject_email: email}", "subject_email: mail}", "profiles.identifies: mail is in none of"),
        (
            "{by: {producer: orders, field: order_id}",
            "{by: {producer: orders, field: order_number}",
            "order-lines.select.by.field: order_number is in none of",
        ),
    ] {
        let ran = live(from, to)?;
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let told = ran.out.lines().find(|line| line.contains(says)).with_context(|| format!("{says}: {}", ran.out))?;
        ensure!(told.contains(".yaml:") && told.contains("warning"), "{told}");
    }
    Ok(())
}

#[test]
fn a_prefix_that_no_key_begins_with_is_told_with_the_nearest() -> Result<()> {
    let ran = live("prefix: \"avatars/{}/\"", "prefix: \"avatar/{}/\"")?;
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let says =
        "avatars.select.prefix: no key of shop-avatars begins with avatar/: nothing is found by it: did you mean avatars/?";
    let told = ran.out.lines().find(|line| line.contains(says)).with_context(|| ran.out.clone())?;
    ensure!(told.contains(".yaml:") && told.contains("warning"), "{told}");
    let right = oubli("", &["map", "check", "--live", SHOP])?.succeeded()?;
    ensure!(!right.contains("begins with"), "{right}");
    Ok(())
}

/// An administrator of an organization is nobody to Oubli's own tables and buckets.
#[test]
fn p1_a_map_of_oublis_own_stores_is_refused() -> Result<()> {
    let shop = Organization::create(5)?;
    for (variable_of, connector, location) in [
        ("OUBLI_KEYS_TABLE", "dynamodb", "table: NAME, key: [pk, sk], select: [{by: subject_id, attribute: pk}]"),
        ("OUBLI_EXPORT_BUCKET", "s3", "bucket: NAME, select: [{by: subject_id, prefix: \"u/{}/\"}]"),
        ("OUBLI_WORK_BUCKET", "s3", "bucket: NAME, select: [{by: subject_id, prefix: \"u/{}/\"}]"),
    ] {
        let location = location.replace("NAME", &variable(variable_of)?);
        let map = format!(
            "version: 1\nstores:\n  s: {{connector: {connector}}}\nproducers:\n  - {{name: p, category: c, store: s, {location}}}\n"
        );
        let file = Scratch(std::env::temp_dir().join(format!("oubli-own-{}.yaml", unique())));
        std::fs::write(&file.0, map)?;
        let ran = oubli(shop.administrator.place().1, &["map", "publish", &file.0.to_string_lossy()])?;
        ensure!(ran.code == 4 && ran.err.contains("store_claimed") && ran.err.contains("Oubli's own"), "{variable_of}: {ran:?}");
    }
    Ok(())
}

#[test]
fn a_mask_that_no_record_has_is_refused_since_an_export_would_show_what_it_was_meant_for() -> Result<()> {
    let ran = live("mask: [agent]", "mask: [agnet]")?;
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let says = "refused: chat-messages.export.mask: agnet is in none of";
    let told = ran.out.lines().find(|line| line.contains(says)).with_context(|| ran.out.clone())?;
    ensure!(told.contains(".yaml:") && told.contains("did you mean agent?"), "{told}");
    Ok(())
}

/// The ARN of a role, as the stack's outputs name it.
fn role(output: &str) -> Result<String> {
    let outputs = std::fs::read_to_string(root().join(".local/outputs.json")).context("a local stack leaves its outputs")?;
    let outputs: serde_json::Value = serde_json::from_str(&outputs)?;
    outputs[output].as_str().map(str::to_owned).with_context(|| format!("the stack has no output {output}"))
}

#[test]
fn the_deployments_roles_may_do_what_the_demo_map_needs_and_each_its_own_work_only() -> Result<()> {
    let (searches, erases, exports) = (role("DiscoveryRoleArn")?, role("DeletionRoleArn")?, role("ExportRoleArn")?);
    let ask = |deletes: &str| {
        let roles = ["--discovery-role", &searches, "--deletion-role", deletes, "--export-role", &exports];
        oubli("", &[&["map", "check", "--live", SHOP][..], &roles].concat())
    };
    let said = ask(&erases)?.succeeded()?;
    ensure!(!said.contains(" may not ") && !said.contains("was not asked"), "{said}");
    // Whoever only searches deletes nothing.
    let said = ask(&searches)?.succeeded()?;
    ensure!(said.contains("may not dynamodb:ConditionCheckItem, dynamodb:DeleteItem, dynamodb:PutItem on arn:"), "{said}");
    ensure!(said.contains("s3:DeleteObject") && said.contains("add arn:") && said.contains("DataTableArns"), "{said}");
    Ok(())
}
