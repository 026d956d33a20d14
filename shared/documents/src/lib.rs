//! Documents as PDF, by Typst: tagged, archivable (PDF/A-3a), fonts embedded, the same bytes for the same input.
#![forbid(unsafe_code)]

mod world;

use oubli_engine::ports::{Document, PrintError, Printer, Template};
use typst::foundations::{Bytes, Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};
use world::{Fonts, World};

const CERTIFICATE: &str = include_str!("../templates/certificate.typ");
const REPORT: &str = include_str!("../templates/report.typ");
const STYLE: &str = include_str!("../templates/style.typ");

/// [`Printer`] with Typst and the fonts that come with it.
#[derive(Default)]
pub struct Typst {
    fonts: Fonts,
}

impl Typst {
    fn files(document: &Document) -> Vec<(&'static str, Bytes)> {
        let template = match document.template {
            Template::Certificate => CERTIFICATE,
            Template::Report => REPORT,
        };
        vec![
            ("main.typ", Bytes::from_string(template)),
            ("style.typ", Bytes::from_string(STYLE)),
            ("data.json", Bytes::new(document.data.clone())),
            ("attachment.json", Bytes::new(document.attachment.clone())),
        ]
    }
}

impl Printer for Typst {
    fn pdf(&self, document: &Document) -> Result<Vec<u8>, PrintError> {
        let said = |what: &str| PrintError(what.to_owned());
        let world = World::new(&self.fonts, Self::files(document)).ok_or_else(|| said("a file has no name"))?;
        let compiled = typst::compile::<PagedDocument>(&world);
        // What is remembered from one document is of no use to the next, and a warm function must not grow.
        let paged = compiled.output.map_err(|errors| said(&errors.first().map(|e| e.message.to_string()).unwrap_or_default()));
        let options = PdfOptions {
            ident: Smart::Custom(document.ident.clone()),
            creator: Smart::Custom(Some("Oubli".into())),
            timestamp: created(document),
            standards: PdfStandards::new(&[PdfStandard::A_3a]).map_err(|_| said("the PDF standard is not supported"))?,
            ..PdfOptions::default()
        };
        let pdf = paged.and_then(|paged| {
            typst_pdf::pdf(&paged, &options)
                .map_err(|errors| said(&errors.first().map(|e| e.message.to_string()).unwrap_or_default()))
        });
        typst::comemo::evict(0);
        pdf
    }
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
