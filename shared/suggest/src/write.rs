//! Writes a draft down: a data map, its evidence as comments, what it leaves out named above it.

mod producers;
mod yaml;

use crate::{
    findings::{Findings, place_evidence},
    judge::PERSONAL,
    names,
    ways::By,
};
use producers::{of_bucket, of_place, of_unreached};
use std::collections::{BTreeMap, BTreeSet};
use yaml::{scalar, shown};

/// Stores, as drafts call them.
const TABLES: &str = "dynamodb";
const BUCKETS: &str = "s3";

/// Most lines of open questions.
const MOST_QUESTIONS: usize = 40;

/// What everything is called in the map.
struct Names {
    places: BTreeMap<usize, String>,
    buckets: BTreeMap<usize, String>,
}

/// The text, its producers, and places with personal data that are not reached.
pub(crate) fn write(findings: &Findings<'_>, region: Option<&str>) -> (String, usize, usize) {
    let names = name_everything(findings);
    let reached: Vec<String> =
        findings.plan.reached.iter().map(|(place, ways)| of_place(findings, &names, *place, ways)).collect();
    let of_buckets: Vec<String> =
        (0..findings.survey.buckets.len()).filter_map(|bucket| of_bucket(findings, &names, bucket)).collect();
    let (not_reached, nothing) = left_out(findings);
    let mut text = head(findings, &not_reached, &nothing);
    text.push_str("version: 1\n");
    text.push_str(&identifiers(findings));
    text.push_str("stores:\n");
    let region = region.map(|region| format!(", region: {}", scalar(region))).unwrap_or_default();
    let stores = [(TABLES, !reached.is_empty()), (BUCKETS, !of_buckets.is_empty())];
    let declared: Vec<String> = stores
        .iter()
        .filter(|(_, used)| *used)
        .map(|(store, _)| format!("  {store}: {{connector: {store}{region}}}\n"))
        .collect();
    let count = reached.len() + of_buckets.len();
    if count == 0 {
        text = text.trim_end().to_owned();
        text.push_str(" {}\n\nproducers: []\n");
    } else {
        text.push_str(&declared.concat());
        text.push_str("\nproducers:\n");
        text.push_str(&reached.into_iter().chain(of_buckets).collect::<Vec<_>>().join("\n"));
    }
    for (place, _) in &not_reached {
        if let Place::Table(place) = place {
            text.push('\n');
            text.push_str(&of_unreached(findings, &names, *place));
        }
    }
    (text, count, not_reached.len())
}

#[derive(PartialEq)]
enum Place {
    Table(usize),
    Bucket,
}

fn name_everything(findings: &Findings<'_>) -> Names {
    let survey = findings.survey;
    let tables: Vec<&str> = survey.tables.iter().map(|table| table.table.name.as_str()).collect();
    let (before, after) = names::common_ends(&tables);
    let several = tables.len() > 1;
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut unique = |name: String| {
        let name = match name.strip_prefix('i') {
            // An approval calls identifiers so.
            Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => format!("table-{name}"),
            _ if name == "identifiers_incomplete" => format!("table-{name}"),
            _ => name,
        };
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name);
        taken.insert(free.clone());
        free
    };
    let places = survey.places.iter().enumerate().map(|(number, place)| {
        let table = &survey.sampled(place).table.name;
        let table = &table[before..table.len() - after];
        let name = match &place.label {
            Some(label) if several => format!("{table}-{label}"),
            Some(label) => label.clone(),
            None => table.to_owned(),
        };
        (number, unique(names::plain(&name)))
    });
    let places: BTreeMap<usize, String> = places.collect();
    let buckets = survey.buckets.iter().enumerate().map(|(number, bucket)| (number, unique(names::plain(&bucket.name))));
    let buckets = buckets.collect();
    Names { places, buckets }
}

