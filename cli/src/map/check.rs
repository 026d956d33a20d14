//! `oubli map check`.

use super::{OneFile, live, roles};
use crate::{failure::Failure, output};
use clap::Args;
use oubli_domain::{
    datamap::{DataMap, InvalidMap, Lines, Reach, Severity, identifies_further, parse, reach},
    ids::ProducerName,
    personal::IdentifierKind,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    pub file: OneFile,
    /// Ask the stores too, with your AWS credentials: missing tables, keys, indexes and buckets are refused; names in the map
    /// that no sampled record has, and tables and buckets that no producer names, are reported
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    roles: roles::Roles,
}

pub fn run(options: &Options, json: bool) -> Result<(), Failure> {
    let Options { file, live, roles } = options;
    let text = file.read()?;
    let (map, findings, refused) = match parse(&text) {
        Ok((map, mut findings)) => {
            let mut refused = None;
            if *live || roles.any() {
                findings.extend(live::ask(&map, &Lines::of(&text), *live, roles)?);
                let some = findings.iter().any(|f| f.severity == Severity::Refused);
                refused = some.then(|| "the stores are not as the data map says".to_owned());
            }
            (Some(map), findings, refused)
        }
        Err(InvalidMap::Refused(findings)) => {
            let reason = match findings.len() {
                1 => "the data map is refused".to_owned(),
                several => format!("the data map is refused, for {several} reasons"),
            };
            (None, findings, Some(reason))
        }
        Err(other) => (None, Vec::new(), Some(format!("the data map is refused: {other}"))),
    };
    let accepted = map.filter(|_| refused.is_none());
    if json {
        let reach: Option<Value> = accepted.as_ref().map(|map| reached(map).iter().map(Reached::as_json).collect());
        output::print_json(&json!({ "accepted": refused.is_none(), "findings": findings, "reach": reach, "error": refused }));
    } else {
        let mut lines: Vec<_> = findings.iter().map(|f| file.locate(f)).collect();
        if let Some(map) = &accepted {
            lines.push(format!("Accepted: {} stores, {} producers.", map.stores.len(), map.declared().count()));
            lines.extend(reached(map).iter().map(Reached::in_words));
        }
        output::print(&lines.join("\n"));
    }
    refused.map_or(Ok(()), |reason| Err(Failure::Refused(reason)))
}

/// What a request by one kind of identifier, and nothing else, reaches.
struct Reached {
    kind: IdentifierKind,
    whole: usize,
    part: Vec<String>,
    none: Vec<String>,
}

fn reached(map: &DataMap) -> Vec<Reached> {
    let by = |kind: IdentifierKind| {
        let far = reach(map, &identifies_further(map, &BTreeSet::from([kind.clone()]))).unwrap_or_default();
        let declared = |name: &ProducerName| map.declared().any(|producer| producer.name == *name);
        let which = |how: Reach| -> Vec<String> {
            far.iter().filter(|(name, reach)| **reach == how && declared(name)).map(|(name, _)| name.to_string()).collect()
        };
        Reached { kind, whole: which(Reach::Whole).len(), part: which(Reach::Part), none: which(Reach::None) }
    };
    map.kinds().into_iter().map(by).collect()
}

impl Reached {
    fn as_json(&self) -> Value {
        json!({ "kind": self.kind, "whole": self.whole, "in_part": self.part, "not": self.none })
    }

    fn in_words(&self) -> String {
        let all = self.whole + self.part.len() + self.none.len();
        let part = if self.part.is_empty() { String::new() } else { format!("; in part {}", self.part.join(", ")) };
        let none = if self.none.is_empty() { String::new() } else { format!("; not {}", self.none.join(", ")) };
        format!("By {} alone: {} of {all} producers{part}{none}.", self.kind, self.whole)
    }
}
