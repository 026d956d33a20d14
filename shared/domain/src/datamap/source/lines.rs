//! On which line a finding is.

use super::{
    syntax::explain,
    tree::{NoTree, Node, Value},
};
use crate::{datamap::finding::Finding, ids::ProducerName};

/// What stands on which line of a map.
#[derive(Debug)]
pub struct Lines {
    root: Option<Node>,
    /// Where it is no YAML, and what to write there.
    broken: Option<(u64, String)>,
}

impl Lines {
    /// Of a text; none where it is no YAML.
    pub fn of(text: &str) -> Self {
        match Node::read(text) {
            Ok(root) => Self { root: Some(root), broken: None },
            Err(NoTree::Syntax(error)) => Self { root: None, broken: Some(explain(text, &error)) },
            Err(NoTree::Unfit) => Self { root: None, broken: None },
        }
    }

    /// What makes the text no YAML.
    pub(in crate::datamap) fn broken(&self) -> Option<Finding> {
        self.broken.clone().map(|(line, text)| Finding::refuse(Some(line), text))
    }

    pub(in crate::datamap) fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    /// The line that a producer begins on.
    pub fn producer(&self, name: &ProducerName) -> Option<u64> {
        self.producer_node(name.as_str()).map(|node| node.line)
    }

    fn producer_node(&self, name: &str) -> Option<&Node> {
        let (_, producers) = self.root()?.get("producers")?;
        producers.members().iter().find(|node| node.get("name").and_then(|(_, name)| name.text()) == Some(name))
    }

    /// The finding on the line of the key that it is about, as far as its message says which that is: `producer orders:
    /// retention: from …`.
    #[must_use]
    pub fn point(&self, finding: Finding) -> Finding {
        self.point_at(finding, None, None)
    }

    /// As [`Lines::point`], where it is about the producer at this place, and about its selection at that one.
    #[must_use]
    pub(in crate::datamap) fn point_at(&self, finding: Finding, producer: Option<usize>, selection: Option<usize>) -> Finding {
        let Some(root) = self.root() else { return finding };
        let after = |start: &str| finding.message.strip_prefix(start).and_then(|rest| rest.split_once([':', ' ']));
        let producer = |name: &str| match producer {
            Some(place) => root.get("producers").and_then(|(_, all)| all.members().get(place)),
            None => self.producer_node(name),
        };
        let of_producer = after("producer ").and_then(|(name, rest)| Some((producer(name)?, name, rest)));
        let (walk, begun) = match (of_producer, after("anchor ")) {
            (Some((node, name, rest)), _) => {
                (Walk { node, line: node.line, field: name.to_owned(), rest: rest.trim_start(), selection }, true)
            }
            (_, Some((name, rest))) => {
                let Some((key, node)) = root.get("anchors").and_then(|(_, anchors)| anchors.get(name)) else { return finding };
                let field = format!("anchors.{name}");
                (Walk { node, line: key.line, field, rest: rest.trim_start(), selection }, true)
            }
            _ => {
                let rest = finding.message.as_str();
                (Walk { node: root, line: root.line, field: String::new(), rest, selection }, false)
            }
        };
        let walk = walk.inward();
        if !begun && walk.field.is_empty() {
            return finding;
        }
        let named = finding.message.len() - walk.rest.len();
        Finding { line: Some(walk.line), field: Some(walk.field), named, ..finding }
    }
}

/// From the outside in, as long as the words name keys.
struct Walk<'n, 't> {
    node: &'n Node,
    line: u64,
    field: String,
    rest: &'t str,
    selection: Option<usize>,
}

/// A letter of a name.
fn in_name(c: char) -> bool {
    c.is_alphanumeric() || "_-.".contains(c)
}

/// Whether a text has a name among its words.
fn says(text: &str, name: &str) -> bool {
    !name.is_empty() && text.split(|c| !in_name(c) && c != '/').any(|word| word.trim_end_matches('.') == name)
}

impl<'n> Walk<'n, '_> {
    fn inward(mut self) -> Self {
        loop {
            let word = self.rest.split(|c| !in_name(c)).next().unwrap_or_default();
            let after = &self.rest[word.len()..];
            // In a list of keys, none of them is the one.
            let several = [",", " and ", " or "].iter().any(|joint| after.starts_with(joint));
            let Some((line, node)) = self.under(word).filter(|_| !several) else { break };
            if matches!(self.node.value, Value::List(_)) {
                self.selection = None;
            }
            self.line = line;
            self.node = node;
            self.field = if self.field.is_empty() { word.to_owned() } else { format!("{}.{word}", self.field) };
            self.rest = after.strip_prefix(':').unwrap_or(after).trim_start();
            if !after.starts_with(':') {
                break;
            }
        }
        self.narrowed()
    }

    /// What stands under a key here, or under a member of the list here.
    fn under(&self, word: &str) -> Option<(u64, &'n Node)> {
        let found = |node: &'n Node| node.get(word).map(|(key, node)| (key.line, node));
        if let Value::List(members) = &self.node.value {
            if let Some(place) = self.selection {
                return members.get(place).and_then(found);
            }
            let mut having = members.iter().filter(|member| found(member).is_some());
            let mentioned = having.clone().find(|member| mentions(&found(member), self.rest));
            return mentioned.or(having.next()).and_then(found);
        }
        found(self.node)
    }

    /// On the line of what is named in the middle of the sentence.
    fn narrowed(mut self) -> Self {
        let among: Vec<&str> = self.rest.split(" belong").next().unwrap_or_default().split([',', ' ']).collect();
        let line = match &self.node.value {
            Value::List(members) => {
                let chosen = self.selection.and_then(|place| members.get(place)).map(|member| member.line);
                chosen.or_else(|| members.iter().find(|m| m.text().is_some_and(|text| says(self.rest, text))).map(|m| m.line))
            }
            Value::Keys(keys) if self.field.contains('.') => {
                let named = |(key, node): &(_, Node)| {
                    let key: &super::tree::Key = key;
                    says(self.rest, &key.text) || node.text().is_some_and(|text| says(self.rest, text))
                };
                keys.iter().find(|pair| named(pair)).map(|(key, _)| key.line)
            }
            Value::Keys(keys) if self.rest.contains(" belong") => {
                keys.iter().find(|(key, _)| among.contains(&key.text.as_str())).map(|(key, _)| key.line)
            }
            _ => None,
        };
        self.line = line.unwrap_or(self.line);
        self
    }
}

/// Whether what stands under a key is spoken of.
fn mentions(found: &Option<(u64, &Node)>, text: &str) -> bool {
    let Some((_, node)) = found else { return false };
    match &node.value {
        Value::Scalar { text: own, .. } => says(text, own),
        Value::List(members) => members.iter().any(|member| mentions(&Some((member.line, member)), text)),
        Value::Keys(keys) => keys.iter().any(|(key, node)| says(text, &key.text) || mentions(&Some((key.line, node)), text)),
    }
}
