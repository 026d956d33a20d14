//! A report as a table of three columns, for spreadsheets.

use oubli_domain::{report::Report, spreadsheet::defused};
use serde_json::Value;

/// One line for each number, with where it belongs.
pub(super) fn table(report: &Report) -> String {
    let mut text = "section,measure,value\r\n".to_owned();
    if let Value::Object(sections) = serde_json::to_value(report).unwrap_or_default() {
        for (section, value) in sections {
            lines(&section, "", &value, &mut text);
        }
    }
    text
}

fn lines(section: &str, measure: &str, value: &Value, text: &mut String) {
    let within = |name: &str| if measure.is_empty() { name.to_owned() } else { format!("{measure}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| lines(section, &within(name), value, text)),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                lines(section, &within(&(place + 1).to_string()), item, text);
            }
        }
        Value::Null => line(section, measure, "", text),
        Value::String(word) => line(section, measure, word, text),
        other => line(section, measure, &other.to_string(), text),
    }
}

fn line(section: &str, measure: &str, value: &str, text: &mut String) {
    let cells: Vec<String> = [section, measure, value].iter().map(|c| cell(c)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// RFC 4180, and nothing that a spreadsheet takes for a formula.
pub(super) fn cell(value: &str) -> String {
    let value = defused(value);
    if value.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", value.replace('"', "\"\"")) } else { value.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("-3.5"), "-3.5");
        assert_eq!(cell("@sum,x"), "\"'@sum,x\"");
    }

    #[test]
    fn every_number_has_its_place() {
        let value = serde_json::json!({ "months": [{ "month": "2026-01", "received": 2 }], "none": null });
        let mut text = String::new();
        lines("summary", "", &value, &mut text);
        assert_eq!(text, "summary,months.1.month,2026-01\r\nsummary,months.1.received,2\r\nsummary,none,\r\n");
    }
}
