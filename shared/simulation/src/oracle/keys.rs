//! Whose the wrapped keys are.

use crate::world::WorldState;
use oubli_engine::ports::{Item, Key, TableName};
use serde_json::Value;

/// Wrapped keys of what is not there, or of what is forgotten: nobody would ever destroy them.
pub fn ownerless(state: &WorldState) -> Vec<String> {
    let keys = state.items.keys().filter(|key| key.table == TableName::Keys && !has_owner(state, key));
    keys.map(|key| format!("{} of {}", key.sk, key.pk)).collect()
}

fn has_owner(state: &WorldState, key: &Key) -> bool {
    // What wraps it stands before whose it is.
    let Some((_, owner)) = key.pk.split_once('#') else { return false };
    let find = |table, pk: String, sk: &str| state.items.get(&Key { table, pk, sk: sk.to_owned() });
    // Of what is forgotten the names went with the key.
    let named = |item: Option<&Item>, names: &str| item.is_some_and(|i| key.sk != "identity" || i.contains_key(names));
    let parts: Vec<&str> = owner.split('#').collect();
    match parts[..] {
        ["org", _, "request", _] => named(find(TableName::Control, owner.to_owned(), "request"), "sealed_identity"),
        ["org", _, "preview", _] => named(find(TableName::Control, owner.to_owned(), "preview"), "sealed_identity"),
        ["org", shop, "hold", hold] => named(find(TableName::Control, format!("org#{shop}#holds"), hold), "sealed_words"),
        ["org", shop, "step-up", codes] => codes.rsplit_once('-').is_some_and(|(actor, generation)| {
            let counts = find(TableName::Directory, format!("org#{shop}"), &format!("codes#{actor}"));
            counts.and_then(|item| item.get("generation")).map(Value::to_string).as_deref() == Some(generation)
        }),
        ["org", shop, "subjects" | "cursors"] => find(TableName::Directory, format!("org#{shop}"), "settings").is_some(),
        _ => false,
    }
}
