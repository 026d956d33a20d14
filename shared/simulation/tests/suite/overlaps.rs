//! Producers within each other, and what leads from one record to many.

use crate::support::odd::Odd;
use crate::support::{
    archive, hold_on, id, officer,
    scene::{self, NEW, OLD, stayed, went},
};
use oubli_archive::{contents::Part, rows::MASKED};
use oubli_domain::{lifecycle::Phase, personal::Identity, request::WaitingFor};
use oubli_engine::{
    EngineError,
    api::{NewRequest, RequestKind},
};
use oubli_simulation::{new_request, organization, polls::block_on, ports};
use std::{collections::BTreeMap, sync::Arc};

/// All of somebody's rows; the invoices among them, under a duty of their own; and the drafts, under none.
const MAP: &str = "
version: 1
stores: {db: {connector: dynamodb}, files: {connector: s3}}
producers:
  - {name: rows, category: rows, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: accounts, exception: legal_obligation, from: made, years: 2}}
  - {name: invoices, category: invoices, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {type: invoice}}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: drafts, category: drafts, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {type: draft}}]}
  - {name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: rows, field: lines}, attribute: id}]}
  - {name: files, category: files, store: files, bucket: docs, select: [{by: subject_id, prefix: 'c/{}/'}]}
  - {name: contracts, category: contracts, store: files, bucket: docs, select: [{by: subject_id, prefix: 'c/{}/contracts/'}], retention: {reason: contracts, exception: legal_obligation}}
";

/// A scene with this map.
struct Scene(scene::Scene);

impl std::ops::Deref for Scene {
    type Target = scene::Scene;

    fn deref(&self) -> &scene::Scene {
        &self.0
    }
}

impl Scene {
    fn new() -> Self {
        Self(scene::Scene::new(MAP))
    }

    /// Lines that this test wrote.
    fn lines(&self) -> Vec<String> {
        self.rows("lines").into_iter().filter(|key| key.starts_with("line-")).collect()
    }
}

#[test]
fn p1_p2_a_record_is_the_more_specific_producers_and_kept_by_the_duties_of_both() {
    let scene = Scene::new();
    let row = |key: &str, kind: &str, made: &str, issued: &str| {
        scene.row("rows", key, &[("owner", "ada"), ("type", kind), ("made", made), ("issued", issued)]);
    };
    row("plain-old", "note", OLD, OLD);
    row("plain-new", "note", NEW, OLD);
    row("invoice-old", "invoice", OLD, OLD);
    row("invoice-new", "invoice", OLD, NEW);
    row("invoice-of-a-new-account", "invoice", NEW, OLD);
    row("draft-old", "draft", OLD, OLD);
    row("draft-new", "draft", NEW, OLD);
    scene.row("rows", "undated", &[("owner", "ada"), ("type", "invoice"), ("made", OLD)]);
    for key in ["c/ada/photo", "c/ada/contracts/1", "c/ada2/photo"] {
        scene.world.lock().app_uploads("docs", key);
    }
    let (goes, kept) = scene.plan();
    let of = |producer: &str| went(&goes, producer);
    assert_eq!((of("rows"), of("invoices"), of("drafts")), (1, 1, 1), "{goes:?}");
    assert_eq!((of("files"), of("contracts")), (1, 0), "{goes:?}");
    let kept = |producer: &str, duty: &str| -> u64 {
        let of = kept.iter().filter(|k| k.producer.as_str() == producer && k.why.duty().is_some_and(|d| d.starts_with(duty)));
        of.map(|k| k.records).sum()
    };
    assert_eq!((kept("rows", "accounts"), kept("drafts", "accounts"), kept("contracts", "contracts")), (1, 1, 1));
    assert_eq!((kept("invoices", "tax law"), kept("invoices", "accounts")), (2, 1), "also where its date cannot be read");
    scene.hide();
    let left = scene.rows("rows");
    assert_eq!(left, ["draft-new", "invoice-new", "invoice-of-a-new-account", "plain-new", "undated"]);
}

#[test]
fn p2_a_duty_of_whoever_finds_it_too_is_asked_for_again_when_hiding() {
    let scene = Scene::new();
    scene.row("rows", "draft", &[("owner", "ada"), ("type", "draft"), ("made", OLD)]);
    assert_eq!(went(&scene.plan().0, "drafts"), 1);
    scene.row("rows", "draft", &[("owner", "ada"), ("type", "draft"), ("made", NEW)]);
    scene.hide();
    assert_eq!(scene.rows("rows"), ["draft"]);
}

