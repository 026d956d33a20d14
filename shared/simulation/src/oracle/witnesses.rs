//! What witnesses cosigned: nothing is kept or shown that does not hold, and in the end they cosigned what everybody sees.

use crate::{
    promise::{self, Rule},
    witness::{cosigns, parts, witnesses},
    world::WorldState,
};
use oubli_engine::ports::TableName;
use serde_json::Value;

type Broken = Vec<(Rule, String)>;

fn text(state: &WorldState, name: &str) -> Option<String> {
    state.ledger.get(name).and_then(|o| String::from_utf8(o.body.to_vec()).ok())
}

/// Every cosignature that is kept holds, and every one that is shown is kept.
pub fn judge(state: &WorldState, organization: &str, broken: &mut Broken) {
    let kept = format!("{organization}/cosignatures/");
    for (name, object) in state.ledger.range(kept.clone()..).take_while(|(name, _)| name.starts_with(&kept)) {
        let size = name[kept.len()..].split('/').next().unwrap_or_default();
        let signed = text(state, &format!("{organization}/checkpoints/{size}"));
        let line = text(state, name).unwrap_or_default();
        let holds = signed.as_deref().and_then(parts).zip(line.strip_suffix('\n')).is_some_and(|((t, _), line)| cosigns(line, t));
        if !holds || object.locked_until.is_none() {
            broken.push((promise::BAD_COSIGNATURE, format!("{name} is kept")));
        }
    }
    let of_notes = |item: &oubli_engine::ports::Item| item.get("notes").and_then(Value::as_array).cloned().unwrap_or_default();
    let key = |key: &oubli_engine::ports::Key| {
        key.table == TableName::Ledger && key.sk == "cosigned" && key.pk == format!("org#{organization}#ledger")
    };
    let noted = state.items.iter().filter(|(k, _)| key(k)).flat_map(|(_, item)| of_notes(item));
    let noted = noted.filter_map(|note| note["note"].as_str().map(str::to_owned));
    for note in noted.chain(text(state, &format!("{organization}/checkpoint"))) {
        let Some((body, lines)) = parts(&note) else { continue };
        let size = body.lines().nth(1).and_then(|size| size.parse::<u64>().ok()).unwrap_or_default();
        let signed = text(state, &format!("{organization}/checkpoints/{size:020}")).unwrap_or_default();
        let signed = parts(&signed).map(|(body, lines)| (body.to_owned(), lines.first().map(|l| (*l).to_owned())));
        if signed != Some((body.to_owned(), lines.first().map(|l| (*l).to_owned()))) {
            broken.push((promise::BAD_COSIGNATURE, format!("a checkpoint of {size} entries is shown that was not signed so")));
        }
        for line in &lines[1..] {
            let of_this_size = format!("{organization}/cosignatures/{size:020}/");
            let kept = state
                .ledger
                .iter()
                .any(|(name, o)| name.starts_with(&of_this_size) && *o.body == *format!("{line}\n").as_bytes());
            if !cosigns(line, body) || !kept {
                broken.push((promise::BAD_COSIGNATURE, format!("one is shown of the checkpoint of {size} entries")));
            }
        }
    }
}

/// Everything is calm, and time has passed: each witness cosigned what everybody sees.
pub fn cosigned(state: &WorldState, organization: &str, broken: &mut Broken) {
    if state.witnessing.is_none() {
        return;
    }
    let shown = text(state, &format!("{organization}/checkpoint")).unwrap_or_default();
    let Some((_, lines)) = parts(&shown) else { return };
    for witness in witnesses(2) {
        let begins = format!("\u{2014} {} ", witness.key.name());
        if !lines.iter().any(|line| line.starts_with(&begins)) {
            broken.push((promise::UNWITNESSED, format!("{} did not cosign the newest checkpoint", witness.key.name())));
        }
    }
}
