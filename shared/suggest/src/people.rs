//! Whose table is whose: where a person is one record.

use crate::{
    answered::At,
    column::Field,
    edges::{Edge, Form, is_own_id},
    hash::Hash,
    names,
    shape::Shape,
    survey::{Place, Survey},
};
use oubli_domain::datamap::{Meaning, Strength, is_role, meaning, words_of};
use std::collections::BTreeMap;

/// What it takes to be one.
const ENOUGH: f64 = 4.0;

/// A place where a person is one record.
pub(crate) struct Person {
    pub place: usize,
    /// The field that tells people apart, and which part of it.
    pub key: usize,
    pub form: Form,
    /// A field that holds this and nothing else.
    pub plain: Option<usize>,
    /// What an identifier of theirs is called in the map.
    pub kind: String,
    pub email: Option<usize>,
}

impl Person {
    pub(crate) fn ids<'s>(&self, survey: &'s Survey) -> Option<&'s BTreeMap<Hash, u32>> {
        survey.places[self.place].fields[self.key].set(self.form)
    }
}

/// How much each place looks as if a person were one record of it, from its own fields alone.
pub(crate) fn standings(survey: &Survey) -> Vec<f64> {
    survey.places.iter().map(|place| standing(survey, place)).collect()
}

fn standing(survey: &Survey, place: &Place) -> f64 {
    let Some((key, _)) = key(survey, place) else { return 0.0 };
    let (mut points, mut contact) = (0.0, false);
    let mut seen = Vec::new();
    for field in place.fields.iter().filter(|field| !field.listed) {
        let email = field.share(|shape| shape == Shape::Email) >= 0.8;
        let own = email && field.distinct() * 10 >= field.present * 8;
        let said = meaning(field.leaf()).filter(|(_, strength)| *strength == Strength::Strong).map(|(meaning, _)| meaning);
        let text = field.share(|s| matches!(s, Shape::Truth | Shape::Bytes | Shape::Decimal)) < 0.5;
        let kind = match said {
            _ if own => Meaning::Email,
            Some(meaning) if text => meaning,
            _ => continue,
        };
        if seen.contains(&kind) {
            continue;
        }
        seen.push(kind);
        let (more, is_contact) = match kind {
            Meaning::Email if own => (3.0, true),
            Meaning::Name => (2.0, true),
            Meaning::AnyName | Meaning::Phone => (1.0, true),
            Meaning::Birth | Meaning::Address | Meaning::Official | Meaning::Trait | Meaning::Picture | Meaning::Account => {
                (1.0, false)
            }
            _ => (0.0, false),
        };
        points += more;
        contact |= is_contact;
    }
    let called = place.label.as_deref().unwrap_or(&survey.sampled(place).table.name);
    let by_name = words_of(called).iter().any(|word| is_role(word));
    let by_key = meaning(place.fields[key].leaf()).is_some_and(|(meaning, _)| meaning == Meaning::Person);
    // `user_phone` beside a key that is called after nothing.
    let of_people = |field: &&Field| {
        let strong =
            meaning(field.leaf()).is_some_and(|(meaning, strength)| meaning != Meaning::Person && strength == Strength::Strong);
        strong && words_of(field.leaf()).iter().any(|word| is_role(word))
    };
    let of_something =
        words_of(called).iter().any(|word| names::is_entity(word)) || !names::subjects(place.fields[key].leaf()).is_empty();
    let by_fields = !by_name && !of_something && place.fields.iter().any(|field| of_people(&field));
    points += if by_name { 3.0 } else { 0.0 } + if by_key { 1.0 } else { 0.0 } + if by_fields { 2.0 } else { 0.0 };
    if contact { points } else { 0.0 }
}

