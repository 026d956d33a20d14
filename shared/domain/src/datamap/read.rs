//! From YAML to a checked map.

use super::{
    check::{check, check_alone},
    finding::{Finding, Severity},
    keyed::Keyed,
    model::{DataMap, Store},
    nearest::nearest,
    parse::{File, RawProducer, Wrong, rules},
    source::{Lines, Misshapen, Node, Value, no_such, node},
    unfinished::beside,
};
use serde::{Deserialize, de::IgnoredAny};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// Largest map accepted, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// Why a text is not a data map.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum InvalidMap {
    /// Larger than [`MAX_BYTES`].
    #[error("the data map is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// What is wrong, each with its line: all that can be told at once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Finding>),
}

/// Reads a map; answers it with its warnings.
///
/// # Errors
/// [`InvalidMap`], naming what and where.
pub fn parse(text: &str) -> Result<(DataMap, Vec<Finding>), InvalidMap> {
    if text.len() > MAX_BYTES {
        return Err(InvalidMap::TooLarge);
    }
    let lines = Lines::of(text);
    let Read { file, places, wrong: mut refused } = read(text, &lines);
    let whole = refused.is_empty();
    if whole && file.version != 1 {
        refused
            .push(lines.point(Finding::refuse(None, "version: write 1, the only version of the data map's format".to_owned())));
    }
    // Of a section that could not be read, nothing is missing.
    let sections =
        refused.iter().all(|f| f.field.as_ref().is_some_and(|field| !File::BESIDE.iter().any(|s| field.starts_with(s))));
    let (mut named, mut written) = (BTreeSet::new(), BTreeMap::new());
    let mut producers = Vec::new();
    for (Keyed { common: producer, keys }, place) in file.producers.into_iter().zip(places) {
        let name = producer.name.clone();
        let line = lines.root().and_then(|root| root.get("producers")?.1.members().get(place)).map(|node| node.line);
        written.extend(line.map(|line| (name.clone(), line)));
        if !named.insert(name.clone()) {
            let text = format!("producer {name}: name: it is declared twice, and names are unique: choose another one");
            refused.push(lines.point_at(Finding::refuse(line, text), Some(place), None));
        }
        match producer.into_producer(keys, &file.stores, sections) {
            Ok(producer) => producers.push(producer),
            Err(wrong) => refused.extend(wrong.into_iter().map(|Wrong { selection, text }| {
                lines.point_at(Finding::refuse(line, format!("producer {name}: {text}")), Some(place), selection)
            })),
        }
    }
    match beside(&producers, &written) {
        Ok(uploads) => producers.extend(uploads),
        Err(finding) => refused.push(lines.point(finding)),
    }
    let stores = file
        .stores
        .into_iter()
        .map(|(name, s)| (name, Store { connector: s.connector, region: s.region, account: s.account }))
        .collect();
    let identifiers = rules(file.identifiers);
    let nobody = file.nobody.into_iter().map(|word| word.0).collect();
    let map = DataMap { identifiers, nobody, stores, anchors: file.anchors, producers };
    let findings = match (refused.is_empty(), sections) {
        (true, _) => check(&map, &written),
        // What is missing would be missed by others.
        (false, true) => map.declared().flat_map(|p| check_alone(&map, p, written.get(&p.name).copied())).collect(),
        (false, false) => vec![],
    };
    let findings: Vec<_> = findings.into_iter().map(|finding| lines.point(finding)).collect();
    if refused.is_empty() && findings.iter().all(|f| f.severity != Severity::Refused) {
        return Ok((map, findings));
    }
    refused.extend(findings.into_iter().filter(|f| f.severity == Severity::Refused));
    refused.sort_by_key(|finding| finding.line.unwrap_or(u64::MAX));
    Err(InvalidMap::Refused(refused))
}

/// What of a text has the shape of a map, and what has not.
struct Read {
    file: File,
    /// The producers' places among those written.
    places: Vec<usize>,
    wrong: Vec<Finding>,
}

fn read(text: &str, lines: &Lines) -> Read {
    let error = match serde_saphyr::from_str::<File>(text) {
        Ok(file) => {
            let places = (0..file.producers.len()).collect();
            return Read { file, places, wrong: vec![] };
        }
        Err(error) => error,
    };
    let mut read = Read { file: File::default(), places: vec![], wrong: vec![] };
    if let Some(root) = lines.root() {
        salvage(root, &mut read);
    }
    read.wrong.extend(lines.broken());
    if read.wrong.is_empty() {
        let line = error.location().map(|place| place.line());
        read.wrong.push(Finding::refuse(line, in_words(&error.without_snippet().to_string())));
    }
    read
}

