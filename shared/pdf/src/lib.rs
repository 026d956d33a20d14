//! Documents as PDF, by Typst: tagged, archivable (PDF/A-3a), fonts embedded, the same bytes for the same input. One is
//! made for every text in it.
#![forbid(unsafe_code)]

mod legible;
mod world;

use oubli_engine::ports::{Document, PdfRenderer, PrintError, Template};
use typst::foundations::{Bytes, Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};
use world::{Fonts, World};

const CERTIFICATE: &str = include_str!("../templates/certificate.typ");
const REPORT: &str = include_str!("../templates/report.typ");
const STYLE: &str = include_str!("../templates/style.typ");

/// [`PdfRenderer`] with Typst, the fonts that come with it and those of this crate.
#[derive(Default)]
pub struct Typst {
    fonts: Fonts,
}

impl Typst {
    fn files(document: &Document, data: String) -> Vec<(&'static str, Bytes)> {
        let template = match document.template {
            Template::Certificate => CERTIFICATE,
            Template::Report => REPORT,
        };
        vec![
            ("main.typ", Bytes::from_string(template)),
            ("style.typ", Bytes::from_string(STYLE)),
            ("data.json", Bytes::from_string(data)),
            ("attachment.json", Bytes::new(document.attachment.clone())),
        ]
    }

    /// With what `shown` takes for printable as it is, and the code point for everything else.
    fn print(&self, document: &Document, shown: impl Fn(&str) -> bool) -> Result<Vec<u8>, PrintError> {
        let said = |what: &str| PrintError(what.to_owned());
        let data = std::str::from_utf8(&document.data).map_err(|_| said("the data is not UTF-8"))?;
        let data = legible::json(data, shown).map_err(|_| said("the data is not JSON"))?;
        let world = World::new(&self.fonts, Self::files(document, data)).ok_or_else(|| said("a file has no name"))?;
        let compiled = typst::compile::<PagedDocument>(&world);
        let paged = compiled.output.map_err(|errors| said(&errors.first().map(|e| e.message.to_string()).unwrap_or_default()));
        let options = PdfOptions {
            ident: Smart::Custom(document.ident.clone()),
            creator: Smart::Custom(Some("Oubli".into())),
            timestamp: created(document),
            standards: PdfStandards::new(&[PdfStandard::A_3a]).map_err(|_| said("the PDF standard is not supported"))?,
            ..PdfOptions::default()
        };
        paged.and_then(|paged| {
            typst_pdf::pdf(&paged, &options)
                .map_err(|errors| said(&errors.first().map(|e| e.message.to_string()).unwrap_or_default()))
        })
    }
}

impl PdfRenderer for Typst {
    fn pdf(&self, document: &Document) -> Result<Vec<u8>, PrintError> {
        let pdf = self.print(document, |text| self.fonts.show(text)).or_else(|_| {
            // Shaping knows more of a script than its characters. Latin letters one by one always have their glyph.
            self.print(document, |text| plain(text) && self.fonts.show(text))
        });
        // What is remembered from one document is of no use to the next, and a warm function must not grow.
        typst::comemo::evict(0);
        pdf
    }
}

fn plain(text: &str) -> bool {
    let mut chars = text.chars();
    matches!((chars.next(), chars.next()), (Some(..'\u{250}'), None))
}

fn created(document: &Document) -> Option<Timestamp> {
    let at = document.created;
    let part = |n: i8| u8::try_from(n).ok();
    let datetime = Datetime::from_ymd_hms(
        at.year().into(),
        part(at.month())?,
        part(at.day())?,
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
    )?;
    Some(Timestamp::new_utc(datetime))
}