#[test]
fn p1_what_became_another_producers_since_the_plan_is_left_for_the_next() {
    let scene = Scene::new();
    scene.row("rows", "draft", &[("owner", "ada"), ("type", "draft"), ("made", OLD)]);
    assert_eq!(went(&scene.plan().0, "drafts"), 1);
    scene.row("rows", "draft", &[("owner", "ada"), ("type", "invoice"), ("made", OLD), ("issued", NEW)]);
    scene.hide();
    assert_eq!(scene.rows("rows"), ["draft"], "it is an invoice now");
    // Also where it was the less specific one's.
    let scene = Scene::new();
    scene.row("rows", "note", &[("owner", "ada"), ("type", "note"), ("made", OLD)]);
    assert_eq!(went(&scene.plan().0, "rows"), 1);
    scene.row("rows", "note", &[("owner", "ada"), ("type", "invoice"), ("made", OLD), ("issued", NEW)]);
    scene.hide();
    assert_eq!(scene.rows("rows"), ["note"]);
}

#[test]
fn p3_every_member_of_a_list_leads_to_its_own() {
    let scene = Scene::new();
    let many: Vec<String> = (0..70).map(|n| format!("line-{n:02}")).collect();
    scene.row("rows", "draft", &[("owner", "ada"), ("type", "draft"), ("made", OLD), ("lines", &many[..60].join("|"))]);
    scene.row("rows", "other", &[("owner", "ada"), ("type", "draft"), ("made", OLD), ("lines", &many[60..69].join("|"))]);
    scene.row("rows", "empty", &[("owner", "ada"), ("type", "draft"), ("made", OLD), ("lines", "")]);
    for line in &many {
        scene.row("lines", line, &[]);
    }
    assert_eq!(went(&scene.plan().0, "lines"), 69);
    scene.hide();
    assert_eq!(scene.lines(), ["line-69"]);
}

#[test]
fn p3_what_a_more_specific_producer_has_leads_on_too() {
    let scene = Scene::new();
    scene.row("rows", "invoice", &[("owner", "ada"), ("type", "invoice"), ("made", OLD), ("issued", OLD), ("lines", "line-1")]);
    scene.row("rows", "note", &[("owner", "ada"), ("type", "note"), ("made", OLD), ("lines", "line-2")]);
    scene.row("lines", "line-1", &[]);
    scene.row("lines", "line-2", &[]);
    assert_eq!(went(&scene.plan().0, "lines"), 2);
    scene.hide();
    assert!(scene.lines().is_empty(), "{:?}", scene.lines());
}

#[test]
fn p3_a_member_that_is_no_text_is_said_to_the_end() {
    let scene = Scene::new();
    scene.row("rows", "draft", &[("owner", "ada"), ("type", "draft"), ("made", OLD), ("lines", "line-1|{}")]);
    scene.row("lines", "line-1", &[]);
    scene.plan();
    let unsearched = |scene: &Scene| scene.detail().plan.expect("a plan").unsearched;
    assert!(unsearched(&scene).iter().any(|u| u.producer.as_str() == "lines"), "{:?}", unsearched(&scene));
    scene.hide();
    assert_eq!(scene.end().request.state.phase, Phase::CompletedWithExceptions);
    assert!(scene.lines().is_empty());
}

#[test]
fn p3_a_record_found_otherwise_is_no_more_specific_producers() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: rows, category: rows, store: db, table: rows, key: [id], identifies: {subject_id: owner, subject_email: email}, select: [{by: subject_id, index: by_owner, attribute: owner}, {by: subject_email, index: by_email, attribute: email}]}
  - {name: invoices, category: invoices, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {type: invoice}}]}
";
    let scene = scene::Scene::new(map);
    scene.row("rows", "own", &[("owner", "ada"), ("type", "note"), ("email", "ada@x.org")]);
    scene.row("rows", "invoice", &[("owner", "ada"), ("type", "invoice")]);
    scene.row("rows", "guest", &[("type", "invoice"), ("email", "ada@x.org")]);
    let (goes, _) = scene.plan();
    assert_eq!((went(&goes, "rows"), went(&goes, "invoices")), (2, 1), "{goes:?}");
    scene.hide();
    assert!(scene.rows("rows").is_empty(), "{:?}", scene.rows("rows"));
}

