//! The documents themselves.

use oubli_domain::ledger::Certificate;
use oubli_engine::{
    Language, certificate_document,
    ports::{Document, PdfRenderer as _, Template},
};
use oubli_pdf::Typst;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

const CERTIFICATE: &str = include_str!("../../domain/src/ledger/samples/certificate-v4.json");

fn certificate(language: Language) -> Document {
    let certificate = Certificate::read(CERTIFICATE.trim_end().as_bytes()).expect("a certificate");
    certificate_document(&certificate, language).expect("holds")
}

fn document(template: Template, data: &Value, attachment: &str) -> Document {
    Document {
        template,
        data: data.to_string().into_bytes(),
        attachment: attachment.as_bytes().to_vec(),
        ident: "a test".to_owned(),
        created: jiff::civil::date(2026, 1, 7).at(1, 2, 3, 0),
    }
}

fn report(sections: Value) -> Document {
    let mut report = json!({
        "type": "ccpa_metrics", "period": { "start_date": "2026-01-01", "end_date": "2026-12-31" },
        "generated_at": "2026-12-31T10:11:12Z",
    });
    report.as_object_mut().expect("an object").extend(sections.as_object().cloned().expect("an object"));
    document(Template::Report, &json!({ "organization_name": "Acme", "report": report }), "{}")
}

fn has(pdf: &[u8], text: &str) -> bool {
    pdf.windows(text.len()).any(|w| w == text.as_bytes())
}

#[test]
fn every_language_prints_the_same_bytes_twice() {
    let typst = Typst::default();
    let mut seen = Vec::new();
    for language in Language::ALL {
        let first = typst.pdf(&certificate(language)).expect("printed");
        assert_eq!(first, typst.pdf(&certificate(language)).expect("printed"), "{language:?}");
        assert_eq!(first, Typst::default().pdf(&certificate(language)).expect("printed"), "{language:?}, another process");
        seen.push(first);
    }
    assert!(seen[0] != seen[1] && seen[1] != seen[2]);
}

#[test]
fn a_certificate_is_archivable_tagged_and_carries_its_json() {
    let pdf = Typst::default().pdf(&certificate(Language::En)).expect("printed");
    for text in ["<pdfaid:part>3</pdfaid:part>", "<pdfaid:conformance>A</pdfaid:conformance>", "/EmbeddedFile", "/StructTreeRoot"]
    {
        assert!(has(&pdf, text), "no {text}");
    }
    assert!(has(&pdf, "certificate.json"));
    assert!(!has(&pdf, "cust-1"), "an identifier is printed");
}

#[test]
fn a_report_prints_with_all_of_its_parts_or_with_none() {
    let typst = Typst::default();
    let target = |of: u64| json!({ "met": of, "of": of, "percent": if of > 0 { json!(100.0) } else { Value::Null }, "target": "all", "ok": true });
    let full = json!({
        "request_summary": {
            "received": 1234567, "completed": 1, "completed_with_exceptions": 2, "rejected": 0, "cancelled": 0, "failed": 0, "open": 3,
            "by_month": [{ "month": "2026-01", "received": 1, "completed": 1 }],
            "by_category": { "chat_history": 12 }, "by_reason": { "consent_withdrawn": 6 },
        },
        "completion_stats": {
            "completed": 3, "mean_days": 1.5, "median_days": 1.0, "p95_days": 2.0, "longest_days": 2.25,
            "documents_erased": 12, "bytes_erased": 123_456_789_u64,
        },
        "sla_compliance": { "response": target(3), "completion": target(3), "deadline": target(0), "exceptions": target(3) },
        "ccpa": {
            "received": 6, "complied_in_whole": 1, "complied_in_part": 2, "denied": 0,
            "median_days_to_respond": 1.5, "mean_days_to_respond": null,
        },
        "exceptions": [{ "request_id": "req_01", "status": "failed", "kept": ["invoices: retention"] }],
    });
    let empty = json!({ "request_summary": {
        "received": 0, "completed": 0, "completed_with_exceptions": 0, "rejected": 0, "cancelled": 0, "failed": 0, "open": 0,
        "by_month": [], "by_category": {}, "by_reason": {},
    }, "exceptions": [] });
    for sections in [full, empty, json!({})] {
        assert!(typst.pdf(&report(sections)).expect("printed").starts_with(b"%PDF-"));
    }
}

