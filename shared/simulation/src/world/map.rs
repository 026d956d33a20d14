//! A data map as the world knows it: drawn by the dice, written as YAML for the engine, and read here by nobody else.

use std::fmt::Write as _;

/// By what a person is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    pub id: Option<String>,
    pub email: Option<String>,
}

impl Who {
    /// Whether one identifier names both.
    pub fn meets(&self, other: &Who) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        same(&self.id, &other.id) || same(&self.email, &other.email)
    }
}

/// How a producer's records are selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    Id(&'static str),
    Email(&'static str),
    /// The field `id` of the parent, in this attribute.
    Parent(String, &'static str),
    /// A prefix with the person's id in it.
    Prefix(&'static str),
}

/// A producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produces {
    pub name: String,
    pub category: String,
    pub place: String,
    pub ways: Vec<Way>,
    /// Years from the day in `issued`; 0 is without end.
    pub duty: Option<i16>,
    pub log: bool,
}

impl Produces {
    pub fn is_bucket(&self) -> bool {
        self.ways.iter().any(|w| matches!(w, Way::Prefix(_)))
    }

    fn yaml(&self) -> String {
        let ways: Vec<String> = self
            .ways
            .iter()
            .map(|way| match way {
                Way::Id(a) => format!("{{by: subject_id, index: by_{a}, attribute: {a}}}"),
                Way::Email(a) => format!("{{by: subject_email, index: by_{a}, attribute: {a}}}"),
                Way::Parent(p, a) => format!("{{by: {{producer: {p}, field: id}}, index: by_{a}, attribute: {a}}}"),
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
        let log = if self.log { ", log: true" } else { "" };
        let (name, category, duty) = (&self.name, &self.category, duty.unwrap_or_default());
        format!("  - {{name: {name}, category: {category}, {place}, select: [{}]{duty}{log}}}\n", ways.join(", "))
    }
}

/// A version of a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map {
    pub producers: Vec<Produces>,
}

impl Map {
    pub fn yaml(&self) -> String {
        let mut text = "version: 1\nstores:\n  db: {connector: dynamodb}\n  files: {connector: s3}\nproducers:\n".to_owned();
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
                let through = |w: &Way| matches!(w, Way::Parent(parent, _) if gone.contains(parent));
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