#[test]
fn p3_what_one_attribute_holds_of_two_kinds_is_told_apart_by_what_led_to_it() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: people, category: people, store: db, table: people, key: [id], identifies: {subject_id: id, subject_email: email}, select: [{by: subject_id, attribute: id}]}
  - {name: rows, category: rows, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}, {by: subject_email, index: by_owner, attribute: owner}]}
  - {name: invoices, category: invoices, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {type: invoice}}]}
";
    let scene = scene::Scene::new(map);
    scene.row("people", "ada", &[("email", "ada@x.org")]);
    scene.row("rows", "guest", &[("type", "invoice"), ("owner", "ada@x.org")]);
    scene.row("rows", "own", &[("type", "invoice"), ("owner", "ada")]);
    let (goes, _) = scene.plan();
    assert_eq!((went(&goes, "rows"), went(&goes, "invoices")), (1, 1), "{goes:?}");
    scene.hide();
    assert!(scene.rows("rows").is_empty(), "{:?}", scene.rows("rows"));
}

#[test]
fn p4_a_field_that_is_needed_twice_is_read_once() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: people, category: people, store: db, table: people, key: [id], identifies: {subject_id: id}, select: [{by: subject_id, attribute: id}]}
  - {name: visits, category: visits, store: db, table: visits, key: [visit], select: [{by: {producer: people, field: id}, index: by_owner, attribute: owner}]}
";
    let scene = scene::Scene::new(map);
    scene.row("people", "ada", &[]);
    scene.row("visits", "v", &[("owner", "ada")]);
    assert_eq!(went(&scene.plan().0, "visits"), 1);
}

#[test]
fn p2_a_duty_is_on_a_record_whoever_is_searched_for() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: rows, category: rows, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}, {by: subject_email, index: by_email, attribute: email}]}
  - {name: invoices, category: invoices, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {type: invoice}}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
";
    let scene = Scene::new();
    block_on(scene.engine().directory().operator(&organization(), None).publish_map(map)).expect("published");
    scene.row("rows", "note", &[("owner", "ada"), ("type", "note"), ("email", "ada@x.org")]);
    scene.row("rows", "invoice-new", &[("owner", "ada"), ("type", "invoice"), ("issued", NEW), ("email", "ada@x.org")]);
    scene.row("rows", "invoice-old", &[("owner", "ada"), ("type", "invoice"), ("issued", OLD), ("email", "ada@x.org")]);
    // No id is known: the producer with the duty is not searched, and its duty is on the record all the same.
    let new = new_request(&scene.world, id(), Identity::built_in(None, Some("ada@x.org")).expect("an identity"));
    block_on(scene.engine().requests().submit(&officer(), new)).expect("submitted");
    scene.settle();
    let kept = scene.detail().plan.expect("a plan").kept;
    assert!(kept.iter().any(|k| k.why.duty().is_some_and(|d| d.starts_with("tax law")) && k.records == 1), "{kept:?}");
    scene.hide();
    assert_eq!(scene.rows("rows"), ["invoice-new"]);
}

#[test]
fn p2_a_hold_on_a_category_holds_what_lies_within_its_producers() {
    let scene = Scene::new();
    for key in ["c/ada/photo", "c/ada/contracts/1"] {
        scene.world.lock().app_uploads("docs", key);
    }
    let map = MAP.replace(", retention: {reason: contracts, exception: legal_obligation}", "");
    block_on(scene.engine().directory().operator(&organization(), None).publish_map(&map)).expect("published");
    block_on(scene.engine().holds().place_hold(&officer(), hold_on("files"))).expect("held");
    let (goes, kept) = scene.plan();
    assert_eq!((went(&goes, "files"), went(&goes, "contracts")), (0, 0), "{goes:?}");
    assert_eq!(kept.iter().map(|k| k.records).sum::<u64>(), 2, "{kept:?}");
}

/// Letters, which law keeps, by whom they are to; and the same table by whom a copy went to, which nothing keeps.
fn letters(ways: &str, kept: &str) -> scene::Scene {
    let map = format!(
        "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: letters, category: letters, store: db, table: letters, key: [id], select: [{ways}]{kept}}}
  - {{name: copies, category: copies, store: db, table: letters, key: [id], select: [{{by: subject_id, index: by_copy, attribute: copy}}]}}
"
    );
    scene::Scene::new(&map)
}

