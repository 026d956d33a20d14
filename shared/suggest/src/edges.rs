//! Which fields name records of which other places: by containment of hashes.

use crate::{
    answered::At,
    column::{FEW, Field, ratio},
    groups::Sort,
    hash::Hash,
    names,
    shape::Shape,
    survey::{Place, Survey},
};
use oubli_domain::datamap::{Meaning, meaning, names_an_id};
use std::collections::BTreeMap;

/// Which part of a field's values is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// All of it.
    Whole,
    /// What follows its fixed beginning.
    Inner,
}

/// A field whose values are among those of another, which tells records apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub from: At,
    pub from_form: Form,
    pub to: At,
    pub to_form: Form,
    /// How many of its different values are there.
    pub hits: usize,
    /// How many it has.
    pub of: usize,
    /// Whether the names agree.
    pub agrees: bool,
    /// Whether these are values that were looked up there.
    pub looked_up: bool,
}

impl Edge {
    pub fn share(&self) -> f64 {
        ratio(self.hits, self.of)
    }

    /// How many of its values are there, in words.
    pub fn words(&self) -> String {
        let values = if self.looked_up { "values that were looked up" } else { "different values" };
        format!("{} of {} {values}", self.hits, self.of)
    }

    pub fn confidence(&self) -> f64 {
        let few = if self.hits < 2 * FEW { 0.8 } else { 0.97 };
        let named = if self.agrees { 0.02 } else { 0.0 };
        (self.share() * few + named).min(0.99)
    }
}

impl Field {
    pub(crate) fn set(&self, form: Form) -> Option<&BTreeMap<Hash, u32>> {
        match form {
            Form::Whole => Some(&self.whole),
            Form::Inner => self.literal.as_ref().filter(|_| !self.compound).map(|_| &self.inner),
        }
    }

    pub(crate) fn rows(&self, form: Form) -> &[Option<Hash>] {
        match form {
            Form::Whole => &self.rows,
            Form::Inner => &self.inner_rows,
        }
    }
}

/// How many of these are there, if it may be that many at all.
pub(crate) fn hits(a: &BTreeMap<Hash, u32>, b: &BTreeMap<Hash, u32>) -> usize {
    const FIRST: usize = 64;
    let first = a.keys().take(FIRST).filter(|hash| b.contains_key(hash)).count();
    if first == 0 { 0 } else { first + a.keys().skip(FIRST).filter(|hash| b.contains_key(hash)).count() }
}

/// Every edge there may be, the better ones of a field first.
pub(crate) fn edges(survey: &Survey, standing: &[f64]) -> Vec<Edge> {
    let by_key = found(survey, &targets(survey, &[], true));
    let further = targets(survey, &by_key, false);
    let mut all = by_key;
    all.extend(found(survey, &further));
    let mutual: Vec<bool> = all.iter().map(|edge| points_the_wrong_way(survey, standing, edge)).collect();
    let mut kept: Vec<Edge> = all.into_iter().zip(mutual).filter(|(_, wrong)| !wrong).map(|(edge, _)| edge).collect();
    kept.sort_by(|a, b| {
        let rank = |e: &Edge| (e.share(), e.agrees, is_key(survey, e.to), standing[e.to.0], is_partition(survey, e.to));
        a.from.cmp(&b.from).then_with(|| rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal)).then(a.to.cmp(&b.to))
    });
    kept
}

/// The best edge of each field.
pub(crate) fn best(edges: &[Edge]) -> Vec<Edge> {
    let mut best: Vec<Edge> = Vec::new();
    for edge in edges {
        if best.last().is_none_or(|last| last.from != edge.from) {
            best.push(*edge);
        }
    }
    best
}

fn is_key(survey: &Survey, (place, field): At) -> bool {
    let place = &survey.places[place];
    let field = &place.fields[field];
    field.is_top() && survey.sampled(place).table.keys.names().contains(&field.path[0].as_str())
}

fn is_partition(survey: &Survey, (place, field): At) -> bool {
    let place = &survey.places[place];
    place.fields[field].path == [survey.sampled(place).table.keys.partition.clone()]
}

/// Fields that tell the records of their place apart.
fn targets(survey: &Survey, known: &[Edge], keys: bool) -> Vec<At> {
    let mut found = Vec::new();
    for (p, place) in survey.places.iter().enumerate() {
        for (f, field) in place.fields.iter().enumerate() {
            let key = is_key(survey, (p, f));
            let own = matches!(meaning(field.leaf()), Some((Meaning::Account | Meaning::Person, _))) || names_an_id(field.leaf());
            let tells_apart = field.is_top() && field.is_unique() && field.present_share() >= 0.98 && field.may_be_an_id();
            let leads_on = || known.iter().any(|edge| edge.from == (p, f));
            let id = if key { is_own_id(survey, place, field) } else { own && !leads_on() };
            if place.records >= FEW && tells_apart && key == keys && id {
                found.push((p, f));
            }
        }
    }
    found
}

