//! What the description of the API says of itself: everything is described, examples fit what they are examples of, and name
//! things that the demo has.

use oubli_domain::{
    datamap::{self, DataMap},
    ids::{Category, StoreName},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::to_value(oubli_http::openapi()).expect("JSON")
}

/// Every operation with where it stands.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            all.push((format!("{} {path}", method.to_uppercase()), operation.clone()));
        }
    }
    assert!(all.len() > 60, "{}", all.len());
    all
}

/// The parts of a schema, each with its path.
fn parts<'a>(schema: &'a Value, path: &str) -> Vec<(String, &'a Value)> {
    let mut parts = Vec::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        parts.push((format!("{path}.{name}"), property));
    }
    for one in ["items", "additionalProperties"] {
        if schema[one].is_object() {
            parts.push((format!("{path}.{one}"), &schema[one]));
        }
    }
    for many in ["oneOf", "anyOf", "allOf"] {
        for (place, part) in schema[many].as_array().into_iter().flatten().enumerate() {
            parts.push((format!("{path}.{many}[{place}]"), part));
        }
    }
    parts
}

fn has_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// Whether a schema says what it is, by itself, by what it refers to, or by what else it can be than nothing.
fn is_described(document: &Value, schema: &Value) -> bool {
    let referred = || schema["$ref"].as_str().and_then(|to| document.pointer(to.trim_start_matches('#')));
    let one = || schema["oneOf"].as_array().into_iter().flatten().filter(|one| one["type"] != "null");
    has_text(&schema["description"])
        || referred().is_some_and(|schema| is_described(document, schema))
        || (one().count() > 0 && one().all(|one| is_described(document, one)))
}

/// Properties, at any depth, that nobody said anything of.
fn undescribed(document: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    for (path, part) in parts(schema, path) {
        let is_property = !path.ends_with(']') && !path.ends_with(".items") && !path.ends_with(".additionalProperties");
        if is_property && !is_described(document, part) {
            found.push(path.clone());
        }
        undescribed(document, part, &path, found);
    }
}

