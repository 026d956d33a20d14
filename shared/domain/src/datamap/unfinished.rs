//! Unfinished uploads: personal data that no listing of objects shows. They are a producer of their own beside that of the
//! objects they would become, found by the same selections and kept by the same duties.

use super::{
    finding::Finding,
    model::{DataMap, Producer},
};
use crate::ids::ProducerName;
use std::collections::BTreeMap;

/// What the name of such a producer ends with.
const ENDING: &str = "-unfinished-uploads";

/// The producers of unfinished uploads that belong to these.
pub(super) fn beside(producers: &[Producer], lines: &BTreeMap<ProducerName, u64>) -> Result<Vec<Producer>, Finding> {
    let mut beside = Vec::new();
    for producer in producers {
        let Some(location) = producer.location.unfinished(&producer.name) else { continue };
        let name = format!("{}{ENDING}", producer.name);
        let refused = |reason: String| {
            let text = format!("producer {}: name: {reason}: choose another name", producer.name);
            Err(Finding::refuse(lines.get(&producer.name).copied(), text))
        };
        let Ok(name) = name.parse::<ProducerName>() else {
            return refused(format!("its unfinished uploads are named {name}, which is longer than 64 characters"));
        };
        if let Some(line) = lines.get(&name) {
            return refused(format!("its unfinished uploads are named {name}, as the producer in line {line} is"));
        }
        beside.push(Producer {
            name,
            location,
            owns: vec![],
            reads_as_discriminator: vec![],
            reads_as_reference: vec![],
            ..producer.clone()
        });
    }
    Ok(beside)
}

impl DataMap {
    /// The producers that the map was written with.
    pub fn declared(&self) -> impl Iterator<Item = &Producer> {
        self.producers.iter().filter(|p| p.is_declared())
    }
}

impl Producer {
    /// Whether the map names it; otherwise it is what comes with one that it names.
    pub const fn is_declared(&self) -> bool {
        self.location.unfinished_of().is_none()
    }
}
