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

/// The producer of the objects that they would become, by the name of that of unfinished uploads.
pub fn unfinished_of(name: &str) -> Option<&str> {
    name.strip_suffix(ENDING).filter(|of| !of.is_empty())
}

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

#[cfg(test)]
mod tests {
    use crate::datamap::{DataMap, Finding, parse};

    fn with(producers: &[&str]) -> Result<(DataMap, Vec<Finding>), String> {
        let text = format!(
            "version: 1\nstores: {{s: {{connector: s3}}, d: {{connector: dynamodb}}}}\nproducers:\n{}",
            producers.iter().map(|p| format!("  - {{{p}}}\n")).collect::<String>()
        );
        parse(&text).map_err(|e| e.to_string())
    }

    const FILES: &str = "name: files, category: c, store: s, bucket: b, select: [{by: subject_id, prefix: 'u/{}/'}]";
    const INNER: &str = "name: inner, category: c, store: s, bucket: b, select: [{by: subject_id, prefix: 'u/{}/x/'}], \
                         retention: {reason: law, exception: legal_obligation}";
    const ROWS: &str = "name: rows, category: r, store: d, table: t, key: [id], select: [{by: subject_id, attribute: id}]";

    #[test]
    fn every_producer_of_objects_has_its_unfinished_uploads_beside_it() {
        let (map, findings) = with(&[FILES, INNER, ROWS]).expect("a map");
        let names: Vec<&str> = map.producers.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["files", "inner", "rows", "files-unfinished-uploads", "inner-unfinished-uploads"]);
        assert_eq!(map.declared().count(), 3);
        let (files, inner) = (&map.producers[3], &map.producers[4]);
        assert_eq!(files.location.unfinished_of(), Some(&map.producers[0].name));
        assert_eq!(super::unfinished_of(files.name.as_str()), Some("files"));
        assert_eq!(super::unfinished_of("files"), None);
        assert_eq!((files.location.name(), &files.select), ("b", &map.producers[0].select));
        // What lies within is the inner one's, and kept as that is.
        assert_eq!(map.more_specific(files, &files.select[0]), [&inner.select[0]]);
        assert_eq!(map.duties(inner).len(), 1);
        assert_eq!(map.more_specific(&map.producers[0], &files.select[0]).len(), 1, "objects are left to objects alone");
        // Findings are about what is written, once.
        assert!(findings.iter().all(|f| !f.message.contains("unfinished")), "{findings:?}");
    }

    #[test]
    fn names_that_they_would_have_are_not_taken() {
        let taken = with(&[
            FILES,
            "name: files-unfinished-uploads, category: r, store: d, table: t, key: [id], select: [{by: subject_id, attribute: id}]",
        ]);
        let refused = taken.expect_err("refused");
        assert!(
            refused.contains(
                "producer files: name: its unfinished uploads are named files-unfinished-uploads, as the producer in line 5 is"
            ),
            "{refused}"
        );
        let long = FILES.replacen("files", &"f".repeat(50), 1);
        assert!(with(&[&long]).expect_err("refused").contains("longer than 64 characters"));
        let through = ROWS.replace("by: subject_id", "by: {producer: files-unfinished-uploads, field: key}");
        assert!(with(&[FILES, &through]).expect_err("refused").contains("which is not declared"));
    }
}
