//! What is printed.

use comfy_table::{Cell, CellAlignment, Table, presets::NOTHING};
use serde_json::Value;
use std::io::Write as _;

/// Prints text; a reader that has gone away is no failure.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end());
}

/// Prints text, if there is any.
pub fn print_some(text: &str) {
    if !text.is_empty() {
        print(text);
    }
}

/// Prints an answer as it came.
pub fn print_json(value: &Value) {
    print(&format!("{value:#}"));
}

/// Text without control characters, which could drive a terminal.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// A value as it is shown: nothing for null.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => whole_seconds(clean(text)),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => clean(&other.to_string()),
    }
}

/// A time without its fraction, which nobody reads; any other text as it is.
fn whole_seconds(text: String) -> String {
    match text.split_once('.') {
        Some((time, fraction)) if fraction.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok() => format!("{time}Z"),
        _ => text,
    }
}

/// A list in an answer.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A table without lines. Numbers stand to the right.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<Value>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().map(|h| h.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|value| {
            let cell = Cell::new(plain(value));
            if value.is_number() { cell.set_alignment(CellAlignment::Right) } else { cell }
        }));
    }
    table.trim_fmt()
}

/// A table of these fields of each entry.
pub fn fields(entries: &[Value], fields: &[&str]) -> String {
    let header: Vec<_> = fields.iter().map(|f| f.replace('_', " ")).collect();
    let header: Vec<_> = header.iter().map(String::as_str).collect();
    table(&header, entries.iter().map(|entry| fields.iter().map(|f| entry[*f].clone()).collect()))
}

/// The fields of one answer, one a line; those without a value are left out.
pub fn lines(value: &Value, fields: &[&str]) -> String {
    let shown: Vec<_> = fields.iter().map(|f| (f.replace('_', " "), plain(&value[*f]))).collect();
    pairs(&shown)
}

/// Names and what stands beside them, one a line; those without a value are left out. A text of several lines stays beside its
/// name: none of it can be taken for another one.
pub fn pairs<N: AsRef<str>>(shown: &[(N, String)]) -> String {
    let shown = shown.iter().map(|(name, value)| (name.as_ref(), value.trim_end()));
    let shown: Vec<(&str, &str)> = shown.filter(|(_, value)| !value.is_empty()).collect();
    let width = shown.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let beside = format!("\n{}", " ".repeat(width + 2));
    shown.iter().map(|(name, value)| format!("{name:<width$}  {}\n", value.replace('\n', &beside))).collect()
}

/// A size for people.
pub fn size(bytes: &Value) -> Value {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let Some(bytes) = bytes.as_u64() else { return Value::Null };
    let mut unit = 0;
    let mut scale = 1_u64;
    while unit + 1 < UNITS.len() && bytes / scale >= 1024 {
        scale *= 1024;
        unit += 1;
    }
    let tenths = u128::from(bytes) * 10 / u128::from(scale);
    if unit == 0 { format!("{bytes} B") } else { format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(size(&json!(0)), "0 B");
        assert_eq!(size(&json!(1023)), "1023 B");
        assert_eq!(size(&json!(1536)), "1.5 KiB");
        assert_eq!(size(&json!(u64::MAX)), "16777215.9 TiB");
    }

    #[test]
    fn a_time_is_shown_in_whole_seconds() {
        assert_eq!(plain(&json!("2026-11-21T12:46:31.214299519Z")), "2026-11-21T12:46:31Z");
        assert_eq!(plain(&json!("v1.2.Z")), "v1.2.Z");
    }

    #[test]
    fn nothing_that_is_shown_drives_a_terminal() {
        assert_eq!(plain(&json!("a\u{1b}[2Jb")), "a [2Jb");
    }

    #[test]
    fn a_text_of_several_lines_is_taken_for_one() {
        let text = lines(
            &json!({ "why": "a\nstatus  approved\n", "left_out": null, "status": "pending" }),
            &["why", "left_out", "status"],
        );
        assert_eq!(text, "why     a\n        status  approved\nstatus  pending\n");
    }

    #[test]
    fn a_table_has_a_row_for_each_entry() {
        let text = fields(&[json!({ "hold_id": "h1", "n": 5 }), json!({ "hold_id": "h2", "n": null })], &["hold_id", "n"]);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.starts_with("HOLD ID") || text.starts_with(" HOLD ID"), "{text}");
    }
}