const BY_ADDRESS: &str = "{by: subject_email, index: by_to, attribute: to}";
const LAW: &str = ", retention: {reason: accounts, exception: legal_obligation}";

/// Looks for Ada by her id, and by an address if one is given.
fn sought(scene: &scene::Scene, address: Option<&str>) {
    let new = new_request(&scene.world, id(), Identity::built_in(Some("ada"), address).expect("an identity"));
    block_on(scene.engine().requests().submit(&officer(), new)).expect("submitted");
    scene.settle();
}

/// Why no plan was made.
fn refused(scene: &scene::Scene) -> String {
    let seen = scene.detail().request;
    assert_eq!(seen.state.phase, Phase::Failed);
    let failure = seen.failure.expect("it says why");
    assert_eq!(failure.code, "producers_overlap", "{}", failure.message);
    failure.message
}

#[test]
fn p2_what_a_producer_must_keep_that_nothing_known_leads_to_is_not_erased_as_anothers() {
    let by_some = format!("{{by: subject_id, index: by_from, attribute: from}}, {BY_ADDRESS}");
    for (ways, why) in [(BY_ADDRESS, "no_identifier"), (by_some.as_str(), "some_identifiers")] {
        let scene = letters(ways, LAW);
        scene.row("letters", "l0", &[("copy", "ada"), ("to", "ada@x.org")]);
        sought(&scene, None);
        let said = refused(&scene);
        assert!(said.contains(&format!("letters was not searched ({why})")), "{said}");
        assert_eq!(scene.rows("letters"), ["l0"]);
        // With her address it is found as both, and with another's as one.
        let scene = letters(ways, LAW);
        scene.row("letters", "l0", &[("copy", "ada"), ("to", "ada@x.org")]);
        sought(&scene, Some("ada@x.org"));
        assert!(refused(&scene).contains("both find the same records"));
        let scene = letters(ways, LAW);
        scene.row("letters", "l0", &[("copy", "ada"), ("to", "bob@x.org")]);
        sought(&scene, Some("ada@x.org"));
        assert_eq!(went(&scene.planned().0, "copies"), 1);
        // To nobody's address goes what has none.
        let scene = letters(ways, LAW);
        scene.row("letters", "l0", &[("copy", "ada")]);
        sought(&scene, None);
        assert_eq!(went(&scene.planned().0, "copies"), 1);
        scene.hide();
        assert!(scene.rows("letters").is_empty());
    }
}

#[test]
fn p2_what_is_held_and_nothing_known_leads_to_is_not_erased_as_anothers() {
    for held in [false, true] {
        let scene = letters(BY_ADDRESS, "");
        scene.row("letters", "l0", &[("copy", "ada"), ("to", "ada@x.org")]);
        if held {
            block_on(scene.engine().holds().place_hold(&officer(), hold_on("letters"))).expect("held");
        }
        sought(&scene, None);
        if held {
            assert!(refused(&scene).contains("letters was not searched"));
            assert_eq!(scene.rows("letters"), ["l0"]);
        } else {
            // What nothing keeps was not searched, and whoever reviews it is told.
            assert_eq!(went(&scene.planned().0, "copies"), 1);
            assert_eq!(scene.detail().to_acknowledge, ["letters"]);
        }
    }
}

#[test]
fn p2_what_is_never_erased_and_nothing_known_leads_to_is_not_erased_as_anothers() {
    let scene = letters(BY_ADDRESS, ", erase: false, because: it is another's");
    scene.row("letters", "l0", &[("copy", "ada"), ("to", "ada@x.org")]);
    sought(&scene, None);
    assert!(refused(&scene).contains("letters was not searched"));
    assert_eq!(scene.rows("letters"), ["l0"]);
}

