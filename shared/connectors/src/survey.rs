//! Holding a data map against the stores it speaks of.

use oubli_domain::{
    datamap::{
        DataMap, EraseAction, Finding, Lines, Location, Producer, SelectBy, Selection, Store, StoreKind, looks_personal, nearest,
    },
    ids::StoreName,
};
use oubli_engine::ports::{Beginning, Named, Need, NoText, NotSurveyed, Sampled, StoreError, Stores, Survey, Surveyed};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A data map knows no organization: buckets are held to the window that settings begin with.
const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

/// Most places that are named one by one.
const NAMED: usize = 50;

/// What the stores say of a map. Refused are tables, indexes and buckets that are missing or differ, masks of fields that no
/// record of a sample has, and selections by fields that hold no text in any. Warned of is what a store cannot promise, what else
/// the map names and no record of a sample has, and what belongs to no producer but is not `own`, the deployment's. No value of a
/// record is repeated.
pub async fn survey(stores: &dyn Stores, map: &DataMap, lines: &Lines, own: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut usable: Vec<&Producer> = Vec::new();
    let mut unusable = BTreeSet::new();
    for producer in &map.producers {
        let of = producer.location.unfinished_of();
        // What cannot be used at all is said once.
        if of.is_some_and(|of| unusable.contains(of)) {
            continue;
        }
        let about = |text: String| format!("producer {}: {text}", producer.name);
        let Some(store) = map.stores.get(&producer.store) else { continue };
        let promised = match stores.connector(&producer.store, store) {
            Ok(connector) => connector.capabilities(producer, WINDOW).await,
            Err(error) => Err(error),
        };
        match promised {
            Ok(promised) => {
                let cautions = promised.words(producer, map).into_iter().filter(|_| of.is_none());
                findings.extend(cautions.map(|caution| Finding::warn(None, about(caution))));
                usable.push(producer);
            }
            Err(error) => {
                unusable.insert(&producer.name);
                findings.push(Finding::refuse(None, about(error.to_string())));
            }
        }
    }
    findings.extend(sampled(stores, map, &usable).await);
    findings.extend(unmet_beginnings(stores, map, &usable).await);
    let claimed: BTreeSet<&str> = map.producers.iter().map(|p| p.location.name()).chain(own.iter().map(String::as_str)).collect();
    let mut asked: Vec<(StoreKind, Option<&str>)> = Vec::new();
    for (name, store) in &map.stores {
        let place = (store.connector, store.region.as_deref());
        // A store without a connector was named with its producers.
        let Ok(connector) = stores.connector(name, store) else { continue };
        let Some(survey) = connector.survey().filter(|_| !asked.contains(&place)) else { continue };
        asked.push(place);
        findings.extend(unclaimed(survey, &claimed).await.into_iter().map(|text| Finding::warn(None, text)));
    }
    findings.into_iter().map(|finding| lines.point(finding)).collect()
}

/// What the deployment's functions need for a map, each with the producers that need it.
pub async fn needs(stores: &dyn Stores, map: &DataMap) -> BTreeMap<Need, Vec<String>> {
    let mut all: BTreeMap<Need, Vec<String>> = BTreeMap::new();
    for producer in &map.producers {
        // Whatever cannot be asked was refused by the survey.
        let needed: Result<Vec<Need>, StoreError> =
            match map.stores.get(&producer.store).map(|s| stores.connector(&producer.store, s)) {
                Some(Ok(connector)) => match connector.survey() {
                    Some(survey) => survey.needs(producer).await,
                    None => Ok(vec![]),
                },
                _ => Ok(vec![]),
            };
        for need in needed.unwrap_or_default() {
            all.entry(need).or_default().push(producer.name.to_string());
        }
    }
    all
}

/// A name of a field that a producer's map entry says, and the keys that say it.
type Said<'a> = (String, &'a str);

