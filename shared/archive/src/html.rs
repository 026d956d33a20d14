//! Values as HTML: escaped, whatever they are, and never more than a reader can take in.

use crate::{look::Look, rows::MASKED};
use askama::filters::{Escaper as _, Html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What may stand in a part of a link as it is (RFC 3986, unreserved).
const IN_LINKS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Lists and objects within one another that are shown as such.
const DEEPEST: usize = 5;

/// Adds a text, escaped.
pub(crate) fn text(out: &mut String, text: &str) {
    // Nothing is written but to memory.
    let written = Html.write_escaped_str(&mut *out, text);
    debug_assert!(written.is_ok());
}

/// A text, escaped.
pub(crate) fn escaped(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len() + 16);
    text(&mut out, plain);
    out
}

/// The way from a page to a file of the archive: `up` leads to its root.
pub(crate) fn link(up: &str, name: &str) -> String {
    let parts: Vec<String> = name.split('/').map(|part| utf8_percent_encode(part, IN_LINKS).to_string()).collect();
    format!("{up}{}", parts.join("/"))
}

/// Writes values of a cell, up to a number of characters.
pub(crate) struct Cell<'a> {
    pub(crate) out: &'a mut String,
    pub(crate) look: &'a Look,
    pub(crate) left: usize,
}

impl Cell<'_> {
    /// Adds a value, as JSON has it; says so where not all of it is shown.
    pub(crate) fn show(mut self, json: &str) {
        if !self.value(json, 0) {
            let note = self.look.words().shortened;
            self.out.push_str(" <small>… (");
            text(self.out, note);
            self.out.push_str(")</small>");
        }
    }

    /// Whether all of it was shown.
    fn value(&mut self, json: &str, depth: usize) -> bool {
        let words = self.look.words();
        match json.as_bytes().first() {
            Some(b'"') => match serde_json::from_str::<String>(json).unwrap_or_default() {
                masked if masked == MASKED => {
                    self.out.push_str("<i>");
                    text(self.out, words.about_somebody_else);
                    self.out.push_str("</i>");
                    true
                }
                plain => self.plain(&plain),
            },
            Some(b'{') if depth < DEEPEST => self.object(json, depth),
            Some(b'[') if depth < DEEPEST => self.list(json, depth),
            Some(b't') => self.plain(words.yes),
            Some(b'f') => self.plain(words.no),
            Some(b'n') => true,
            _ => self.plain(json),
        }
    }

    fn plain(&mut self, plain: &str) -> bool {
        let end = plain.char_indices().nth(self.left).map_or(plain.len(), |(at, _)| at);
        let shown = &plain[..end];
        text(self.out, shown);
        self.left = self.left.saturating_sub(shown.chars().count());
        end == plain.len()
    }

    fn object(&mut self, json: &str, depth: usize) -> bool {
        let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).unwrap_or_default();
        self.items(fields.iter().map(|(name, value)| (Some(name.as_str()), value.get())), depth)
    }

    fn list(&mut self, json: &str, depth: usize) -> bool {
        let members: Vec<Box<RawValue>> = serde_json::from_str(json).unwrap_or_default();
        self.items(members.iter().map(|value| (None, value.get())), depth)
    }

    fn items<'j>(&mut self, items: impl Iterator<Item = (Option<&'j str>, &'j str)>, depth: usize) -> bool {
        let mut whole = true;
        self.out.push_str("<ul>");
        for (name, value) in items {
            // What a mark costs counts, too: many empty members are many.
            if self.left < 4 {
                whole = false;
                break;
            }
            self.left -= 4;
            self.out.push_str("<li>");
            if let Some(name) = name {
                self.out.push_str("<b>");
                // It may be data as well as a name: an address, a day, somebody.
                whole &= self.plain(name);
                self.out.push_str("</b>: ");
            }
            whole &= self.value(value, depth + 1);
            self.out.push_str("</li>");
        }
        self.out.push_str("</ul>");
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::tests::look;
    use oubli_domain::language::Language;

    fn cell(json: &str, left: usize) -> String {
        let mut out = String::new();
        Cell { out: &mut out, look: &look(Language::En), left }.show(json);
        out
    }

    #[test]
    fn nothing_in_a_value_is_markup() {
        let shown = cell(r#"{"<script>": ["</td><img src=x onerror=alert(1)>", "\" ' &"]}"#, 1_000);
        assert!(!shown.contains("<script") && !shown.contains("<img") && !shown.contains('\''), "{shown}");
        assert_eq!(shown.matches('<').count(), shown.replace("<ul>", "").matches('<').count() + 2, "{shown}");
    }

    #[test]
    fn values_read_as_what_they_are() {
        assert_eq!(cell("12345678901234567890.50", 100), "12345678901234567890.50");
        assert_eq!(cell("null", 100), "");
        assert_eq!(cell("true", 100), "yes");
        assert_eq!(
            cell(r#"{"order_id": 7, "tags": ["a"]}"#, 100),
            "<ul><li><b>order_id</b>: 7</li><li><b>tags</b>: <ul><li>a</li></ul></li></ul>"
        );
        assert_eq!(cell(r#"{"10.0.0.1": 3}"#, 100), "<ul><li><b>10.0.0.1</b>: 3</li></ul>");
        assert_eq!(cell(&format!("\"{MASKED}\""), 100), "<i>about somebody else</i>");
    }

    #[test]
    fn what_is_long_is_cut_between_letters_and_says_so() {
        assert_eq!(cell("\"äöü\"", 3), "äöü");
        assert!(cell("\"äöüß\"", 3).starts_with("äöü <small>… ("), "{}", cell("\"äöüß\"", 3));
        let many = format!("[{}]", vec!["[]"; 10_000].join(","));
        assert!(cell(&many, 400).len() < 2_000);
        let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
        assert!(cell(&deep, 400).contains("[["));
    }

    #[test]
    fn links_hold_any_name() {
        assert_eq!(link("../../", "objects/a/1-Größe #1?.pdf"), "../../objects/a/1-Gr%C3%B6%C3%9Fe%20%231%3F.pdf");
    }
}
