//! Records of tables, as JSON for machines and CSV for people.

use crate::{look::Look, paths};
use oubli_domain::spreadsheet::{BYTE_ORDER_MARK, line, of_json, of_text};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// A record: its fields, each as the JSON it is, number for number.
pub type Row = BTreeMap<String, Box<RawValue>>;

/// What stands in the place of somebody else's data: one token in every language, so that machines know it. Pages and tables
/// say it in the language of who reads them.
pub const MASKED: &str = "[about somebody else]";

/// A record as a line of a JSON array; all but the last end with a comma.
pub fn json(row: &Row, last: bool) -> String {
    let text = serde_json::to_string(row).unwrap_or_default();
    if last { format!("  {text}\n") } else { format!("  {text},\n") }
}

/// Most columns of a table, and most bytes of their names: what nobody can look at side by side is in the JSON alone.
const MOST_COLUMNS: usize = 1_000;
const MOST_OF_THEIR_NAMES: usize = 1024 * 1024;

/// The columns of a table: the names of the fields that records have, as long as they can be shown side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Their names, which may be data.
    pub names: BTreeSet<String>,
    /// Some fields have none.
    pub more: bool,
}

impl Columns {
    /// Takes a field, if there is room beside the others. Answers whether it is a new column.
    pub fn take(&mut self, field: &str) -> bool {
        if self.names.contains(field) {
            return false;
        }
        let bytes = || self.names.iter().map(String::len).sum::<usize>() + field.len();
        let room = self.names.len() < MOST_COLUMNS && bytes() <= MOST_OF_THEIR_NAMES;
        if room {
            self.names.insert(field.to_owned());
        }
        self.more |= !room;
        room
    }
}

/// A table for spreadsheets: nothing in it is a formula, and no text a number ([`oubli_domain::spreadsheet`]).
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// Whom it is for.
    pub look: &'a Look,
    /// The fields shown, side by side.
    pub columns: &'a [String],
    /// Records may have fields that are not shown: a last column says of each how many.
    pub more: bool,
}

impl Sheet<'_> {
    /// The beginning: the mark of its letters, and the names of its columns.
    pub fn begin(&self) -> Vec<u8> {
        let more = self.more.then_some(self.look.words().fields_elsewhere);
        let names = self.columns.iter().map(String::as_str).chain(more).map(|name| of_text(name).into_owned());
        [BYTE_ORDER_MARK.as_bytes(), &line(names)].concat()
    }

    /// A record. Lists and objects are shown as JSON.
    pub fn line(&self, row: &Row) -> Vec<u8> {
        let cells = self.columns.iter().map(|column| row.get(column).map_or_else(String::new, |value| self.cell(value.get())));
        let shown = || self.columns.iter().filter(|column| row.contains_key(*column)).count();
        let elsewhere = self.more.then(|| match row.len() - shown() {
            0 => String::new(),
            more => more.to_string(),
        });
        line(cells.chain(elsewhere))
    }

    /// The most bytes that it and its JSON can have, of so many records with so many bytes of JSON between them.
    pub fn most_bytes(&self, records: u64, bytes: u64) -> u64 {
        let names: u64 = self.columns.iter().map(|c| 2 * c.len() as u64 + 5).sum();
        // Of every sign at most two are made, a quotation mark or an apostrophe; of every cell six: quotes, comma, apostrophe;
        // and what stands for somebody else's data is shorter than twice the token.
        let each = 6 * self.columns.len() as u64 + 32;
        bytes.saturating_mul(3).saturating_add(records.saturating_mul(each)).saturating_add(names + 256)
    }

    fn cell(&self, json: &str) -> String {
        let token = format!("\"{MASKED}\"");
        if !json.contains(&token) {
            return of_json(json).into_owned();
        }
        let masked = format!("[{}]", self.look.words().about_somebody_else);
        let said = serde_json::to_string(&masked).unwrap_or_default();
        of_json(&json.replace(&token, &said)).into_owned()
    }
}

