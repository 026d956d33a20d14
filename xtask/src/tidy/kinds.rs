//! Kinds of stores are told apart in few places: another one is added there, and nowhere else.

use std::collections::BTreeMap;

use anyhow::Result;

/// Who may name a kind of store, tests aside.
const MAY: [&str; 3] = ["shared/domain/src/datamap/stores/", "shared/connectors/src/", "shared/simulation/src/"];

/// What names one, with what follows.
const NAMES: [&str; 2] = ["StoreKind::", "Location::"];

pub fn check() -> Result<Vec<String>> {
    Ok(faults(&super::promises::sources()?))
}

fn faults(sources: &BTreeMap<String, String>) -> Vec<String> {
    let is_test = |path: &str| path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs");
    let may = |path: &str| !path.ends_with(".rs") || path.starts_with("xtask/") || MAY.iter().any(|own| path.starts_with(own));
    let others = sources.iter().filter(|(path, _)| !may(path) && !is_test(path));
    let tells_apart = others.filter(|(_, text)| NAMES.iter().any(|name| names_one(text, name)));
    tells_apart.map(|(path, _)| format!("{path} tells kinds of stores apart: let the kind, or its connector, say it")).collect()
}

/// Whether a variant follows, and no constant or method.
fn names_one(text: &str, name: &str) -> bool {
    text.split(name).skip(1).any(|rest| {
        let mut letters = rest.chars();
        let capital = letters.next().is_some_and(|c| c.is_ascii_uppercase());
        capital && letters.next().is_some_and(|c| !c.is_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_tells_kinds_apart_elsewhere_is_named() {
        let sources = [
            ("shared/domain/src/datamap/stores/mod.rs", "StoreKind::S3 => 1"),
            ("shared/connectors/src/lib.rs", "StoreKind::Dynamodb"),
            ("shared/connectors/tests/s3/world.rs", "Location::Bucket"),
            ("shared/engine/src/export/files.rs", "StoreKind::ALL, StoreKind::name(kind)"),
            ("shared/engine/src/export/pack.rs", "Location::Bucket(_)"),
            ("cli/src/map.rs", "kind == StoreKind::Dynamodb"),
            ("docs/a.md", "StoreKind::Dynamodb"),
        ];
        let sources = sources.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let found = faults(&sources);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("cli/src/map.rs") && found[1].starts_with("shared/engine/src/export/pack.rs"), "{found:?}");
    }
}
