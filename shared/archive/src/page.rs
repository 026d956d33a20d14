//! The pages for people: `index.html` and `README.txt`.

use crate::contents::{NotSearched, Part, Summary};
use askama::Template;

#[derive(Template)]
#[template(path = "index.html")]
struct Index<'a> {
    summary: &'a Summary,
    categories: Vec<(String, Vec<&'a Part>)>,
}

#[derive(Template)]
#[template(path = "README.txt", escape = "none")]
struct Readme<'a> {
    summary: &'a Summary,
}

/// `chat_history` as people write it.
fn words(name: &str) -> String {
    let text = name.replace(['_', '-'], " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn why(unsearched: &NotSearched) -> &'static str {
    match (unsearched.reason.as_str(), unsearched.by_part) {
        ("not_asked" | "backups_left_out" | "logs_left_out" | "derived_left_out", _) => "it was not asked for",
        (_, true) => "it was searched, but not by everything that can lead to your data",
        ("no_identifier", _) => "nothing that was given about you leads there",
        _ => "it could not be searched",
    }
}

fn day(at: &jiff::Timestamp) -> String {
    at.strftime("%-d %B %Y").to_string()
}

/// A page that shows what is in the archive, and where.
pub fn index(summary: &Summary) -> String {
    let mut categories: Vec<(String, Vec<&Part>)> = Vec::new();
    for part in &summary.parts {
        let name = words(&part.category);
        match categories.iter_mut().find(|(n, _)| *n == name) {
            Some((_, parts)) => parts.push(part),
            None => categories.push((name, vec![part])),
        }
    }
    Index { summary, categories }.render().unwrap_or_default()
}

/// The same for a terminal.
pub fn readme(summary: &Summary) -> String {
    Readme { summary }.render().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::tests::summary;

    #[test]
    fn the_page_says_what_is_there_and_what_is_missing() {
        let page = index(&summary());
        for said in [
            "Chat history",
            "Support",
            "Helpdesk Ltd",
            "not complete",
            "Not searched",
            "Order history",
            "data/chat_history",
            "agent",
            "When you",
            "queries/shop_logins",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(page.contains("Demo &#60;Shop&#62;") || page.contains("Demo &lt;Shop&gt;"), "names are escaped");
        assert!(!page.contains("<Shop>"));
        let text = readme(&summary());
        assert!(text.contains("Demo <Shop>") && text.contains("chat-messages"), "{text}");
    }

    #[test]
    fn a_query_that_was_not_wholly_answered_shows_its_table_and_says_so() {
        let mut partly = summary();
        assert!(!index(&partly).contains("not all could be looked up"));
        partly.answers[0].failed = Some("AccessDenied".to_owned());
        for page in [index(&partly), readme(&partly)] {
            assert!(page.contains("queries/shop_logins") && page.contains("not all could be looked up"), "{page}");
        }
    }

    #[test]
    fn an_empty_export_says_that_there_is_nothing() {
        let empty = Summary { parts: vec![], answers: vec![], missing: vec![], complete: true, ..summary() };
        assert!(!index(&empty).contains("in every place"), "orders were not searched");
        assert!(!readme(&empty).contains("in every place"), "orders were not searched");
        let nothing = Summary { unsearched: vec![], ..empty };
        assert!(index(&nothing).contains("no personal data"), "{}", index(&nothing));
        assert!(readme(&nothing).contains("no personal data"));
    }
}
