//! The pages for people that tell of all of an export: `index.html` and `README.txt`.

use crate::{
    contents::{Answer, Hidden, Listed, NotSearched, Part, Period, Summary},
    html::link,
    look::{Look, field, fill, words},
    rows::Row,
    tables,
    words::Words,
};
use askama::Template;

/// Records of a kind that are shown on the first page.
pub const ROWS_AT_FIRST: usize = 10;

/// Objects that are.
pub const FILES_AT_FIRST: usize = 12;

/// Characters that are shown of a value there.
const MOST_OF_A_CELL: usize = 240;

/// Tables that are linked there one by one; manifest.json lists all.
const MOST_TABLES: u32 = 12;

/// The first records of a kind.
#[derive(Debug, Clone)]
pub enum First {
    /// Of a table.
    Rows(Vec<Row>),
    /// Objects.
    Files(Vec<Listed>),
}

struct Kind<'a> {
    part: &'a Part,
    /// Where its tables are, and what they are called.
    links: Vec<(String, String)>,
    /// The first of it, as HTML.
    preview: String,
    /// Where all of it is shown, and how that is called.
    all: Option<(String, String)>,
}

struct Category<'a> {
    name: String,
    anchor: String,
    kinds: Vec<Kind<'a>>,
}

#[derive(Template)]
#[template(path = "index.html")]
struct Index<'a> {
    summary: &'a Summary,
    look: &'a Look,
    w: &'static Words,
    categories: Vec<Category<'a>>,
}

#[derive(Template)]
#[template(path = "README.txt", escape = "none")]
struct Readme<'a> {
    summary: &'a Summary,
    look: &'a Look,
    w: &'static Words,
}

/// What both pages say.
macro_rules! says {
    ($page:ident) => {
        impl $page<'_> {
            fn title(&self) -> String {
                self.by_controller(self.w.title)
            }

            fn by_controller(&self, text: &str) -> String {
                fill(text, &[("controller", &self.summary.controller)])
            }

            fn asked(&self) -> String {
                let (asked, collected) = (self.look.day(&self.summary.requested_at), self.look.day(&self.summary.collected_at));
                fill(self.w.asked, &[("asked", &asked), ("collected", &collected)])
            }

            fn name(&self, name: &str) -> String {
                words(name)
            }

            fn kind(&self, kind: &str) -> String {
                self.look.kind(kind)
            }

            fn what(&self, category: &str, producer: &str) -> String {
                match (words(category), self.look.producer(producer)) {
                    (category, producer) if category == producer => category,
                    (category, producer) => format!("{category}, {producer}"),
                }
            }

            fn why(&self, unsearched: &NotSearched) -> String {
                self.by_controller(why(self.w, unsearched))
            }

            fn ambiguity<'b>(&self, code: &'b str) -> &'b str {
                ambiguity(self.w, code)
            }

            fn hidden_line(&self, hidden: &Hidden) -> String {
                hidden_line(self.look, hidden)
            }

            fn count(&self, part: &Part) -> String {
                count(self.look, part)
            }

            fn about(&self, part: &Part) -> Vec<(&'static str, String)> {
                about(self.look, part)
            }

            fn answered(&self, answer: &Answer) -> String {
                answered(self.look, answer)
            }
        }
    };
}

says!(Index);
says!(Readme);

impl Index<'_> {
    fn producer(&self, name: &str) -> String {
        self.look.producer(name)
    }

    fn to(&self, file: &str) -> String {
        link("", file)
    }
}

