//! Text in cells of spreadsheets.
//!
//! A spreadsheet that opens a file of comma-separated values looks at each cell and makes of it what it may mean: a formula,
//! a number, a date. The quotes of RFC 4180 change nothing about that. What does is an apostrophe at the beginning
//! ([OWASP](https://owasp.org/www-community/attacks/CSV_Injection)): some spreadsheets hide it and some show it, and none
//! changes what follows. So that the value can be had again, a text that begins with an apostrophe of its own gets another:
//! whoever takes one away has what was there.

use std::borrow::Cow;

/// Longest text that a spreadsheet takes for a number or a date.
const LONGEST: usize = 40;

/// The first bytes of a table: without this mark (U+FEFF) Excel takes what follows for the letters of its country.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A line of a table (RFC 4180), with every cell in quotes: a spreadsheet whose lists are separated by something else than
/// commas splits none. The cells are those that [`of_text`] and its like made.
pub fn line(cells: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Nothing is written but to memory.
    let written = writer.write_record(cells);
    debug_assert!(written.is_ok());
    writer.into_inner().unwrap_or_default()
}

/// A value, as JSON writes it, as a cell: lists and objects as the JSON that they are, and nothing of what is not there.
pub fn of_json(json: &str) -> Cow<'_, str> {
    match json.as_bytes().first() {
        Some(b'"') => Cow::Owned(of_text(&serde_json::from_str::<String>(json).unwrap_or_default()).into_owned()),
        Some(b'-' | b'0'..=b'9') => of_number(json),
        _ if json == "null" => Cow::Borrowed(""),
        _ => of_text(json),
    }
}

/// A text as a cell: no formula, also where a spreadsheet takes the cell apart, and no number or date either, so that
/// `+33 6 12 34 56 78`, `007` and `1-2` stay what they are.
pub fn of_text(text: &str) -> Cow<'_, str> {
    without_formulas(text, begins_formula(text) || text.starts_with('\'') || is_taken_for_another(text))
}

/// A number, as JSON writes it, as a cell: text where a spreadsheet would lose digits of it.
pub fn of_number(json: &str) -> Cow<'_, str> {
    let mantissa = json.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|b| *b == b'0').count();
    if digits > 15 { Cow::Owned(format!("'{json}")) } else { Cow::Borrowed(json) }
}

/// Signs that begin a formula; some spreadsheets take the full-width ones for the same.
const fn is_operator(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

fn begins_formula(text: &str) -> bool {
    // Space in front is passed over by some.
    text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(is_operator)
}

/// What separates cells or lines where it is not the comma; between quotes as well, once the reader lost count of them.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];

/// The text with an apostrophe in front, if so said, and before what would begin a formula in a cell of its own.
fn without_formulas(text: &str, marked: bool) -> Cow<'_, str> {
    let mut out = String::new();
    if marked {
        out.push('\'');
    }
    let mut rest = text;
    while let Some(at) = rest.find(SEPARATORS) {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        if frees_formula(after) {
            out.push('\'');
        }
        rest = after;
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether a formula begins here that could do something. Lists in prose begin with hyphens, and phone numbers with a plus:
/// without a call or a reference those do no harm.
fn frees_formula(text: &str) -> bool {
    let cell = text.split(SEPARATORS).next().unwrap_or_default().trim_start_matches([' ', '"', '\'']);
    match cell.chars().next() {
        Some('=' | '@' | '＝' | '＠') => true,
        Some(c) if is_operator(c) => cell.contains(['(', '!', '|']),
        _ => false,
    }
}

/// Whether a spreadsheet would show a text as something else: a number without its leading zeros or with fewer digits, a
/// date, a time, an amount. Plain numbers, and dates as ISO 8601 writes them, come out as what they are.
fn is_taken_for_another(text: &str) -> bool {
    let text = text.trim();
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (text.len() > LONGEST && !digits(text)) || !text.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    if is_plain_number(text) || is_iso_date(text) {
        return false;
    }
    let odd = |c: char| !(c.is_ascii_digit() || c.is_whitespace() || " .,:/-+()%$€£¥'".contains(c));
    let (mut words, mut months) = (0_usize, 0_usize);
    for word in text.split(|c: char| !odd(c)).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        match word.as_str() {
            // Of a number with an exponent, or of the two halves of a day.
            "e" | "am" | "pm" | "a" | "p" => {}
            month if is_month(month) => months += 1,
            _ => return false,
        }
        words += 1;
    }
    match months {
        0 => words == 0 || (words == 1 && text.starts_with(|c: char| c.is_ascii_digit())),
        1 => true,
        _ => false,
    }
}

/// Eleven digits are what a cell shows of a number unless told otherwise.
fn is_plain_number(text: &str) -> bool {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits && text.len() <= 11 && (text == "0" || !text.starts_with('0'))
}

fn is_iso_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok_and(|date| date.year() >= 1900)
}

