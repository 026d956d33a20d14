//! Names of tables, records and fields, as words.

use oubli_domain::datamap::words_of;
use std::collections::BTreeSet;

/// What records are called in designs, besides people.
const ENTITIES: [&str; 64] = [
    "order",
    "invoice",
    "product",
    "item",
    "line",
    "payment",
    "cart",
    "basket",
    "session",
    "message",
    "chat",
    "comment",
    "post",
    "review",
    "address",
    "email",
    "subscription",
    "ticket",
    "booking",
    "reservation",
    "event",
    "log",
    "audit",
    "token",
    "device",
    "document",
    "file",
    "note",
    "task",
    "project",
    "team",
    "org",
    "organization",
    "group",
    "role",
    "permission",
    "setting",
    "preference",
    "metadata",
    "meta",
    "config",
    "category",
    "tag",
    "shipment",
    "delivery",
    "return",
    "refund",
    "contract",
    "transaction",
    "transfer",
    "notification",
    "like",
    "follow",
    "friendship",
    "thread",
    "channel",
    "room",
    "visit",
    "appointment",
    "prescription",
    "sku",
    "details",
    "info",
    "tenant",
];

pub(crate) fn is_entity(word: &str) -> bool {
    singulars(word).iter().any(|word| ENTITIES.contains(&word.as_str()))
}

fn singulars(word: &str) -> BTreeSet<String> {
    let ies = word.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let others = ["s", "es", "n", "en"].into_iter().filter_map(|end| word.strip_suffix(end).filter(|stem| stem.len() > 2));
    [word].into_iter().chain(others).map(str::to_owned).chain(ies).collect()
}

/// Words that say nothing of what a table holds.
const NOISE: [&str; 20] = [
    "id", "ids", "nr", "no", "num", "number", "key", "pk", "sk", "gsi", "table", "prod", "dev", "staging", "test", "data", "by",
    "ref", "uuid", "code",
];

/// What a name is about, in singulars.
pub(crate) fn subjects(name: &str) -> BTreeSet<String> {
    let compound = |word: &str| {
        ["nummer", "nr", "id"].iter().find_map(|end| word.strip_suffix(end).filter(|s| s.len() > 3).map(str::to_owned))
    };
    let words = words_of(name).into_iter().filter(|word| !NOISE.contains(&word.as_str()));
    words
        .flat_map(|word| compound(&word).into_iter().chain([word]).collect::<Vec<_>>())
        .flat_map(|word| singulars(&word))
        .collect()
}

/// Whether two names are about the same.
pub(crate) fn agree(a: &str, b: &str) -> bool {
    !subjects(a).is_disjoint(&subjects(b))
}

/// What all these names begin and end with, in whole parts: a deployment's name, a stage.
pub(crate) fn common_ends(names: &[&str]) -> (usize, usize) {
    let Some(first) = names.first().filter(|_| names.len() > 1) else { return (0, 0) };
    let is_end = |text: &str, at: usize| text[..at].ends_with(['-', '_', '.', '/']);
    let before = (0..first.len())
        .rev()
        .find(|at| first.is_char_boundary(*at) && is_end(first, *at) && names.iter().all(|name| name.starts_with(&first[..*at])));
    let begins = |text: &str| text.starts_with(['-', '_', '.', '/']);
    let after = (1..first.len()).find(|at| {
        first.is_char_boundary(*at) && begins(&first[*at..]) && names.iter().all(|name| name.ends_with(&first[*at..]))
    });
    let (before, after) = (before.unwrap_or(0), after.map_or(0, |at| first.len() - at));
    let fits = names.iter().all(|name| name.len() > before + after);
    if fits { (before, after) } else { (0, 0) }
}

/// A name that a data map takes: small letters, digits, `-` and `_`.
pub(crate) fn plain(name: &str) -> String {
    let mut plain = String::new();
    for (at, c) in name.chars().enumerate() {
        let small_before = at > 0 && name.chars().nth(at - 1).is_some_and(|b| b.is_lowercase());
        if c.is_ascii_uppercase() && small_before {
            plain.push('_');
        }
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '-' | '_') => plain.push(c),
            _ => plain.push('-'),
        }
    }
    let plain: String = plain.trim_matches(['-', '_']).chars().take(50).collect();
    if plain.is_empty() { "records".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_tables_are_called_alike_says_nothing() {
        assert_eq!(common_ends(&["shop-orders", "shop-profiles"]), (5, 0));
        assert_eq!(common_ends(&["User-a1-prod", "Order-a1-prod"]), (0, 8));
        assert_eq!(common_ends(&["orders"]), (0, 0));
        assert_eq!(common_ends(&["orders", "users"]), (0, 0));
        assert_eq!(common_ends(&["a-", "a-b"]), (0, 0));
    }

    #[test]
    fn names_agree_by_what_they_are_about() {
        assert!(agree("customer_id", "shop-customers") && agree("arztId", "aerzte/arzt_id") && agree("patientennr", "patienten"));
        assert!(!agree("order_id", "customers") && !agree("id", "id") && !agree("zimmer", "arzt_id"));
        assert_eq!(plain("OrderItem"), "order_item");
        assert_eq!(plain("Käufer/2"), "k-ufer-2");
    }
}