/// What a map says of the fields of a producer's records: each with the producer whose entry says it.
fn said<'a>(map: &'a DataMap, producer: &'a Producer) -> Vec<(&'a Producer, Said<'a>)> {
    let mut all: Vec<(&Producer, Said<'_>)> = Vec::new();
    let mut own = |keys: &str, name: &'a str| all.push((producer, (keys.to_owned(), name)));
    producer.export.mask.iter().for_each(|name| own(MASK, name));
    if let EraseAction::Fields(fields) = &producer.erase {
        fields.keys().for_each(|name| own("erase: fields", name));
    }
    producer.export.fields.keys().for_each(|name| own("export: fields", name));
    producer.identifies.values().for_each(|name| own("identifies", name));
    producer.retention.own.iter().filter_map(|duty| duty.period.as_ref()).for_each(|period| own("retention: from", &period.from));
    if let Location::Table(table) = &producer.location {
        table.version_attribute.iter().for_each(|name| own("version_attribute", name));
    }
    for selection in &producer.select {
        if let Selection::Items(items) = selection {
            own(if items.scan.is_some() { "select: scan: attribute" } else { "select: attribute" }, &items.attribute);
        }
    }
    for child in &map.producers {
        for selection in &child.select {
            if let SelectBy::Parent { producer: parent, field } = selection.by()
                && *parent == producer.name
            {
                all.push((child, ("select: by: field".to_owned(), field)));
            }
        }
    }
    all
}

/// The keys under which a map masks fields.
const MASK: &str = "export: mask";