/// Whether a key attribute is the record's own id, and not whose it is: of a record among others of its partition, what its
/// sort key says.
pub(crate) fn is_own_id(survey: &Survey, place: &Place, field: &Field) -> bool {
    let keys = &survey.sampled(place).table.keys;
    let sort = keys.sort.as_ref().and_then(|sort| place.field(sort));
    let (Some(sort), true) = (sort, place.label.is_some()) else { return true };
    if field.path == sort.path || matches!(place.sort, Sort::Equal(_)) {
        return true;
    }
    let forms = [Form::Whole, Form::Inner];
    forms.iter().any(|a| {
        forms
            .iter()
            .any(|b| !sort.rows(*a).is_empty() && sort.rows(*a) == field.rows(*b) && sort.rows(*a).iter().all(Option::is_some))
    })
}

fn found(survey: &Survey, targets: &[At]) -> Vec<Edge> {
    let mut found = Vec::new();
    for (p, place) in survey.places.iter().enumerate() {
        for (f, field) in place.fields.iter().enumerate() {
            let email = field.share(|shape| shape == Shape::Email) > 0.5;
            if email || !field.may_be_an_id() || !field.can_be_named() {
                continue;
            }
            let others = targets.iter().filter(|(place, _)| *place != p);
            found.extend(others.filter_map(|to| between(survey, (p, f), *to)));
        }
    }
    found
}

fn between(survey: &Survey, from: At, to: At) -> Option<Edge> {
    let (place, field) = (&survey.places[to.0], &survey.places[from.0].fields[from.1]);
    let target = &place.fields[to.1];
    let agrees = names_agree(survey, field, place, target);
    if let Some(answered) = survey.answers.get(&(from, to)) {
        let (from_form, to_form, looked_up) = (Form::Whole, Form::Whole, true);
        let edge = Edge { from, from_form, to, to_form, hits: answered.found, of: answered.asked, agrees, looked_up };
        if answered.proves() {
            return Some(edge);
        }
        if !answered.leaves_open() {
            return None;
        }
    }
    let forms = [Form::Whole, Form::Inner];
    let pairs = forms.iter().flat_map(|a| forms.iter().map(move |b| (*a, *b)));
    let edges = pairs.filter_map(|(from_form, to_form)| {
        let (a, b) = (field.set(from_form)?, target.set(to_form)?);
        let edge = Edge { from, from_form, to, to_form, hits: hits(a, b), of: a.len(), agrees, looked_up: false };
        // `p#17` and `p#17` are the same thing, where 17 and 17 need not be.
        let marked = from_form == Form::Whole && to_form == Form::Whole && field.literal.is_some();
        is_edge(survey, &edge, !marked && (field.is_common() || target.is_common())).then_some(edge)
    });
    edges.max_by_key(|edge| (edge.hits, edge.to_form == Form::Whole))
}

/// Whether so many of a field's values are among the other's that it is no chance.
fn is_edge(survey: &Survey, edge: &Edge, common: bool) -> bool {
    let share = edge.share();
    let (field, target) = (&survey.places[edge.from.0].fields[edge.from.1], &survey.places[edge.to.0].fields[edge.to.1]);
    let same_name = edge.agrees && names::subjects(field.leaf()) == names::subjects(target.leaf());
    let enough = edge.hits >= FEW || edge.agrees && edge.hits == edge.of && (edge.hits >= 2 || same_name);
    if !enough || common && !edge.agrees {
        return false;
    }
    let covered = coverage(survey, &survey.places[edge.to.0]);
    share >= (0.9 * covered).min(if edge.agrees { 0.9 } else { covered })
}

/// Which share of a table was seen.
pub(crate) fn coverage(survey: &Survey, place: &Place) -> f64 {
    let sampled = survey.sampled(place);
    match sampled.table.records {
        Some(records) if !sampled.whole => {
            let records = usize::try_from(records).unwrap_or(usize::MAX).max(sampled.records);
            // Not all that is said to be there is, and samples of two tables have less in common than chance would have it.
            (ratio(sampled.records, records) * 0.5).max(0.05)
        }
        None if !sampled.whole => 0.25,
        _ => 1.0,
    }
}

pub(crate) fn names_agree(survey: &Survey, field: &Field, place: &Place, target: &Field) -> bool {
    let table = &survey.sampled(place).table.name;
    let called = place.label.as_deref().unwrap_or(table);
    names::agree(field.leaf(), called) || names::agree(field.leaf(), target.leaf())
}

/// Where two places have the same ids, one of them is whom they are about.
fn points_the_wrong_way(survey: &Survey, standing: &[f64], edge: &Edge) -> bool {
    let (from, to) = (&survey.places[edge.from.0].fields[edge.from.1], &survey.places[edge.to.0].fields[edge.to.1]);
    let (Some(a), Some(b)) = (from.set(edge.from_form), to.set(edge.to_form)) else { return false };
    let mutual = from.is_unique() && ratio(hits(b, a), b.len()) >= 0.9;
    let (a, b) = (standing[edge.from.0], standing[edge.to.0]);
    // What has a partition of its own is the thing, and not what stands below another's.
    let stands_below = a == b && is_partition(survey, edge.from) && !is_partition(survey, edge.to) && is_key(survey, edge.to);
    mutual && (a > b || stands_below && is_own_id(survey, &survey.places[edge.from.0], from))
}
