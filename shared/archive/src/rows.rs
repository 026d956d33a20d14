//! Records of tables, as JSON for machines and CSV for people.

use crate::paths;
use oubli_domain::spreadsheet::{of_number, of_text};
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

/// The first bytes of a table: without this mark (U+FEFF) Excel takes what follows for the letters of its country.
pub const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The beginning of a table: the mark, and its first line.
pub fn csv_header(columns: &[String]) -> Vec<u8> {
    [BYTE_ORDER_MARK, &line(columns.iter().map(|c| of_text(c).into_owned()))].concat()
}

/// A record as a line of a table with these columns. Lists and objects are shown as JSON; nothing is a formula, and no text
/// a number ([`oubli_domain::spreadsheet`]).
pub fn csv(columns: &[String], row: &Row) -> Vec<u8> {
    line(columns.iter().map(|column| row.get(column).map_or_else(String::new, |value| cell(value.get()))))
}

/// The most bytes that a table and its JSON can have, of so many records with so many bytes of JSON between them.
pub fn most_bytes(columns: &[String], records: u64, bytes: u64) -> u64 {
    let names: u64 = columns.iter().map(|c| 2 * c.len() as u64 + 5).sum();
    // Of every sign at most two are made, a quotation mark or an apostrophe; of every cell six: quotes, comma, apostrophe.
    let each = 6 * columns.len() as u64 + 8;
    bytes.saturating_mul(3).saturating_add(records.saturating_mul(each)).saturating_add(names + 16)
}

fn cell(json: &str) -> String {
    match json.as_bytes().first() {
        Some(b'"') => of_text(&serde_json::from_str::<String>(json).unwrap_or_default()).into_owned(),
        Some(b'-' | b'0'..=b'9') => of_number(json).into_owned(),
        _ if json == "null" => String::new(),
        _ => of_text(json).into_owned(),
    }
}

/// RFC 4180, with every cell in quotes: a spreadsheet whose lists are separated by something else than commas splits none.
fn line(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
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
        // A spreadsheet keeps fifteen of them.
        assert_eq!(csv(&["n".to_owned(), "gone".to_owned()], &row), b"\"'12345678901234567890.123456789\",\"\"\r\n");
    }

    #[test]
    fn nothing_in_a_table_is_a_formula_whatever_separates_its_cells() {
        let row = row(
            r#"{"a": "=HYPERLINK(\"x\")", "b": -5, "c": "@x", "d": {"k": [1]}, "e": null, "f": "a,\"b\"\n", "g": "Mara;=1+1"}"#,
        );
        let columns = ["a", "b", "c", "d", "e", "f", "g"].map(str::to_owned);
        let text = String::from_utf8(csv(&columns, &row)).expect("text");
        let cells = [
            r#""'=HYPERLINK(""x"")""#,
            r#""-5""#,
            r#""'@x""#,
            r#""{""k"": [1]}""#,
            r#""""#,
            "\"a,\"\"b\"\"\n\"",
            r#""Mara;'=1+1""#,
        ];
        assert_eq!(text, cells.join(",") + "\r\n");
        assert_eq!(csv_header(&["=x".to_owned()]), "\u{feff}\"'=x\"\r\n".as_bytes());
    }

    #[test]
    fn no_table_and_no_json_is_larger_than_is_said_before_it_is_written() {
        for text in ["", "a", "\"\"\"", ";=;=;=;=;=", "\n@\n@", "007", "\u{1}", "ä;=(ö"] {
            let row: Row = [("\";=é".to_owned(), serde_json::value::to_raw_value(text).expect("json"))].into();
            let columns: Vec<String> = vec!["\";=é".to_owned(), "other".to_owned()];
            let staged = serde_json::to_vec(&row).expect("json").len() as u64;
            let most = most_bytes(&columns, 1, staged);
            let table = [csv_header(&columns), csv(&columns, &row)].concat().len() as u64;
            let lines = format!("[\n{}]\n", json(&row, true)).len() as u64;
            assert!(table <= most && lines <= most, "{text:?}: {table}, {lines}, {most}");
        }
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
