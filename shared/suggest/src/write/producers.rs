//! One producer each.

use super::{BUCKETS, Names, TABLES, by, ignore_line, is_personal, scalar, shown};
use crate::{
    column::Field,
    findings::Findings,
    groups::Sort,
    names,
    people::Person,
    shape::Shape,
    survey::Place,
    value::Value,
    ways::{By, Way, percent},
};
use jiff::tz::TimeZone;
use oubli_domain::datamap::{DateForm, words_of};

/// Names of tables whose records somebody may have to keep.
const KEPT: [&str; 22] = [
    "invoice",
    "bill",
    "billing",
    "rechnung",
    "facture",
    "factura",
    "contract",
    "vertrag",
    "vertraege",
    "contrat",
    "contrato",
    "payment",
    "zahlung",
    "paiement",
    "pago",
    "receipt",
    "beleg",
    "quittung",
    "payroll",
    "lohn",
    "tax",
    "steuer",
];

pub(super) fn of_place(findings: &Findings<'_>, names: &Names, number: usize, ways: &[Way]) -> String {
    let survey = findings.survey;
    let place = &survey.places[number];
    let table = &survey.sampled(place).table;
    let name = &names.places[&number];
    let mut lines = vec![format!("# {}", sampled(findings, place))];
    lines.extend(personal_line(findings, number));
    lines
        .extend(findings.plan.aside.get(&number).into_iter().flatten().map(|said| format!("# not selected by: {}", shown(said))));
    lines.extend(others_about(findings, number, ways));
    lines.push(format!("- name: {name}"));
    lines.push(format!("  category: {name}"));
    lines.push(format!("  store: {TABLES}"));
    lines.push(format!("  table: {}", scalar(&table.name)));
    lines.push(format!("  key: [{}]", table.keys.names().into_iter().map(scalar).collect::<Vec<_>>().join(", ")));
    lines.extend(version_hint(place));
    if let Some(person) = findings.plan.people.iter().find(|person| person.place == number) {
        lines.extend(identifies(place, person, ways));
    }
    lines.push("  select:".to_owned());
    for way in ways {
        lines.push(format!("    # confidence {:.2}: {}", way.confidence, shown(&way.evidence)));
        lines.push(format!("    - {{{}}}", way_in_words(names, way)));
        let present = place.fields[way.field].present_share();
        if present < 0.98 {
            lines.push(format!(
                "    # records without {} are not found by this: {}",
                shown(&way.attribute),
                percent(1.0 - present)
            ));
        }
    }
    lines.extend(retention_hint(findings, place));
    indented(&lines)
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

fn sampled(findings: &Findings<'_>, place: &Place) -> String {
    let sampled = findings.survey.sampled(place);
    let name = shown(&findings.survey.name(place));
    let of = match (sampled.whole, sampled.table.records) {
        (true, _) => "all there are".to_owned(),
        (false, Some(records)) => format!("a sample of a table of about {records}"),
        (false, None) => "a sample".to_owned(),
    };
    format!("{name}: {} records, {of}", place.records)
}

/// Names of personal fields with their confidence.
pub(super) fn personal(findings: &Findings<'_>, place: usize) -> Vec<String> {
    let fields = findings.survey.places[place].fields.iter().enumerate();
    let personal = fields.filter(|(field, _)| is_personal(findings, place, *field));
    personal.map(|(at, field)| format!("{} ({:.2})", shown(&field.name()), findings.judged.of[place][at].confidence)).collect()
}

fn personal_line(findings: &Findings<'_>, place: usize) -> Option<String> {
    let personal = personal(findings, place);
    (!personal.is_empty()).then(|| format!("# personal: {}", personal.join(", ")))
}

/// Other people that its records name.
fn others_about(findings: &Findings<'_>, number: usize, ways: &[Way]) -> Vec<String> {
    let survey = findings.survey;
    let fields = &survey.places[number].fields;
    let chosen = |kind: &str| ways.iter().any(|way| way.by == By::Kind(kind.to_owned()));
    let others = findings.plan.edges.iter().filter(|edge| edge.from.0 == number);
    let named = others.filter_map(|edge| {
        let person = findings.plan.people.iter().find(|person| person.place == edge.to.0 && !chosen(&person.kind))?;
        let of_a_person =
            findings.plan.people.iter().any(|p| p.place != person.place && ways.iter().any(|w| w.by == By::Kind(p.kind.clone())));
        of_a_person.then(|| {
            let (field, to) = (fields[edge.from.1].name(), survey.name(&survey.places[edge.to.0]));
            format!("# {} names somebody of {} too: their requests do not take it", shown(&field), shown(&to))
        })
    });
    named.collect()
}

fn identifies(place: &Place, person: &Person, ways: &[Way]) -> Vec<String> {
    let mut pairs = Vec::new();
    let mut evidence = Vec::new();
    let selects = |kind: &str| ways.iter().find(|way| way.by == By::Kind(kind.to_owned()));
    if let Some(plain) = person.plain.filter(|_| selects(&person.kind).is_some()) {
        let field = &place.fields[plain];
        pairs.push(format!("{}: {}", person.kind, scalar(&field.name())));
        evidence.push(format!("no two of {} sampled records have the same {}", field.present, field.name()));
    }
    if let Some(email) = person.email {
        let field = &place.fields[email];
        pairs.push(format!("subject_email: {}", scalar(&field.name())));
        let share = field.share(|shape| shape == Shape::Email);
        evidence.push(format!("{} of the values of {} are email addresses", percent(share), field.name()));
    }
    if let Some(way) = selects("phone") {
        pairs.push(format!("phone: {}", scalar(&way.attribute)));
        evidence.push(format!("{} holds phone numbers", way.attribute));
    }
    if pairs.is_empty() {
        return vec!["  # no field holds an identifier alone: others are found through this producer".to_owned()];
    }
    let comment = format!("  # confidence 0.95: {}", shown(&evidence.join("; ")));
    vec![comment, format!("  identifies: {{{}}}", pairs.join(", "))]
}

fn way_in_words(names: &Names, way: &Way) -> String {
    let mut words = vec![format!("by: {}", by(names, &way.by))];
    words.extend(way.index.as_ref().map(|index| format!("index: {}", scalar(index))));
    words.push(format!("attribute: {}", scalar(&way.attribute)));
    words.extend((way.value != "{}").then(|| format!("value: {}", scalar(&way.value))));
    words.extend(way.sort.as_ref().and_then(|(attribute, sort)| {
        let attribute = attribute.as_ref().map(|attribute| format!("attribute: {}, ", scalar(attribute))).unwrap_or_default();
        match sort {
            Sort::Any => None,
            Sort::Beginning(beginning) => Some(format!("sort: {{{attribute}begins_with: {}}}", scalar(beginning))),
            Sort::Equal(word) => Some(format!("sort: {{{attribute}equals: {}}}", scalar(word))),
        }
    }));
    words.extend(way.only.as_ref().map(|(name, word)| format!("where: {{{}: {}}}", scalar(name), scalar(word))));
    words.join(", ")
}

/// A field that may change with every write.
fn version_hint(place: &Place) -> Option<String> {
    let counts = |field: &&Field| {
        let named = matches!(words_of(field.leaf()).concat().as_str(), "version" | "rev" | "revision" | "lockversion");
        named
            && field.is_top()
            && field.can_be_named()
            && field.present_share() >= 0.999
            && field.share(|s| s == Shape::Integer) >= 0.999
    };
    let field = place.fields.iter().find(counts)?;
    Some(format!("  # confidence 0.50: only if every write changes it: version_attribute: {}", shown(&scalar(&field.name()))))
}

/// A duty somebody may have, for a person to decide.
fn retention_hint(findings: &Findings<'_>, place: &Place) -> Vec<String> {
    let called = place.label.as_deref().unwrap_or(&findings.survey.sampled(place).table.name);
    let about = names::subjects(called);
    let Some(word) = KEPT.iter().find(|word| about.contains(**word)) else { return Vec::new() };
    let date = |field: &&Field| field.is_top() && field.can_be_named() && field.share(Shape::is_a_time) >= 0.9;
    let likely = |field: &&Field| {
        let first = ["issued", "invoice", "date", "facture", "signed", "paid", "ended", "rechnungsdatum", "datum", "fecha"];
        let name = words_of(field.leaf());
        first.iter().position(|word| name.iter().any(|own| own == word)).unwrap_or(first.len())
    };
    let Some(field) = place.fields.iter().filter(date).min_by_key(likely) else { return Vec::new() };
    let form = form_of(field).map(|form| format!("\n#   form: {form}")).unwrap_or_default();
    let text = format!(
        "# a table of this name ({word}) may be under a duty to keep, and {name} holds {dates}: whether it is, and how long, is for a\n\
         # person to decide\n\
         # retention:\n\
         #   reason: which law or contract\n\
         #   exception: legal_obligation\n\
         #   from: {from}{form}\n\
         #   years: 0",
        name = shown(&field.name()),
        dates = field.shape().map_or("dates", Shape::words),
        from = shown(&scalar(&field.name())),
    );
    text.lines().map(|line| format!("  {line}")).collect()
}

/// No form of dates, so that no map is accepted before somebody says how they are written.
const SAY_HOW: &str = "say how they are written, as docs/data-map.md shows";

/// How times without an offset are written.
const LOCAL_TIMES: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];

