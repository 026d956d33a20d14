//! `docs/data-map.schema.json` and what is accepted are the same.

use oubli_domain::datamap::{InvalidMap, parse};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(repository("docs/data-map.schema.json")).expect("the schema")).expect("JSON")
}

fn faults(schema: &Value, map: &str) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let map: Value = serde_saphyr::from_str(map).expect("YAML");
    validator.iter_errors(&map).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn every_map_that_is_shown_fits_the_schema() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let mut shown = 0;
    for entry in fs::read_dir(repository("infra/maps")).expect("maps") {
        let path = entry.expect("a file").path();
        let text = fs::read_to_string(&path).expect("a map");
        assert_eq!(faults(&schema, &text), [""; 0], "{}", path.display());
        assert!(text.starts_with("# yaml-language-server: $schema=../../docs/data-map.schema.json\n"), "{}", path.display());
        shown += 1;
    }
    assert!(shown >= 2);
    let guide = fs::read_to_string(repository("docs/data-map.md")).expect("the guide");
    let map = guide.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a map");
    assert_eq!(faults(&schema, map), [""; 0]);
}

/// A mapping of a map: where the schema has it, and a map whose mapping holds one key more, `zzz`.
const MAPPINGS: [(&str, &str); 9] = [
    ("", "zzz: 1\nversion: 1\nstores: {}\nproducers: []"),
    ("/$defs/identifier", "version: 1\nidentifiers: {phone: {zzz: 1}}\nstores: {}\nproducers: []"),
    ("/$defs/store", "version: 1\nstores: {s: {connector: s3, zzz: 1}}\nproducers: []"),
    ("/$defs/producer", "version: 1\nstores: {}\nproducers: [{zzz: 1}]"),
    ("/$defs/selection", "version: 1\nstores: {}\nproducers: [{select: [{zzz: 1}]}]"),
    ("/$defs/selection/properties/by/anyOf/1", "version: 1\nstores: {}\nproducers: [{select: [{by: {zzz: 1}}]}]"),
    ("/$defs/retention", "version: 1\nstores: {}\nproducers: [{retention: {zzz: 1}}]"),
    ("/$defs/replaced", "version: 1\nstores: {}\nproducers: [{erase: {zzz: 1}}]"),
    ("/$defs/export", "version: 1\nstores: {}\nproducers: [{export: {zzz: 1}}]"),
];

/// A word of a map that is one of a few: where the schema has it, and a map that says `zzz` there.
const CHOICES: [(&str, &str); 5] = [
    ("/$defs/identifier/properties/form", "version: 1\nidentifiers: {phone: {form: zzz}}\nstores: {}\nproducers: []"),
    ("/$defs/store/properties/connector", "version: 1\nstores: {s: {connector: zzz}}\nproducers: []"),
    ("/$defs/retention/properties/exception", "version: 1\nstores: {}\nproducers: [{retention: {exception: zzz}}]"),
    (
        "/$defs/replaced/properties/fields/additionalProperties",
        "version: 1\nstores: {}\nproducers: [{erase: {fields: {name: zzz}}}]",
    ),
    ("/$defs/export/properties/roles/items", "version: 1\nstores: {}\nproducers: [{export: {roles: [zzz]}}]"),
];

/// What the answer to `zzz` says would be accepted.
fn accepted(map: &str) -> BTreeSet<String> {
    let Err(InvalidMap::Refused(findings)) = parse(map) else { panic!("accepted: {map}") };
    let message = findings.iter().map(|finding| finding.message.as_str()).find(|message| message.contains("there is no zzz"));
    let message = message.unwrap_or_else(|| panic!("nothing is said of zzz: {findings:?}"));
    let (_, names) = message.split_once("Accepted are ").expect("what is accepted");
    names.split(", ").map(str::to_owned).collect()
}

#[test]
fn a_key_is_in_the_schema_if_and_only_if_it_is_accepted() {
    let schema = schema();
    for (place, map) in MAPPINGS {
        let mapping = schema.pointer(place).unwrap_or_else(|| panic!("the schema has no {place}"));
        let keys: BTreeSet<String> = mapping["properties"].as_object().expect("keys").keys().cloned().collect();
        assert_eq!(keys, accepted(map), "{place}");
        assert_eq!(mapping["additionalProperties"], false, "{place}");
        for (key, says) in mapping["properties"].as_object().expect("keys") {
            let referred = says["$ref"].as_str().and_then(|name| schema.pointer(name.trim_start_matches('#')));
            let described = says.get("description").or_else(|| referred?.get("description"));
            assert!(described.is_some_and(Value::is_string), "{place}: {key} is not described");
        }
    }
    for (place, map) in CHOICES {
        let words = schema.pointer(place).and_then(|words| words["enum"].as_array()).unwrap_or_else(|| panic!("{place}"));
        let words: BTreeSet<String> = words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect();
        assert_eq!(words, accepted(map), "{place}");
    }
}

#[test]
fn the_schema_is_of_the_formats_version() {
    let schema = schema();
    let version = &schema["properties"]["version"]["const"];
    assert_eq!(schema["$id"], format!("urn:oubli:data-map:{version}"));
    let map = format!("version: {version}\nstores: {{}}\nproducers: []");
    let Err(InvalidMap::Refused(findings)) = parse(&map) else { panic!("a map without producers") };
    assert!(findings.iter().all(|finding| !finding.message.contains("version")), "{findings:?}");
}
