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
    let file = Scratch(std::env::temp_dir().join(format!("oubli-map-{}.yaml", unique())));
    std::fs::write(&file.0, map.replacen(from, to, 1))?;
    Ok((oubli("", &["map", "check", &file.0.to_string_lossy()])?, line))
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
fn a_bad_map_is_refused_with_its_line() -> Result<()> {
    let cases = [
        (
            "a prefix without a delimiter",
            "prefix: \"customers/{}/\"",
            "prefix: \"customers/{}\"",
            &["documents", "delimiter"][..],
        ),
        (
            "an anchor with two owners",
            "owns: [chat-rows]",
            "owns: [chat-rows, invoice-rows]",
            &["invoice-rows", "chat-messages", "invoices"],
        ),
        ("an anchor without an owner", "owns: [avatar-objects]", "owns: []", &["avatar-objects"]),
        (
            "a cycle",
            "owns: [order-rows]",
            "owns: [order-rows]\n    reads_as_discriminator: [order-line-rows]",
            &["orders", "order-lines"],
        ),
        ("a table that no anchor names", "table: shop-chat", "table: shop-chats", &["shop-chats"]),
        ("a store that is not declared", "store: files", "store: archive", &["archive"]),
        ("a parent that is not there", "producer: orders, field", "producer: baskets, field", &["baskets"]),
        ("an unknown field", "log: true", "logs: true", &["logs"]),
        ("an unknown connector", "connector: s3", "connector: ftp", &["ftp"]),
        ("no YAML", "anchors:", "anchors: [", &[]),
    ];
    for (what, from, to, names) in cases {
        let (ran, line) = check(from, to)?;
        let said = format!("{}{}", ran.out, ran.err);
        assert_eq!(ran.code, 1, "{what}: {said}");
        for name in names {
            ensure!(said.contains(name), "{what} does not name {name}: {said}");
        }
        ensure!(said.contains("line "), "{what} names no line; it is near {line}: {said}");
    }
    Ok(())
}

#[test]
fn a_map_that_is_not_there_is_refused() -> Result<()> {
    let ran = oubli("", &["map", "check", "no-such-map.yaml"])?;
    ensure!(ran.code == 1 && ran.err.contains("no-such-map.yaml"), "{ran:?}");
    Ok(())
}
