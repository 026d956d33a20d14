//! Conditions and changes as DynamoDB expressions.

use aws_sdk_dynamodb::types::AttributeValue;
use oubli_engine::ports::{Change, Condition, TableError};
use serde_json::Value;
use std::collections::HashMap;

/// Names and values that the expressions of one action share.
#[derive(Debug, Default)]
pub(super) struct Expression {
    names: Vec<&'static str>,
    values: Vec<AttributeValue>,
}

impl Expression {
    fn name(&mut self, attribute: &'static str) -> String {
        let place = self.names.iter().position(|n| *n == attribute).unwrap_or_else(|| {
            self.names.push(attribute);
            self.names.len() - 1
        });
        format!("#n{place}")
    }

    fn value(&mut self, value: AttributeValue) -> String {
        self.values.push(value);
        format!(":v{}", self.values.len() - 1)
    }

    /// All of the conditions; `None` if there are none.
    pub(super) fn condition(&mut self, when: &[Condition]) -> Result<Option<String>, TableError> {
        let mut terms = Vec::with_capacity(when.len());
        for condition in when {
            terms.push(match condition {
                Condition::ItemAbsent => format!("attribute_not_exists({})", self.name("pk")),
                Condition::ItemPresent => format!("attribute_exists({})", self.name("pk")),
                Condition::Equals(attribute, value) => {
                    format!("{} = {}", self.name(attribute), self.value(attribute_value(value)?))
                }
                Condition::Missing(attribute) => format!("attribute_not_exists({})", self.name(attribute)),
            });
        }
        Ok((!terms.is_empty()).then(|| terms.join(" AND ")))
    }

    /// The changes as one update expression.
    pub(super) fn update(&mut self, changes: &[Change]) -> Result<String, TableError> {
        let (mut set, mut add, mut remove) = (Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Set(attribute, value) => {
                    set.push(format!("{} = {}", self.name(attribute), self.value(attribute_value(value)?)));
                }
                Change::Add(attribute, by) => add.push(format!("{} {}", self.name(attribute), self.value(number(*by)))),
                Change::Remove(attribute) => remove.push(self.name(attribute)),
            }
        }
        let clauses = [("SET", set), ("ADD", add), ("REMOVE", remove)].into_iter().filter(|(_, terms)| !terms.is_empty());
        let text: Vec<_> = clauses.map(|(verb, terms)| format!("{verb} {}", terms.join(", "))).collect();
        if text.is_empty() {
            return Err(TableError::Invalid("an update without changes".to_owned()));
        }
        Ok(text.join(" "))
    }

    /// What the placeholders stand for; DynamoDB refuses empty maps.
    #[expect(clippy::type_complexity, reason = "the two maps the SDK takes")]
    pub(super) fn placeholders(self) -> (Option<HashMap<String, String>>, Option<HashMap<String, AttributeValue>>) {
        let names: HashMap<_, _> = self.names.iter().enumerate().map(|(i, n)| (format!("#n{i}"), (*n).to_owned())).collect();
        let values: HashMap<_, _> = self.values.into_iter().enumerate().map(|(i, v)| (format!(":v{i}"), v)).collect();
        ((!names.is_empty()).then_some(names), (!values.is_empty()).then_some(values))
    }
}

/// A JSON value as DynamoDB keeps it.
pub(super) fn attribute_value(value: &Value) -> Result<AttributeValue, TableError> {
    serde_dynamo::to_attribute_value(value).map_err(|_| TableError::Invalid("a value that no table can hold".to_owned()))
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_are_joined_and_share_names() {
        let mut expression = Expression::default();
        let text = expression
            .condition(&[
                Condition::ItemPresent,
                Condition::Equals("state", json!("claimed")),
                Condition::Equals("fence", json!(7)),
                Condition::Missing("state"),
            ])
            .expect("valid");
        assert_eq!(text.as_deref(), Some("attribute_exists(#n0) AND #n1 = :v0 AND #n2 = :v1 AND attribute_not_exists(#n1)"));
        let (names, values) = expression.placeholders();
        assert_eq!(names.map(|n| n.len()), Some(3));
        let values = values.expect("values");
        assert_eq!(values.get(":v0"), Some(&AttributeValue::S("claimed".to_owned())));
        assert_eq!(values.get(":v1"), Some(&AttributeValue::N("7".to_owned())));
    }

    #[test]
    fn changes_are_grouped_by_verb() {
        let mut expression = Expression::default();
        let changes = [
            Change::Set("owner", json!(null)),
            Change::Add("fence", -1),
            Change::Remove("lease"),
            Change::Set("n", json!(i64::MAX)),
        ];
        assert_eq!(expression.update(&changes).expect("valid"), "SET #n0 = :v0, #n3 = :v2 ADD #n1 :v1 REMOVE #n2");
        let (_, values) = expression.placeholders();
        let values = values.expect("values");
        assert_eq!(values.get(":v0"), Some(&AttributeValue::Null(true)));
        assert_eq!(values.get(":v1"), Some(&AttributeValue::N("-1".to_owned())));
        assert_eq!(values.get(":v2"), Some(&AttributeValue::N("9223372036854775807".to_owned())));
    }

    #[test]
    fn nothing_asked_needs_no_placeholders() {
        let mut expression = Expression::default();
        assert_eq!(expression.condition(&[]), Ok(None));
        assert!(matches!(expression.update(&[]), Err(TableError::Invalid(_))));
        let (names, values) = expression.placeholders();
        assert!(names.is_none() && values.is_none());
    }
}