/// The field that tells the records of a place apart by a person's id.
fn key(survey: &Survey, place: &Place) -> Option<(usize, Form)> {
    let partition = &survey.sampled(place).table.keys.partition;
    let at = place.fields.iter().position(|field| field.is_top() && field.path[0] == *partition)?;
    let field = &place.fields[at];
    let form = if field.literal.is_some() { Form::Inner } else { Form::Whole };
    let is_id = field.is_unique() && field.may_be_an_id() && field.set(form).is_some() && is_own_id(survey, place, field);
    is_id.then_some((at, form))
}

/// Every place of people: the one that most is about first.
pub(crate) fn people(survey: &Survey, standings: &[f64], best: &[Edge]) -> Vec<Person> {
    let candidates: Vec<usize> = (0..survey.places.len()).filter(|place| standings[*place] >= ENOUGH).collect();
    let leads_to_a_person = |place: usize| {
        best.iter()
            .any(|edge| edge.from.0 == place && candidates.contains(&edge.to.0) && standings[edge.to.0] >= standings[place])
            || best.iter().any(|edge| edge.from.0 == place && candidates.contains(&edge.to.0) && is_own_key(survey, edge.from))
    };
    let mut own: Vec<usize> = candidates.iter().copied().filter(|place| !leads_to_a_person(*place)).collect();
    let weight = |place: usize| {
        let mut leading: Vec<usize> = best.iter().filter(|edge| edge.to.0 == place).map(|edge| edge.from.0).collect();
        leading.sort_unstable();
        leading.dedup();
        #[expect(clippy::cast_precision_loss, reason = "a count of tables")]
        let leading = leading.len() as f64;
        standings[place] + leading.min(4.0)
    };
    own.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)).then(a.cmp(b)));
    let mut kinds = vec!["subject_email".to_owned(), "phone".to_owned()];
    own.into_iter().enumerate().filter_map(|(rank, place)| person(survey, place, rank, &mut kinds)).collect()
}

fn is_own_key(survey: &Survey, (place, field): At) -> bool {
    key(survey, &survey.places[place]).is_some_and(|(key, _)| key == field)
}

fn person(survey: &Survey, number: usize, rank: usize, kinds: &mut Vec<String>) -> Option<Person> {
    let place = &survey.places[number];
    let (at, form) = key(survey, place)?;
    let ids = place.fields[at].rows(form);
    let holds_id = |field: &&Field| field.is_top() && field.can_be_named() && field.rows == ids;
    let plain = match form {
        Form::Whole => Some(at),
        Form::Inner => place.fields.iter().position(|field| holds_id(&field)),
    };
    let email = place.fields.iter().position(|field| {
        field.can_be_named() && field.is_top() && field.literal.is_none() && field.share(|shape| shape == Shape::Email) >= 0.8
    });
    let kind = if rank == 0 { "subject_id".to_owned() } else { kind(survey, place, &place.fields[at], kinds) };
    kinds.push(kind.clone());
    Some(Person { place: number, key: at, form, plain, kind, email })
}

/// A name for the identifiers of people who are not those that most is about.
fn kind(survey: &Survey, place: &Place, key: &Field, taken: &[String]) -> String {
    let table = survey.sampled(place);
    let all: Vec<&str> = survey.tables.iter().map(|t| t.table.name.as_str()).collect();
    let (before, after) = names::common_ends(&all);
    let called = place.label.clone().unwrap_or_else(|| table.table.name[before..table.table.name.len() - after].to_owned());
    let of_key = names::subjects(key.leaf());
    let base = if of_key.is_empty() || key.literal.is_some() { format!("{called}_id") } else { key.leaf().to_owned() };
    let base = names::plain(&base).replace('-', "_");
    let base = if base.starts_with(|c: char| c.is_ascii_lowercase()) { base } else { format!("id_{base}") };
    let base: String = base.chars().take(34).collect();
    let numbered = (2..).map(|n| format!("{base}_{n}"));
    std::iter::once(base.clone()).chain(numbered).find(|kind| !taken.contains(kind) && kind != "subject_id").unwrap_or(base)
}