/// What no record of a sample has, though the map names it.
async fn sampled(stores: &dyn Stores, map: &DataMap, usable: &[&Producer]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut places: Vec<((&StoreName, &Store), &str)> = Vec::new();
    for producer in usable.iter().filter(|p| p.location.has_fields()) {
        let Some(store) = map.stores.get_key_value(&producer.store) else { continue };
        let place = (store, producer.location.name());
        if !places.contains(&place) {
            places.push(place);
        }
    }
    for ((name, store), place) in places {
        let Ok(connector) = stores.connector(name, store) else { continue };
        let Some(survey) = connector.survey() else { continue };
        let here: Vec<&Producer> = usable.iter().filter(|p| p.store == *name && p.location.name() == place).copied().collect();
        let told: Vec<Vec<(&Producer, Said<'_>)>> = here.iter().map(|producer| said(map, producer)).collect();
        let named = here.iter().zip(&told).map(|(producer, said)| {
            let fields: BTreeSet<&str> = said.iter().map(|(_, (_, name))| *name).collect();
            Named { producer, fields: fields.into_iter().collect() }
        });
        let named: Vec<Named<'_>> = named.collect();
        match survey.sample(place, &named).await {
            Ok(samples) => {
                let told = here.iter().zip(&told).zip(samples);
                findings.extend(told.flat_map(|((producer, said), sample)| absent(producer, said, &sample)));
            }
            Err(NotSurveyed { reason, needs }) => {
                let text = format!("no records of {place} were looked at ({reason}): allow {needs}, or names are not compared");
                let names = here.iter().map(|producer| format!("producer {}: {text}", producer.name));
                findings.extend(names.map(|text| Finding::warn(None, text)));
            }
        }
    }
    findings
}

/// What the map says that keys begin with, and none does.
async fn unmet_beginnings(stores: &dyn Stores, map: &DataMap, usable: &[&Producer]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for producer in usable.iter().filter(|p| p.location.unfinished_of().is_none()) {
        let Some(store) = map.stores.get(&producer.store) else { continue };
        let Ok(connector) = stores.connector(&producer.store, store) else { continue };
        let Some(survey) = connector.survey() else { continue };
        let warn = |text: String| Finding::warn(None, format!("producer {}: {text}", producer.name));
        match survey.unmet_beginnings(producer).await {
            Ok(unmet) => findings.extend(unmet.into_iter().map(|Beginning { keys, text, others }| {
                let others: Vec<&str> = others.iter().map(String::as_str).collect();
                let first = text.split_inclusive('/').next().unwrap_or(&text);
                let meant = nearest(first, &others)
                    .filter(|near| *near != first)
                    .map_or_else(|| "correct it, if there should be some".to_owned(), |near| format!("did you mean {near}?"));
                let place = producer.location.name();
                warn(format!("{keys}: no key of {place} begins with {text}: nothing is found by it: {meant}"))
            })),
            Err(NotSurveyed { reason, needs }) => {
                findings
                    .push(warn(format!("its keys were not looked at ({reason}): allow {needs}, or prefixes are not compared")));
            }
        }
    }
    findings
}

fn absent(producer: &Producer, said: &[(&Producer, Said<'_>)], sample: &Sampled) -> Vec<Finding> {
    let place = producer.location.name();
    let warn = |of: &Producer, text: String| Finding::warn(None, format!("producer {}: {text}", of.name));
    if sample.read == 0 {
        let text = format!("{place} is empty: the names in the map were not compared with its records");
        return vec![warn(producer, text)];
    }
    let names: Vec<&str> = sample.names.iter().map(String::as_str).collect();
    let unmet = sample.unmet.iter().map(|(keys, field)| {
        let sampled = format!("in none of {} sampled records of {place}", sample.read);
        let text = match (names.contains(&field.as_str()), nearest(field, &names)) {
            (true, _) => format!("{keys}: {field} is so {sampled}: correct it, if there should be some"),
            (false, Some(near)) => format!("{keys}: {field} is {sampled}: did you mean {near}?"),
            (false, None) => format!("{keys}: {field} is {sampled}: correct it, if there should be some"),
        };
        warn(producer, text)
    });
    let mut findings: Vec<Finding> = unmet.collect();
    findings.extend(sample.no_text.iter().map(|no_text| uncompared(producer, no_text)));
    let among = match sample.own {
        0 => {
            if findings.is_empty() {
                let text = format!("select: it finds none of {} sampled records of {place}: they may be others'", sample.read);
                findings.push(warn(producer, text));
            }
            format!("{} sampled records of {place}", sample.read)
        }
        own => format!("{own} sampled records of {place} that may be its own"),
    };
    for (of, (keys, name)) in said.iter().filter(|(_, (_, name))| sample.absent.iter().any(|absent| absent == name)) {
        let meant = nearest(name, &names).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
        let through = if of.name == producer.name { String::new() } else { format!(" {},", producer.name) };
        let nowhere = format!("{keys}: {name} is in none of{through} {among}: {meant}");
        findings.push(if keys == MASK {
            let text = format!(
                "{nowhere}Nothing is masked by it, and exports would show what it was meant for: correct it, or leave it out"
            );
            Finding::refuse(None, format!("producer {}: {text}", of.name))
        } else {
            warn(of, format!("{nowhere}A sample misses what few records have"))
        });
    }
    findings
}

/// What is wrong with a field that holds something else than a text. Where some records have one there, another selection may
/// find the others.
fn uncompared(producer: &Producer, NoText { keys, field, records, of }: &NoText) -> Finding {
    let (name, place) = (&producer.name, producer.location.name());
    let (many, finds) = if records == of {
        (format!("all of {of}"), "nothing is found by it")
    } else {
        (format!("{records} of {of}"), "these are not found by it")
    };
    let text = format!(
        "producer {name}: {keys}: {field} holds a list, or something else that is no text, where one text is compared, in {many} \
         sampled records of {place} that have it: {finds}. Let each value have an attribute of its own, or select by another one"
    );
    if records == of { Finding::refuse(None, text) } else { Finding::warn(None, text) }
}

async fn unclaimed(survey: &dyn Survey, claimed: &BTreeSet<&str>) -> Vec<String> {
    let places = survey.places_are_called();
    let found = match survey.places(claimed).await {
        Ok(found) => found,
        Err(NotSurveyed { reason, needs }) => {
            return vec![format!("{places} that no producer names were not looked at ({reason}): allow {needs}")];
        }
    };
    let mut said = Vec::new();
    let mut others = Vec::new();
    for Surveyed { name, fields } in &found {
        let personal: Vec<&str> = fields.iter().flatten().map(String::as_str).filter(|f| looks_personal(f)).collect();
        if personal.is_empty() {
            others.push(name.as_str());
        } else {
            let fields = personal.join(", ");
            let place = places.trim_end_matches('s');
            said.push(format!("{place} {name} belongs to no producer, and these of its fields look personal: {fields}"));
        }
    }
    if !others.is_empty() {
        let more = others.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        others.truncate(NAMED);
        said.push(format!("{places} that belong to no producer: {}{more}. Map those with personal data", others.join(", ")));
    }
    said
}
