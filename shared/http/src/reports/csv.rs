//! Tables for spreadsheets, made as those of exports are.

use oubli_domain::{
    report::Report,
    spreadsheet::{BYTE_ORDER_MARK, line, of_json, of_text},
};
use serde_json::Value;

/// A report as a table of three columns: one line for each number, with where it belongs.
pub(super) fn table(report: &Report) -> Vec<u8> {
    let mut text = begin(&["section", "measure", "value"]);
    if let Value::Object(sections) = serde_json::to_value(report).unwrap_or_default() {
        for (section, value) in sections {
            lines(&section, "", &value, &mut text);
        }
    }
    text
}

/// The beginning of a table, with the names of its columns.
pub(super) fn begin(columns: &[&str]) -> Vec<u8> {
    [BYTE_ORDER_MARK.as_bytes(), &line(columns)].concat()
}

/// A value as a cell; what is not there is empty.
pub(super) fn cell(value: &Value) -> String {
    of_json(&value.to_string()).into_owned()
}

fn lines(section: &str, measure: &str, value: &Value, text: &mut Vec<u8>) {
    let within = |name: &str| if measure.is_empty() { name.to_owned() } else { format!("{measure}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| lines(section, &within(name), value, text)),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                lines(section, &within(&(place + 1).to_string()), item, text);
            }
        }
        value => text.extend(line([of_text(section).into_owned(), of_text(measure).into_owned(), cell(value)])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_place_and_no_cell_is_taken_for_something_else() {
        let value = serde_json::json!({
            "months": [{ "month": "2026-01", "received": 2 }],
            "share": -3.5,
            "reason": "=1+1;é, \"a\"",
            "none": null,
        });
        let mut text = begin(&["section", "measure", "value"]);
        lines("summary", "", &value, &mut text);
        let expected = [
            "\u{feff}\"section\",\"measure\",\"value\"\r\n",
            // A spreadsheet would make the first of January of it.
            "\"summary\",\"months.1.month\",\"'2026-01\"\r\n",
            "\"summary\",\"months.1.received\",\"2\"\r\n",
            "\"summary\",\"none\",\"\"\r\n",
            "\"summary\",\"reason\",\"'=1+1;é, \"\"a\"\"\"\r\n",
            "\"summary\",\"share\",\"-3.5\"\r\n",
        ];
        let text = String::from_utf8(text).expect("text");
        let mut lines: Vec<&str> = text.split_inclusive("\r\n").collect();
        lines.sort_unstable_by_key(|line| (!line.starts_with('\u{feff}'), *line));
        assert_eq!(lines, expected);
    }
}