/// Reads each part by itself, so that one mistake hides no other.
fn salvage(root: &Node, read: &mut Read) {
    let Value::Keys(sections) = &root.value else {
        let text = "the map has no keys: begin with version: 1, stores: and producers:".to_owned();
        return read.wrong.push(Finding::refuse(Some(root.line), text));
    };
    let mut meant = Vec::new();
    for (place, (key, value)) in sections.iter().enumerate() {
        let name = key.text.as_str();
        if sections.iter().take(place).any(|(earlier, _)| earlier.text == name) {
            read.wrong.push(misshapen("", Misshapen::new(key.line, format!("{name} is written twice: leave one"))));
            continue;
        }
        let wrong = &mut read.wrong;
        match name {
            "version" => read.file.version = part(name, key.line, value, wrong).unwrap_or_default(),
            "nobody" => read.file.nobody = part(name, key.line, value, wrong).unwrap_or_default(),
            "identifiers" => read.file.identifiers = parts(name, key.line, value, wrong),
            "stores" => read.file.stores = parts(name, key.line, value, wrong),
            "anchors" => read.file.anchors = parts(name, key.line, value, wrong),
            "producers" => {
                if !matches!(value.value, Value::List(_)) {
                    part::<Vec<Keyed<RawProducer>>>(name, key.line, value, wrong);
                }
                for (place, member) in value.members().iter().enumerate() {
                    let called = member.get("name").and_then(|(_, name)| name.text()).unwrap_or_default();
                    let called = if called.is_empty() { format!("{}", place + 1) } else { called.to_owned() };
                    match node(member) {
                        Ok(producer) => {
                            read.file.producers.push(producer);
                            read.places.push(place);
                        }
                        Err(error) => wrong.push(misshapen(&format!("producer {called}"), error.on(member.line))),
                    }
                }
            }
            other => {
                meant.extend(nearest(other, &File::SECTIONS));
                wrong.push(misshapen("", Misshapen::new(key.line, no_such("here", other, &File::SECTIONS))));
            }
        }
    }
    for missing in File::NEEDED.into_iter().filter(|name| root.get(name).is_none() && !meant.contains(name)) {
        let example = match missing {
            "version" => "version: 1",
            "stores" => "stores: {shop: {connector: dynamodb}}",
            _ => "producers: with one entry for each kind of data",
        };
        read.wrong.push(misshapen("", Misshapen::new(root.line, format!("{missing} is missing: write {example}"))));
    }
}

fn part<'de, T: Deserialize<'de>>(section: &str, line: u64, value: &'de Node, wrong: &mut Vec<Finding>) -> Option<T> {
    node(value).map_err(|error| wrong.push(misshapen(section, error.on(line)))).ok()
}

/// A mapping, entry by entry.
fn parts<'de, K: FromStr<Err: fmt::Display> + Ord, T: Deserialize<'de>>(
    section: &str,
    line: u64,
    value: &'de Node,
    wrong: &mut Vec<Finding>,
) -> BTreeMap<K, T> {
    let Value::Keys(entries) = &value.value else {
        part::<BTreeMap<String, IgnoredAny>>(section, line, value, wrong);
        return BTreeMap::new();
    };
    let mut read = BTreeMap::new();
    for (key, value) in entries {
        let name = match key.text.parse::<K>() {
            Ok(name) => name,
            Err(error) => {
                wrong.push(misshapen(section, Misshapen::new(key.line, format!("{:?} is {error}", key.text))));
                continue;
            }
        };
        match node(value) {
            Ok(value) => {
                if read.insert(name, value).is_some() {
                    wrong.push(misshapen(section, Misshapen::new(key.line, format!("{} is written twice: leave one", key.text))));
                }
            }
            Err(error) => wrong.push(misshapen(section, error.under(key))),
        }
    }
    read
}

/// What has not the shape, in the words of a finding.
fn misshapen(within: &str, Misshapen { line, path, text }: Misshapen) -> Finding {
    let sentence: Vec<&str> = Some(within).filter(|w| !w.is_empty()).into_iter().chain(path.iter().map(String::as_str)).collect();
    let sentence = sentence.join(": ");
    let named = if sentence.is_empty() { 0 } else { sentence.len() + 2 };
    let field = sentence.strip_prefix("producer ").unwrap_or(&sentence).replace(": ", ".");
    let message = if named == 0 { text } else { format!("{sentence}: {text}") };
    Finding { field: Some(field).filter(|f| !f.is_empty()), named, ..Finding::refuse(line, message) }
}

/// What the YAML library says, without the place, which is told beside.
fn in_words(error: &str) -> String {
    let text = error.split(" at line ").next().unwrap_or(error);
    text.strip_prefix("error: ").unwrap_or(text).to_owned()
}

/// A map that says what a text says of kinds of identifiers, and nothing else: also where the rest is no longer accepted.
pub fn kinds_alone(text: &str) -> DataMap {
    let identifiers = serde_saphyr::from_str::<File>(text).map(|file| rules(file.identifiers)).unwrap_or_default();
    DataMap { identifiers, ..DataMap::default() }
}