#[test]
fn p1_what_a_reviewer_leaves_out_is_not_erased_as_anothers() {
    let scene = letters(BY_ADDRESS, "");
    scene.row("letters", "l0", &[("copy", "ada"), ("to", "ada@x.org")]);
    sought(&scene, None);
    let Err(EngineError::Refused(refusal)) = scene.approve_but(&["letters"]) else { panic!("the copy may be a letter") };
    assert_eq!(refusal.code, "invalid_value");
    assert_eq!(refusal.field.as_deref(), Some("exclusions[0].category"));
    assert!(refusal.remedy.contains("letters and copies together"), "{}", refusal.remedy);
    assert_eq!(scene.phase(), Phase::InReview);
    scene.hide_but(&["copies", "letters"]);
    assert_eq!(scene.rows("letters"), ["l0"]);
}

#[test]
fn p2_a_hold_is_on_what_came_to_say_that_it_may_be_anothers_after_the_plan() {
    let scene = letters(BY_ADDRESS, "");
    scene.row("letters", "l0", &[("copy", "ada")]);
    scene.row("letters", "l1", &[("copy", "ada")]);
    sought(&scene, None);
    scene.approve_but(&[]).expect("approved");
    scene.world.lock().messages.clear();
    scene.row("letters", "l0", &[("copy", "ada"), ("to", "ada@x.org")]);
    // The decision ages, and the same records are found again.
    scene.world.pass(60 * 24 * 3_600);
    block_on(scene.engine().worker().sweep()).expect("swept");
    scene.settle();
    assert_eq!(scene.phase(), Phase::Recoverable);
    block_on(scene.engine().holds().place_hold(&officer(), hold_on("letters"))).expect("held");
    scene.end();
    let seen = scene.detail().request;
    assert_eq!((seen.state.phase, seen.waiting_for), (Phase::Recoverable, Some(WaitingFor::LegalHold)));
}

#[test]
fn p2_what_a_producer_must_keep_is_not_erased_as_anothers_while_a_later_look_cannot_use_it() {
    let mut scene = letters("{by: subject_id, index: by_to, attribute: to}", LAW);
    let odd = Odd::new(ports(&scene.world).stores);
    scene.stores = Some(Arc::new(odd.clone()));
    scene.row("letters", "c0", &[("copy", "ada")]);
    sought(&scene, None);
    assert_eq!(went(&scene.planned().0, "copies"), 1);
    scene.hide();
    scene.row("letters", "l0", &[("copy", "ada"), ("to", "ada")]);
    odd.with().unusable.insert("letters".to_owned());
    scene.end();
    let said = refused(&scene);
    assert!(said.contains("letters was not searched"), "{said}");
    assert_eq!(scene.rows("letters"), ["l0"]);
    let again = || {
        block_on(scene.engine().requests().retry(&officer(), id())).expect("retried");
        scene.settle();
    };
    odd.with().unusable.clear();
    again();
    assert!(refused(&scene).contains("both find the same records"), "it is searched again, and so is what was not");
    // What can be no letter is looked for though letters cannot.
    odd.with().unusable.insert("letters".to_owned());
    scene.row("letters", "l0", &[("copy", "ada")]);
    again();
    assert_eq!(went(&scene.planned().0, "copies"), 1);
}

#[test]
fn p2_a_hold_that_comes_after_the_plan_is_on_what_may_be_of_a_producer_that_was_not_searched() {
    let scene = letters(BY_ADDRESS, "");
    scene.row("letters", "l0", &[("copy", "ada"), ("to", "ada@x.org")]);
    sought(&scene, None);
    assert_eq!(went(&scene.planned().0, "copies"), 1);
    block_on(scene.engine().holds().place_hold(&officer(), hold_on("letters"))).expect("held");
    scene.hide();
    assert_eq!(scene.rows("letters"), ["l0"]);
    assert_eq!(scene.end().request.state.phase, Phase::CompletedWithExceptions);
    assert_eq!(scene.rows("letters"), ["l0"]);
}

/// Lines of invoices and lines of carts in one table, both of one category and kept with what they belong to.
const TWO_KINDS_OF_LINES: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: invoices, category: invoices, store: db, table: invoices, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation}}
  - {name: carts, category: carts, store: db, table: carts, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: invoice-lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: invoices, field: lines}, attribute: id}], retention: {with: parent}}
  - {name: cart-lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: carts, field: lines}, attribute: id}], retention: {with: parent}}
";