fn why(w: &'static Words, unsearched: &NotSearched) -> &'static str {
    match (unsearched.reason.as_str(), unsearched.by_part) {
        ("not_asked" | "backups_left_out" | "logs_left_out" | "derived_left_out", _) => w.not_asked,
        (_, true) => w.by_part,
        ("no_identifier", _) => w.no_identifier,
        _ => w.unusable,
    }
}

/// Why nothing was searched by an identifier; an export of before has the words themselves.
fn ambiguity<'a>(w: &'static Words, code: &'a str) -> &'a str {
    match code {
        "shared" => w.shared,
        "behind_shared" => w.behind_shared,
        "unmet" => w.unmet,
        "nobody_in_particular" => w.nobody_in_particular,
        "unconfirmed" => w.unconfirmed,
        words => words,
    }
}

fn hidden_line(look: &Look, hidden: &Hidden) -> String {
    let (category, records) = (words(&hidden.category), look.number(hidden.records));
    let until = hidden.until.map(|at| look.day(&at)).unwrap_or_default();
    let text = if hidden.until.is_some() { look.words().hidden_line } else { look.words().hidden_for_now };
    fill(text, &[("category", &category), ("records", &records), ("until", &until)])
}

fn count(look: &Look, part: &Part) -> String {
    let w = look.words();
    let mut text = look.number(part.records);
    for (number, more) in [(part.missing, w.unreadable), (part.gone, w.gone)] {
        if number > 0 {
            text.push_str("; ");
            text.push_str(&fill(more, &[("n", &look.number(number))]));
        }
    }
    text
}

fn answered(look: &Look, answer: &Answer) -> String {
    let w = look.words();
    match (&answer.file, &answer.failed) {
        (None, _) => w.not_looked_up.to_owned(),
        (Some(_), None) => fill(w.rows, &[("n", &look.number(answer.rows))]),
        (Some(_), Some(_)) => format!("{}; {}", fill(w.rows, &[("n", &look.number(answer.rows))]), w.not_all),
    }
}

/// What Art. 15(1) GDPR asks for besides the data.
fn about(look: &Look, part: &Part) -> Vec<(&'static str, String)> {
    let w = look.words();
    let duties = part.about.duties.iter().map(|duty| match &duty.period {
        Some(period) => format!("{} ({})", duty.reason, period_of(look, period)),
        None => duty.reason.clone(),
    });
    let kept: Vec<String> = duties.chain(part.about.kept_with_parent.then(|| w.kept_with_parent.to_owned())).collect();
    let list = |of: &[String]| (!of.is_empty()).then(|| of.join(", "));
    let masked: Vec<String> = part.masked.iter().map(|name| field(name)).collect();
    let all = [
        (w.purpose, part.about.purpose.clone()),
        (w.legal_basis, part.about.legal_basis.clone()),
        (w.source, part.about.source.clone()),
        (w.recipients, list(&part.about.recipients)),
        (w.retention, (!kept.is_empty()).then(|| kept.join("; "))),
        (w.masked, list(&masked).map(|fields| fill(w.masked_fields, &[("fields", &fields)]))),
    ];
    all.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
}

fn period_of(look: &Look, period: &Period) -> String {
    let w = look.words();
    let numbers = [period.years, period.months, period.days].into_iter().zip(w.units);
    let parts = numbers.filter(|(n, _)| *n > 0).map(|(n, [one, more])| format!("{n} {}", if n == 1 { one } else { more }));
    let fiscal = period.from_end_of_fiscal_year.as_deref();
    let text = match fiscal {
        Some(_) => w.period_from_fiscal_year_end,
        None if period.from_end_of_year => w.period_from_year_end,
        None => w.period,
    };
    let until = fiscal.map(|day| look.day_of_any_year(day)).unwrap_or_default();
    let period = (parts.collect::<Vec<_>>().join(", "), field(&period.from));
    fill(text, &[("period", &period.0), ("field", &period.1), ("until", &until)])
}

/// A page that shows what is in the archive: the first records of each kind, and the ways to all of them. `first` has the
/// first records of each part, in the order of [`Summary::parts`].
pub fn index(summary: &Summary, first: &[First], look: &Look) -> String {
    let mut categories: Vec<Category<'_>> = Vec::new();
    for (part, first) in summary.parts.iter().zip(first) {
        let name = words(&part.category);
        let place = categories.iter().position(|c| c.name == name).unwrap_or_else(|| {
            categories.push(Category { name, anchor: format!("c{}", categories.len() + 1), kinds: vec![] });
            categories.len() - 1
        });
        categories[place].kinds.push(kind(part, first, look));
    }
    Index { summary, look, w: look.words(), categories }.render().unwrap_or_default()
}

fn kind<'a>(part: &'a Part, first: &First, look: &Look) -> Kind<'a> {
    let w = look.words();
    let (mut preview, shown) = (
        String::new(),
        match first {
            First::Rows(rows) => rows.len(),
            First::Files(files) => files.len(),
        },
    );
    let number = |n: usize| look.number(n as u64);
    let all = shown as u64 >= part.records;
    let caption = match all {
        true => format!("{}{}{}", look.producer(&part.producer), w.colon, number(shown)),
        false => fill(w.first_of, &[("n", &number(shown)), ("of", &look.number(part.records))]),
    };
    match first {
        First::Rows(rows) if !rows.is_empty() => {
            let mut columns: Vec<String> = rows.iter().flat_map(|row| row.keys().cloned()).collect();
            columns.sort_unstable();
            columns.dedup();
            tables::begin_rows(&mut preview, look, &caption, (&columns, false));
            for (n, row) in (1..).zip(rows) {
                tables::add_row(&mut preview, look, n, &columns, row, MOST_OF_A_CELL);
            }
            tables::end_rows(&mut preview);
        }
        First::Files(files) if !files.is_empty() => tables::add_files(&mut preview, look, &caption, 1, files, ""),
        First::Rows(_) | First::Files(_) => {}
    }
    let only = part.tables == 1;
    let table = |n: u32, ending: &str| tables::table_name(&part.folder, &part.producer, n, only, ending);
    let names = (1..=part.tables.min(MOST_TABLES)).flat_map(|n| [table(n, "json"), table(n, "csv")]);
    let called = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let links = names.map(|name| (link("", &name), called(&name))).collect();
    let all = (part.pages > 0).then(|| {
        let to = link("", &tables::page_name(&part.category, &part.producer, 1));
        (to, fill(w.show_all, &[("n", &look.number(part.records))]))
    });
    Kind { part, links, preview, all }
}

