//! From a survey to a draft.

use crate::{
    column::{FEW, Field},
    decisions::Decisions,
    edges::{Form, hits},
    findings::{Findings, Judgements, Link, PersonalField, edge_evidence, place_evidence},
    judge::{Judged, PERSONAL, Standing, UNSURE, evidence, judge, names_a_person},
    objects::{Shown, names_objects, objects, values},
    people::Person,
    plan::{Plan, plan},
    shape::Shape,
    survey::Survey,
    ways::By,
    write,
};
use oubli_domain::datamap::{is_thing, words_of};
use std::collections::{BTreeMap, BTreeSet};

/// A data map to begin with.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The map, with the evidence of every line as a comment.
    pub text: String,
    /// What looks personal.
    pub fields: Vec<PersonalField>,
    /// What leads where.
    pub links: Vec<Link>,
    /// How many producers it has; a map needs one.
    pub producers: usize,
    /// How many places hold what looks personal, and are not reached.
    pub not_reached: usize,
}

/// Drafts a map. What people decided stands; where its evidence is no longer the same, the draft says so.
pub fn draft(survey: &Survey, decisions: &Decisions, region: Option<&str>) -> Draft {
    let plan = plan(survey, &decisions.refused_edges(), &decisions.ignored_places());
    let judged = judgements(survey, decisions, &plan);
    let personal = survey.places.iter().zip(&judged.of).flat_map(|(place, of)| {
        place.fields.iter().zip(of).filter(|(_, judged)| judged.confidence >= PERSONAL).map(|(field, _)| field)
    });
    let personal = values(personal);
    let shown = survey.buckets.iter().map(|bucket| {
        let ignored = decisions.ignored.contains_key(&bucket.name);
        let none = || Shown { families: Vec::new(), said: Vec::new(), others: 0 };
        if ignored { none() } else { objects(survey, &plan, &personal, bucket) }
    });
    let objects = shown.collect();
    let findings = Findings { survey, decisions, plan, judged, objects };
    let (text, producers, not_reached) = write::write(&findings, region);
    Draft { text, fields: findings.fields(), links: findings.links(), producers, not_reached }
}