#[test]
fn p2_a_line_that_may_be_an_invoices_that_cannot_be_read_does_not_go_with_its_cart() {
    let scene = scene::Scene::new(TWO_KINDS_OF_LINES);
    scene.row("invoices", "i", &[("owner", "ada"), ("lines", "line-other|{}")]);
    scene.row("carts", "c", &[("owner", "ada"), ("lines", "line-both")]);
    scene.row("lines", "line-both", &[]);
    sought(&scene, None);
    let said = refused(&scene);
    assert!(said.contains("invoice-lines was not searched"), "{said}");
}

/// Lines of carts, the gifts among them, and lines of orders, which are kept with these.
const GIFTS: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation}}
  - {name: carts, category: carts, store: db, table: carts, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: carts, field: id}, index: by_cart, attribute: cart}, {by: {producer: orders, field: id}, index: by_order, attribute: order}], retention: {with: parent}}
  - {name: gifts, category: gifts, store: db, table: lines, key: [id], select: [{by: {producer: carts, field: id}, index: by_cart, attribute: cart, where: {type: gift}}]}
";

#[test]
fn p2_what_the_parents_of_a_less_specific_producer_keep_stays() {
    let scene = scene::Scene::new(GIFTS);
    scene.row("carts", "c", &[("owner", "ada")]);
    scene.row("orders", "o", &[("owner", "ada")]);
    scene.row("lines", "line-gift", &[("cart", "c"), ("type", "gift")]);
    scene.row("lines", "line-own", &[("order", "o")]);
    sought(&scene, None);
    let (goes, kept) = scene.planned();
    assert_eq!((went(&goes, "gifts"), went(&goes, "lines")), (1, 0), "{goes:?} {kept:?}");
    // By the word of the less specific one.
    scene.hide_but(&["carts"]);
    let own = |scene: &scene::Scene| scene.rows("lines").into_iter().filter(|key| key.starts_with("line-")).collect::<Vec<_>>();
    assert_eq!(own(&scene), ["line-gift", "line-own"]);
    // What is a cart's as the one's and an order's as the other's is nobody's to erase.
    let scene = scene::Scene::new(GIFTS);
    scene.row("carts", "c", &[("owner", "ada")]);
    scene.row("orders", "o", &[("owner", "ada")]);
    scene.row("lines", "line-both", &[("cart", "c"), ("order", "o"), ("type", "gift")]);
    sought(&scene, None);
    assert!(refused(&scene).contains("both find the same records"));
    assert_eq!(own(&scene), ["line-both"]);
}

/// Contracts by who signed them, and drafts of the same table by who wrote them, which nothing keeps.
fn papers(kept: &str) -> scene::Scene {
    let map = format!(
        "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: contracts, category: contracts, store: db, table: papers, key: [id], select: [{{by: subject_id, index: by_signatory, attribute: signatory}}]{kept}}}
  - {{name: drafts, category: drafts, store: db, table: papers, key: [id], select: [{{by: subject_id, index: by_author, attribute: author}}]}}
"
    );
    scene::Scene::new(&map)
}

#[test]
fn p2_what_says_only_after_the_plan_that_it_may_be_anothers_is_left_for_the_next_look() {
    let shown = ", erase: false, because: they are the company's";
    for (kept, held) in [(LAW, false), (shown, false), ("", true), ("", false)] {
        let scene = papers(kept);
        for key in ["d-changed", "d-signed", "d-unsigned"] {
            scene.row("papers", key, &[("author", "ada")]);
        }
        for key in ["d-of-another", "d-passed-on"] {
            scene.row("papers", key, &[("author", "ada"), ("signatory", "bob")]);
        }
        assert_eq!(went(&scene.plan().0, "drafts"), 5, "{kept}");
        scene.row("papers", "d-changed", &[("author", "ada"), ("text", "new")]);
        scene.row("papers", "d-signed", &[("author", "ada"), ("signatory", "ada")]);
        scene.row("papers", "d-passed-on", &[("author", "ada"), ("signatory", "ada")]);
        if held {
            block_on(scene.engine().holds().place_hold(&officer(), hold_on("contracts"))).expect("held");
        }
        scene.hide();
        assert_eq!(scene.rows("papers"), ["d-passed-on", "d-signed"], "{kept}");
        scene.end();
        assert!(refused(&scene).contains("both find the same records"), "{kept}");
        let counts = scene.detail().counts;
        assert_eq!((counts.erased, counts.already_absent, counts.retained), (3, 0, 2), "{kept}: nobody removed what is left");
        assert_eq!(scene.rows("papers"), ["d-passed-on", "d-signed"], "{kept}");
    }
}