/// Whether a word is a month in English, German or French, or the beginning of one.
fn is_month(word: &str) -> bool {
    const MONTHS: [&str; 27] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "januar",
        "februar",
        "märz",
        "mrz",
        "mai",
        "juni",
        "juli",
        "oktober",
        "dezember",
        "janvier",
        "février",
        "mars",
        "avril",
        "juillet",
        "août",
    ];
    const OTHERS: [&str; 4] = ["juin", "septembre", "octobre", "décembre"];
    word.chars().count() >= 3 && MONTHS.iter().chain(&OTHERS).any(|month| month.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_change_is_marked_and_nothing_else() {
        for kept in [
            "",
            "Mara Lindqvist",
            "42",
            "0",
            "12345678901",
            "2026-02-01",
            "2026-02-01T23:30:00Z",
            "c-7",
            "u-901",
            "order 12",
            "A4",
            "12 rue de la Paix",
            "SW1A 1AA",
            "1 marathon",
            "3 apartments",
            "1 May apartments",
            "May to June 2026",
            "Mai 68 a été",
            "10 pm or 11 pm",
            "a,b",
            "x=1",
            "10.0.0.0/8 x",
            "v1.2.3",
            "mara@example.org",
            "9f3c",
            "{\"a\": 1}",
            "true",
        ] {
            assert_eq!(of_text(kept), kept);
        }
        for marked in [
            "+33612345678",
            "+33 6 12 34 56 78",
            "0612345678",
            "06 12 34 56 78",
            "007",
            "00",
            "123456789012",
            "1234567890123456789",
            "1-2",
            "1/2",
            "3.5",
            "1,5",
            "12:30",
            "1E5",
            "2e10",
            "MARCH1",
            "SEPT2",
            "1 May",
            "Dec-5",
            "5 août",
            "3. März",
            "10 PM",
            "5p",
            "Feb 1, 2026 10:30 AM",
            "5 May 2026 10:30 PM",
            "3 août 2026 9:00 a",
            "12. Dez 2026 7:05 pm",
            "50%",
            "$5",
            "12 €",
            "01/02/2010",
            "1899-12-31",
            "2026-02-30",
            "=1+1",
            "@sum",
            "-x",
            " =1",
            "＝1+1",
            "'tis",
        ] {
            assert_eq!(of_text(marked), format!("'{marked}"));
        }
        let long = "1".repeat(60);
        assert_eq!(of_text(&long), format!("'{long}"));
    }

    #[test]
    fn one_apostrophe_less_is_what_was_there() {
        for text in ["007", "'007", "''", "'", "plain", "=1", "'=1"] {
            let cell = of_text(text);
            assert_eq!(cell.strip_prefix('\'').unwrap_or(&cell), text);
        }
    }

    #[test]
    fn a_formula_behind_another_separator_is_defused_and_a_list_in_prose_is_not() {
        for (text, cell) in [
            ("Mara;=1+1", "Mara;'=1+1"),
            ("a;@SUM(1)", "a;'@SUM(1)"),
            ("a\t=1+1", "a\t'=1+1"),
            ("a\r\n=1;=2", "a\r\n'=1;'=2"),
            ("a; \"=cmd|' /C calc'!A0", "a;' \"=cmd|' /C calc'!A0"),
            ("a;-2+3+cmd|' /C calc'!A0", "a;'-2+3+cmd|' /C calc'!A0"),
            ("a;+SUM(1)", "a;'+SUM(1)"),
            ("to buy:\n- milk\n- bread", "to buy:\n- milk\n- bread"),
            ("phone;+33 6 12", "phone;+33 6 12"),
            ("a,=1", "a,=1"),
            ("=1;=2", "'=1;'=2"),
            ("\t=1", "'\t'=1"),
        ] {
            assert_eq!(of_text(text), cell, "{text:?}");
        }
    }

    #[test]
    fn numbers_stay_numbers_while_no_digit_is_lost() {
        for kept in ["5", "-5", "3.25", "123456789012345", "-0.000001", "1e300", "0"] {
            assert_eq!(of_number(kept), kept);
        }
        assert_eq!(of_number("1234567890123456"), "'1234567890123456");
        assert_eq!(of_number("-12.34567890123456789"), "'-12.34567890123456789");
    }

    #[test]
    fn a_line_quotes_every_cell_and_defuses_what_json_holds() {
        let cells = [r#""=1+1""#, "-5", "1234567890123456", "null", r#"["@x", "é"]"#, r#""a,\"b\";=1""#, r#""007""#, "true"];
        let text = String::from_utf8(line(cells.map(of_json).iter().map(|cell| cell.as_bytes()))).expect("text");
        let expected = [
            r#""'=1+1""#,
            r#""-5""#,
            r#""'1234567890123456""#,
            r#""""#,
            r#""[""@x"", ""é""]""#,
            r#""a,""b"";'=1""#,
            r#""'007""#,
            r#""true""#,
        ];
        assert_eq!(text, expected.join(",") + "\r\n");
    }
}