/// What a duty says of how a field's dates are written; none where they are as it takes them anyway.
fn form_of(field: &Field) -> Option<String> {
    match field.shape()? {
        Shape::EpochSeconds => Some("epoch_seconds".to_owned()),
        Shape::EpochMilliseconds => Some("epoch_milliseconds".to_owned()),
        Shape::LocalTime | Shape::DateLike => {
            let form = local_form(field).map(|form| format!("\"{form}\""));
            // Whether 04/05 is in April or in May no date says: no map is accepted before somebody does.
            Some(form.unwrap_or_else(|| SAY_HOW.to_owned()))
        }
        _ => None,
    }
}

/// How all of a field's times without an offset are written, as far as they were looked at.
fn local_form(field: &Field) -> Option<&'static str> {
    let reads = |form: &DateForm, value: &Value| match value {
        Value::Text(text) => form.read(text, &TimeZone::UTC).is_some(),
        _ => false,
    };
    LOCAL_TIMES.into_iter().filter(|_| !field.examples.is_empty()).find(|pattern| {
        let form = DateForm::parse(pattern);
        form.is_ok_and(|form| field.examples.iter().all(|value| reads(&form, value)))
    })
}

/// The producer it would be, as comments.
pub(super) fn of_unreached(findings: &Findings<'_>, names: &Names, number: usize) -> String {
    let survey = findings.survey;
    let place = &survey.places[number];
    let table = &survey.sampled(place).table;
    let needs = findings.plan.needs.get(&number).map(Vec::as_slice).unwrap_or_default();
    let why = if needs.is_empty() { "nothing sampled in it leads to a person".to_owned() } else { needs.join(", or ") };
    let mut lines = vec![format!("not reached: {}: {why}", survey.name(place))];
    lines.push(format!("{}: {}", "if it is to be ignored, below decisions: and producers", ignore_line(findings, number)));
    lines.push(format!("- name: {}", names.places[&number]));
    lines.push(format!("  category: {}", names.places[&number]));
    lines.push(format!("  store: {TABLES}"));
    lines.push(format!("  table: {}", scalar(&table.name)));
    lines.push(format!("  key: [{}]", table.keys.names().into_iter().map(scalar).collect::<Vec<_>>().join(", ")));
    lines.push("  select: []".to_owned());
    lines.iter().map(|line| format!("  # {}\n", shown(line))).collect()
}