/// The same for a terminal, without the records.
pub fn readme(summary: &Summary, look: &Look) -> String {
    Readme { summary, look, w: look.words() }.render().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        contents::{About, Duty, LeftOut, Searched, tests::summary},
        look::tests::look,
        rows::MASKED,
    };
    use oubli_domain::language::Language;

    fn first() -> Vec<First> {
        let row = |json: &str| serde_json::from_str::<Row>(json).expect("a row");
        vec![First::Rows(vec![row(r#"{"text": "hello <you>", "sent_at": "2026-02-01"}"#), row(r#"{"text": "bye"}"#)])]
    }

    fn pages(summary: &Summary, language: Language) -> [String; 2] {
        [index(summary, &first(), &look(language)), readme(summary, &look(language))]
    }

    #[test]
    fn the_page_shows_the_data_and_says_what_is_missing() {
        let [page, text] = pages(&summary(), Language::En);
        for said in [
            "Chat history",
            "Support",
            "Helpdesk Ltd",
            "not complete",
            "Not searched",
            "Order history",
            "Subject email: it leads to more than one person",
            "There may be more identifiers",
            "Profile: 1,234, until 1 January 1970",
            "Messages are kept (2 years, 1 month from “Sent at”); as long as what it belongs to",
            "About other people: Agent",
            "Left out by Demo",
            "Notes, Staff notes",
            "Searched, and nothing found",
            "Invoices",
            "When you",
            "queries/shop_logins",
        ] {
            assert!(page.contains(said), "{said}: {page}");
            assert!(text.contains(said), "{said}: {text}");
        }
        for said in [
            "hello &#60;you&#62;",
            "<caption>Chat messages: 2</caption>",
            "href=\"pages/chat_history/chat-messages-0001.html\">Show all (2)</a>",
            "href=\"data/chat_history/chat-messages.csv\"",
            "href=\"manifest.json\"",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(!page.contains("<Shop>") && !page.contains("<script") && !page.contains("in every place"), "{page}");
        assert!(!page.contains("href=\"data/chat_history\""), "a bare folder is no page");
        assert!(text.contains("Demo <Shop>") && text.contains("apostrophe"), "{text}");
    }

    #[test]
    fn every_language_is_whole_and_says_which_it_is() {
        for (language, said) in [
            (Language::En, ["lang=\"en\"", "Your data at", "1 January 1970"]),
            (Language::Fr, ["lang=\"fr\"", "Vos données chez", "1er janvier 1970"]),
            (Language::De, ["lang=\"de\"", "Ihre Daten bei", "1. Januar 1970"]),
        ] {
            let [page, text] = pages(&summary(), language);
            assert!(said.iter().all(|said| page.contains(said)), "{page}");
            assert!(text.contains(said[1]) && text.contains(said[2]), "{text}");
            let english = ["Reference", "How many", "Not searched", "export is not complete", "You can ask", "Show all", "until"];
            let left: Vec<_> = english.iter().filter(|word| page.contains(**word) || text.contains(**word)).collect();
            assert_eq!(left.is_empty(), language != Language::En, "{left:?}");
        }
    }

    /// The texts of a page: what stands between tags, and each line.
    fn texts(page: &str) -> Vec<String> {
        let body = page.split_once("</style>").map_or(page, |(_, body)| body);
        let outside = body.split('<').map(|piece| piece.rsplit('>').next().unwrap_or_default());
        let lines = outside.flat_map(str::lines).map(|line| line.trim().to_owned());
        lines.filter(|line| line.contains(char::is_alphabetic)).collect()
    }

    #[test]
    fn nothing_on_a_page_of_another_language_is_english_but_what_the_organization_wrote() {
        // Whatever the data map or the organization names has no language: it is x here, and so are signs of a record.
        let named = || "x".to_owned();
        let part = Part {
            category: named(),
            producer: "x-unfinished-uploads".to_owned(),
            folder: "objects/x/x".to_owned(),
            masked: vec![named()],
            about: About {
                purpose: Some(named()),
                legal_basis: Some(named()),
                source: Some(named()),
                recipients: vec![named()],
                duties: vec![Duty {
                    reason: named(),
                    period: Some(Period { years: 1, months: 2, days: 3, from: named(), ..Period::default() }),
                }],
                kept_with_parent: true,
            },
            ..summary().parts.remove(0)
        };
        let unsearched = |reason: &str, by_part| NotSearched {
            category: named(),
            producer: "x-unfinished-uploads".to_owned(),
            reason: reason.to_owned(),
            by_part,
        };
        let reasons = ["not_asked", "some_identifiers", "no_identifier", "unusable"];
        let why = ["shared", "behind_shared", "unmet", "nobody_in_particular", "unconfirmed"];
        let kinds = ["subject_id", "subject_email"].into_iter().cycle();
        let answer = |file: Option<String>, failed: Option<String>| Answer {
            query: named(),
            category: named(),
            description: Some(named()),
            file,
            rows: 3,
            files: None,
            failed,
        };
        let summary = Summary {
            controller: named(),
            parts: vec![part],
            searched: vec![Searched { category: named(), producer: "x-unfinished-uploads".to_owned() }],
            hidden: vec![Hidden { category: named(), ..summary().hidden.remove(0) }],
            left_out: vec![LeftOut { category: named(), producer: "x-unfinished-uploads".to_owned() }],
            answers: vec![answer(Some(named()), None), answer(Some(named()), Some(named())), answer(None, Some(named()))],
            unsearched: reasons.map(|reason| unsearched(reason, reason == "some_identifiers")).into(),
            not_searched_by: kinds.zip(why).map(|(kind, why)| (kind.to_owned(), why.to_owned())).collect(),
            ..summary()
        };
        let row = format!(r#"{{"x": true, "y": "{MASKED}", "z": "{}"}}"#, "1".repeat(MOST_OF_A_CELL + 1));
        let row: Row = serde_json::from_str(&row).expect("a row");
        let shown = |language| {
            let look = look(language);
            let columns: Vec<String> = (0..300).map(|n| format!("{n}")).collect();
            let page = tables::Page {
                look: &look,
                controller: "x",
                category: "x",
                producer: "x-unfinished-uploads",
                number: 2,
                of: 3,
                records: (1, 2, 3),
            };
            let rows = [page.begin_rows(&columns, true), page.row(1, &columns, &row), page.end()].concat();
            let of_rows = Summary { parts: vec![Part { pages: 1, tables: 1, ..summary.parts[0].clone() }], ..summary.clone() };
            let file = |current, deleted| Listed {
                name: "objects/x/x/1-x.html".to_owned(),
                bytes: 1,
                sha256: String::new(),
                records: 1,
                object: Some(crate::contents::ObjectFacts { current, deleted, ..Default::default() }),
            };
            let files = page.of_files(&[file(Some(true), None), file(Some(false), None), file(None, Some(true))]);
            let pages = [index(&of_rows, &[First::Rows(vec![row.clone()])], &look), readme(&summary, &look), rows, files];
            pages.iter().flat_map(|page| texts(page)).collect::<Vec<_>>()
        };
        let english: std::collections::BTreeSet<String> = shown(Language::En).into_iter().collect();
        assert!(english.iter().any(|text| text.contains("Unfinished uploads of X")), "{english:?}");
        // Names of files, signs of the formats, and what the organization wrote.
        let meant = |text: &str| {
            let word = |word: &str| {
                let word = word.trim_matches(|c: char| !c.is_alphanumeric());
                matches!(word, "" | "x" | "X" | "y" | "Y" | "z" | "Z" | "req_1" | "manifest.json" | "0001.html" | "B")
                    || word.contains('/')
                    || word.starts_with("x-unfinished-uploads.")
                    || word.chars().all(|c| !c.is_alphabetic())
            };
            text.split_whitespace().all(word)
        };
        for language in [Language::Fr, Language::De] {
            for text in shown(language) {
                assert!(meant(&text) || !english.contains(&text), "{language:?}: {text}");
            }
        }
    }

    #[test]
    fn every_file_of_a_query_is_led_to_from_both_pages() {
        let mut large = summary();
        large.answers[0].files = Some(3);
        let stem = "queries/shop_logins_20261121T120000Z";
        let [page, text] = pages(&large, Language::En);
        for name in [format!("{stem}.csv"), format!("{stem}-0002.csv"), format!("{stem}-0003.csv")] {
            assert!(page.contains(&format!("<a href=\"{name}\">")), "{name}: {page}");
            assert!(text.lines().any(|line| line == name), "{name}: {text}");
        }
        assert!(!page.contains("-0001.csv") && !page.contains("-0004.csv"), "{page}");
    }

    #[test]
    fn a_query_that_was_not_wholly_answered_shows_its_table_and_says_so() {
        let mut partly = summary();
        assert!(pages(&partly, Language::En).iter().all(|page| !page.contains("not all could be looked up")));
        partly.answers[0].failed = Some("AccessDenied".to_owned());
        for page in pages(&partly, Language::En) {
            assert!(page.contains("queries/shop_logins") && page.contains("not all could be looked up"), "{page}");
        }
    }

    #[test]
    fn an_empty_export_names_what_was_searched_and_claims_no_more() {
        let none = Summary { parts: vec![], answers: vec![], missing: vec![], ..summary() };
        let empty = Summary { hidden: vec![], left_out: vec![], complete: true, ..none.clone() };
        for page in pages(&empty, Language::En) {
            assert!(page.contains("no personal data about you") && page.contains("Searched, and nothing found"), "{page}");
            assert!(!page.contains("every place"), "{page}");
        }
        let withheld = Summary { withheld: true, ..empty };
        for something in [Summary { hidden: vec![], ..none.clone() }, Summary { left_out: vec![], ..none }, withheld] {
            for page in pages(&something, Language::En) {
                assert!(!page.contains("no personal data about you"), "something was found, and is not in it: {page}");
            }
        }
    }

    #[test]
    fn what_cannot_be_brought_back_any_more_has_no_day_and_is_not_said_to_be() {
        let mut purging = summary();
        purging.hidden[0].until = None;
        for page in pages(&purging, Language::En) {
            assert!(page.contains("Profile: 1,234, cannot be brought back"), "{page}");
            assert!(!page.contains("1,234, until"), "{page}");
        }
    }
}
