//! Text as the fonts can show it. PDF/A refuses a character without a glyph, and a document must be made for every
//! name, so what cannot be shown is printed as its code point: `[U+E000]`. Two names never look the same by that.

use std::fmt::Write as _;
use typst::text::is_default_ignorable;
use unicode_segmentation::UnicodeSegmentation as _;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const VARIATIONS: std::ops::RangeInclusive<char> = '\u{fe0e}'..='\u{fe0f}';

/// Whether a character only shapes the ones beside it: joiners of Persian, Indic scripts and emoji, and the choice
/// between a picture and a letter.
pub fn shapes(c: char) -> bool {
    c == ZERO_WIDTH_NON_JOINER || c == ZERO_WIDTH_JOINER || VARIATIONS.contains(&c)
}

/// JSON with every string in it legible: `shown` says whether what a reader takes for one character can be printed.
pub fn json(text: &str, shown: impl Fn(&str) -> bool) -> serde_json::Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // Only the strings are written anew, so that numbers and the order of members stay as they are.
    while let Some(start) = rest.find('"') {
        let (before, from) = rest.split_at(start);
        let (string, after) = from.split_at(end_of_string(from));
        out.push_str(before);
        out.push_str(&serde_json::to_string(&legible(&serde_json::from_str::<String>(string)?, &shown))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the string that this text starts with ends, behind its quotation mark.
fn end_of_string(text: &str) -> usize {
    let mut escaped = true;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn legible(text: &str, shown: &impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, cluster) in text.grapheme_indices(true) {
        if cluster.chars().all(breaks) {
            out.push(' ');
        } else if !taken_for_a_code_point(&text[at..]) && cluster.chars().all(is_text) && shown(cluster) {
            out.push_str(cluster);
        } else {
            // One by one: a letter is shown also when the mark on it is not.
            for c in cluster.chars() {
                let mut one = [0; 4];
                if !taken_for_a_code_point(&text[at..]) && !shapes(c) && is_text(c) && shown(c.encode_utf8(&mut one)) {
                    out.push(c);
                } else {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "[U+{:04X}]", u32::from(c));
                }
            }
        }
    }
    out
}

/// Ends of lines, which are none inside a name.
fn breaks(c: char) -> bool {
    c.is_whitespace() && (c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// What somebody wrote in the form of our code points is told apart from them.
fn taken_for_a_code_point(rest: &str) -> bool {
    rest.starts_with("[U+")
}

/// Not a control, not an order to the text's direction (which would let a name reverse what stands beside it), nothing
/// that is invisible or that only its writer knows the look of.
fn is_text(c: char) -> bool {
    let private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    // Stands for what is not text.
    let object = matches!(c, '\u{fff9}'..='\u{fffc}');
    !(c.is_control() || private || object || is_default_ignorable(c) && !shapes(c))
}

#[cfg(test)]
mod tests {
    use super::json;

    fn ascii(text: &str) -> String {
        json(text, str::is_ascii).expect("JSON")
    }

    #[test]
    fn what_is_shown_stays_to_the_byte() {
        let text = r#"{"b": [1.10, 12345678901234567890, "x\"y\\", ""], "a": null}"#;
        assert_eq!(ascii(text), text);
    }

    #[test]
    fn what_is_not_shown_becomes_its_code_point_in_names_of_members_too() {
        assert_eq!(
            ascii(r#"{"é\u0000": "a\u0301\ud83d\ude00"}"#),
            r#"{"[U+00E9][U+0000]":"a[U+0301][U+1F600]"}"#.replace("\":\"", "\": \"")
        );
    }

    #[test]
    fn two_names_never_become_one() {
        assert_ne!(ascii(r#""[U+00E9]""#), ascii(r#""é""#));
    }

    #[test]
    fn controls_and_invisible_characters_are_never_obeyed() {
        for c in ['\u{202e}', '\u{2066}', '\u{200f}', '\u{ad}', '\u{feff}', '\u{e000}', '\u{fffc}', '\u{1b}', '\u{e0041}'] {
            let text = serde_json::to_string(&format!("a{c}b")).expect("JSON");
            assert_eq!(json(&text, |_| true).expect("JSON"), format!("\"a[U+{:04X}]b\"", u32::from(c)));
        }
        assert_eq!(json(r#""a\nb\tc\r\nd""#, |_| true).expect("JSON"), r#""a b c d""#);
    }
}