#[test]
fn p2_p3_what_was_left_for_the_next_look_is_planned_by_it_as_what_it_is_then() {
    for contract in [true, false] {
        let scene = papers(LAW);
        scene.row("papers", "d", &[("author", "ada")]);
        scene.row("papers", "d-other", &[("author", "ada")]);
        scene.plan();
        scene.row("papers", "d", &[("author", "ada"), ("signatory", "bob")]);
        scene.hide();
        assert_eq!(scene.rows("papers"), ["d"]);
        if contract {
            scene.row("papers", "d", &[("signatory", "ada")]);
            let end = scene.end();
            assert_eq!(end.request.state.phase, Phase::CompletedWithExceptions);
            assert_eq!(stayed(&end.kept, "contracts", "retention", "accounts"), 1, "{:?}", end.kept);
            assert_eq!(scene.rows("papers"), ["d"]);
        } else {
            // It is another's contract: whoever looks for Ada finds a draft, as before.
            assert_eq!(scene.end().request.state.phase, Phase::InReview);
            assert_eq!(went(&scene.planned().0, "drafts"), 1);
            scene.hide();
            assert_eq!(scene.end().request.state.phase, Phase::Completed);
            assert!(scene.rows("papers").is_empty());
        }
    }
}

#[test]
fn p3_what_a_producer_finds_itself_is_its_own_though_a_less_specific_one_would_find_it_too() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: desk, category: desk, store: db, table: papers, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}, {by: subject_email, index: by_email, attribute: email}]}
  - {name: drafts, category: drafts, store: db, table: papers, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {type: draft}}, {by: subject_email, index: by_email, attribute: email, where: {type: draft}}]}
";
    let scene = scene::Scene::new(map);
    scene.row("papers", "d", &[("email", "ada@x.org"), ("type", "draft")]);
    scene.row("papers", "n", &[("email", "ada@x.org"), ("type", "note")]);
    sought(&scene, Some("ada@x.org"));
    let (goes, _) = scene.planned();
    assert_eq!((went(&goes, "desk"), went(&goes, "drafts")), (1, 1), "{goes:?}");
    for (key, kind) in [("d", "draft"), ("n", "draft")] {
        scene.row("papers", key, &[("email", "ada@x.org"), ("type", kind), ("owner", "ada")]);
    }
    scene.hide();
    assert_eq!(scene.rows("papers"), ["n"], "it became a draft; the other was one all along");
}

/// Tickets by whom they are about, and whatever else there is of an address in the same table; with what is said of either.
fn cases(tickets: &str, contacts: &str) -> scene::Scene {
    let map = format!(
        "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: people, category: people, store: db, table: people, key: [id], identifies: {{subject_id: id, subject_email: email}}, select: [{{by: subject_id, attribute: id}}, {{by: subject_email, index: by_email, attribute: email}}]}}
  - {{name: tickets, category: tickets, store: db, table: cases, key: [id], select: [{{by: subject_id, index: by_customer, attribute: customer}}]{tickets}}}
  - {{name: contacts, category: contacts, store: db, table: cases, key: [id], select: [{{by: subject_email, index: by_email, attribute: email}}]{contacts}}}
"
    );
    let scene = scene::Scene::new(&map);
    scene.row("people", "ada", &[("email", "ada@x.org")]);
    scene.row("cases", "ticket", &[("customer", "ada"), ("email", "ada@x.org"), ("agent", "Quentin"), ("text", "one")]);
    scene.row("cases", "contact", &[("email", "ada@x.org"), ("agent", "Zebulon"), ("text", "two")]);
    scene
}

/// What an export of Ada shows of a producer, by the texts of its records, and what it says of it.
fn shown(scene: &scene::Scene, producer: &str) -> (Part, BTreeMap<String, BTreeMap<String, String>>) {
    if scene.world.exports().is_empty() {
        let identity = Identity::built_in(Some("ada"), Some("ada@x.org")).expect("an identity");
        let new = NewRequest { kind: RequestKind::Export, ..new_request(&scene.world, id(), identity) };
        block_on(scene.engine().requests().submit(&officer(), new)).expect("submitted");
        scene.settle();
        assert_eq!(scene.phase(), Phase::Available);
    }
    let (manifest, files) = archive::opened(&scene.world, id(), "an export");
    let part = manifest.summary.parts.into_iter().find(|part| part.producer == producer).expect("it has some");
    let rows: Vec<BTreeMap<String, String>> =
        serde_json::from_slice(&files[&format!("data/{producer}/{producer}.json")]).expect("rows of texts");
    let told = |row: &BTreeMap<String, String>| row.get("text").or(row.get("Message")).cloned().unwrap_or_default();
    (part, rows.into_iter().map(|row| (told(&row), row)).collect())
}

