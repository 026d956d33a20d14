//! The documents themselves.

use oubli_documents::Typst;
use oubli_domain::ledger::Certificate;
use oubli_engine::{
    Language, certificate_document,
    ports::{Document, Printer as _, Template},
};
use serde_json::{Value, json};

const CERTIFICATE: &str = include_str!("../../domain/src/ledger/samples/certificate-v1.json");

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
