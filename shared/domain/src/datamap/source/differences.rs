//! What a map says otherwise than another, in words of the map.

use super::tree::{Node, Value};
use serde::Serialize;
use std::{collections::BTreeSet, fmt};

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only the newer map has it.
    Added,
    /// Only the older map has it.
    Dropped,
    /// Both have it, and say something else of it.
    Changed,
}

/// Something that two maps say differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Of which part of the map: `producers`, `identifiers`.
    pub section: String,
    /// Of what there: the producer's name, the kind of identifier. None where the part is one list.
    pub name: Option<String>,
    /// How.
    pub change: Change,
    /// The keys that lead to it: `retention`, `export.mask`. None where the whole of it is meant.
    pub key: Option<String>,
    /// What the older map says.
    pub from: Option<String>,
    /// What the newer map says.
    pub to: Option<String>,
    /// The line of the newer map, where it has one.
    pub line: Option<u64>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default();
        match (self.change, &self.from, &self.to) {
            (Change::Added, _, Some(to)) => write!(f, "{key}+ {to}"),
            (Change::Dropped, Some(from), _) => write!(f, "{key}- {from}"),
            (_, from, to) => {
                let or_nothing = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
                write!(f, "{key}{} → {}", or_nothing(from), or_nothing(to))
            }
        }
    }
}

/// What two texts say differently, part by part; none where one of them is no YAML.
pub fn differences(older: &str, newer: &str) -> Option<Vec<Difference>> {
    let (older, newer) = (Node::read(older).ok()?, Node::read(newer).ok()?);
    let mut all = Vec::new();
    for section in names(&older, &newer) {
        let (from, to) = (older.get(&section).map(|(_, node)| node), newer.get(&section).map(|(_, node)| node));
        let mut found = Found { section: &section, name: None, all: &mut all };
        match section.as_str() {
            "producers" => found.producers(from, to),
            "stores" | "anchors" | "identifiers" => found.entries(from, to),
            _ => found.values("", from, to),
        }
    }
    Some(all)
}

/// The keys of two mappings, the older one's first.
fn names(older: &Node, newer: &Node) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let keys = |node: &Node| match &node.value {
        Value::Keys(keys) => keys.iter().map(|(key, _)| key.text.clone()).collect(),
        _ => vec![],
    };
    keys(older).into_iter().chain(keys(newer)).filter(|name| seen.insert(name.clone())).collect()
}

struct Found<'a> {
    section: &'a str,
    name: Option<String>,
    all: &'a mut Vec<Difference>,
}

