//! Records of tables, as JSON for machines and CSV for people.

use crate::paths;
use oubli_domain::spreadsheet::defused;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A record: its fields, each as the JSON it is, number for number.
pub type Row = BTreeMap<String, Box<RawValue>>;

/// What stands in the place of somebody else's data.
pub const MASKED: &str = "[about somebody else]";

/// A record as a line of a JSON array; all but the last end with a comma.
pub fn json(row: &Row, last: bool) -> String {
    let text = serde_json::to_string(row).unwrap_or_default();
    if last { format!("  {text}\n") } else { format!("  {text},\n") }
}

/// The first line of a table.
pub fn csv_header(columns: &[String]) -> Vec<u8> {
    line(columns.iter().map(|c| defused(c).into_owned()))
}

/// A record as a line of a table with these columns. Lists and objects are shown as JSON; nothing is a formula.
pub fn csv(columns: &[String], row: &Row) -> Vec<u8> {
    line(columns.iter().map(|column| row.get(column).map_or_else(String::new, |value| cell(value.get()))))
}

fn cell(json: &str) -> String {
    let text = match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(json).unwrap_or_default(),
        _ if json == "null" => String::new(),
        _ => json.to_owned(),
    };
    defused(&text).into_owned()
}

/// RFC 4180.
fn line(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Nothing is written but to memory.
    let written = writer.write_record(cells.collect::<Vec<_>>());
    debug_assert!(written.is_ok());
    writer.into_inner().unwrap_or_default()
}

/// Replaces fields about other people, those inside others by their paths.
pub fn mask(row: &mut Row, fields: &[String]) {
    let Ok(masked) = serde_json::value::to_raw_value(MASKED) else { return };
    fields.iter().for_each(|field| paths::replace(row, field, &masked));
}

/// Keeps only the fields named, under their names for people, if any are named.
pub fn select(row: Row, fields: &BTreeMap<String, String>) -> Row {
    if fields.is_empty() {
        return row;
    }
    fields.iter().filter_map(|(field, name)| Some((name.clone(), paths::pick(&row, field)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str) -> Row {
        serde_json::from_str(json).expect("a row")
    }

    #[test]
    fn numbers_keep_every_digit() {
        let row = row(r#"{"n": 12345678901234567890.123456789, "t": "a"}"#);
        assert_eq!(json(&row, true), "  {\"n\":12345678901234567890.123456789,\"t\":\"a\"}\n");
        assert_eq!(csv(&["n".to_owned(), "gone".to_owned()], &row), b"12345678901234567890.123456789,\r\n");
    }

    #[test]
    fn nothing_in_a_table_is_a_formula() {
        let row = row(r#"{"a": "=HYPERLINK(\"x\")", "b": "-5", "c": "@x", "d": {"k": [1]}, "e": null, "f": "a,\"b\"\n"}"#);
        let columns = ["a", "b", "c", "d", "e", "f"].map(str::to_owned);
        let text = String::from_utf8(csv(&columns, &row)).expect("text");
        assert_eq!(text, "\"'=HYPERLINK(\"\"x\"\")\",-5,'@x,\"{\"\"k\"\": [1]}\",,\"a,\"\"b\"\"\n\"\r\n");
        assert_eq!(csv_header(&["=x".to_owned()]), b"'=x\r\n");
    }

    #[test]
    fn other_people_are_masked_and_only_named_fields_are_kept() {
        let mut masked = row(r#"{"agent": "Bob", "text": "hi"}"#);
        mask(&mut masked, &["agent".to_owned(), "nobody".to_owned()]);
        assert_eq!(json(&masked, true), format!("  {{\"agent\":\"{MASKED}\",\"text\":\"hi\"}}\n"));
        let mut nested = row(r#"{"replies": [{"agent": "Bob", "text": "hi"}]}"#);
        mask(&mut nested, &["replies.agent".to_owned()]);
        assert_eq!(json(&nested, true), format!("  {{\"replies\":[{{\"agent\":\"{MASKED}\",\"text\":\"hi\"}}]}}\n"));
        let named = BTreeMap::from([("text".to_owned(), "Message".to_owned())]);
        assert_eq!(json(&select(masked, &named), false), "  {\"Message\":\"hi\"},\n");
    }
}
