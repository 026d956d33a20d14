//! YAML as a tree that knows its lines.

use granit_parser::{Event, Parser, ScalarStyle, ScanError};
use std::collections::BTreeMap;

/// Most nodes of a map: aliases of aliases grow without end.
const MAX_NODES: usize = 100_000;

/// A value, and the line it begins on.
#[derive(Debug, Clone)]
pub(in crate::datamap) struct Node {
    pub line: u64,
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone)]
pub(in crate::datamap) enum Value {
    /// A text; one without quotes may be a number, a truth, or nothing.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Keys(Vec<(Key, Node)>),
}

/// A key, and the line it is written on.
#[derive(Debug, Clone)]
pub(in crate::datamap) struct Key {
    pub text: String,
    pub line: u64,
}

/// Why a text is no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::datamap) enum NoTree {
    /// It is no YAML.
    Syntax(Box<ScanError>),
    /// Its lines would not be those of what it means, or it is too large.
    Unfit,
}

impl Node {
    /// Reads a text.
    ///
    /// # Errors
    /// [`NoTree`].
    pub fn read(text: &str) -> Result<Node, NoTree> {
        let mut reader = Reader { parser: Parser::new_from_str(text), anchors: BTreeMap::new(), left: MAX_NODES, wrong: None };
        let mut first = reader.next();
        while let Some((Event::DocumentStart(..), _)) = first {
            first = reader.next();
        }
        let node = first.and_then(|(event, line)| reader.node(event, line));
        match (node, reader.wrong) {
            (_, Some(wrong)) => Err(NoTree::Syntax(Box::new(wrong))),
            (Some(node), None) => Ok(node),
            (None, None) => Err(NoTree::Unfit),
        }
    }

    /// What stands under a key.
    pub fn get(&self, name: &str) -> Option<&(Key, Node)> {
        match &self.value {
            Value::Keys(keys) => keys.iter().find(|(key, _)| key.text == name),
            _ => None,
        }
    }

    /// The members of a list.
    pub fn members(&self) -> &[Node] {
        match &self.value {
            Value::List(members) => members,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether nothing stands there.
    pub fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar { .. } => 0,
            Value::List(members) => members.iter().map(Node::size).sum(),
            Value::Keys(keys) => keys.iter().map(|(_, node)| 1 + node.size()).sum(),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: BTreeMap<usize, Node>,
    left: usize,
    wrong: Option<ScanError>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<(Event<'t>, u64)> {
        match self.parser.find(|event| event.as_ref().map_or(true, |(event, _)| is_content(event)))? {
            Ok((event, span)) => Some((event, u64::try_from(span.start.line()).ok()?)),
            Err(wrong) => {
                self.wrong = Some(wrong);
                None
            }
        }
    }

    fn node(&mut self, event: Event<'t>, line: u64) -> Option<Node> {
        self.left = self.left.checked_sub(1)?;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain && tag.is_none() })
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut members = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break (anchor, Value::List(members)),
                        (event, line) => members.push(self.node(event, line)?),
                    }
                }
            }
            Event::MappingStart(_, anchor, _) => {
                let mut keys = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, _) => break (anchor, Value::Keys(keys)),
                        // What is merged is not written where it counts.
                        (Event::Scalar(text, ..), line) if text != "<<" => {
                            let (event, at) = self.next()?;
                            keys.push((Key { text: text.into_owned(), line }, self.node(event, at)?));
                        }
                        _ => return None,
                    }
                }
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor)?;
                self.left = self.left.checked_sub(node.size())?;
                return Some(Node { line, ..node.clone() });
            }
            _ => return None,
        };
        let node = Node { line, value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Some(node)
    }
}

fn is_content(event: &Event<'_>) -> bool {
    let said = matches!(event, Event::Scalar(..) | Event::Alias(_) | Event::UnresolvedAlias(_));
    let opened = matches!(event, Event::SequenceStart(..) | Event::MappingStart(..) | Event::DocumentStart(..));
    said || opened || matches!(event, Event::SequenceEnd | Event::MappingEnd | Event::DocumentEnd | Event::StreamEnd)
}
