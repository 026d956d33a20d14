//! Duties that somebody may have, shown for a person to decide.

use crate::made::{Made, number, record, survey, table, text};
use oubli_domain::{
    datamap::{DataMap, DateForm, parse},
    grounds::Exception,
};
use oubli_suggest::{Decisions, Draft, Value, draft};

/// A field, and the date that the record of this number has in it.
type Dated = (&'static str, fn(u64) -> Value);

/// Customers, and 60 records of theirs in a table called so, with these dates.
fn with(called: &str, dates: &[Dated]) -> Draft {
    let mut made = Made::new(57);
    let mut survey = survey();
    let (mut customers, mut rows) = (vec![], vec![]);
    for n in 0..60_u64 {
        let id = format!("c-{:05}", 40_000 + n * 11);
        let own = [("row_id", text(made.uuid())), ("customer_id", text(&id)), ("total", number(n))];
        rows.push(record(own.into_iter().chain(dates.iter().map(|(name, at)| (*name, at(n))))));
        customers.push(record([("customer_id", text(id)), ("email", text(made.email())), ("name", text(made.name()))]));
    }
    survey.add_table(table("customers", &["customer_id"], &[]), customers, true);
    survey.add_table(table(called, &["row_id"], &[("by_customer", &["customer_id"])]), rows, true);
    let draft = draft(&survey, &Decisions::default(), None);
    let map = read(&draft.text);
    assert!(map.declared().any(|p| p.location.name() == called), "it is a producer: {}", draft.text);
    assert!(map.declared().all(|p| p.retention.is_none()), "nobody but a person says what the law is: {}", draft.text);
    draft
}

fn read(text: &str) -> DataMap {
    parse(text).unwrap_or_else(|refused| panic!("{refused}\n{text}")).0
}

fn day(n: u64) -> Value {
    text(format!("2024-{:02}-{:02}", n % 12 + 1, n % 28 + 1))
}

fn seconds(n: u64) -> Value {
    number(1_700_000_000 + n * 86_400)
}

fn milliseconds(n: u64) -> Value {
    number((1_700_000_000 + n * 86_400) * 1_000)
}

fn local(n: u64) -> Value {
    text(format!("2024-{:02}-{:02}T23:30:{:02}.5", n % 12 + 1, n % 28 + 1, n % 60))
}

fn spaced(n: u64) -> Value {
    text(format!("2024-{:02}-{:02} 23:30:{:02}", n % 12 + 1, n % 28 + 1, n % 60))
}

fn british(n: u64) -> Value {
    text(format!("{:02}/{:02}/2024", n % 28 + 1, n % 12 + 1))
}

/// The draft with its hint taken for seven years, as whoever decides so would write it; none where there is no hint.
fn decided(draft: &Draft) -> Option<String> {
    let of_hint = |line: &str| line.trim_start().starts_with("# retention:");
    assert!(draft.text.lines().filter(|line| of_hint(line)).count() <= 1, "{}", draft.text);
    draft.text.lines().find(|line| of_hint(line))?;
    let mut within = false;
    let lines = draft.text.lines().map(|line| {
        within |= of_hint(line);
        let written = if within { line.replacen("# ", "", 1) } else { line.to_owned() };
        within &= !line.contains("years: 0");
        written.replace("years: 0", "years: 7")
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_table_that_a_law_may_keep_is_hinted_at_with_the_date_that_counts_and_its_form() {
    for (called, dates, from, form) in [
        (
            "invoices",
            &[("paid_at", day as fn(u64) -> Value), ("issued_at", day), ("opened_at", day)][..],
            "issued_at",
            DateForm::Date,
        ),
        ("Rechnungen", &[("angelegt", day), ("rechnungsdatum", day)], "rechnungsdatum", DateForm::Date),
        ("contracts", &[("ended_at", seconds)], "ended_at", DateForm::EpochSeconds),
        ("payment-receipts", &[("booked", milliseconds)], "booked", DateForm::EpochMilliseconds),
        ("invoices", &[("issued_at", local)], "issued_at", DateForm::Pattern("%Y-%m-%dT%H:%M:%S%.f".to_owned())),
        ("invoices", &[("issued_at", spaced)], "issued_at", DateForm::Pattern("%Y-%m-%d %H:%M:%S%.f".to_owned())),
    ] {
        let draft = with(called, dates);
        let text = decided(&draft).unwrap_or_else(|| panic!("{called}: no hint: {}", draft.text));
        let map = read(&text);
        let producer = map.declared().find(|p| p.location.name() == called).expect("a producer");
        let [duty] = producer.retention.own.as_slice() else { panic!("{called}: {:?}", producer.retention) };
        let period = duty.period.as_ref().expect("a period");
        assert_eq!((period.from.as_str(), &period.form, period.years), (from, &form, 7), "{called}");
        assert_eq!(duty.exception, Exception::LegalObligation);
        assert!(map.declared().all(|p| p.location.name() == called || p.retention.is_none()));
    }
}

#[test]
fn how_dates_are_written_that_can_be_read_in_two_ways_is_for_a_person_to_say() {
    let draft = with("invoices", &[("issued_at", british)]);
    let text = decided(&draft).unwrap_or_else(|| panic!("no hint: {}", draft.text));
    let refused = parse(&text).expect_err("nobody said how").to_string();
    assert!(refused.contains("form \"say how they are written"), "{refused}");
    let said = text.replace("say how they are written, as docs/data-map.md shows", "\"%d/%m/%Y\"");
    assert!(said != text && parse(&said).is_ok(), "{text}");
}

#[test]
fn no_law_is_hinted_at_where_neither_name_nor_dates_say_so() {
    let none: [(&str, &[Dated]); 3] = [("visits", &[("issued_at", day)]), ("invoices", &[]), ("billboards", &[("at", day)])];
    for (called, dates) in none {
        let draft = with(called, dates);
        assert_eq!(decided(&draft), None, "{called}: {}", draft.text);
    }
}
