//! A map drafted from the demo shop's own stores.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use oubli_tests::{oubli, unique};
use serde_json::Value;

const TABLES: &str =
    "shop-profiles,shop-orders,shop-order-lines,shop-chat,shop-invoices,shop-audit-logs,shop-loyalty,shop-returns";
const BUCKETS: &str = "shop-documents,shop-avatars,shop-uploads";

fn scratch(what: &str) -> PathBuf {
    std::env::temp_dir().join(format!("oubli-{what}-{}.yaml", unique()))
}

fn draft(more: &[&str]) -> Result<Value> {
    let arguments = [&["--json", "map", "suggest", "--tables", TABLES, "--buckets", BUCKETS], more].concat();
    Ok(serde_json::from_str(&oubli("", &arguments)?.succeeded()?)?)
}

fn names(draft: &Value, list: &str, of: impl Fn(&Value) -> Option<String>) -> Result<BTreeSet<String>> {
    draft[list].as_array().context("no list")?.iter().map(|one| of(one).context("no name")).collect()
}

#[test]
fn the_demo_shop_is_drafted_as_it_is_and_the_draft_is_accepted_by_the_stores() -> Result<()> {
    let draft = draft(&[])?;
    let personal = names(&draft, "personal", |field| field["field"].as_str().map(str::to_owned))?;
    let there = [
        "shop-profiles.customer_id",
        "shop-profiles.email",
        "shop-profiles.name",
        "shop-profiles.phone",
        "shop-profiles.address",
        "shop-orders.customer_id",
        "shop-orders.email",
        "shop-chat.customer_id",
        "shop-chat.text",
        "shop-chat.agent",
        "shop-invoices.customer_id",
        "shop-audit-logs.customer_id",
        "shop-audit-logs.ip",
        "shop-loyalty[account].pk",
        "shop-loyalty[account].name",
        "shop-loyalty[review].pk",
        "shop-loyalty[review].text",
        "shop-loyalty[redemption].pk",
        "shop-returns.customer_id",
        "shop-returns.photo_key",
    ];
    let found = there.iter().filter(|field| personal.contains(**field)).count();
    ensure!(found * 100 >= there.len() * 95 && found * 100 >= personal.len() * 90, "{personal:?}");
    let links = names(&draft, "links", |link| Some(format!("{} -> {}", link["from"].as_str()?, link["to"].as_str()?)))?;
    for edge in [
        "shop-orders.customer_id -> shop-profiles",
        "shop-order-lines.order_id -> shop-orders",
        "shop-chat.customer_id -> shop-profiles",
        "shop-invoices.customer_id -> shop-profiles",
        "shop-audit-logs.customer_id -> shop-profiles",
        "shop-documents:customers/{}/ -> shop-profiles",
        "shop-avatars:avatars/{}/ -> shop-profiles",
        "shop-loyalty[account].pk -> shop-profiles",
        "shop-loyalty[review].pk -> shop-profiles",
        "shop-loyalty[redemption].pk -> shop-profiles",
        "shop-returns.customer_id -> shop-profiles",
        "shop-uploads:{} -> shop-returns",
    ] {
        ensure!(links.contains(edge), "{edge} is not among {links:?}");
    }
    assert_eq!(draft["producers"], 13, "{}", draft["map"]);
    let file = scratch("draft");
    std::fs::write(&file, draft["map"].as_str().context("no map")?)?;
    let checked = oubli("", &["map", "check", "--live", &file.to_string_lossy()]);
    std::fs::remove_file(&file)?;
    checked?.succeeded().map(drop)
}

#[test]
fn a_draft_holds_nothing_of_the_subject() -> Result<()> {
    let draft = draft(&[])?;
    let map = draft["map"].as_str().context("no map")?;
    for value in ["cust-00042", "mara.lindqvist", "Lindqvist", "Jo Winter", "ord-100", "inv-500", "fits well"] {
        ensure!(!map.contains(value), "{value} is in {map}");
    }
    Ok(())
}

#[test]
fn a_place_that_is_not_there_is_named_and_a_file_is_never_written_over() -> Result<()> {
    let file = scratch("suggested");
    let path = file.to_string_lossy().into_owned();
    let with = ["map", "suggest", "--tables", "shop-profiles,shop-nothing", "--out", &path];
    let ran = oubli("", &with)?;
    let text = std::fs::read_to_string(&file).with_context(|| ran.err.clone())?;
    ensure!(text.contains("shop-nothing: ResourceNotFoundException"), "{text}");
    let again = oubli("", &with)?;
    std::fs::remove_file(&file)?;
    assert_eq!((ran.code, again.code), (0, 2), "{}", again.err);
    let nothing = oubli("", &["map", "suggest", "--tables", "shop-nothing", "--out", &path])?;
    ensure!(nothing.code == 1 && nothing.err.contains("nothing to draft") && !file.exists(), "{}", nothing.err);
    Ok(())
}

#[test]
fn what_was_decided_stands_and_a_decision_that_is_none_is_refused() -> Result<()> {
    let file = scratch("decisions");
    let path = file.to_string_lossy().into_owned();
    std::fs::write(&file, "decisions:\n  fields: {shop-orders.email: not_personal}\n  producers: {shop-audit-logs: ignore}\n")?;
    let draft = draft(&["--decisions", &path])?;
    let personal = names(&draft, "personal", |field| field["field"].as_str().map(str::to_owned))?;
    ensure!(!personal.contains("shop-orders.email"), "{personal:?}");
    assert_eq!(draft["producers"], 12, "{}", draft["map"]);
    std::fs::write(&file, "decisions:\n  fields: {shop-orders.email: perhaps}\n")?;
    let refused = oubli("", &["map", "suggest", "--decisions", &path])?;
    std::fs::remove_file(&file)?;
    ensure!(refused.code == 2 && refused.err.contains("write personal or not_personal"), "{}", refused.err);
    Ok(())
}
