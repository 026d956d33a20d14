//! What the description of the API says can be written, and where anything can be.

use std::{collections::BTreeSet, fmt};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::root;

/// A place of an operation that takes text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    pub operation: String,
    /// `body.verification.method`, `body.exclusions[].reason`, `query.cursor`, `header.Idempotency-Key`. Where names are the
    /// caller's own: `body.teams.values.(name)`, and `body.teams.values.*[]` for what they lead to.
    pub place: String,
}

impl Field {
    pub fn new(operation: &str, place: &str) -> Self {
        Self { operation: operation.to_owned(), place: place.to_owned() }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation, self.place)
    }
}

/// Whatever takes this takes anything: no id, name, date or word of a list looks like it.
const ANYTHING: &str = "Quill (+33 6 12 34 56 78, quill@planted.example) called";

/// The description that is kept in `docs/`.
pub struct Description(Value);

impl Description {
    pub fn read() -> Result<Self> {
        Ok(Self(serde_json::from_str(&std::fs::read_to_string(root().join("docs/openapi.json"))?)?))
    }

    /// Every operation that needs a credential: its id, its method, its path, and what it says.
    pub fn operations(&self) -> Vec<(String, String, String, &Value)> {
        let mut all = Vec::new();
        for (path, item) in self.0["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["security"] != json!([{}]) {
                    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
                    all.push((id, method.to_uppercase(), path.clone(), operation));
                }
            }
        }
        all
    }

    /// Where an operation is called.
    pub fn place_of(&self, operation: &str) -> Result<(String, String)> {
        let found = self.operations().into_iter().find(|(id, ..)| id == operation);
        found.map(|(_, method, path, _)| (method, path)).with_context(|| format!("there is no operation {operation}"))
    }

    /// The body that an operation gives as an example.
    pub fn example(&self, operation: &str) -> Value {
        let found = self.operations().into_iter().find(|(id, ..)| id == operation);
        let body = found.map(|(.., operation)| self.resolved(body_of(operation))).unwrap_or_default();
        Some(body["example"].clone()).filter(Value::is_object).unwrap_or_else(|| json!({}))
    }

    /// Every place that anything can be written into, the key of each POST among them.
    pub fn free_texts(&self) -> Result<BTreeSet<Field>> {
        let mut found = BTreeSet::new();
        for (id, _, _, operation) in self.operations() {
            if !body_of(operation).is_null() {
                self.free_in(body_of(operation), "body", &mut |place| {
                    found.insert(Field::new(&id, place));
                })?;
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap_or_default();
                match parameter["in"].as_str() {
                    Some("header") => {
                        found.insert(Field::new(&id, &format!("header.{name}")));
                    }
                    Some("query") => self.free_in(&parameter["schema"], &format!("query.{name}"), &mut |place| {
                        found.insert(Field::new(&id, place));
                    })?,
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    fn free_in(&self, schema: &Value, place: &str, found: &mut impl FnMut(&str)) -> Result<()> {
        let schema = self.resolved(schema);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            self.free_in(property, &format!("{place}.{name}"), found)?;
        }
        if schema["items"].is_object() {
            self.free_in(&schema["items"], &format!("{place}[]"), found)?;
        }
        if schema["additionalProperties"].is_object() {
            let names = json!({ "type": "string" });
            let names = Some(&schema["propertyNames"]).filter(|names| names.is_object()).unwrap_or(&names);
            if self.is_free(names)? {
                found(&format!("{place}.(name)"));
            }
            self.free_in(&schema["additionalProperties"], &format!("{place}.*"), found)?;
        }
        let is_text =
            schema["type"] == "string" || schema["type"].as_array().is_some_and(|types| types.contains(&json!("string")));
        // What says nothing of its type takes texts, too; what is one of several things is an id.
        let is_anything = ["type", "anyOf", "properties"].iter().all(|says| schema[*says].is_null());
        if (is_text || is_anything) && self.is_free(&schema)? {
            found(place);
        }
        Ok(())
    }

    /// Whether a text can be anything.
    fn is_free(&self, schema: &Value) -> Result<bool> {
        let schema = self.resolved(schema);
        Ok(jsonschema::options().should_validate_formats(true).build(&schema)?.is_valid(&json!(ANYTHING)))
    }

    /// A schema without its reference, and without that it can be nothing.
    fn resolved(&self, schema: &Value) -> Value {
        if let Some(to) = schema["$ref"].as_str() {
            return self.0.pointer(to.trim_start_matches('#')).map(|schema| self.resolved(schema)).unwrap_or_default();
        }
        match schema["oneOf"].as_array().and_then(|one| one.iter().find(|one| one["type"] != "null")) {
            Some(one) => self.resolved(one),
            None => schema.clone(),
        }
    }
}

fn body_of(operation: &Value) -> &Value {
    &operation["requestBody"]["content"]["application/json"]["schema"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_the_callers_own_are_places_too() -> Result<()> {
        let free = |values: Value| -> Result<Vec<String>> {
            let schema = json!({ "type": "object", "properties": { "values": values }, "additionalProperties": false });
            let body = json!({ "content": { "application/json": { "schema": { "$ref": "#/body" } } } });
            let operation = json!({ "operationId": "map", "requestBody": body });
            let description = Description(json!({ "body": schema, "paths": { "/map": { "put": operation } } }));
            Ok(description.free_texts()?.into_iter().map(|field| field.place).collect())
        };
        let lists = |items: Value| json!({ "type": "object", "additionalProperties": { "type": "array", "items": items } });
        let team = || json!({ "type": "string", "maxLength": 100 });
        assert_eq!(free(lists(team()))?, ["body.values.(name)", "body.values.*[]"]);
        assert_eq!(free(lists(json!({ "type": "string", "enum": ["auditor"] })))?, ["body.values.(name)"]);
        let mut known = lists(team());
        known["propertyNames"] = json!({ "enum": ["eu", "us"] });
        assert_eq!(free(known)?, ["body.values.*[]"]);
        Ok(())
    }
}