/// Places with personal data, or that lead somewhere, and why they are not reached; and those that hold none.
fn left_out(findings: &Findings<'_>) -> (Vec<(Place, String)>, Vec<String>) {
    let survey = findings.survey;
    let (mut not_reached, mut nothing) = (Vec::new(), Vec::new());
    for (place, needs) in &findings.plan.needs {
        let name = survey.name(&survey.places[*place]);
        let personal: Vec<String> = producers::personal(findings, *place);
        if needs.is_empty() && personal.is_empty() {
            nothing.push(name);
            continue;
        }
        let personal = if personal.is_empty() { String::new() } else { format!("; personal: {}", personal.join(", ")) };
        let needs = if needs.is_empty() { "nothing sampled in it leads to a person".to_owned() } else { needs.join(", or ") };
        not_reached.push((Place::Table(*place), format!("{name}: {needs}{personal}")));
    }
    for (bucket, shown) in survey.buckets.iter().zip(&findings.objects) {
        if findings.decisions.ignored.contains_key(&bucket.name) || !shown.families.is_empty() {
            continue;
        }
        let (bucket, keys) = (&bucket.name, bucket.keys.len());
        let reason = match shown.said.as_slice() {
            _ if keys == 0 => {
                nothing.push(format!("{bucket} (empty)"));
                continue;
            }
            [] => format!(
                "no prefix proven: none of the sampled ids stands in its {keys} listed keys, and no sampled row names one"
            ),
            said => format!("no prefix proven: {}", said.join("; ")),
        };
        not_reached.push((Place::Bucket, format!("{bucket}: {reason}")));
    }
    (not_reached, nothing)
}

fn head(findings: &Findings<'_>, not_reached: &[(Place, String)], nothing: &[String]) -> String {
    let survey = findings.survey;
    let mut lines = vec![
        format!(
            "A draft, from samples of {} tables and {} buckets. Every line says what speaks for it, and how sure that is, from",
            survey.tables.len(),
            survey.buckets.len()
        ),
        "0 to 1. Whoever knows the data decides: read it, correct it, check it (oubli map check --live), publish it then."
            .to_owned(),
    ];
    if findings.plan.people.is_empty() {
        lines.push("No table was found in which a person is one record: nothing says what subject_id is.".to_owned());
    }
    let mut block = |title: &str, entries: Vec<String>| {
        if !entries.is_empty() {
            lines.push(String::new());
            lines.push(format!("{title}:"));
            lines.extend(entries.into_iter().map(|entry| format!("  {}", shown(&entry))));
        }
    };
    block("not reached", not_reached.iter().map(|(_, why)| why.clone()).collect());
    block("not looked at", survey.not_looked_at.iter().map(|not| format!("{}: {}", not.place, not.reason)).collect());
    block("no personal data seen in", nothing.to_vec());
    block("ignored, as decided", findings.decisions.ignored.keys().cloned().collect());
    block("decided, and to be looked at again", findings.judged.again.clone());
    let questions = findings
        .judged
        .open
        .iter()
        .take(MOST_QUESTIONS)
        .map(|(field, evidence)| format!("{}: {{is: personal, evidence: {}}}", scalar(field), scalar(evidence)));
    let mut questions: Vec<String> = questions.collect();
    let more = findings.judged.open.len().saturating_sub(MOST_QUESTIONS);
    questions.extend((more > 0).then(|| format!("and {more} more")));
    block("unsure: copy into the file of decisions, below decisions: and fields:, with is: personal or not_personal", questions);
    let comments: Vec<String> =
        lines.iter().map(|line| if line.is_empty() { "#\n".to_owned() } else { format!("# {line}\n") }).collect();
    comments.concat()
}

fn identifiers(findings: &Findings<'_>) -> String {
    let kinds = findings.plan.declared();
    if kinds.is_empty() {
        return String::new();
    }
    let lines = kinds.into_iter().map(|kind| {
        let person = findings.plan.people.iter().find(|person| person.kind == kind);
        match person {
            Some(person) => {
                let place = findings.survey.name(&findings.survey.places[person.place]);
                format!("  # confidence 0.80: {} is of people apart from those under subject_id\n  {kind}: {{form: exact, unique: true}}\n", shown(&place))
            }
            None => format!("  {kind}: {{form: phone}}\n"),
        }
    });
    format!("identifiers:\n{}", lines.collect::<String>())
}

/// What a way starts from, as the map writes it.
fn by(names: &Names, by: &By) -> String {
    match by {
        By::Kind(kind) => kind.clone(),
        By::Place(place, field) => format!("{{producer: {}, field: {}}}", names.places[place], scalar(field)),
    }
}

/// How an ignored place is decided about, for the copy.
pub(crate) fn ignore_line(findings: &Findings<'_>, place: usize) -> String {
    let place = &findings.survey.places[place];
    let (name, evidence) = (findings.survey.name(place), place_evidence(place));
    format!("{}: {{is: ignore, evidence: {}}}", scalar(&name), scalar(&evidence))
}

/// The fields of a place that are personal.
fn is_personal(findings: &Findings<'_>, place: usize, field: usize) -> bool {
    findings.judged.of[place][field].confidence >= PERSONAL
}
