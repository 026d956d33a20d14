//! What people decided stands, and is shown again when its evidence is another.

use crate::made::{Made, record, survey, table, text};
use oubli_domain::datamap::parse;
use oubli_suggest::{Decisions, Survey, draft};

/// Customers, with a field whose name says little, and visits of theirs.
fn stores(filled: bool) -> Survey {
    let mut made = Made::new(31);
    let mut survey = survey();
    let (mut customers, mut visits) = (vec![], vec![]);
    for n in 0..60_u64 {
        let id = format!("c-{:05}", 40_000 + n * 11);
        let guide = if filled { made.name() } else { made.one(&["Jo Winter", "Sam Okafor"]).to_owned() };
        visits.push(record([("visit_id", text(made.uuid())), ("customer_id", text(&id)), ("guided", text(guide))]));
        customers.push(record([("customer_id", text(id)), ("email", text(made.email())), ("name", text(made.name()))]));
    }
    survey.add_table(table("customers", &["customer_id"], &[]), customers, true);
    survey.add_table(table("visits", &["visit_id"], &[("by_customer", &["customer_id"])]), visits, true);
    survey
}

fn with(decisions: &str, filled: bool) -> oubli_suggest::Draft {
    draft(&stores(filled), &Decisions::parse(decisions).expect("decisions"), None)
}

fn is_personal(draft: &oubli_suggest::Draft, field: &str) -> bool {
    draft.fields.iter().any(|found| found.name == field)
}

#[test]
fn what_is_unsure_is_asked_in_words_that_can_be_copied() {
    let asked = draft(&stores(true), &Decisions::default(), None);
    let line = asked.text.lines().find(|line| line.contains("visits.guided: {is: personal")).expect("asked");
    let copied = format!("decisions:\n  fields:\n    {}\n", line.trim_start_matches(['#', ' ']));
    let decided = with(&copied, true);
    assert!(is_personal(&decided, "visits.guided") && !is_personal(&asked, "visits.guided"));
    assert!(!decided.text.contains("to be looked at again") && !decided.text.contains("unsure"), "{}", decided.text);
}

#[test]
fn a_decision_whose_evidence_changed_stands_and_is_shown_again() {
    let asked = draft(&stores(true), &Decisions::default(), None);
    let line = asked.text.lines().find(|line| line.contains("visits.guided: {is: personal")).expect("asked");
    let copied = format!(
        "decisions:\n  fields:\n    {}\n",
        line.trim_start_matches(['#', ' ']).replace("is: personal", "is: not_personal")
    );
    let decided = with(&copied, false);
    assert!(!is_personal(&decided, "visits.guided"));
    let said = "visits.guided was decided to be not_personal when its evidence was: names, many different, on all. It is: names, few different";
    assert!(decided.text.contains(said), "{}", decided.text);
}

#[test]
fn a_decision_without_evidence_stands_and_says_so() {
    let decided = with("decisions: {fields: {customers.email: not_personal, customers.gone: personal}}", true);
    assert!(!is_personal(&decided, "customers.email"));
    assert!(
        decided.text.contains("customers.email was decided to be not_personal, without its evidence. It is: email addresses")
    );
    assert!(decided.text.contains("customers.gone was decided, and was not seen this time"));
}

#[test]
fn an_edge_that_was_refused_is_not_followed() {
    let decided = with("decisions: {edges: {visits.customer_id -> customers: none}}", true);
    assert!(decided.links.is_empty(), "{:?}", decided.links);
    let map = parse(&decided.text).expect("accepted").0;
    assert!(map.declared().all(|producer| producer.name.as_str() != "visits"), "{}", decided.text);
    assert!(
        decided.text.contains("visits.customer_id -> customers was decided to be no edge, without its evidence"),
        "{}",
        decided.text
    );
}

#[test]
fn a_place_that_is_ignored_is_named_and_no_producer() {
    let decided = with("decisions: {producers: {visits: ignore}}", true);
    let map = parse(&decided.text).expect("accepted").0;
    assert_eq!(map.declared().count(), 1);
    assert!(decided.text.contains("ignored, as decided:\n#   visits"), "{}", decided.text);
    assert!(!decided.text.contains("not reached"), "{}", decided.text);
}
