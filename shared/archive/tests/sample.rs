//! An export of an invented person, unpacked, in every language: its pages are read by another's parser. With
//! `OUBLI_SAMPLE=folder` it is written there, to be looked at.

use jiff::{Timestamp, tz::TimeZone};
use oubli_archive::{
    contents::{About, Answer, Duty, Hidden, LeftOut, Listed, NotSearched, ObjectFacts, Part, Period, Searched, Summary},
    look::Look,
    names,
    page::{self, First},
    rows::{self, MASKED, Row, Sheet},
    tables::{Page, page_name, table_name},
};
use oubli_domain::language::Language;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A picture of so many points in one colour.
fn picture(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut points = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for y in 0..height {
        points.write_all(&[0]).expect("written");
        let line = (0..width).flat_map(|x| colour.map(|c| if (x / 16 + y / 16) % 2 == 0 { c } else { 255 - c / 2 }));
        points.write_all(&line.collect::<Vec<_>>()).expect("written");
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    for (kind, body) in [(b"IHDR", head), (b"IDAT", points.finish().expect("written")), (b"IEND", vec![])] {
        out.extend(u32::try_from(body.len()).expect("small").to_be_bytes());
        let chunk = [&kind[..], &body].concat();
        out.extend(&chunk);
        out.extend(crc32fast::hash(&chunk).to_be_bytes());
    }
    out
}

struct Sample {
    root: PathBuf,
    look: Look,
}

const CONTROLLER: &str = "Demo Shop <Paris & Berlin>";

impl Sample {
    fn write(&self, name: &str, bytes: &[u8]) {
        assert!(names::safe_path(name).is_some(), "{name}");
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }

    fn part(&self, category: &str, producer: &str, records: u64, tables: u32, pages: u32, about: About) -> Part {
        let folder = if tables > 0 { format!("data/{category}") } else { format!("objects/{category}/{producer}") };
        let (category, producer) = (category.to_owned(), producer.to_owned());
        let masked = if category == "chat_history" { vec!["agent".to_owned()] } else { vec![] };
        Part {
            category,
            producer,
            folder,
            tables,
            pages,
            records,
            found: records,
            gone: 0,
            missing: 0,
            masked,
            fields_not_found: vec![],
            about,
        }
    }

    fn page<'a>(&'a self, part: &'a Part, number: u32, a_page: u64) -> Page<'a> {
        let first = u64::from(number - 1) * a_page;
        let records = (first + 1, part.records.min(first + a_page), part.records);
        let (category, producer) = (&part.category, &part.producer);
        Page { look: &self.look, controller: CONTROLLER, category, producer, number, of: part.pages, records }
    }

    fn table(&self, part: &Part, rows: &[Row]) -> First {
        let mut columns: Vec<String> = rows.iter().flat_map(|row| row.keys().cloned()).collect();
        columns.sort_unstable();
        columns.dedup();
        let json: String = rows.iter().enumerate().map(|(n, row)| rows::json(row, n + 1 == rows.len())).collect();
        self.write(&table_name(&part.folder, &part.producer, 1, true, "json"), format!("[\n{json}]\n").as_bytes());
        let sheet = Sheet { look: &self.look, columns: &columns, more: false };
        let lines: Vec<u8> = rows.iter().flat_map(|row| sheet.line(row)).collect();
        self.write(&table_name(&part.folder, &part.producer, 1, true, "csv"), &[sheet.begin(), lines].concat());
        for (number, some) in (1..).zip(rows.chunks(100)) {
            let page = self.page(part, number, 100);
            let mut html = page.begin_rows(&columns, false);
            for (n, row) in (page.records.0..).zip(some) {
                html.push_str(&page.row(n, &columns, row));
            }
            html.push_str(&page.end());
            self.write(&page_name(&part.category, &part.producer, number), html.as_bytes());
        }
        First::Rows(rows.iter().take(page::ROWS_AT_FIRST).cloned().collect())
    }

    fn objects(&self, part: &Part, objects: &[(&str, Vec<u8>, bool, bool)]) -> First {
        let mut files = Vec::new();
        for (n, (key, bytes, current, deleted)) in (1..).zip(objects) {
            let mut name = names::file_name(key);
            let kind = names::kind_of(bytes);
            if let Some((_, ending)) = kind {
                name = names::with_ending(name, ending);
            }
            let name = format!("{}/{n:06}-{name}", part.folder);
            self.write(&name, bytes);
            let object = ObjectFacts {
                key: (*key).to_owned(),
                version_id: Some(format!("v{n}")),
                last_modified: Some(time("2026-02-01T10:00:00Z")),
                current: Some(*current),
                deleted: Some(*deleted),
                media_type: kind.map(|(media, _)| media.to_owned()),
            };
            files.push(Listed { name, bytes: bytes.len() as u64, sha256: "00".to_owned(), records: 1, object: Some(object) });
        }
        for (number, some) in (1..).zip(files.chunks(100)) {
            let html = self.page(part, number, 100).of_files(some);
            self.write(&page_name(&part.category, &part.producer, number), html.as_bytes());
        }
        First::Files(files.into_iter().take(page::FILES_AT_FIRST).collect())
    }

    fn make(&self) {
        let row = |json: String| serde_json::from_str::<Row>(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
        let orders: Vec<Row> = (1..=230)
            .map(|n| {
                row(format!(
                    r#"{{"order_id": "o-{n:04}", "total": {n}.50, "placed_at": "2026-01-{:02}T10:00:00Z", "phone": "+33612345678", "gift": {}, "lines": [{{"sku": "0{n}", "quantity": 1}}, {{"sku": "b", "quantity": 2}}], "note": null}}"#,
                    n % 28 + 1,
                    n % 2 == 0
                ))
            })
            .collect();
        let long = "A long message. ".repeat(300);
        let messages: Vec<Row> = ["Hello <script>alert(1)</script>", "שלום, זו הודעה", "Two\\nlines\\n- and a list", long.trim()]
            .iter()
            .map(|text| row(format!(r#"{{"text": "{text}", "agent": "{MASKED}", "sent_at": "2026-02-01"}}"#)))
            .collect();
        let wide: String = (1..=24).map(|n| format!(r#", "attribute_{n}": "value {n}""#)).collect();
        let profile = vec![row(format!(r#"{{"name": "Zoë Ångström", "email": "zoe@example.org"{wide}}}"#))];
        let about = About {
            purpose: Some("Delivery, returns and warranty".to_owned()),
            legal_basis: Some("Contract, Art. 6(1)(b) GDPR".to_owned()),
            source: Some("You, when you ordered".to_owned()),
            recipients: vec!["Parcel Express GmbH".to_owned(), "Paymill SE".to_owned()],
            duties: vec![Duty {
                reason: "Invoices are kept (tax law)".to_owned(),
                period: Some(Period { years: 7, from: "placed_at".to_owned(), from_end_of_year: true, ..Period::default() }),
            }],
            kept_with_parent: false,
        };
        let parts = vec![
            self.part("profile", "profiles", 1, 1, 1, About::default()),
            self.part("order_history", "orders", 230, 1, 3, about),
            Part { missing: 1, gone: 2, ..self.part("chat_history", "chat-messages", 4, 1, 1, About::default()) },
            self.part("documents", "uploads", 7, 0, 1, About::default()),
        ];
        let first = vec![
            self.table(&parts[0], &profile),
            self.table(&parts[1], &orders),
            self.table(&parts[2], &messages),
            self.objects(
                &parts[3],
                &[
                    ("customers/c-1/holiday in März.png", picture(320, 200, [20, 120, 200]), true, false),
                    ("customers/c-1/holiday in März.png", picture(200, 320, [200, 120, 20]), false, false),
                    ("avatars/9f3c", picture(64, 64, [60, 160, 80]), true, false),
                    ("customers/c-1/contract.pdf", b"%PDF-1.4 not much of one".to_vec(), true, false),
                    ("customers/c-1/withdrawn.txt", b"gone".to_vec(), false, true),
                    ("customers/c-1/page.html", b"<script>alert(1)</script>".to_vec(), true, false),
                    ("customers/c-1/logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), true, false),
                ],
            ),
        ];
        let csv = "queries/shop_logins_20261121T120000Z.csv";
        self.write(csv, b"\xef\xbb\xbf\"device\"\r\n\"phone\"\r\n");
        let named = |category: &str, producer: &str| (category.to_owned(), producer.to_owned());
        let unsearched = |producer: &str, reason: &str, by_part| NotSearched {
            category: "marketing".to_owned(),
            producer: producer.to_owned(),
            reason: reason.to_owned(),
            by_part,
        };
        let (category, producer) = named("invoices", "invoices");
        let summary = Summary {
            format: oubli_archive::contents::FORMAT.to_owned(),
            export_id: "req_00000000000000000000000000000009".to_owned(),
            controller: CONTROLLER.to_owned(),
            requested_at: time("2026-02-28T23:30:00Z"),
            collected_at: time("2026-03-01T08:00:00Z"),
            complete: false,
            parts,
            searched: vec![Searched { category, producer }],
            hidden: vec![Hidden {
                request_id: "req_2".to_owned(),
                category: "audit_logs".to_owned(),
                records: 1_234,
                until: Some(time("2026-03-08T08:00:00Z")),
            }],
            withheld: false,
            left_out: vec![LeftOut { category: "notes".to_owned(), producer: "staff-notes".to_owned() }],
            answers: vec![Answer {
                query: "logins".to_owned(),
                category: "profile".to_owned(),
                description: Some("When you signed in, and with what".to_owned()),
                file: Some(csv.to_owned()),
                rows: 1,
                files: None,
                failed: None,
            }],
            unsearched: vec![unsearched("newsletters", "no_identifier", false), unsearched("clicks", "some_identifiers", true)],
            not_searched_by: vec![("subject_email".to_owned(), "shared".to_owned())],
            identifiers_incomplete: true,
            missing: vec![],
        };
        self.write("manifest.json", serde_json::to_string_pretty(&summary).expect("json").as_bytes());
        self.write("README.txt", page::readme(&summary, &self.look).as_bytes());
        self.write("index.html", page::index(&summary, &first, &self.look).as_bytes());
    }
}

#[test]
fn every_page_of_an_export_is_html_that_runs_nothing_and_leads_only_to_its_own_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = std::env::var_os("OUBLI_SAMPLE").map_or_else(|| folder.path().to_owned(), PathBuf::from);
    for language in Language::ALL {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let sample = Sample { root: folder.join(language.code()), look: Look { language, zone } };
        sample.make();
        let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/pages.py");
        let judged = Command::new("python3").arg(judge).arg(&sample.root).output().expect("python3 is needed");
        let said = String::from_utf8_lossy(&judged.stdout).into_owned();
        assert!(judged.status.success(), "{language:?}: {said}{}", String::from_utf8_lossy(&judged.stderr));
        // Pages, records on them, and pictures: those of an html and an svg are none.
        assert_eq!(said.trim(), "7 242 3", "{language:?}");
    }
}
