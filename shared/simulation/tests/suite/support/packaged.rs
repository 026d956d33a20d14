//! An export about to be packaged, and what came out of it.

use super::{archive, begin_export, engine, id, officer};
use oubli_archive::contents::{MANIFEST, Manifest};
use oubli_domain::lifecycle::Phase;
use oubli_engine::{EngineError, ports::Message};
use oubli_simulation::{World, organization, polls::block_on, shop};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// An export of a person, its plan made, about to be packaged.
pub fn planned(subject: &str) -> World {
    let world = World::new(11, None, false);
    let engine = engine(&world);
    block_on(shop(&world, &engine)).expect("opened");
    world.pass(3_600);
    export_of(&world, subject);
    world
}

pub fn export_of(world: &World, subject: &str) {
    export_with(world, subject, false);
}

pub fn export_with(world: &World, subject: &str, deliver: bool) {
    begin_export(world, subject, deliver);
    assert_eq!(phase(world), Phase::Packaging);
}

pub fn phase(world: &World) -> Phase {
    block_on(engine(world).requests().request(&officer(), id())).expect("there").request.state.phase
}

/// Whoever comes next, until it can be opened.
pub fn recovers(world: &World, how: &str) {
    for _ in 0..8 {
        if phase(world) == Phase::Available {
            return;
        }
        world.pass(120);
        let message = Message::Package { organization: organization(), request: id() };
        match block_on(engine(world).worker().handle(&message)) {
            Ok(_) | Err(EngineError::Transient(_)) => {}
            Err(error) => panic!("{how}: {error}"),
        }
    }
    assert_eq!(phase(world), Phase::Available, "{how}");
}

/// The files of the archive, checked against its manifest.
pub fn opened(world: &World, how: &str) -> (Manifest, BTreeMap<String, Vec<u8>>) {
    assert_eq!(world.exports().len(), 1, "{how}");
    let (manifest, files) = archive::opened(world, id(), how);
    let listed: BTreeSet<&str> = manifest.files.iter().map(|f| f.name.as_str()).chain([MANIFEST]).collect();
    assert_eq!(listed, files.keys().map(String::as_str).collect(), "{how}");
    for listed in &manifest.files {
        let hex: String = Sha256::digest(&files[&listed.name]).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((hex, files[&listed.name].len() as u64), (listed.sha256.clone(), listed.bytes), "{how}: {}", listed.name);
    }
    (manifest, files)
}

/// Everything the stores hold of a person is in the archive, once, and nothing of anybody else.
pub fn exact(world: &World, subject: &str, how: &str) {
    let (manifest, files) = opened(world, how);
    assert!(manifest.summary.complete, "{how}");
    let mut rows = Vec::new();
    let mut objects = Vec::new();
    for (name, bytes) in &files {
        if name.ends_with(".json") && name.starts_with("data/") {
            let list: Vec<BTreeMap<String, Value>> =
                serde_json::from_slice(bytes).unwrap_or_else(|e| panic!("{how}: {name}: {e}"));
            let table = csv_rows(&files[&name.replace(".json", ".csv")]);
            assert_eq!(list.len(), table, "{how}: {name}");
            rows.extend(list.into_iter().map(|row| serde_json::to_string(&row).expect("json")));
        } else if name.starts_with("objects/") {
            objects.push(String::from_utf8_lossy(bytes).into_owned());
        }
    }
    rows.sort();
    objects.sort();
    let (expected_rows, expected_objects) = world.holdings(subject);
    assert_eq!(rows, expected_rows, "{how}");
    assert_eq!(objects, expected_objects, "{how}");
    let counted: u64 = manifest.summary.parts.iter().map(|p| p.records).sum();
    assert_eq!(counted as usize, rows.len() + objects.len(), "{how}");
    shown(&manifest, &files, how);
}

/// Every record is on a page, each page leads to those beside it, and the first page leads to all.
pub fn shown(manifest: &Manifest, files: &BTreeMap<String, Vec<u8>>, how: &str) {
    let text = |name: &str| {
        let bytes = files.get(name).unwrap_or_else(|| panic!("{how}: {name} is led to and is not there"));
        String::from_utf8(bytes.clone()).expect("text")
    };
    let index = text("index.html");
    let mut pages = 0;
    for part in &manifest.summary.parts {
        let name = |n: u32| format!("pages/{}/{}-{n:04}.html", part.category, part.producer);
        let mut records = 0;
        for n in 1..=part.pages {
            let page = text(&name(n));
            records += page.matches("<tr role=\"row\"><th scope=\"row\"").count() as u64;
            assert!(page.ends_with("</html>") || page.ends_with("</html>\n"), "{how}: {} is cut", name(n));
            for (other, there) in [(n.wrapping_sub(1), n > 1), (n + 1, n < part.pages)] {
                assert_eq!(page.contains(&format!("\"../../{}\"", name(other))), there, "{how}: {} to {other}", name(n));
            }
            for link in page.split("href=\"../../").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(files.contains_key(link), "{how}: {} leads to {link}", name(n));
            }
        }
        assert_eq!(records, part.records, "{how}: {}", part.producer);
        assert_eq!(index.contains(&name(1)), part.records > 0, "{how}: {}", part.producer);
        pages += part.pages;
    }
    assert_eq!(files.keys().filter(|name| name.starts_with("pages/")).count(), pages as usize, "{how}");
    for link in index.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(link.starts_with('#') || files.contains_key(link), "{how}: index.html leads to {link}");
    }
}

pub fn csv_rows(bytes: &[u8]) -> usize {
    String::from_utf8_lossy(bytes).lines().count().saturating_sub(1)
}
