//! What rules say of a review, in words.

use super::named;
use crate::output::{clean, list, plain};
use serde_json::Value;

/// Which rule says who is asked, and every rule that counts, comparison by comparison.
pub fn described(tried: &Value) -> String {
    let mut text = match tried["matched_rule_id"].as_u64() {
        Some(rule) => format!("Rule {rule} says who is asked: {}.\n", named(tried, "assigned_to_team_id", "assigned_to_user_id")),
        None if tried["assigned_to_team_id"].is_null() => "No rule is for it: nobody is named.\n".to_owned(),
        None => {
            format!("No rule is for it: the default is asked, {}.\n", named(tried, "assigned_to_team_id", "assigned_to_user_id"))
        }
    };
    for rule in list(&tried["rules"]) {
        let word = if rule["matches"] == true { "matches" } else { "does not match" };
        text.push_str(&format!("\nRule {}, {}: {word}\n", plain(&rule["id"]), plain(&rule["name"])));
        let comparisons = list(&rule["comparisons"]);
        if comparisons.is_empty() {
            text.push_str("  it is for every review\n");
        }
        for comparison in comparisons {
            text.push_str(&compared(comparison));
        }
    }
    text
}

fn compared(comparison: &Value) -> String {
    let holds = if comparison["holds"] == true { "yes" } else { "no " };
    let found = &comparison["found"];
    let found = if found.is_null() { "nothing".to_owned() } else { found.to_string() };
    let (field, operator) = (plain(&comparison["field"]), plain(&comparison["operator"]));
    clean(&format!("  {holds}  {field} {operator} {}: found {found}\n", comparison["expected"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_comparison_is_a_line() {
        let comparisons = json!([
            { "field": "task_type", "operator": "=", "expected": "data_deletion", "found": "data_deletion", "holds": true },
            { "field": "metadata.rows", "operator": ">", "expected": 40, "found": null, "holds": false },
        ]);
        let large = json!({ "id": 2, "name": "Large", "matches": false, "comparisons": comparisons });
        let every = json!({ "id": 1, "name": "All", "matches": true, "comparisons": [] });
        let tried = json!({ "matched_rule_id": 1, "assigned_to_team_id": 4, "assigned_to_user_id": 9, "rules": [large, every] });
        let text = described(&tried);
        for line in [
            "Rule 1 says who is asked: team 4 and member 9.",
            "Rule 2, Large: does not match",
            "  yes  task_type = \"data_deletion\": found \"data_deletion\"",
            "  no   metadata.rows > 40: found nothing",
            "Rule 1, All: matches",
            "  it is for every review",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} in {text}");
        }
        assert!(described(&json!({ "matched_rule_id": null, "rules": [] })).starts_with("No rule is for it: nobody"));
        let default = described(&json!({ "matched_rule_id": null, "assigned_to_team_id": 4, "rules": [] }));
        assert!(default.starts_with("No rule is for it: the default is asked, team 4."), "{default}");
    }
}
