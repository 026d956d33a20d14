//! `oubli verify log`.

use super::{
    read, read_text,
    witnessed::{Asked, check, listed, not_verified as refused, words},
};
use crate::{failure::Failure, output};
use clap::Args;
use data_encoding::HEXLOWER_PERMISSIVE;
use jiff::Timestamp;
use oubli_domain::{
    audit::{GENESIS, commitment},
    ledger::{Checkpoint, Cosigned, Edge, Policy, TlogProof, check_leaf},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

#[derive(Args)]
pub struct Options {
    /// As `oubli ledger export` wrote it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// The signed checkpoint; FILE.checkpoint unless given. Not asked for where FILE is a part of a log: its FILE.proof has one
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Checkpoints you hold from earlier: the log must begin with what they say
    #[arg(long, value_name = "FILE")]
    earlier: Vec<PathBuf>,
    /// A request as `oubli show --reveal --json` prints it: what people said of it must be what the log commits to, and what is
    /// left out of it is counted
    #[arg(long, value_name = "FILE")]
    words: Option<PathBuf>,
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}.{ending}", file.display()))
}

pub fn run(options: &Options, json: bool) -> Result<(), Failure> {
    let policy = options.asked.policy()?;
    let bytes = read(&options.file)?;
    let leaves: Vec<&[u8]> = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    let first = chain(&leaves)?;
    let said = options.words.as_deref().map(|file| opened(file, &leaves)).transpose()?;
    let proof = beside(&options.file, "proof");
    if first > 0 || proof.exists() {
        return part(options, &leaves, first, &proof, policy.as_ref(), said, json);
    }
    whole(options, &leaves, policy.as_ref(), said, json)
}

/// When the last of these entries was written.
fn last_written(leaves: &[&[u8]]) -> Option<Timestamp> {
    let last: Value = serde_json::from_slice(leaves.last()?).ok()?;
    last["timestamp"].as_str()?.parse().ok()
}

/// Who cosigned, in the middle of a sentence.
fn by(cosigned: &[Cosigned]) -> String {
    if cosigned.is_empty() { String::new() } else { format!(" and {} cosigned", words(cosigned)) }
}

/// Checks each entry by itself and against the one before it; answers the place of the first.
fn chain(leaves: &[&[u8]]) -> Result<u64, Failure> {
    let (mut first, mut previous) = (None, None);
    for (place, leaf) in leaves.iter().enumerate() {
        let entry = check_leaf(leaf).map_err(|e| refused(format!("entry {place}: {e}")))?;
        let index = entry["index"].as_u64().ok_or_else(|| refused(format!("entry {place} has no index")))?;
        let start = *first.get_or_insert(index);
        let before = previous.or_else(|| (index == 0).then(|| GENESIS.to_owned()));
        let follows = before.is_none_or(|before| entry["previous_hash"].as_str() == Some(&before));
        if index != start + place as u64 || !follows {
            return Err(refused(format!("entry {index} does not follow the one before it")));
        }
        previous = entry["hash"].as_str().map(str::to_owned);
    }
    first.ok_or_else(|| refused("the file has no entries"))
}

/// Of the words of a request that the entries commit to, how many it shows: each is what they commit to, and each is another.
#[derive(Clone, Copy)]
struct Opened {
    shown: usize,
    committed: usize,
}

impl Opened {
    fn missing(self) -> usize {
        self.committed.saturating_sub(self.shown)
    }
}

fn opened(file: &Path, leaves: &[&[u8]]) -> Result<Opened, Failure> {
    let request: Value =
        serde_json::from_str(&read_text(file)?).map_err(|e| Failure::Usage(format!("{}: {e}", file.display())))?;
    let words = request["words"].as_array().filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| Failure::Usage(format!("there are no words in {}", file.display())))?;
    let entries: Vec<Value> = leaves.iter().filter_map(|leaf| serde_json::from_slice(leaf).ok()).collect();
    let mut shown = BTreeSet::new();
    for said in words {
        let text = |name: &str| said[name].as_str().unwrap_or_default();
        let (what, audit_id) = (text("what"), text("audit_id"));
        let entry = entries.iter().find(|entry| entry["audit_id"] == *audit_id);
        let entry = entry.ok_or_else(|| refused(format!("the file has no entry {audit_id}, which should commit to {what}")))?;
        if entry["request_id"] != request["request_id"] {
            return Err(refused(format!("entry {audit_id} is about another request")));
        }
        let opening = HEXLOWER_PERMISSIVE.decode(text("opening").as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        let holds =
            opening.is_some_and(|opening| entry["details"][format!("{what}_commitment")] == commitment(&opening, text("text")));
        if !holds {
            return Err(refused(format!("{what} is not what entry {audit_id} commits to")));
        }
        // Counted twice, it would stand for another that is not shown.
        if !shown.insert((audit_id, what)) {
            return Err(refused(format!("{what} of entry {audit_id} is shown twice")));
        }
    }
    let of_request = entries.iter().filter(|entry| entry["request_id"] == request["request_id"]);
    let details = of_request.filter_map(|entry| entry["details"].as_object()).flat_map(serde_json::Map::keys);
    let committed = details.filter(|name| name.ends_with("_commitment")).count();
    Ok(Opened { shown: shown.len(), committed })
}

