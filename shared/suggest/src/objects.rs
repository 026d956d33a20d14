//! Where in the keys of a bucket ids stand, or which rows name them.

use crate::{
    column::{FEW, Field, ratio},
    edges::{Form, coverage},
    hash::{Hash, HashKey},
    plan::Plan,
    shape::{Shape, extension},
    survey::{Bucket, Survey},
    ways::By,
};
use std::collections::{BTreeMap, BTreeSet};

/// Beginnings under which ids of one kind stand, from which on they are data: dates, for one.
const MOST_BEGINNINGS: usize = 8;

/// Objects of a bucket that are named after an id, or by a row.
pub(crate) struct Family {
    pub by: By,
    /// The key, with `{}` where the id stands.
    pub template: String,
    /// One object, or whatever is under this prefix.
    pub one: bool,
    pub confidence: f64,
    pub evidence: String,
    /// The place the id is from.
    pub place: usize,
}

/// What a bucket's keys show.
pub(crate) struct Shown {
    pub families: Vec<Family>,
    /// What else there is to say of it.
    pub said: Vec<String>,
    /// How many keys none of the families has.
    pub others: usize,
}

/// Ids that keys may have in them.
struct Ids<'s> {
    by: By,
    place: usize,
    name: String,
    set: &'s BTreeMap<Hash, u32>,
}

pub(crate) fn objects(survey: &Survey, plan: &Plan, personal: &BTreeSet<Hash>, bucket: &Bucket) -> Shown {
    let (mut families, mut said, mut explained) = (Vec::new(), Vec::new(), vec![false; bucket.keys.len()]);
    for ids in ids(survey, plan) {
        let place = &survey.places[ids.place];
        let mut by_template: BTreeMap<Template, Named> = BTreeMap::new();
        for (number, key) in bucket.keys.iter().enumerate().filter(|(number, _)| !explained[*number]) {
            for (template, id) in candidates(key) {
                let hash = survey.hashes.hash(id);
                let named = by_template.entry(template).or_default();
                named.of += 1;
                if ids.set.contains_key(&hash) {
                    named.ids.insert(hash);
                    named.keys.push(number);
                }
            }
        }
        let enough = |named: &Named| {
            let share = ratio(named.keys.len(), named.of);
            named.ids.len() >= FEW && share >= 0.9 * coverage(survey, place)
        };
        let mut proven: Vec<(Template, Named)> = by_template.into_iter().filter(|(_, named)| enough(named)).collect();
        // The longest beginning that all have in common with what follows is the most that can be said.
        proven.sort_by_key(|(template, named)| (std::cmp::Reverse(named.keys.len()), template.one, template.before.len()));
        let mut kept: Vec<(Template, Named)> = Vec::new();
        for (template, named) in proven {
            let news = named.keys.iter().filter(|key| !explained[**key]).count();
            if news * 10 >= named.keys.len() * 9 {
                named.keys.iter().for_each(|key| explained[*key] = true);
                kept.push((template, named));
            }
        }
        let unsafe_parts = kept.iter().filter(|(template, _)| template.is_data(&survey.hashes, personal)).count();
        if kept.len() > MOST_BEGINNINGS || unsafe_parts > 0 {
            let count = kept.len();
            said.push(format!(
                "values of {} stand in its keys after {count} beginnings, which differ by object: none of them is fixed",
                ids.name
            ));
            continue;
        }
        families.extend(kept.into_iter().map(|(template, named)| {
            let share = ratio(named.keys.len(), named.of);
            let evidence = format!(
                "{} of {} listed keys of this form have a value of {} there, {} different ones",
                named.keys.len(),
                named.of,
                ids.name,
                named.ids.len()
            );
            let by = ids.by.clone();
            Family { by, template: template.text(), one: template.one, confidence: 0.98 * share, evidence, place: ids.place }
        }));
    }
    families.extend(named_by_rows(survey, plan, bucket, &mut explained));
    let others = explained.iter().filter(|explained| !**explained).count();
    Shown { families, said, others }
}

/// Ids of people first, then of whatever leads to them.
fn ids<'s>(survey: &'s Survey, plan: &Plan) -> Vec<Ids<'s>> {
    let mut all = Vec::new();
    let name = |place: usize, field: &Field| format!("{}.{}", survey.name(&survey.places[place]), field.name());
    let reached = |place: usize| plan.reached.iter().any(|(other, _)| *other == place);
    for person in plan.people.iter().filter(|person| reached(person.place)) {
        let field = &survey.places[person.place].fields[person.key];
        if let Some(set) = person.ids(survey) {
            all.push(Ids { by: By::Kind(person.kind.clone()), place: person.place, name: name(person.place, field), set });
        }
    }
    for (place, _) in &plan.reached {
        for field in &survey.places[*place].fields {
            let own = field.is_top() && field.can_be_named() && field.is_unique() && field.may_be_an_id() && !field.is_common();
            let of_a_person =
                plan.people.iter().any(|p| p.place == *place && survey.places[*place].fields[p.key].path == field.path);
            if own && field.present >= FEW && !of_a_person {
                all.push(Ids {
                    by: By::Place(*place, field.name()),
                    place: *place,
                    name: name(*place, field),
                    set: &field.whole,
                });
            }
        }
    }
    all
}

