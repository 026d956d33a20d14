//! The pages that show the records themselves: a table of each kind, some at a time.

use crate::{
    contents::Listed,
    html::{Cell, escaped, link, text},
    look::{Look, field, fill, words},
    names,
    rows::Row,
};
use askama::Template;

/// Most records on a page.
pub const ROWS_A_PAGE: u64 = 100;

/// Bytes of records, as they are stored, that a page is made for.
const BYTES_A_PAGE: u64 = 512 * 1024;

/// Characters that are shown of a value.
const MOST_OF_A_CELL: usize = 2_000;

/// Largest picture that is shown on a page.
const LARGEST_PICTURE: u64 = 8 * 1024 * 1024;

/// Most fields that are shown side by side; the JSON has all.
const MOST_COLUMNS: usize = 200;

/// Cells that a page is made for: an empty one has its place, too.
const CELLS_A_PAGE: u64 = 5_000;

/// Characters that are shown of a field's name.
const MOST_OF_A_NAME: usize = 120;

/// Records on each page of so many, with so many bytes and fields in all.
pub fn rows_a_page(records: u64, bytes: u64, columns: usize) -> u64 {
    let each = bytes / records.max(1);
    let by_cells = CELLS_A_PAGE / (columns.clamp(1, MOST_COLUMNS) as u64);
    (BYTES_A_PAGE / each.max(1)).min(by_cells).clamp(1, ROWS_A_PAGE)
}

/// The fields that are shown.
fn shown(columns: &[String]) -> &[String] {
    &columns[..columns.len().min(MOST_COLUMNS)]
}