impl Found<'_> {
    fn push(&mut self, change: Change, key: &str, from: Option<String>, to: Option<String>, line: Option<u64>) {
        self.all.push(Difference {
            section: self.section.to_owned(),
            name: self.name.clone(),
            change,
            key: Some(key.to_owned()).filter(|key| !key.is_empty()),
            from,
            to,
            line,
        });
    }

    fn producers(&mut self, from: Option<&Node>, to: Option<&Node>) {
        let name = |node: &Node| node.get("name").and_then(|(_, name)| name.text()).unwrap_or_default().to_owned();
        let (older, newer) = (from.map(Node::members).unwrap_or_default(), to.map(Node::members).unwrap_or_default());
        let find = |all: &'_ [Node], wanted: &str| all.iter().position(|node| name(node) == wanted);
        for node in older {
            self.name = Some(name(node));
            match find(newer, &name(node)).and_then(|place| newer.get(place)) {
                None => self.push(Change::Dropped, "", Some(summary(node)), None, None),
                Some(other) => self.mapping("", node, other),
            }
        }
        for node in newer.iter().filter(|node| find(older, &name(node)).is_none()) {
            self.name = Some(name(node));
            self.push(Change::Added, "", None, Some(summary(node)), Some(node.line));
        }
    }

    fn entries(&mut self, from: Option<&Node>, to: Option<&Node>) {
        let nothing = Node { line: 0, value: Value::Keys(vec![]) };
        let (from, to) = (from.unwrap_or(&nothing), to.unwrap_or(&nothing));
        for name in names(from, to) {
            self.name = Some(name.clone());
            match (from.get(&name), to.get(&name)) {
                (Some((_, from)), Some((_, to))) => self.values("", Some(from), Some(to)),
                (Some((_, from)), None) => self.push(Change::Dropped, "", Some(written(from)), None, None),
                (None, Some((key, to))) => self.push(Change::Added, "", None, Some(written(to)), Some(key.line)),
                (None, None) => {}
            }
        }
    }

    fn mapping(&mut self, path: &str, from: &Node, to: &Node) {
        for name in names(from, to) {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let of = |node: &'_ Node| node.get(&name).map(|(_, node)| node.clone());
            self.values(&path, of(from).as_ref(), of(to).as_ref());
        }
    }

    fn values(&mut self, path: &str, from: Option<&Node>, to: Option<&Node>) {
        let line = to.map(|node| node.line);
        let duty = |node: Option<&Node>| node.and_then(duty);
        match (from, to) {
            _ if from.map(written) == to.map(written) => {}
            _ if path == "retention" && (duty(from).is_some() || duty(to).is_some()) => {
                let free = || Some("not kept".to_owned());
                self.push(Change::Changed, path, duty(from).or_else(free), duty(to).or_else(free), line);
            }
            (Some(from @ Node { value: Value::Keys(_), .. }), Some(to @ Node { value: Value::Keys(_), .. })) => {
                self.mapping(path, from, to);
            }
            (Some(from @ Node { value: Value::List(_), .. }), Some(to @ Node { value: Value::List(_), .. })) => {
                let has = |list: &Node, member: &Node| list.members().iter().any(|own| written(own) == written(member));
                let before = self.all.len();
                for gone in from.members().iter().filter(|member| !has(to, member)) {
                    self.push(Change::Dropped, path, Some(written(gone)), None, line);
                }
                for new in to.members().iter().filter(|member| !has(from, member)) {
                    self.push(Change::Added, path, None, Some(written(new)), Some(new.line));
                }
                // The same members: in another order, or more than once.
                if self.all.len() == before {
                    self.push(Change::Changed, path, Some(written(from)), Some(written(to)), line);
                }
            }
            _ => self.push(Change::Changed, path, from.map(written), to.map(written), line),
        }
    }
}

/// A producer in one line.
fn summary(node: &Node) -> String {
    let keys = ["category", "store", "table", "bucket"];
    let said = keys.iter().filter_map(|key| Some(format!("{key} {}", node.get(key)?.1.text()?)));
    said.collect::<Vec<_>>().join(", ")
}

/// A duty in one sentence; none for what is not written as one.
fn duty(node: &Node) -> Option<String> {
    let said = |key: &str| node.get(key).and_then(|(_, value)| value.text());
    let reason = said("reason")?;
    let counted = ["years", "months", "days"].into_iter().filter_map(|unit| Some((unit, said(unit)?)));
    let counted: Vec<String> = counted
        .map(
            |(unit, number)| if number == "1" { format!("1 {}", unit.trim_end_matches('s')) } else { format!("{number} {unit}") },
        )
        .collect();
    let start = match (said("from"), said("from_end_of")) {
        (Some(from), Some(end)) => format!(" from the end of the {end} of {from}"),
        (Some(from), None) => format!(" from {from}"),
        _ => String::new(),
    };
    let long = if counted.is_empty() { "without end".to_owned() } else { counted.join(" and ") };
    let form = said("form").map(|form| format!(", written as {form}")).unwrap_or_default();
    let exception = said("exception").map(|exception| format!("; {exception}")).unwrap_or_default();
    Some(format!("kept {long}{start}{form} ({reason}{exception})"))
}

/// A value as it may be written in one line.
fn written(node: &Node) -> String {
    match &node.value {
        Value::Scalar { text, plain } => quoted(text, *plain),
        Value::List(members) => format!("[{}]", members.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::Keys(keys) => {
            let pairs = keys.iter().map(|(key, value)| format!("{}: {}", quoted(&key.text, true), written(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text, in quotation marks where it would be read otherwise without.
fn quoted(text: &str, plain: bool) -> String {
    let letters = text.chars().all(|c| c.is_alphanumeric() || "_-./ ()@%".contains(c));
    let taken = text.parse::<f64>().is_ok() || matches!(text, "true" | "false" | "null" | "~" | "");
    let bare = letters && text.trim() == text && !text.starts_with(['-', '%', '@']);
    if bare && (plain || !taken) { text.to_owned() } else { format!("{text:?}") }
}