/// A certificate with this text wherever a person may write one.
fn certificate_with(text: &str) -> Document {
    let mut document = certificate(Language::En);
    let mut data: Value = serde_json::from_slice(&document.data).expect("JSON");
    let claims = &mut data["certificate"]["claims"];
    claims["organization_name"] = json!(text);
    claims["reason"] = json!(text);
    claims["kept"] = json!([
        { "category": text, "documents": 1, "reason": text, "duty": text, "until": text },
        { "category": text, "documents": 2, "reason": "retention", "duty": null, "until": null },
    ]);
    for part in ["erased", "pseudonymized"] {
        claims[part] = json!([{ "category": text, "documents": 1, "vectors": 2, "size_bytes": 3 }]);
    }
    document.data = data.to_string().into_bytes();
    document
}

/// A report with this text wherever a person may write one.
fn report_with(text: &str) -> Document {
    let mut counts = serde_json::Map::new();
    counts.insert(text.to_owned(), json!(1));
    let sections = json!({
        "request_summary": {
            "received": 1, "completed": 1, "completed_with_exceptions": 0, "rejected": 0, "cancelled": 0, "failed": 0, "open": 0,
            "by_month": [], "by_category": counts, "by_reason": counts,
        },
        "exceptions": [{ "request_id": text, "status": text, "kept": [text, format!("{text}: {text}")] }],
    });
    let mut document = report(sections);
    let mut data: Value = serde_json::from_slice(&document.data).expect("JSON");
    data["organization_name"] = json!(text);
    document.data = data.to_string().into_bytes();
    document
}

const SCRIPTS: [&str; 12] = [
    "株式会社オウブリ",
    "删除我们的数据",
    "個人資料保護",
    "개인정보 보호",
    "🧾 kept for tax 👩‍👩‍👧 1️⃣ 🇫🇷",
    "شركة المحو، ١٢٣",
    "मिटाने का अधिकार",
    "חברת מחיקה",
    "บริษัท ลบข้อมูล",
    "ООО «Забвение»",
    "Λήθη Α.Ε.",
    "Č. Nguyễn Łódź ﬁ",
];

#[test]
fn every_script_is_printed() {
    let typst = Typst::default();
    let wrong: Vec<_> = SCRIPTS
        .iter()
        .flat_map(|text| [typst.pdf(&certificate_with(text)), typst.pdf(&report_with(text))].map(|pdf| (text, pdf.err())))
        .filter(|(_, error)| error.is_some())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Text as nobody would write it: any character, and those that shape, reorder, hide or stand for nothing.
fn anything() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(
        "\u{0}\u{1b}\n\t\r\u{ad}\u{200b}\u{200c}\u{200d}\u{202e}\u{2066}\u{2069}\u{2028}\u{feff}\u{fe0f}\u{20e3}\u{fffc}\u{fffd}\u{ffff}\
         \u{e000}\u{10ffff}\u{1f1e6}\u{1f3fd}\u{e0067}\u{301}\u{334}\u{64b}\u{94d}\u{915}\u{93f}\u{e33}\u{1100}\u{1161}\u{11a8}\u{3099}\u{5b0}😀aé[{#株"
            .chars()
            .collect::<Vec<_>>(),
    );
    let range = |from: char, to: char| prop::char::range(from, to);
    let c = prop_oneof![
        any::<char>(),
        odd,
        range(' ', '\u{24f}'),
        range('\u{300}', '\u{1cff}'),
        range('\u{2000}', '\u{2bff}'),
        range('\u{a640}', '\u{abff}'),
        range('\u{1f000}', '\u{1faff}'),
    ];
    prop::collection::vec(c, 0..24).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_is_printed(text in anything(), more in prop::collection::vec(anything(), 8)) {
        static TYPST: LazyLock<Typst> = LazyLock::new(Typst::default);
        let all = more.join(" ");
        for document in [certificate_with(&text), report_with(&text), report_with(&all)] {
            prop_assert!(TYPST.pdf(&document)?.starts_with(b"%PDF-"));
        }
    }
}

