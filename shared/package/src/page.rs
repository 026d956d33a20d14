//! The pages for people: `index.html` and `README.txt`.

use crate::contents::{Part, Summary};
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
    fn an_empty_export_says_that_there_is_nothing() {
        let nothing = Summary { parts: vec![], answers: vec![], missing: vec![], complete: true, ..summary() };
        assert!(index(&nothing).contains("no personal data"), "{}", index(&nothing));
        assert!(readme(&nothing).contains("no personal data"));
    }
}