#[test]
fn what_any_producer_of_a_table_masks_is_masked_in_every_export_of_a_record_that_it_may_find() {
    let scene = cases(", export: {mask: [agent]}", "");
    for producer in ["tickets", "contacts"] {
        let (part, rows) = shown(&scene, producer);
        assert_eq!(rows["one"]["agent"], MASKED, "{producer}");
        assert_eq!(part.masked, ["agent"], "{producer}");
        // What is no ticket is nobody's but the one's who finds it.
        assert_eq!(rows.get("two").map(|row| row["agent"].as_str()), (producer == "contacts").then_some("Zebulon"));
    }
    let (_, files) = archive::opened(&scene.world, id(), "an export");
    for (name, bytes) in files {
        assert!(!String::from_utf8_lossy(&bytes).contains("Quentin"), "{name} names somebody else");
    }
}

#[test]
fn a_producer_that_names_no_fields_shows_no_more_of_a_record_than_another_one_of_its_table_does() {
    let only = ", export: {fields: {text: Message}}";
    let keys = |row: &BTreeMap<String, String>| row.keys().cloned().collect::<Vec<_>>();
    let scene = cases(only, "");
    assert_eq!(keys(&shown(&scene, "tickets").1["one"]), ["Message"]);
    let (_, contacts) = shown(&scene, "contacts");
    assert_eq!(keys(&contacts["one"]), ["text"]);
    assert_eq!(keys(&contacts["two"]), ["agent", "email", "id", "text"]);
    // What it names itself it shows.
    let (_, contacts) = shown(&cases(only, ", export: {fields: {text: text, email: Address}}"), "contacts");
    assert_eq!(keys(&contacts["one"]), ["Address", "text"]);
}

#[test]
fn p1_a_record_that_another_producer_of_its_table_calls_somebody_elses_is_neither_shown_nor_erased() {
    let bobs = [("customer", "bob"), ("email", "ada@x.org"), ("agent", "Quentin"), ("text", "three")];
    for (says, anothers) in [(", identifies: {subject_id: customer}", true), ("", false)] {
        let scene = cases(says, "");
        scene.row("cases", "bobs", &bobs);
        let (part, rows) = shown(&scene, "contacts");
        assert_eq!((rows.contains_key("three"), part.records), (!anothers, if anothers { 2 } else { 3 }), "{says}");
        let kept = scene.detail().plan.expect("a plan").kept;
        assert_eq!(stayed(&kept, "contacts", "another_person", ""), u64::from(anothers), "{kept:?}");

        let scene = cases(says, "");
        scene.world.app_deletes("cases", "ticket");
        scene.row("cases", "bobs", &bobs);
        sought(&scene, Some("ada@x.org"));
        let (goes, kept) = scene.planned();
        assert_eq!(went(&goes, "contacts"), if anothers { 1 } else { 2 }, "{goes:?}");
        assert_eq!(stayed(&kept, "contacts", "another_person", ""), u64::from(anothers), "{kept:?}");
        scene.hide();
        assert_eq!(scene.rows("cases"), if anothers { vec!["bobs"] } else { vec![] }, "{says}");
    }
}

#[test]
fn whose_a_record_is_another_producer_does_not_say_where_no_id_of_the_person_is_known() {
    let scene = cases(", identifies: {subject_id: customer}", "");
    scene.world.app_deletes("people", "ada");
    let new = new_request(&scene.world, id(), Identity::built_in(None, Some("ada@x.org")).expect("an identity"));
    block_on(scene.engine().requests().submit(&officer(), NewRequest { kind: RequestKind::Export, ..new })).expect("submitted");
    scene.settle();
    assert_eq!(scene.phase(), Phase::Available);
    assert_eq!(shown(&scene, "contacts").1.len(), 2, "nobody knows that she is not called so");
}