#[test]
fn scripts_are_printed_in_their_own_fonts() {
    let pdf = Typst::default().pdf(&certificate_with(&SCRIPTS.join(" "))).expect("printed");
    for font in ["SansJP", "SansSC", "SansKR", "SansArabic", "SansDevanagari", "SansThai", "Emoji"] {
        assert!(has(&pdf, &format!("+Noto{font}-Regular")), "nothing in {font}");
    }
}

#[test]
fn every_reason_for_not_looking_has_words_in_every_language() {
    use oubli_domain::plan::{Copies, UnsearchedBecause as Why};
    let template = include_str!("../templates/certificate.typ");
    let reason = String::new();
    let copies = [Copies::Backups, Copies::Logs, Copies::Derived].map(|which| Why::LeftOutCopies { which });
    let others = [
        Why::NoIdentifier,
        Why::SomeIdentifiers,
        Why::NotAsked,
        Why::Unusable { reason: reason.clone() },
        Why::Identifier { reason },
    ];
    for why in copies.iter().chain(&others) {
        assert_eq!(
            template.matches(&format!(" {}: \"", why.code())).count() + template.matches(&format!("({}: \"", why.code())).count(),
            Language::ALL.len(),
            "{}",
            why.code()
        );
    }
}

#[test]
fn a_partial_erasure_says_so_in_its_title() {
    for (language, title) in [
        (Language::En, "Certificate of partial erasure"),
        (Language::Fr, "Attestation d’effacement partiel"),
        (Language::De, "Bescheinigung einer teilweisen Löschung"),
    ] {
        let mut document = certificate(language);
        let full = Typst::default().pdf(&document).expect("printed");
        assert!(!has(&full, title), "{language:?}");
        let mut data: Value = serde_json::from_slice(&document.data).expect("JSON");
        let claims = &mut data["certificate"]["claims"];
        claims["request_type"] = json!("partial_erasure");
        claims["asked"]["categories"] = json!(["order_history"]);
        claims["asked"]["include_logs"] = json!(false);
        claims["unsearched"][0]["reason"] = json!("not_asked");
        document.data = data.to_string().into_bytes();
        let partial = Typst::default().pdf(&document).expect("printed");
        assert!(has(&partial, title), "{language:?}");
    }
}

#[test]
fn an_end_without_a_last_look_prints_in_every_language() {
    for language in Language::ALL {
        let mut document = certificate(language);
        let looked = Typst::default().pdf(&document).expect("printed");
        let mut data: Value = serde_json::from_slice(&document.data).expect("JSON");
        data["certificate"]["claims"]["verification"] = Value::Null;
        document.data = data.to_string().into_bytes();
        let pdf = Typst::default().pdf(&document).expect("printed");
        assert_ne!(pdf, looked, "{language:?}");
    }
}

#[test]
fn every_reason_for_keeping_has_words_in_every_language() {
    use oubli_domain::plan::KeptBecause as Why;
    let template = include_str!("../templates/certificate.typ");
    let reason = String::new();
    let all = [
        Why::Retention { reason, until: None },
        Why::WithParent { producer: "orders".parse().expect("a name"), reason: String::new(), until: None },
        Why::ExportOnly { reason: String::new() },
        Why::FieldsNotReplaced { fields: Default::default() },
        Why::Locked { until: None },
        Why::OutOfScope,
        Why::Excluded { until: None },
        Why::Restored,
        Why::TooLarge { limit: 1 },
        Why::Refused,
        Why::Cancelled,
    ];
    for why in all {
        let (first, other) = (format!("({}: \"", why.code()), format!(" {}: \"", why.code()));
        assert!(template.matches(&first).count() + template.matches(&other).count() >= Language::ALL.len(), "{}", why.code());
    }
}
