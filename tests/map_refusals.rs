//! Data maps that must not be published, as `oubli map check` refuses them.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use oubli_tests::{Ran, oubli, root, unique};

const SHOP: &str = "infra/maps/demo-shop.yaml";

/// The demo shop's map with one change.
fn check(from: &str, to: &str) -> Result<(Ran, usize)> {
    let map = std::fs::read_to_string(root().join(SHOP))?;
    let place = map.find(from).with_context(|| format!("the demo map has no {from}"))?;
    let line = map[..place].lines().count() + usize::from(map[..place].ends_with('\n') || place == 0);
    Ok((check_text(&map.replacen(from, to, 1))?, line))
}

fn check_text(map: &str) -> Result<Ran> {
    let file = Scratch(std::env::temp_dir().join(format!("oubli-map-{}.yaml", unique())));
    std::fs::write(&file.0, map)?;
    oubli("", &["map", "check", &file.0.to_string_lossy()])
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

#[test]
fn the_demo_map_is_accepted() -> Result<()> {
    oubli("", &["map", "check", SHOP])?.succeeded().map(drop)
}

#[test]
fn the_stores_are_asked_whether_they_are_as_the_map_says() -> Result<()> {
    let said = oubli("", &["map", "check", "--live", SHOP])?.succeeded()?;
    let forgotten = "other-customers belongs to no producer";
    ensure!(said.contains(forgotten) && said.contains("email"), "{said}");
    for (from, to, reason) in [
        ("table: shop-chat", "table: shop-chats", "create it"),
        ("bucket: shop-avatars", "bucket: shop-avatar", "create it"),
        ("index: by_email", "index: by_mail", "no global secondary index by_mail"),
        ("key: [order_id, line_no]", "key: [order_id]", "its key is [order_id, line_no]"),
    ] {
        let place = from.split_once(": ").context("no value")?.1;
        let map = std::fs::read_to_string(root().join(SHOP))?;
        let wrong =
            map.replacen(from, to, 1).replace(&format!("/{place}"), &format!("/{}", to.split_once(": ").context("none")?.1));
        let file = Scratch(std::env::temp_dir().join(format!("oubli-map-{}.yaml", unique())));
        std::fs::write(&file.0, wrong)?;
        let path = file.0.to_string_lossy().into_owned();
        oubli("", &["map", "check", &path])?.succeeded()?;
        let ran = oubli("", &["map", "check", "--live", &path])?;
        assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
        ensure!(ran.out.contains(reason), "{}", ran.out);
    }
    Ok(())
}

/// Says every name, and a line near the change.
fn refused(from: &str, to: &str, names: &[&str]) -> Result<()> {
    refused_at(from, to, names, from)
}

/// Says every name, and a line near this text: an anchor's fault is where the anchor is declared.
fn refused_at(from: &str, to: &str, names: &[&str], at: &str) -> Result<()> {
    let (ran, _) = check(from, to)?;
    let (_, line) = check(at, at)?;
    let said = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.code, 1, "{said}");
    for name in names {
        ensure!(said.contains(name), "it does not name {name}: {said}");
    }
    ensure!(names_a_line(&said, line), "it is not placed within ten lines of {line}: {said}");
    Ok(())
}

#[test]
fn a_prefix_needs_a_delimiter() -> Result<()> {
    refused("prefix: \"customers/{}/\"", "prefix: \"customers/{}\"", &["documents", "delimiter"])
}

#[test]
fn an_anchor_has_one_owner() -> Result<()> {
    let both = ["invoice-rows", "chat-messages", "invoices"];
    refused_at("owns: [chat-rows]", "owns: [chat-rows, invoice-rows]", &both, "owns: [invoice-rows]")?;
    refused_at("owns: [avatar-objects]", "owns: []", &["avatar-objects"], "avatar-objects: [files")
}

#[test]
fn a_cycle_is_named() -> Result<()> {
    let cycle = "owns: [order-line-rows]\n    reads_as_discriminator: [chat-rows]";
    let back = "owns: [chat-rows]\n    reads_as_discriminator: [order-line-rows]";
    let map = std::fs::read_to_string(root().join(SHOP))?;
    ensure!(map.contains("owns: [order-line-rows]"));
    let once = map.replacen("owns: [order-line-rows]", cycle, 1);
    let said = check_text(&once.replacen("owns: [chat-rows]", back, 1))?;
    let text = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, 1, "{text}");
    ensure!(text.contains("order-lines") && text.contains("chat-messages") && text.contains(".yaml:"), "{text}");
    Ok(())
}

#[test]
fn names_must_lead_somewhere() -> Result<()> {
    refused_at("table: shop-chat", "table: shop-chats", &["chat-rows"], "chat-rows: [shop")?;
    refused("store: files", "store: archive", &["archive"])?;
    refused("producer: orders, field", "producer: baskets, field", &["baskets"])
}

#[test]
fn what_it_does_not_know_is_refused() -> Result<()> {
    refused("log: true", "logs: true", &["logs"])?;
    refused("connector: s3", "connector: ftp", &["ftp"])?;
    refused("anchors:", "anchors: [", &[])
}

/// Whether it says `FILE:LINE:` or `line LINE` near this line; what is wrong with a producer is said at its beginning.
fn names_a_line(said: &str, line: usize) -> bool {
    let after = |mark: &str| said.split(mark).skip(1).map(ToOwned::to_owned).collect::<Vec<_>>();
    let number = |rest: &String| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok();
    [after(".yaml:"), after("line ")].iter().flatten().filter_map(number).any(|n| n.abs_diff(line) <= 10)
}

#[test]
fn a_map_that_is_not_there_is_refused() -> Result<()> {
    let ran = oubli("", &["map", "check", "no-such-map.yaml"])?;
    ensure!(ran.code == 2 && ran.err.contains("no-such-map.yaml"), "{ran:?}");
    Ok(())
}