/// What stands above a field.
fn heading(column: &str) -> String {
    let name = field(column);
    match name.char_indices().nth(MOST_OF_A_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

/// Pages for so many records.
pub fn pages_of(records: u64, a_page: u64) -> u32 {
    u32::try_from(records.div_ceil(a_page.max(1))).unwrap_or(u32::MAX)
}

/// What the page of this number, from 1, is called.
pub fn page_name(category: &str, producer: &str, number: u32) -> String {
    format!("pages/{}/{}-{number:04}.html", names::folder(category), names::folder(producer))
}

/// What the table of this number, from 1, is called; one alone has no number. The sign before the number is one that no name
/// of a producer has.
pub fn table_name(folder: &str, producer: &str, number: u32, only: bool, ending: &str) -> String {
    let part = if only { String::new() } else { format!(".{number:04}") };
    format!("{folder}/{}{part}.{ending}", names::folder(producer))
}

#[derive(Template)]
#[template(path = "page.html")]
struct Frame<'a> {
    language: &'static str,
    title: String,
    overview: &'static str,
    what: String,
    page_of: String,
    previous: Option<(&'static str, String)>,
    next: Option<(&'static str, String)>,
    /// The page's two halves are parted where the table stands.
    table: &'a str,
}

/// A page with some of the records of one kind.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// Whom it is for.
    pub look: &'a Look,
    /// Who holds the data.
    pub controller: &'a str,
    /// What people call it.
    pub category: &'a str,
    /// The kind.
    pub producer: &'a str,
    /// The page's number, from 1.
    pub number: u32,
    /// Pages in all.
    pub of: u32,
    /// The first record's number, from 1, and the last's, and how many there are.
    pub records: (u64, u64, u64),
}

/// Where the table goes; no text holds it, since none of its signs is left as it is in one.
const HERE: &str = "<!--table-->";

impl Page<'_> {
    fn what(&self) -> String {
        match (words(self.category), self.look.producer(self.producer)) {
            (category, producer) if category == producer => category,
            (category, producer) => format!("{category}{}{producer}", self.look.words().colon),
        }
    }

    fn frame(&self) -> (String, String) {
        let (w, look) = (self.look.words(), self.look);
        let to = |number: u32| link("../../", &page_name(self.category, self.producer, number));
        let frame = Frame {
            language: look.language.code(),
            title: fill(w.title, &[("controller", self.controller)]),
            overview: w.overview,
            what: self.what(),
            page_of: fill(w.page_of, &[("n", &look.number(self.number.into())), ("of", &look.number(self.of.into()))]),
            previous: (self.number > 1).then(|| (w.previous, to(self.number - 1))),
            next: (self.number < self.of).then(|| (w.next, to(self.number + 1))),
            table: HERE,
        };
        let page = frame.render().unwrap_or_default();
        page.split_once(HERE).map(|(before, after)| (before.to_owned(), after.to_owned())).unwrap_or_default()
    }

    fn caption(&self) -> String {
        let (first, last, of) = self.records;
        let number = |n| self.look.number(n);
        fill(
            self.look.words().caption,
            &[("what", &self.what()), ("first", &number(first)), ("last", &number(last)), ("of", &number(of))],
        )
    }

    /// The page up to its first record. `more`: records have fields besides these columns.
    pub fn begin_rows(&self, columns: &[String], more: bool) -> String {
        let (mut out, _) = self.frame();
        begin_rows(&mut out, self.look, &self.caption(), (columns, more));
        out
    }

    /// A record.
    pub fn row(&self, number: u64, columns: &[String], row: &Row) -> String {
        let mut out = String::new();
        add_row(&mut out, self.look, number, columns, row, MOST_OF_A_CELL);
        out
    }

    /// The page from its last record on.
    pub fn end(&self) -> String {
        format!("{END}{}", self.frame().1)
    }

    /// A page of objects.
    pub fn of_files(&self, files: &[Listed]) -> String {
        let (mut out, after) = self.frame();
        add_files(&mut out, self.look, &self.caption(), self.records.0, files, "../../");
        out + &after
    }

    /// The most bytes that a page of so many records with these columns can have.
    pub fn most_bytes(columns: &[String], records: u64) -> u64 {
        let columns = shown(columns);
        let names: u64 = columns.iter().map(|c| 6 * heading(c).len() as u64).sum();
        // A sign is at most six bytes of HTML or four of UTF-8, and a mark of a list costs as much as four of them.
        let each = columns.len() as u64 * (12 * MOST_OF_A_CELL as u64 + 500) + names + 500;
        records.saturating_mul(each).saturating_add(2 * names + 64 * 1024)
    }
}

const END: &str = "</tbody></table></div>";

pub(crate) fn begin_rows(out: &mut String, look: &Look, caption: &str, (columns, more): (&[String], bool)) {
    match (columns.len() - shown(columns).len(), more) {
        (0, false) => begin(out, caption),
        (hidden, more) => {
            // Of those that have no column nobody keeps count.
            let number = format!("{}{}", look.number(hidden as u64), if more { "+" } else { "" });
            let note = fill(look.words().more_columns, &[("n", &number)]);
            begin(out, &format!("{caption} ({note})"));
        }
    }
    out.push_str("<th scope=\"col\" role=\"columnheader\">#</th>");
    for column in shown(columns) {
        out.push_str("<th scope=\"col\" role=\"columnheader\" dir=\"auto\">");
        text(out, &heading(column));
        out.push_str("</th>");
    }
    out.push_str("</tr></thead><tbody role=\"rowgroup\">\n");
}

/// The roles are those that the elements have, said again because a phone shows the rows as blocks.
fn begin(out: &mut String, caption: &str) {
    let caption = escaped(caption);
    out.push_str(&format!("<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\"><table role=\"table\">"));
    out.push_str(&format!("<caption>{caption}</caption><thead role=\"rowgroup\"><tr role=\"row\">"));
}

pub(crate) fn add_row(out: &mut String, look: &Look, number: u64, columns: &[String], row: &Row, most: usize) {
    out.push_str(&format!("<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">{}</th>", look.number(number)));
    for column in shown(columns) {
        out.push_str(&format!("<td role=\"cell\" dir=\"auto\" data-label=\"{}\">", escaped(&heading(column))));
        if let Some(value) = row.get(column) {
            Cell { out, look, left: most }.show(value.get());
        }
        out.push_str("</td>");
    }
    out.push_str("</tr>\n");
}

pub(crate) fn end_rows(out: &mut String) {
    out.push_str(END);
}

/// Objects as links, and pictures as such.
pub(crate) fn add_files(out: &mut String, look: &Look, caption: &str, first: u64, files: &[Listed], up: &str) {
    let w = look.words();
    begin(out, caption);
    for head in ["#", w.file, w.size, w.written, w.state] {
        out.push_str(&format!("<th scope=\"col\" role=\"columnheader\">{}</th>", escaped(head)));
    }
    out.push_str("</tr></thead><tbody role=\"rowgroup\">\n");
    for (number, file) in (first..).zip(files) {
        let facts = file.object.clone().unwrap_or_default();
        let name = file.name.rsplit('/').next().unwrap_or_default();
        let name = name.split_once('-').map_or(name, |(_, rest)| rest);
        let cell = |label: &str| format!("<td role=\"cell\" dir=\"auto\" data-label=\"{}\">", escaped(label));
        out.push_str(&format!(
            "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">{}</th>{}",
            look.number(number),
            cell(w.file)
        ));
        let (shown, to) = (escaped(name), escaped(&link(up, &file.name)));
        if names::opens_harmlessly(name) {
            let picture = is_picture(&facts.media_type) && file.bytes <= LARGEST_PICTURE;
            let picture =
                if picture { format!("<img src=\"{to}\" alt=\"\" loading=\"lazy\" decoding=\"async\">") } else { String::new() };
            out.push_str(&format!("<a href=\"{to}\" rel=\"noreferrer\">{picture}{shown}</a>"));
        } else {
            out.push_str(&format!("<code>{}</code> <small>({})</small>", escaped(&file.name), escaped(w.not_linked)));
        }
        if facts.key.rsplit('/').next() != Some(name) && !facts.key.is_empty() {
            out.push_str(&format!("<br><small><bdi>{}</bdi></small>", escaped(&facts.key)));
        }
        let written = facts.last_modified.map(|at| look.moment(&at)).unwrap_or_default();
        let state = match (facts.current, facts.deleted) {
            (_, Some(true)) => w.deleted,
            (Some(true), _) => w.current,
            (Some(false), _) => w.old,
            (None, _) => "",
        };
        for (label, value) in [(w.size, look.size(file.bytes)), (w.written, written), (w.state, state.to_owned())] {
            out.push_str(&format!("</td>{}{}", cell(label), escaped(&value)));
        }
        out.push_str("</td></tr>\n");
    }
    out.push_str(END);
}

/// Pictures that hold nothing but points: no browser runs what is in them.
fn is_picture(media_type: &Option<String>) -> bool {
    matches!(media_type.as_deref(), Some("image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/avif" | "image/bmp"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contents::ObjectFacts, look::tests::look};
    use oubli_domain::language::Language;

    fn page(look: &Look) -> Page<'_> {
        Page {
            look,
            controller: "Demo <Shop>",
            category: "order_history",
            producer: "orders",
            number: 2,
            of: 3,
            records: (101, 200, 1_234),
        }
    }

    #[test]
    fn a_page_shows_its_records_and_leads_to_those_before_and_behind() {
        let look = look(Language::En);
        let page = page(&look);
        let columns = ["total".to_owned(), "gift_note".to_owned()];
        let row: Row = serde_json::from_str(r#"{"total": 12.50, "gift_note": "<b>for & you</b>"}"#).expect("a row");
        let html = [page.begin_rows(&columns, false), page.row(101, &columns, &row), page.end()].concat();
        for said in [
            "<html lang=\"en\">",
            "name=\"viewport\"",
            "Content-Security-Policy",
            "<h1",
            "<caption>Order history: Orders: 101 to 200 of 1,234</caption>",
            "<th scope=\"col\" role=\"columnheader\" dir=\"auto\">Gift note</th>",
            "data-label=\"Gift note\"",
            ">12.50</td>",
            "../../pages/order_history/orders-0001.html",
            "../../pages/order_history/orders-0003.html",
            "../../index.html",
            "Page 2 of 3",
        ] {
            assert!(html.contains(said), "{said} in {html}");
        }
        assert!(
            !html.contains("<b>for") && !html.contains("<Shop>") && !html.contains("<script") && !html.contains("http:"),
            "{html}"
        );
        assert!(html.trim_end().ends_with("</html>"));
        let last = Page { number: 3, ..page };
        assert!(!last.end().contains("orders-0004"));
    }

    #[test]
    fn objects_are_links_pictures_and_what_could_run_is_neither() {
        let look = look(Language::De);
        let file = |name: &str, media: Option<&str>, current, deleted| Listed {
            name: format!("objects/documents/uploads/000001-{name}"),
            bytes: 2_000_000,
            sha256: String::new(),
            records: 1,
            object: Some(ObjectFacts {
                key: format!("u/c1/{name}"),
                last_modified: "2026-02-01T10:00:00Z".parse().ok(),
                current: Some(current),
                deleted: Some(deleted),
                media_type: media.map(str::to_owned),
                ..ObjectFacts::default()
            }),
        };
        let page = Page { records: (1, 4, 4), ..page(&look) };
        let html = page.of_files(&[
            file("a photo.jpg", Some("image/jpeg"), true, false),
            file("contract.pdf", Some("application/pdf"), false, false),
            file("page.html", None, false, true),
            file("logo.svg", Some("image/svg+xml"), true, false),
        ]);
        let photo = "../../objects/documents/uploads/000001-a%20photo.jpg";
        assert!(html.contains(&format!("<img src=\"{photo}\" alt=\"\" loading=\"lazy\"")), "{html}");
        assert!(html.contains("contract.pdf\" rel=\"noreferrer\">contract.pdf</a>"), "{html}");
        assert_eq!(html.matches("<img").count(), 1);
        assert!(!html.contains("page.html\" rel") && !html.contains("logo.svg\" rel"), "{html}");
        for said in ["1. Februar 2026, 11:00", "2,0\u{a0}MB", "aktuell", "frühere Fassung", "gelöscht, noch aufbewahrt"] {
            assert!(html.contains(said), "{said}: {html}");
        }
    }

    #[test]
    fn a_page_holds_no_more_than_a_browser_takes() {
        assert_eq!((rows_a_page(1_000, 200_000, 12), pages_of(1_000, 100)), (100, 10));
        assert_eq!(rows_a_page(10, 10 * 400_000, 3), 1);
        assert_eq!((rows_a_page(0, 0, 0), pages_of(0, 100), pages_of(101, 100)), (100, 0, 2));
        let look = look(Language::En);
        let page = page(&look);
        let columns = vec!["\"<'&\"".to_owned(); 3];
        for json in [format!("\"{}\"", "<".repeat(9_000)), format!("[{}]", vec!["[\"\"]"; 9_000].join(",")), "\"🧾\"".to_owned()]
        {
            let row: Row = [(columns[0].clone(), serde_json::value::RawValue::from_string(json).expect("json"))].into();
            let html = [page.begin_rows(&columns, false), page.row(1, &columns, &row), page.end()].concat();
            assert!(html.len() as u64 <= Page::most_bytes(&columns, 1), "{}", html.len());
        }
    }

    #[test]
    fn a_table_of_very_many_fields_shows_some_says_how_many_more_there_are_and_its_pages_stay_small() {
        let look = look(Language::En);
        let page = page(&look);
        // Records of which each has fields of its own, with names as long as a store lets them be.
        let columns: Vec<String> = (0..1_234).map(|n| format!("{n:05}{}", "<".repeat(65_000))).collect();
        let a_page = rows_a_page(100_000, 100_000 * 10, columns.len());
        assert!((1..=50).contains(&a_page), "{a_page}");
        let row: Row = [(columns[0].clone(), serde_json::value::RawValue::from_string("7".to_owned()).expect("json"))].into();
        let rows: String = (0..a_page).map(|n| page.row(n, &columns, &row)).collect();
        let html = [page.begin_rows(&columns, false), rows, page.end()].concat();
        assert!(html.contains("1,034 more fields are not shown"), "{}", &html[..2_000]);
        assert!(page.begin_rows(&columns, true).contains("1,034+ more fields are not shown"));
        assert!(html.contains(">7</td>"));
        assert!(html.len() < 16 * 1024 * 1024, "{}", html.len());
        let most = Page::most_bytes(&columns, a_page);
        assert!(html.len() as u64 <= most && most < u64::from(u32::MAX), "{most}");
    }

    #[test]
    fn no_file_of_a_table_has_the_name_of_another_producers() {
        // What a name of a producer is made of.
        let signs = "abcdefghijklmnopqrstuvwxyz0123456789_-";
        let numbered = table_name("data/orders", "orders", 1, false, "json");
        let stem = numbered.trim_start_matches("data/orders/").trim_end_matches(".json");
        assert!(stem.contains(|sign| !signs.contains(sign)), "{stem} could be a producer's");
        assert!(names::safe_path(&numbered).is_some());
    }
}