/// What was shown of words, in a line of its own.
fn of_words(said: Option<Opened>) -> String {
    let Some(said) = said else { return String::new() };
    let texts = |count: usize| if count == 1 { "1 text".to_owned() } else { format!("{count} texts") };
    let missing = match said.missing() {
        0 => String::new(),
        missing => format!("\nNot shown: {} that it commits to besides.", texts(missing)),
    };
    format!("\nCommitted to: {} of people, word for word.{missing}", texts(said.shown))
}

/// A verdict for machines, with what was shown of words.
fn print_verdict(mut verdict: Value, said: Option<Opened>) {
    verdict["words_shown"] = json!(said.map(|said| said.shown));
    verdict["words_committed"] = json!(said.map(|said| said.committed));
    verdict["words_missing"] = json!(said.map(Opened::missing));
    output::print_json(&verdict);
}

/// A part of a log: its last entry is proved to be in the tree, and names, hash by hash, all that stand before it.
fn part(
    options: &Options,
    leaves: &[&[u8]],
    first: u64,
    proof: &Path,
    policy: Option<&Policy>,
    said: Option<Opened>,
    json: bool,
) -> Result<(), Failure> {
    if !options.earlier.is_empty() {
        let reason = "a part of a log cannot be compared with earlier checkpoints: export the whole log, or ask for \
                      oubli ledger prove --from SIZE";
        return Err(Failure::Usage(reason.to_owned()));
    }
    let missing = |_| refused(format!("the file is a part of a log, and {} is not there to prove it", proof.display()));
    let text = read_text(proof).map_err(missing)?;
    let proof: TlogProof = text.parse().map_err(refused)?;
    let last = first + leaves.len() as u64 - 1;
    if proof.index != last {
        return Err(refused(format!("the proof is of entry {}, the last one here is {last}", proof.index)));
    }
    let key = options.asked.key_for(policy, &proof.checkpoint)?;
    let checkpoint = proof.check(leaves.last().copied().unwrap_or_default(), &key).map_err(refused)?;
    let cosigned = check(policy, &proof.checkpoint, &key, last_written(leaves))?;
    if json {
        let by = listed(&cosigned);
        let verdict = json!({ "verified": true, "entries": leaves.len(), "first": first, "last": last, "cosigned_by": by });
        print_verdict(verdict, said);
    } else {
        output::print(&format!(
            "Verified: {} entries, {first} to {last} of the {} in the log of {}, each as it was hashed, in an unbroken chain whose \
             end the tree proves, which the log signed{}.{}\nNot proved: what stands before and after them; that nothing was left out \
             before it was sealed{}.",
            leaves.len(),
            checkpoint.size,
            checkpoint.origin,
            by(&cosigned),
            of_words(said),
            others(&cosigned)
        ));
    }
    Ok(())
}

/// What is not proved where nobody cosigned.
fn others(cosigned: &[Cosigned]) -> &'static str {
    if cosigned.is_empty() { "; that others are shown the same log" } else { "" }
}

fn whole(options: &Options, leaves: &[&[u8]], policy: Option<&Policy>, said: Option<Opened>, json: bool) -> Result<(), Failure> {
    let note = read_text(&options.checkpoint.clone().unwrap_or_else(|| beside(&options.file, "checkpoint")))?;
    let key = options.asked.key_for(policy, &note)?;
    let checkpoint = Checkpoint::open(&note, &key).map_err(refused)?;
    let cosigned = check(policy, &note, &key, last_written(leaves))?;
    if leaves.len() as u64 != checkpoint.size {
        return Err(refused(format!("the file has {} entries, its checkpoint is of {}", leaves.len(), checkpoint.size)));
    }
    let mut ends: Vec<(u64, String, Checkpoint)> = Vec::new();
    for path in &options.earlier {
        let held = Checkpoint::open(&read_text(path)?, &key).map_err(|e| refused(format!("{}: {e}", path.display())))?;
        ends.push((held.size, path.display().to_string(), held));
    }
    ends.push((checkpoint.size, "its checkpoint".to_owned(), checkpoint.clone()));
    ends.sort_by_key(|(size, ..)| *size);
    let (mut edge, mut done) = (Edge::default(), 0_usize);
    for (size, name, held) in &ends {
        let end = usize::try_from(*size).ok().filter(|end| *end <= leaves.len());
        let end = end.ok_or_else(|| refused(format!("{name} is of more entries than the log has")))?;
        let more: Vec<Vec<u8>> = leaves[done..end].iter().map(|l| l.to_vec()).collect();
        let growth = edge.grow(&more).map_err(refused)?;
        if growth.root != held.root {
            return Err(refused(format!("the first {size} entries do not make up the root that {name} signs")));
        }
        (edge, done) = (growth.edge, end);
    }
    if json {
        let (earlier, by) = (ends.len() - 1, listed(&cosigned));
        let verdict = json!({ "verified": true, "entries": leaves.len(), "earlier_checkpoints": earlier, "cosigned_by": by });
        print_verdict(verdict, said);
    } else {
        output::print(&format!(
            "Verified: {} entries, each as it was hashed, in an unbroken chain, and together the tree that the checkpoint of {} \
             signs{}.\nEarlier checkpoints that the log begins with: {}.{}\nNot proved: that nothing was left out before it was \
             sealed{}.",
            leaves.len(),
            checkpoint.origin,
            by(&cosigned),
            ends.len() - 1,
            of_words(said),
            others(&cosigned)
        ));
    }
    Ok(())
}