#[test]
fn every_operation_parameter_and_answer_is_described() {
    let document = document();
    let mut found = Vec::new();
    let tags: Vec<&Value> = document["tags"].as_array().expect("tags").iter().map(|tag| &tag["name"]).collect();
    for (path, operation) in operations(&document) {
        for field in ["summary", "description"] {
            if !has_text(&operation[field]) {
                found.push(format!("{path}: {field}"));
            }
        }
        if !operation["tags"].as_array().is_some_and(|of| !of.is_empty() && of.iter().all(|tag| tags.contains(&tag))) {
            found.push(format!("{path}: a tag"));
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if !has_text(&parameter["description"]) {
                found.push(format!("{path}: parameter {}", parameter["name"]));
            }
        }
        for (status, response) in operation["responses"].as_object().expect("responses") {
            if !has_text(&response["description"]) {
                found.push(format!("{path}: {status}"));
            }
            for (name, header) in response["headers"].as_object().into_iter().flatten() {
                if !has_text(&header["description"]) {
                    found.push(format!("{path}: {status}, header {name}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "nothing is said of\n{}", found.join("\n"));
}

#[test]
fn every_schema_and_property_is_described() {
    let document = document();
    let mut found = Vec::new();
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    assert!(schemas.len() > 80, "{}", schemas.len());
    for (name, schema) in schemas {
        if !is_described(&document, schema) {
            found.push(name.clone());
        }
        undescribed(&document, schema, name, &mut found);
    }
    assert!(found.is_empty(), "nothing is said of\n{}", found.join("\n"));
}

/// Free texts that a body takes, and what is said of each.
fn texts(document: &Value, schema: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match schema["$ref"].as_str() {
        Some("#/components/schemas/Words") => found.push((path.to_owned(), schema["description"].to_string())),
        Some(to) => texts(document, document.pointer(to.trim_start_matches('#')).expect("it"), path, found),
        None => parts(schema, path).into_iter().for_each(|(path, part)| texts(document, part, &path, found)),
    }
}

#[test]
fn what_people_write_of_requests_and_holds_is_said_to_be_kept_sealed() {
    let document = document();
    let mut found = Vec::new();
    for (path, operation) in operations(&document) {
        if let Some(body) = body(&document, &operation).filter(|_| !path.ends_with("/saved-queries")) {
            texts(&document, &body, &path, &mut found);
        }
    }
    assert!(found.len() >= 8, "{found:?}");
    found.retain(|(_, said)| !said.contains("Kept sealed"));
    assert!(found.is_empty(), "it is kept, and sealed: {found:?}");
}

#[test]
fn what_says_whom_it_is_about_only_on_asking_says_how_to_ask() {
    let mut asked = 0;
    for (path, operation) in operations(&document()) {
        let mut parameters = operation["parameters"].as_array().into_iter().flatten();
        if parameters.any(|parameter| parameter["name"] == "reveal") {
            let said = operation["description"].as_str().unwrap_or_default();
            assert!(said.contains("only with `reveal=identity`"), "{path}: {said}");
            asked += 1;
        }
    }
    assert_eq!(asked, 3);
}

/// A schema of the document, by itself.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut whole = schema.clone();
    whole["components"] = document["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema")
}

/// Everything that has examples and a schema, at any depth.
fn examples<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a Value, &'a Value)>) {
    match value {
        Value::Object(map) => {
            let schema = map.get("schema").unwrap_or(value);
            let of_properties = path.ends_with("/properties");
            if let Some(example) = map.get("example").filter(|_| !of_properties) {
                found.push((path.to_owned(), schema, example));
            }
            let several = map.get("examples").filter(|_| !of_properties).and_then(Value::as_array);
            found.extend(several.into_iter().flatten().map(|example| (path.to_owned(), schema, example)));
            for (name, part) in map.iter().filter(|(name, _)| *name != "example" && *name != "examples") {
                examples(part, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(list) => {
            for (place, part) in list.iter().enumerate() {
                examples(part, &format!("{path}/{place}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_example_fits_what_it_is_an_example_of() {
    let document = document();
    let mut found = Vec::new();
    examples(&document, "", &mut found);
    assert!(found.len() > 50, "{}", found.len());
    for (path, schema, example) in found {
        let validator = validator(&document, schema);
        let wrong: Vec<String> = validator.iter_errors(example).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{path}: {example}\n{}", wrong.join("\n"));
    }
}

/// The schema of what an operation takes.
fn body(document: &Value, operation: &Value) -> Option<Value> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let of = |schema: &Value| schema["$ref"].as_str().map(|to| document.pointer(to.trim_start_matches('#')).expect("it").clone());
    of(schema).or_else(|| schema["oneOf"].as_array()?.iter().find_map(of))
}

/// What the demo has.
struct Demo {
    map: DataMap,
    shop: &'static str,
}

impl Demo {
    fn new() -> Self {
        let map = include_str!("../../../infra/maps/demo-shop.yaml");
        Self { map: datamap::parse(map).expect("a map").0, shop: include_str!("../../../infra/local/shop.py") }
    }

    fn has(&self, field: &str, text: &str) -> bool {
        let has_store = |name: &str| name.parse::<StoreName>().is_ok_and(|name| self.map.stores.contains_key(&name));
        match field {
            "subject_id" | "subject_email" | "value" => self.shop.contains(&format!("\"{text}\"")),
            "category" | "categories" | "exclude_categories" => {
                text.parse::<Category>().is_ok_and(|name| self.map.categories().contains(&&name))
            }
            "store" => has_store(text),
            "statement" => self.map.producers.iter().any(|p| text.contains(&format!("\"{}\"", p.location.name()))),
            "yaml" => datamap::parse(text).is_ok_and(|(map, _)| {
                let known = |name: &str| self.map.producers.iter().any(|p| p.location.name() == name);
                map.stores.keys().all(|name| has_store(name.as_str())) && map.producers.iter().all(|p| known(p.location.name()))
            }),
            _ => true,
        }
    }

    fn strangers(&self, field: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(name, value)| self.strangers(name, value, found)),
            Value::Array(list) => list.iter().for_each(|value| self.strangers(field, value, found)),
            Value::String(text) if !self.has(field, text) => found.push(format!("{field}: {text}")),
            _ => {}
        }
    }
}

#[test]
fn every_body_has_an_example_that_names_things_of_the_demo() {
    let (document, demo) = (document(), Demo::new());
    let mut named = BTreeSet::new();
    for (path, operation) in operations(&document) {
        let Some(body) = body(&document, &operation) else { continue };
        let example = &body["example"];
        assert!(example.is_object(), "{path}: its body has no example");
        let mut found = Vec::new();
        demo.strangers("", example, &mut found);
        assert!(found.is_empty(), "{path}: the demo has no such thing\n{}", found.join("\n"));
        named.extend(example.as_object().expect("it").keys().cloned());
    }
    for field in ["subject_id", "categories", "statement", "yaml"] {
        assert!(named.contains(field), "{field}");
    }
    assert!(!demo.has("subject_id", "cust-0004200") && !demo.has("category", "orders") && !demo.has("store", "shop-db"));
}

#[test]
fn every_body_is_closed_and_bounded() {
    let document = document();
    let mut found = Vec::new();
    for (path, operation) in operations(&document) {
        if let Some(body) = body(&document, &operation) {
            open(&document, &body, &path, &mut found);
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            open(&document, &parameter["schema"], &format!("{path}: {name}"), &mut found);
        }
    }
    assert!(found.is_empty(), "as strict as the code?\n{}", found.join("\n"));
}

/// What is bounded by something else than its own description: the text of a map, and of what is asked, by the largest body, a code
/// by being taken.
const BOUNDED_ELSEWHERE: [&str; 4] = ["yaml", "code", "proposed_action", "agent_reasoning"];

/// Objects that take any field, and texts, numbers and lists without bounds.
fn open(document: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(to) = schema["$ref"].as_str() {
        return open(document, document.pointer(to.trim_start_matches('#')).expect("it"), path, found);
    }
    let is = |what: &str| schema["type"] == what || schema["type"].as_array().is_some_and(|types| types.contains(&json!(what)));
    let named = path.split(".oneOf").next().unwrap_or_default();
    let name = named.rsplit('.').next().unwrap_or_default();
    let bounds: &[&str] = match () {
        () if is("object") => &["additionalProperties"],
        () if is("string") && BOUNDED_ELSEWHERE.contains(&name) => &[],
        () if is("string") => &["enum", "format", "pattern", "maxLength"],
        () if is("integer") => &["maximum"],
        () if is("array") && name == "include" => &[],
        () if is("array") => &["maxItems"],
        () => &[],
    };
    if !bounds.is_empty() && bounds.iter().all(|bound| schema[*bound].is_null()) {
        found.push(path.to_owned());
    }
    for (path, part) in parts(schema, path) {
        open(document, part, &path, found);
    }
}