fn judgements(survey: &Survey, decisions: &Decisions, plan: &Plan) -> Judgements {
    let standings = plan.standings(survey.places.len());
    let mut all = Judgements { of: Vec::new(), again: Vec::new(), open: Vec::new() };
    let mut seen = BTreeSet::new();
    let named: Vec<&Field> = survey
        .places
        .iter()
        .zip(&standings)
        .flat_map(|(place, standing)| place.fields.iter().filter(|field| names_a_person(field, *standing)))
        .collect();
    for (number, place) in survey.places.iter().enumerate() {
        let mut of = Vec::new();
        for (at, field) in place.fields.iter().enumerate() {
            let name = format!("{}.{}", survey.name(place), field.name());
            let leads = plan.edges.iter().find(|edge| edge.from == (number, at));
            let to_person = leads.filter(|edge| plan.people.iter().any(|person| person.place == edge.to.0));
            let own_key = plan.people.iter().find(|person| person.place == number).is_some_and(|person| {
                let key = &place.fields[person.key];
                let same = |form| key.rows(person.form) == field.rows(form) && !field.listed;
                at == person.key || same(Form::Whole) || same(Form::Inner)
            });
            let mut judged = judge(field, standings[number]);
            let called = place.label.as_deref().unwrap_or(&survey.sampled(place).table.name);
            if standings[number] == Standing::Unknown && words_of(called).iter().any(|word| is_thing(word)) {
                // A warehouse has an address, too.
                judged.confidence *= 0.6;
            }
            if let Some(edge) = to_person {
                let to = survey.name(&survey.places[edge.to.0]);
                judged = Judged { confidence: edge.confidence().max(judged.confidence), why: format!("it leads to {to}") };
            } else if let Some(person) = plan.people.iter().find(|person| begins_with(survey, field, person)) {
                let to = survey.name(&survey.places[person.place]);
                judged = Judged { confidence: judged.confidence.max(0.8), why: format!("it begins with what leads to {to}") };
            } else if own_key {
                judged = Judged { confidence: 0.98, why: "it tells people apart".to_owned() };
            } else if judged.confidence < PERSONAL && standings[number] != Standing::Unknown && names_objects(survey, field) {
                judged = Judged { confidence: 0.75, why: "it names objects of theirs".to_owned() };
            } else if judged.confidence < PERSONAL
                && let Some(same) = named.iter().find(|other| holds_the_same(field, other))
            {
                judged = Judged { confidence: 0.62, why: format!("it holds what {} holds", same.name()) };
            }
            let by_name = plan
                .reached
                .iter()
                .filter(|(place, _)| *place == number)
                .flat_map(|(_, ways)| ways)
                .any(|way| way.field == at && matches!(way.by, By::Kind(_)));
            if by_name && judged.confidence < PERSONAL && plan.people.is_empty() {
                judged = Judged { confidence: 0.6, why: "it is called after people".to_owned() };
            }
            let now = evidence(field, leads.map(|edge| survey.name(&survey.places[edge.to.0])).as_deref());
            if let Some(decided) = decisions.fields.get(&name) {
                let is = if decided.personal { "personal" } else { "not_personal" };
                match &decided.evidence {
                    None => all.again.push(format!("{name} was decided to be {is}, without its evidence. It is: {now}")),
                    Some(was) if *was != now => {
                        all.again.push(format!("{name} was decided to be {is} when its evidence was: {was}. It is: {now}"));
                    }
                    Some(_) => {}
                }
                judged = Judged { confidence: if decided.personal { 1.0 } else { 0.0 }, why: "decided".to_owned() };
            } else if UNSURE.contains(&judged.confidence) {
                all.open.push((name.clone(), now));
            }
            seen.insert(name);
            of.push(judged);
        }
        all.of.push(of);
    }
    let places: BTreeSet<String> =
        survey.places.iter().map(|place| survey.name(place)).chain(survey.buckets.iter().map(|b| b.name.clone())).collect();
    let gone = decisions.fields.keys().filter(|name| !seen.contains(*name));
    all.again.extend(gone.map(|name| format!("{name} was decided, and was not seen this time")));
    all.again.extend(again_edges(survey, decisions));
    for (name, decided) in &decisions.ignored {
        let now = survey.places.iter().find(|place| survey.name(place) == *name).map(place_evidence);
        let now = now.or_else(|| survey.buckets.iter().any(|b| b.name == *name).then(|| "a bucket".to_owned()));
        match (&decided.evidence, now) {
            (_, None) if !places.contains(name) => {
                all.again.push(format!("{name} was to be ignored, and was not seen this time"))
            }
            (None, Some(now)) => all.again.push(format!("{name} is ignored, without its evidence. It is: {now}")),
            (Some(was), Some(now)) if *was != now => {
                all.again.push(format!("{name} was to be ignored when its evidence was: {was}. It is: {now}"));
            }
            _ => {}
        }
    }
    all
}

/// Whether the first part of what a field holds tells people apart.
fn begins_with(survey: &Survey, field: &Field, person: &Person) -> bool {
    let key = survey.places[person.place].fields[person.key].set(person.form);
    let parts = field.first_parts.len();
    parts >= 2 * FEW && key.is_some_and(|key| hits(&field.first_parts, key) * 20 >= parts * 19)
}

/// Whether all of a field's values are among those of another.
fn holds_the_same(field: &Field, other: &Field) -> bool {
    let plain = |shape: Shape| shape.is_a_time() || matches!(shape, Shape::Truth | Shape::Integer);
    let may_tell = field.distinct() >= 3 && field.share(plain) <= 0.0;
    may_tell && hits(&field.whole, &other.whole) == field.distinct()
}

/// Edges that were refused, and how they would stand today.
fn again_edges(survey: &Survey, decisions: &Decisions) -> Vec<String> {
    if decisions.edges.is_empty() {
        return Vec::new();
    }
    let undecided = plan(survey, &BTreeSet::new(), &BTreeSet::new());
    let names: BTreeMap<String, String> = undecided
        .edges
        .iter()
        .map(|edge| {
            let (from, to) = (&survey.places[edge.from.0], &survey.places[edge.to.0]);
            let name = format!("{}.{} -> {}", survey.name(from), from.fields[edge.from.1].name(), survey.name(to));
            (name, edge_evidence(edge.share()))
        })
        .collect();
    let said = decisions.edges.iter().filter_map(|(name, decided)| match (names.get(name), &decided.evidence) {
        (None, _) => Some(format!("{name} was decided to be no edge, and nothing suggests it this time")),
        (Some(now), None) => Some(format!("{name} was decided to be no edge, without its evidence. It is: {now}")),
        (Some(now), Some(was)) if now != was => {
            Some(format!("{name} was decided to be no edge when its evidence was: {was}. It is: {now}"))
        }
        _ => None,
    });
    said.collect()
}