/// Replaces fields about other people, those inside others by their paths, and what such a path cannot be followed into.
/// Answers the fields by which something was replaced.
pub fn mask<'f>(row: &mut Row, fields: &'f [String]) -> Vec<&'f String> {
    let Ok(masked) = serde_json::value::to_raw_value(MASKED) else { return vec![] };
    fields.iter().filter(|field| paths::replace(row, field, &masked)).collect()
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
    use crate::look::tests::look;
    use oubli_domain::language::Language;

    fn table(columns: &[String], row: &Row) -> Vec<u8> {
        Sheet { look: &look(Language::En), columns, more: false }.line(row)
    }

    fn row(json: &str) -> Row {
        serde_json::from_str(json).expect("a row")
    }

    #[test]
    fn numbers_keep_every_digit() {
        let row = row(r#"{"n": 12345678901234567890.123456789, "t": "a"}"#);
        assert_eq!(json(&row, true), "  {\"n\":12345678901234567890.123456789,\"t\":\"a\"}\n");
        // A spreadsheet keeps fifteen of them.
        assert_eq!(table(&["n".to_owned(), "gone".to_owned()], &row), b"\"'12345678901234567890.123456789\",\"\"\r\n");
    }

    #[test]
    fn nothing_in_a_table_is_a_formula_whatever_separates_its_cells() {
        let row = row(
            r#"{"a": "=HYPERLINK(\"x\")", "b": -5, "c": "@x", "d": {"k": [1]}, "e": null, "f": "a,\"b\"\n", "g": "Mara;=1+1"}"#,
        );
        let columns = ["a", "b", "c", "d", "e", "f", "g"].map(str::to_owned);
        let text = String::from_utf8(table(&columns, &row)).expect("text");
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
        let sheet = Sheet { look: &look(Language::En), columns: &["=x".to_owned()], more: false };
        assert_eq!(sheet.begin(), "\u{feff}\"'=x\"\r\n".as_bytes());
    }

    #[test]
    fn no_table_and_no_json_is_larger_than_is_said_before_it_is_written() {
        for text in ["", "a", "\"\"\"", ";=;=;=;=;=", "\n@\n@", "007", "\u{1}", "ä;=(ö", MASKED] {
            let row: Row = [("\";=é".to_owned(), serde_json::value::to_raw_value(text).expect("json"))].into();
            let columns: Vec<String> = vec!["\";=é".to_owned(), "other".to_owned()];
            let staged = serde_json::to_vec(&row).expect("json").len() as u64;
            for (language, more) in Language::ALL.into_iter().zip([false, true, true]) {
                let look = look(language);
                let sheet = Sheet { look: &look, columns: &columns, more };
                let most = sheet.most_bytes(1, staged);
                let table = [sheet.begin(), sheet.line(&row)].concat().len() as u64;
                let lines = format!("[\n{}]\n", json(&row, true)).len() as u64;
                assert!(table <= most && lines <= most, "{text:?}: {table}, {lines}, {most}");
            }
        }
    }

    #[test]
    fn what_nobody_can_show_side_by_side_has_no_column_and_is_counted_in_the_last() {
        let mut columns = Columns::default();
        assert!(columns.take("b") && columns.take("a") && !columns.take("a") && !columns.more);
        let mut many = Columns::default();
        assert_eq!((0..2_000).filter(|n| many.take(&format!("f{n}"))).count(), 1_000);
        assert!(many.more);
        let mut long = Columns::default();
        assert_eq!((0..30).filter(|n| long.take(&format!("{n:02}{}", "x".repeat(64 * 1024 - 2)))).count(), 16);
        assert!(long.more);

        let names = ["a".to_owned(), "b".to_owned()];
        let look = look(Language::De);
        let sheet = Sheet { look: &look, columns: &names, more: true };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        assert_eq!(text(sheet.begin()), "\u{feff}\"a\",\"b\",\"weitere Felder, nur in der .json-Datei\"\r\n");
        assert_eq!(text(sheet.line(&row(r#"{"a": 1, "c": 2, "d": 3}"#))), "\"1\",\"\",\"2\"\r\n");
        assert_eq!(text(sheet.line(&row(r#"{"b": 1}"#))), "\"\",\"1\",\"\"\r\n");
    }

    #[test]
    fn what_is_masked_is_one_token_for_machines_and_a_word_in_tables() {
        let row = row(&format!(r#"{{"agent": "{MASKED}", "replies": [{{"by": "{MASKED}", "text": "\"{MASKED}\""}}]}}"#));
        let columns = ["agent", "replies"].map(str::to_owned);
        for (language, word) in
            [(Language::En, MASKED), (Language::De, "[über jemand anderen]"), (Language::Fr, "[au sujet de quelqu’un d’autre]")]
        {
            let look = look(language);
            let text = Sheet { look: &look, columns: &columns, more: false }.line(&row);
            let text = String::from_utf8(text).expect("text");
            // A text that tells of the token has it between quotes of its own.
            let quoted = format!(r#"\""{MASKED}\"""#);
            let replies = format!(r#""[{{""by"": ""{word}"", ""text"": ""{quoted}""}}]""#);
            assert_eq!(text, format!("\"{word}\",{replies}\r\n"));
            assert!(json(&row, true).contains(&format!("\"agent\":\"{MASKED}\"")));
        }
    }

    #[test]
    fn other_people_are_masked_and_only_named_fields_are_kept() {
        let mut masked = row(r#"{"agent": "Bob", "text": "hi"}"#);
        assert_eq!(mask(&mut masked, &["agent".to_owned(), "nobody".to_owned()]), ["agent"]);
        assert_eq!(json(&masked, true), format!("  {{\"agent\":\"{MASKED}\",\"text\":\"hi\"}}\n"));
        let mut nested = row(r#"{"replies": [{"agent": "Bob", "text": "hi"}]}"#);
        mask(&mut nested, &["replies.agent".to_owned()]);
        assert_eq!(json(&nested, true), format!("  {{\"replies\":[{{\"agent\":\"{MASKED}\",\"text\":\"hi\"}}]}}\n"));
        let mut written = row(r#"{"replies": "[{\"agent\":\"Bob\"}]"}"#);
        assert_eq!(mask(&mut written, &["replies.agent".to_owned()]), ["replies.agent"]);
        assert_eq!(json(&written, true), format!("  {{\"replies\":\"{MASKED}\"}}\n"));
        let named = BTreeMap::from([("text".to_owned(), "Message".to_owned())]);
        assert_eq!(json(&select(masked, &named), false), "  {\"Message\":\"hi\"},\n");
    }
}