#[derive(Default)]
struct Named {
    of: usize,
    keys: Vec<usize>,
    ids: BTreeSet<Hash>,
}

/// A key with a place for an id in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Template {
    before: String,
    after: String,
    one: bool,
}

impl Template {
    fn text(&self) -> String {
        format!("{}{{}}{}", self.before, self.after)
    }

    /// Whether a fixed part is a value of somebody's.
    fn is_data(&self, hashes: &HashKey, personal: &BTreeSet<Hash>) -> bool {
        let parts = self.before.split('/').filter(|part| !part.is_empty());
        let looks = |part: &str| !matches!(Shape::of_text(part), Shape::Word | Shape::Other | Shape::Token | Shape::Integer);
        let unprintable = self.before.contains(['{', '}', '*']) || self.before.chars().any(char::is_control);
        unprintable || parts.into_iter().any(|part| looks(part) || personal.contains(&hashes.hash(part)))
    }
}

/// Wherever an id may stand in a key.
fn candidates(key: &str) -> Vec<(Template, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    for segment in key.split('/') {
        let end = at + segment.len();
        let last = end == key.len();
        // A word before the id in the same part: `user=17`, `photo-17`.
        let word = segment.find(|c: char| !c.is_ascii_alphabetic()).filter(|word| *word > 0);
        let worded = word.filter(|word| segment[*word..].starts_with(['-', '_', '=', '.'])).map(|word| word + 1);
        for begin in [Some(0), worded].into_iter().flatten() {
            let (before, id) = (&key[..at + begin], &segment[begin..]);
            let template = |after: &str, one| Template { before: before.to_owned(), after: after.to_owned(), one };
            if id.is_empty() {
                continue;
            }
            if !last {
                found.push((template("/", false), id));
                continue;
            }
            found.push((template("", true), id));
            if let Some(end) = extension(id) {
                found.push((template(end, true), &id[..id.len() - end.len()]));
            }
        }
        at = end + 1;
    }
    found
}

/// Objects that rows name, one row each.
fn named_by_rows(survey: &Survey, plan: &Plan, bucket: &Bucket, explained: &mut [bool]) -> Vec<Family> {
    let hashes: Vec<Hash> = bucket.keys.iter().map(|key| survey.hashes.hash(key)).collect();
    let mut found = Vec::new();
    for (place, _) in &plan.reached {
        for field in survey.places[*place].fields.iter().filter(|field| field.can_be_named()) {
            let named: Vec<usize> = (0..hashes.len()).filter(|key| field.keys.contains(&hashes[*key])).collect();
            let news = named.iter().filter(|key| !explained[**key]).count();
            let alone = field.whole.values().all(|times| *times == 1);
            // Keys are long: two that are there, of two, are no chance.
            let few = named.len() < FEW && (named.len() < 2 || named.len() < field.keys.len());
            if few || news * 2 < named.len() || !alone {
                continue;
            }
            named.iter().for_each(|key| explained[*key] = true);
            let name = format!("{}.{}", survey.name(&survey.places[*place]), field.name());
            let there = ratio(named.len(), field.keys.len());
            let evidence =
                format!("{} of {} different values of {name} are listed keys, none of them twice", named.len(), field.keys.len());
            let by = By::Place(*place, field.name());
            let confidence = 0.6 + 0.38 * there;
            found.push(Family { by, template: "{}".to_owned(), one: true, confidence, evidence, place: *place });
        }
    }
    found
}

/// Whether a field of a place names objects that were listed.
pub(crate) fn names_objects(survey: &Survey, field: &Field) -> bool {
    let listed =
        |bucket: &Bucket| bucket.keys.iter().filter(|key| field.keys.contains(&survey.hashes.hash(key))).take(FEW).count();
    let enough = field.keys.len().clamp(2, FEW);
    !field.keys.is_empty() && survey.buckets.iter().any(|bucket| listed(bucket) >= enough)
}

/// Hashes of whatever values of personal fields there are: no fixed part of a key may be one.
pub(crate) fn values<'f>(fields: impl Iterator<Item = &'f Field>) -> BTreeSet<Hash> {
    let sets = fields.flat_map(|field| [Some(&field.whole), field.set(Form::Inner)]).flatten();
    sets.flat_map(|set| set.keys().copied()).collect()
}
