//! What a request's claims say of what is left, read as a stranger reads the certificate.

use super::{
    hides::CLOCKS_MS,
    seen::{Seen, number, text},
    uploads::declared,
};
use crate::{
    promise::{self, Rule},
    world::{WorldState, map::Produces},
};
use jiff::Timestamp;
use oubli_engine::ports::Item;
use serde_json::Value;
use std::collections::BTreeMap;

/// Why a record that stands may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    Duty,
    /// Something stays that it is found through.
    Parent,
    Hold,
    LeftOut,
    Locked,
    Restored,
    Refused,
    Cancelled,
}

/// Claims.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Category, reason and number of what stays.
    kept: Vec<(String, String, u64)>,
    left_out: Vec<String>,
    /// Producer and reason.
    unsearched: Vec<(String, String)>,
    erased: BTreeMap<String, u64>,
    restored: u64,
    conflicts: u64,
    failed: u64,
    /// An identifier is named that finds nothing by itself, or more identifiers than were looked up.
    pub ambiguous: bool,
    /// There was a last look.
    pub verified: bool,
    /// When a plan was first approved, and when hiding began.
    times: Option<(Timestamp, Timestamp)>,
}

fn lines<'a>(claims: &'a Item, name: &str) -> impl Iterator<Item = &'a Item> {
    claims.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

impl Said {
    /// What is said of a request that is complete.
    pub fn of(state: &WorldState, seen: &Seen, id: &str) -> Self {
        let item = state.beside(&seen.asked.organization, id, "claims");
        let Some(claims) = item.and_then(|c| c.get("claims")).and_then(Value::as_object) else { return Self::default() };
        let time = |name: &str| text(claims, name).parse::<Timestamp>().ok();
        let named = |line: &Item, name: &str| text(line, name).to_owned();
        Self {
            kept: lines(claims, "kept").map(|k| (named(k, "category"), named(k, "reason"), number(k, "documents"))).collect(),
            left_out: lines(claims, "left_out").map(|l| named(l, "category")).collect(),
            unsearched: lines(claims, "unsearched").map(|u| (named(u, "producer"), named(u, "reason"))).collect(),
            erased: lines(claims, "erased").map(|e| (named(e, "category"), number(e, "documents"))).collect(),
            restored: number(claims, "restored"),
            conflicts: number(claims, "conflicts"),
            failed: number(claims, "failed"),
            times: time("approved_at").zip(time("started_at")),
            ambiguous: lines(claims, "identifiers").any(|i| i.get("not_searched_by").is_some_and(Value::is_string))
                || claims.get("identifiers_incomplete") == Some(&Value::Bool(true)),
            verified: claims.get("verification").is_some_and(Value::is_object),
        }
    }

    fn keeps(&self, category: &str, reason: &str) -> bool {
        self.kept.iter().any(|(c, r, _)| c == category && r == reason)
    }

    /// Whether it is said that something of a category stays for this reason.
    pub fn names(&self, category: &str, why: Why) -> bool {
        match why {
            Why::Duty => self.keeps(category, "retention"),
            Why::Parent => self.keeps(category, "with_parent"),
            Why::Hold => self.keeps(category, "legal_hold"),
            Why::Locked => self.keeps(category, "locked"),
            Why::LeftOut => self.keeps(category, "excluded_by_reviewer") || self.left_out.iter().any(|c| c == category),
            Why::Restored => self.keeps(category, "restored") || self.restored + self.conflicts > 0,
            Why::Refused => self.keeps(category, "refused") || self.keeps(category, "too_large"),
            Why::Cancelled => self.keeps(category, "cancelled"),
        }
    }

    /// Whether a producer is said not to have been looked at, and not because its store could not be used.
    pub fn unsearched(&self, producer: &str) -> bool {
        self.unsearched.iter().any(|(p, why)| (p == producer || p == declared(producer)) && why != "unusable")
    }

    /// Whether a producer is said not to have been looked at because its store could not be used.
    pub fn unusable(&self, producer: &str) -> bool {
        self.unsearched.iter().any(|(p, why)| (p == producer || p == declared(producer)) && why == "unusable")
    }

    /// Whether it is said that something could not be handled.
    pub fn fails(&self) -> bool {
        self.failed > 0
    }

    /// How many records of a category are said to stay; `restored` of it were put back, or could not be. What was put back
    /// may be named as kept, too.
    pub fn staying(&self, category: &str, restored: u64) -> u64 {
        let sum = |of: &dyn Fn(&str) -> bool| -> u64 {
            self.kept.iter().filter(|(c, why, _)| c == category && of(why)).map(|(.., n)| n).sum()
        };
        sum(&|why| why != "restored") + sum(&|why| why == "restored").max(restored.min(self.restored + self.conflicts))
    }

    /// Whether a producer was looked at whole, so that its records were counted.
    pub fn knows(&self, producer: &Produces) -> bool {
        self.unsearched.iter().all(|(p, _)| *p != producer.name && p != declared(&producer.name))
    }

    /// What is said to be erased is what the steps count, which is held against what happened.
    pub fn judge_erased(&self, state: &WorldState, seen: &Seen, id: &str, broken: &mut Vec<(Rule, String)>) {
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        for (.., step) in state.steps_of(&seen.asked.organization, id) {
            *counted.entry(text(step, "category").to_owned()).or_default() += number(step, "erased");
        }
        counted.retain(|_, n| *n > 0);
        if self.times.is_some_and(|(approved, began)| approved.as_millisecond() > began.as_millisecond() + CLOCKS_MS) {
            broken.push((promise::MISCLAIMED, format!("{id} says it began before it was approved")));
        }
        if counted != self.erased {
            broken.push((promise::MISCLAIMED, format!("{id} says {:?} are erased, counted are {counted:?}", self.erased)));
        }
    }
}
