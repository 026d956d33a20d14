//! A data map as the world knows it: drawn by the dice, written as YAML for the engine, and read here by nobody else.

use std::{collections::BTreeSet, fmt::Write as _};

/// The kinds of identifiers.
pub const ID: &str = "subject_id";
pub const EMAIL: &str = "subject_email";
pub const DEVICE: &str = "device";

/// Values that are nobody, whatever field has them.
pub const NOBODY: [&str; 2] = ["guest", "0"];

/// An identifier: its kind, and its value in its normal form.
pub type Name = (&'static str, String);

/// By what a person is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who(pub BTreeSet<Name>);

impl Who {
    /// The values of a kind.
    pub fn of(&self, kind: &str) -> impl Iterator<Item = &String> {
        self.0.iter().filter(move |(k, _)| *k == kind).map(|(_, value)| value)
    }

    pub fn first(&self, kind: &str) -> Option<String> {
        self.of(kind).next().cloned()
    }

    pub fn has(&self, kind: &str, value: Option<&String>) -> bool {
        value.is_some_and(|value| self.of(kind).any(|known| known == value))
    }

    /// Whether one identifier names both.
    pub fn meets(&self, other: &Who) -> bool {
        !self.0.is_disjoint(&other.0)
    }

    pub fn and(&self, other: &Who) -> Who {
        Who(self.0.union(&other.0).cloned().collect())
    }

    pub fn but(&self, other: &Who) -> Who {
        Who(self.0.difference(&other.0).cloned().collect())
    }
}

/// How a producer's records are selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// An identifier of this kind, in this attribute.
    By(&'static str, &'static str),
    /// The field `id` of the parent, in this attribute.
    Parent(String, &'static str),
    /// A member of the list [`PARCELS`] of the parent, as the key.
    Listed(String),
    /// A prefix with the person's id in it.
    Prefix(&'static str),
}

/// The field of an order that lists what belongs to it.
pub const PARCELS: &str = "parcels";

/// The attribute by which the world, and nobody else, knows whose list a record is in.
const LISTED_BY: &str = "listed_by";

impl Way {
    /// The producer that a record is found through, and the attribute that tells the world which of its records it is.
    pub fn parent(&self) -> Option<(&String, &'static str)> {
        match self {
            Way::Parent(parent, attribute) => Some((parent, attribute)),
            Way::Listed(parent) => Some((parent, LISTED_BY)),
            Way::By(..) | Way::Prefix(_) => None,
        }
    }
}

/// The keys that an order lists.
pub fn parcels_of(order: &str) -> [String; 2] {
    [format!("{order}a"), format!("{order}b")]
}

/// A producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produces {
    pub name: String,
    pub category: String,
    pub place: String,
    pub ways: Vec<Way>,
    /// Only records of this type.
    pub only: Option<&'static str>,
    /// Years from the day in `issued`; 0 is without end.
    pub duty: Option<i16>,
    /// Its records stay as long as anything that they are found through.
    pub with_parent: bool,
    pub log: bool,
    /// Which of its fields identify the person, by kind.
    pub says: Vec<(&'static str, &'static str)>,
}

impl Produces {
    pub fn is_bucket(&self) -> bool {
        self.ways.iter().any(|w| matches!(w, Way::Prefix(_)))
    }

    fn yaml(&self) -> String {
        let only = self.only.map(|of| format!(", where: {{type: {of}}}")).unwrap_or_default();
        let ways: Vec<String> = self
            .ways
            .iter()
            .map(|way| match way {
                Way::By(kind, "id") => format!("{{by: {kind}, attribute: id}}"),
                Way::By(kind, a) => format!("{{by: {kind}, index: by_{a}, attribute: {a}{only}}}"),
                Way::Parent(p, a) => format!("{{by: {{producer: {p}, field: id}}, index: by_{a}, attribute: {a}}}"),
                Way::Listed(p) => format!("{{by: {{producer: {p}, field: {PARCELS}}}, attribute: id}}"),
                Way::Prefix(t) => format!("{{by: subject_id, prefix: \"{t}\"}}"),
            })
            .collect();
        let place = if self.is_bucket() {
            format!("store: files, bucket: {}", self.place)
        } else {
            format!("store: db, table: {}, key: [id]", self.place)
        };
        let period = |years: i16| if years > 0 { format!(", from: issued, years: {years}") } else { String::new() };
        let duty = self.duty.map(|y| format!(", retention: {{reason: tax law, exception: legal_obligation{}}}", period(y)));
        let duty = duty.or(self.with_parent.then(|| ", retention: {with: parent}".to_owned()));
        let log = if self.log { ", log: true" } else { "" };
        let said: Vec<String> = self.says.iter().map(|(kind, field)| format!("{kind}: {field}")).collect();
        let says = if said.is_empty() { String::new() } else { format!(", identifies: {{{}}}", said.join(", ")) };
        let (name, category, duty) = (&self.name, &self.category, duty.unwrap_or_default());
        format!("  - {{name: {name}, category: {category}, {place}, select: [{}]{duty}{log}{says}}}\n", ways.join(", "))
    }
}

/// A version of a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map {
    pub producers: Vec<Produces>,
}

impl Map {
    pub fn yaml(&self) -> String {
        let nobody = NOBODY.join(", ");
        // A version that no longer knew the kind would be refused while anybody is found by it.
        let mut text = format!("version: 1\nidentifiers: {{{DEVICE}: {{form: lower}}}}\nnobody: [{nobody}]\n");
        text.push_str("stores:\n  db: {connector: dynamodb}\n  files: {connector: s3}\nproducers:\n");
        for producer in &self.producers {
            let _ = write!(text, "{}", producer.yaml());
        }
        text
    }

    pub fn producer(&self, name: &str) -> Option<&Produces> {
        self.producers.iter().find(|p| p.name == name)
    }

    pub fn categories(&self) -> Vec<String> {
        let mut all: Vec<String> = self.producers.iter().map(|p| p.category.clone()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Without a producer, and without those found through it.
    pub fn without(&self, name: &str) -> Map {
        let mut gone = vec![name.to_owned()];
        loop {
            let more = self.producers.iter().find(|p| {
                let through = |w: &Way| w.parent().is_some_and(|(parent, _)| gone.contains(parent));
                !gone.contains(&p.name) && p.ways.iter().any(through)
            });
            match more {
                Some(p) => gone.push(p.name.clone()),
                None => break,
            }
        }
        Map { producers: self.producers.iter().filter(|p| !gone.contains(&p.name)).cloned().collect() }
    }
}