pub(super) fn of_bucket(findings: &Findings<'_>, names: &Names, number: usize) -> Option<String> {
    let (bucket, shown_by) = (&findings.survey.buckets[number], &findings.objects[number]);
    if shown_by.families.is_empty() {
        return None;
    }
    let name = &names.buckets[&number];
    let of = if bucket.whole { "all there are" } else { "the first of more" };
    let mut lines = vec![format!("# {}: {} keys, {of}", shown(&bucket.name), bucket.keys.len())];
    lines.extend(shown_by.said.iter().map(|said| format!("# {}", shown(said))));
    lines
        .extend((shown_by.others > 0).then(|| format!("# {} of its listed keys are of no form that is proven", shown_by.others)));
    lines.push(format!("- name: {name}"));
    lines.push(format!("  category: {name}"));
    lines.push(format!("  store: {BUCKETS}"));
    lines.push(format!("  bucket: {}", scalar(&bucket.name)));
    lines.push("  select:".to_owned());
    for family in &shown_by.families {
        let key = if family.one { "object" } else { "prefix" };
        lines.push(format!("    # confidence {:.2}: {}", family.confidence, shown(&family.evidence)));
        lines.push(format!("    - {{by: {}, {key}: {}}}", by(names, &family.by), scalar(&family.template)));
    }
    Some(indented(&lines))
}
