//! Duties: those of what a record belongs to, and several on one.

use crate::support::odd::Odd;
use crate::support::{
    change_settings, hold_on, officer,
    scene::{NEW, OLD, Scene, stayed, went},
};
use oubli_domain::lifecycle::Phase;
use oubli_simulation::{polls::block_on, ports};
use std::sync::Arc;

/// Orders under a duty; carts under none; lines of both, notes on lines, and labels of orders, which stay as long as these.
const MAP: &str = "
version: 1
stores: {db: {connector: dynamodb}, files: {connector: s3}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: carts, category: carts, store: db, table: carts, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: lines}, attribute: id}, {by: {producer: carts, field: lines}, attribute: id}], retention: {with: parent}}
  - {name: notes, category: notes, store: db, table: notes, key: [id], select: [{by: {producer: lines, field: note}, attribute: id}], retention: {with: parent}}
  - {name: labels, category: labels, store: files, bucket: labels, select: [{by: {producer: orders, field: id}, prefix: 'labels/{}/'}], retention: {with: parent}}
  - {name: tags, category: tags, store: db, table: tags, key: [id], select: [{by: {producer: orders, field: tags}, attribute: id}]}
";

fn order(scene: &Scene, key: &str, issued: &str, lines: &str) {
    scene.row("orders", key, &[("owner", "ada"), ("issued", issued), ("lines", lines), ("tags", &format!("tag-of-{key}"))]);
    scene.world.lock().app_uploads("labels", &format!("labels/{key}/label.pdf"));
    scene.row("tags", &format!("tag-of-{key}"), &[]);
}

fn line(scene: &Scene, key: &str) {
    scene.row("lines", key, &[("note", &format!("note-on-{key}"))]);
    scene.row("notes", &format!("note-on-{key}"), &[]);
}

fn labels(scene: &Scene) -> Vec<String> {
    scene.objects("labels")
}

fn own(keys: Vec<String>, beginning: &str) -> Vec<String> {
    keys.into_iter().filter(|key| key.starts_with(beginning)).collect()
}

#[test]
fn p2_p3_what_is_found_through_what_stays_stays_as_long_and_says_so_to_the_end() {
    // Whichever of its parents is found first.
    for shared in ["an order that goes", "an order that stays", "a cart"] {
        let scene = Scene::new(MAP);
        let (old, new, cart) = match shared {
            "a cart" => ("old", "new", "l-old|l-shared"),
            "an order that goes" => ("a-old", "z-new", ""),
            _ => ("z-old", "a-new", ""),
        };
        order(&scene, old, OLD, if cart.is_empty() { "l-old|l-shared" } else { "l-other" });
        order(&scene, new, NEW, "l-new|l-shared");
        order(&scene, "undated", "some day", "l-undated");
        scene.row("carts", "cart", &[("owner", "ada"), ("lines", &format!("{cart}|l-cart"))]);
        ["l-old", "l-shared", "l-new", "l-undated", "l-cart"].into_iter().for_each(|key| line(&scene, key));
        if !cart.is_empty() {
            line(&scene, "l-other");
        }
        let (goes, kept) = scene.plan();
        // The line that is not shared, and that of the cart alone.
        let gone = if cart.is_empty() { 2 } else { 3 };
        let of = |producer: &str| went(&goes, producer);
        assert_eq!((of("orders"), of("lines"), of("notes"), of("labels")), (1, gone, gone, 1), "{shared}: {goes:?}");
        assert_eq!(of("tags"), 3, "without a word they go");
        let with =
            |producer: &str, parent: &str| stayed(&kept, producer, "with_parent", &format!("as long as {parent}: tax law"));
        assert_eq!((with("lines", "orders"), with("notes", "lines"), with("labels", "orders")), (3, 3, 2), "{shared}: {kept:?}");
        scene.hide();
        let standing = |scene: &Scene| (own(scene.rows("lines"), "l-"), own(scene.rows("notes"), "note-on-l"), labels(scene));
        let mut both = vec![format!("labels/{new}/label.pdf"), "labels/undated/label.pdf".to_owned()];
        both.sort();
        let expected = (
            vec!["l-new".to_owned(), "l-shared".to_owned(), "l-undated".to_owned()],
            vec!["note-on-l-new".to_owned(), "note-on-l-shared".to_owned(), "note-on-l-undated".to_owned()],
            both,
        );
        assert_eq!(standing(&scene), expected, "{shared}");
        let end = scene.end();
        assert_eq!((end.request.state.phase, end.request.round), (Phase::CompletedWithExceptions, 1), "{shared}");
        assert_eq!(standing(&scene), expected, "{shared}");
        assert_eq!(stayed(&end.kept, "lines", "with_parent", "as long as orders: tax law"), 3, "{shared}: {:?}", end.kept);
        let mut until: Vec<_> = end.kept.iter().filter(|k| k.producer.as_str() == "labels").map(|k| k.why.until()).collect();
        until.sort();
        assert_eq!(until, [None, Some(jiff::civil::date(2033, 1, 1))], "{:?}", end.kept);
    }
}

#[test]
fn p2_whether_a_parent_stays_is_asked_again_when_its_children_are_hidden() {
    // Two orders of one line, and what becomes of either between plan and hiding; what stays then.
    type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);
    let cases: [Case; 6] = [
        ("the first comes under its duty", "a", &[("issued", NEW)], &["l-1", "l-both"]),
        ("the second comes under its duty", "b", &[("issued", NEW)], &["l-2", "l-both"]),
        ("a date cannot be read any more", "b", &[("issued", "?")], &["l-2", "l-both"]),
        ("it is written anew as it was", "b", &[("issued", OLD)], &[]),
        ("it stays over, and has another line besides", "b", &[("issued", NEW), ("lines", "l-1|l-2")], &["l-1", "l-2", "l-both"]),
        ("another line is not its first", "b", &[("issued", NEW), ("lines", "l-2|l-1")], &["l-1", "l-2", "l-both"]),
    ];
    // Where the lines of an order are in several batches, nothing led to those of some when they were planned.
    for batches in [2, 1] {
        for (what, key, fields, stays) in &cases {
            let (scene, what) = (Scene::new(MAP), format!("{what}, in batches of {batches}"));
            scene.batches_of(batches);
            order(&scene, "a", OLD, "l-1|l-both");
            order(&scene, "b", OLD, "l-2|l-both");
            for key in ["l-1", "l-2", "l-both"] {
                line(&scene, key);
            }
            let (goes, _) = scene.plan();
            assert_eq!((went(&goes, "lines"), went(&goes, "labels")), (3, 2), "{what}");
            let before = if *key == "a" { "l-1|l-both" } else { "l-2|l-both" };
            let mut now = std::collections::BTreeMap::from([("owner", "ada"), ("lines", before)]);
            now.extend(fields.iter().copied());
            scene.row("orders", key, &now.into_iter().collect::<Vec<_>>());
            scene.hide();
            assert_eq!(own(scene.rows("lines"), "l-"), *stays, "{what}");
            let notes: Vec<String> = stays.iter().map(|line| format!("note-on-{line}")).collect();
            assert_eq!(own(scene.rows("notes"), "note-on-l"), notes, "{what}: and so on");
            let label: Vec<String> = stays.first().map(|_| format!("labels/{key}/label.pdf")).into_iter().collect();
            assert_eq!(labels(&scene), label, "{what}");
            assert_eq!(scene.rows("orders").contains(&(*key).to_owned()), !stays.is_empty(), "{what}");
        }
    }
}

#[test]
fn p3_what_belonged_to_something_that_is_gone_goes() {
    let scene = Scene::new(MAP);
    order(&scene, "old", OLD, "l-1|l-late");
    line(&scene, "l-1");
    assert_eq!(went(&scene.plan().0, "lines"), 1);
    scene.world.app_deletes("orders", "old");
    scene.hide();
    assert!(own(scene.rows("lines"), "l-").is_empty(), "its order was deleted meanwhile");
    line(&scene, "l-late");
    assert_eq!(scene.end().request.state.phase, Phase::InReview);
    assert_eq!(went(&scene.planned().0, "lines"), 1, "only the manifest leads there any more");
    scene.hide();
    assert_eq!(scene.end().request.state.phase, Phase::Completed);
    assert!(own(scene.rows("lines"), "l-").is_empty());
}

#[test]
fn p2_what_is_not_asked_for_and_under_a_duty_keeps_what_belongs_to_it() {
    let scene = Scene::new(MAP);
    order(&scene, "old", OLD, "l-old");
    order(&scene, "new", NEW, "l-new");
    line(&scene, "l-old");
    line(&scene, "l-new");
    let (goes, kept) = scene.partial_plan(&["lines", "labels"]);
    assert_eq!((went(&goes, "lines"), went(&goes, "labels"), went(&goes, "orders")), (1, 1, 0), "{goes:?}");
    assert_eq!(stayed(&kept, "lines", "with_parent", "as long as orders: tax law"), 1, "{kept:?}");
    scene.hide();
    assert_eq!(own(scene.rows("lines"), "l-"), ["l-new"]);
    assert_eq!(labels(&scene), ["labels/new/label.pdf"]);
}

#[test]
fn p2_what_a_reviewer_leaves_out_keeps_what_belongs_to_it() {
    let scene = Scene::new(MAP);
    order(&scene, "old", OLD, "l-old");
    line(&scene, "l-old");
    scene.row("carts", "cart", &[("owner", "ada"), ("lines", "l-cart")]);
    line(&scene, "l-cart");
    assert_eq!(went(&scene.plan().0, "lines"), 2);
    scene.hide_but(&["orders"]);
    assert_eq!(own(scene.rows("lines"), "l-"), ["l-old"]);
    assert_eq!(labels(&scene), ["labels/old/label.pdf"]);
    let end = scene.end();
    assert_eq!(end.request.state.phase, Phase::CompletedWithExceptions);
    assert_eq!(stayed(&end.kept, "lines", "with_parent", "as long as orders: left out by a reviewer"), 1, "{:?}", end.kept);
}

#[test]
fn p2_a_hold_on_what_something_belongs_to_holds_it_too() {
    for before_planning in [true, false] {
        let scene = Scene::new(MAP);
        order(&scene, "old", OLD, "l-old");
        line(&scene, "l-old");
        let place = || block_on(scene.engine().holds().place_hold(&officer(), hold_on("orders"))).expect("placed");
        if before_planning {
            place();
            let (goes, kept) = scene.plan();
            assert_eq!(went(&goes, "lines") + went(&goes, "notes") + went(&goes, "labels"), 0, "{goes:?}");
            assert_eq!(stayed(&kept, "notes", "legal_hold", ""), 1, "{kept:?}");
        } else {
            assert_eq!(went(&scene.plan().0, "lines"), 1);
            place();
        }
        scene.hide();
        let stands = (own(scene.rows("lines"), "l-"), own(scene.rows("notes"), "note-on-l"), labels(&scene));
        let expected = (vec!["l-old".to_owned()], vec!["note-on-l-old".to_owned()], vec!["labels/old/label.pdf".to_owned()]);
        assert_eq!(stands, expected, "{before_planning}");
        assert_eq!(scene.end().request.state.phase, Phase::CompletedWithExceptions);
    }
}

#[test]
fn p2_all_duties_on_a_record_must_have_ended() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: files, category: files, store: db, table: files, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: [{reason: works council, exception: legal_obligation, from: made, years: 2}, {reason: tax law, exception: legal_obligation, from: issued, from_end_of: {fiscal_year: '03-31'}, years: 7}]}
";
    let scene = Scene::new(map);
    let file =
        |key: &str, made: &str, issued: &str| scene.row("files", key, &[("owner", "ada"), ("made", made), ("issued", issued)]);
    file("both-over", OLD, OLD);
    file("first-lasts", NEW, OLD);
    file("second-lasts", OLD, NEW);
    file("both-last", NEW, NEW);
    file("changes", OLD, OLD);
    let (goes, kept) = scene.plan();
    assert_eq!(went(&goes, "files"), 2, "{goes:?}");
    let of = |duty: &str| kept.iter().find(|k| k.why.duty() == Some(duty)).map(|k| (k.records, k.why.until()));
    assert_eq!(of("works council"), Some((1, Some(jiff::civil::date(2028, 1, 1)))));
    assert_eq!(of("tax law"), Some((2, Some(jiff::civil::date(2033, 3, 31)))), "the one that ends last says until when");
    file("changes", OLD, NEW);
    scene.hide();
    assert_eq!(scene.rows("files"), ["both-last", "changes", "first-lasts", "second-lasts"]);
}

#[test]
fn p3_what_one_of_two_selections_does_not_lead_to_goes_by_the_other() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}, files: {connector: s3}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: carts, category: carts, store: db, table: carts, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: by_of, attribute: of, value: 'ORDER#{}'}, {by: {producer: carts, field: id}, index: by_of, attribute: of, value: 'CART#{}'}], retention: {with: parent}}
  - {name: photos, category: photos, store: files, bucket: photos, select: [{by: {producer: orders, field: photo}, object: '{}'}, {by: {producer: carts, field: photo}, object: '{}'}], retention: {with: parent}}
";
    let scene = Scene::new(map);
    scene.row("orders", "o", &[("owner", "ada"), ("issued", NEW), ("photo", "s3://photos/up/o.jpg")]);
    scene.row("carts", "c", &[("owner", "ada"), ("photo", "up/c.jpg")]);
    scene.row("lines", "own-order", &[("of", "ORDER#o")]);
    scene.row("lines", "own-cart", &[("of", "CART#c")]);
    scene.world.lock().app_uploads("photos", "up/c.jpg");
    let (goes, _) = scene.plan();
    assert_eq!((went(&goes, "lines"), went(&goes, "carts"), went(&goes, "photos")), (1, 1, 1), "{goes:?}");
    scene.hide();
    assert_eq!(own(scene.rows("lines"), "own-"), ["own-order"], "the cart's went, though an order stays");
}

#[test]
fn p2_an_object_that_a_row_names_in_other_words_stays_with_it() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}, files: {connector: s3}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: carts, category: carts, store: db, table: carts, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: photos, category: photos, store: files, bucket: photos, select: [{by: {producer: orders, field: photo}, object: '{}'}, {by: {producer: carts, field: photo}, object: '{}'}], retention: {with: parent}}
";
    for kept_when_planned in [true, false] {
        let scene = Scene::new(map);
        let photos = ["up/a b.jpg", "up/a%20b.jpg", "up/goes.jpg", "up/o.jpg"];
        for (n, key) in photos.iter().enumerate() {
            scene.world.lock().app_uploads("photos", key);
            scene.row("carts", &format!("c{n}"), &[("owner", "ada"), ("photo", key)]);
        }
        let orders = |issued: &str| {
            let addresses =
                ["https://cdn.example.org/up/a%20b.jpg?x=1", "s3://photos/up/o.jpg", "https://cdn.example.org/p.jpg#up/goes.jpg"];
            for (n, photo) in addresses.iter().enumerate() {
                scene.row("orders", &format!("own-{n}"), &[("owner", "ada"), ("issued", issued), ("photo", photo)]);
            }
        };
        orders(if kept_when_planned { NEW } else { OLD });
        let (goes, kept) = scene.plan();
        assert_eq!(went(&goes, "carts"), 4, "{goes:?}");
        if kept_when_planned {
            assert_eq!(stayed(&kept, "photos", "with_parent", "as long as orders: tax law"), 2, "{kept:?}");
        } else {
            assert_eq!(went(&goes, "photos"), 4, "{goes:?}");
            orders(NEW);
        }
        scene.hide();
        let standing = scene.objects("photos");
        assert_eq!(standing, ["up/a b.jpg", "up/o.jpg"], "kept when planned: {kept_when_planned}");
    }
}

#[test]
fn p2_what_does_not_tell_all_that_it_belongs_to_stays_with_any_of_it() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: carts, category: carts, store: db, table: carts, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: by_of, attribute: of}, {by: {producer: carts, field: lines}, attribute: id}], retention: {with: parent}}
";
    for (issued, stays) in [(NEW, vec!["own-untold"]), (OLD, vec![])] {
        let scene = Scene::new(map);
        let order = |issued: &str| scene.row("orders", "own-order", &[("owner", "ada"), ("issued", issued)]);
        order(OLD);
        scene.row("carts", "c", &[("owner", "ada"), ("lines", "own-untold|own-told")]);
        scene.row("lines", "own-untold", &[("of", "x|{}")]);
        scene.row("lines", "own-told", &[("of", "x")]);
        assert_eq!(went(&scene.plan().0, "lines"), 2);
        order(issued);
        scene.hide();
        assert_eq!(own(scene.rows("lines"), "own-"), stays);
    }
}

#[test]
fn p2_a_parent_that_became_another_producers_keeps_what_it_led_to() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {kind: order}}], retention: {reason: tax law, exception: legal_obligation}}
  - {name: carts, category: carts, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {kind: cart}}]}
  - {name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: by_of, attribute: of}, {by: {producer: carts, field: id}, index: by_of, attribute: of}], retention: {with: parent}}
";
    for became in [[("owner", "ada"), ("kind", "order")], [("owner", "bo"), ("kind", "cart")]] {
        let scene = Scene::new(map);
        scene.row("orders", "c", &[("owner", "ada"), ("kind", "cart")]);
        scene.row("lines", "own-line", &[("of", "c")]);
        assert_eq!(went(&scene.plan().0, "lines"), 1);
        scene.row("orders", "c", &became);
        scene.hide();
        assert_eq!(own(scene.rows("lines"), "own-"), ["own-line"], "{became:?}");
    }
}

#[test]
fn p2_what_may_belong_to_a_parent_that_could_not_be_looked_at_stays() {
    let scene = Scene::new(MAP);
    order(&scene, "new", NEW, "own-shared");
    scene.row("carts", "c", &[("owner", "ada"), ("lines", "own-shared")]);
    line(&scene, "own-shared");
    scene.world.lock().shop.unusable.insert("orders".to_owned(), i64::MAX);
    // A first look needs every store: a later one passes over what cannot be used, and a person decides on that.
    block_on(scene.engine().requests().submit(&officer(), scene.new_request())).expect("submitted");
    scene.settle();
    assert_ne!(scene.phase(), Phase::InReview);
    assert_eq!(own(scene.rows("lines"), "own-"), ["own-shared"]);
}

#[test]
fn p3_what_belongs_to_something_that_cannot_be_read_is_tried_twice_and_then_named() {
    // The order that cannot be read is asked for as well, or is not.
    for whole in [true, false] {
        let scene = Scene::new(MAP);
        for key in ["closed", "open"] {
            order(&scene, key, OLD, &format!("l-{key}"));
            line(&scene, &format!("l-{key}"));
        }
        let (goes, _) = if whole { scene.plan() } else { scene.partial_plan(&["lines", "notes", "labels"]) };
        assert_eq!((went(&goes, "lines"), went(&goes, "notes"), went(&goes, "labels")), (2, 2, 2), "{goes:?}");
        scene.world.lock().shop.refused.insert(("orders".to_owned(), "closed".to_owned()), i64::MAX);
        scene.hide();
        let flags = scene.world.lock().items.keys().filter(|key| key.sk.starts_with("exception#001#")).count();
        assert_eq!(flags, if whole { 4 } else { 3 }, "a person is told of each");
        let mut rounds = 1;
        let end = loop {
            // Where nothing is hidden, no window is waited for.
            let seen = if scene.phase() == Phase::Recoverable { scene.end() } else { scene.detail() };
            if seen.request.state.phase != Phase::InReview {
                break seen;
            }
            rounds += 1;
            assert!(rounds < 4, "whoever decides is asked again and again, whole: {whole}");
            scene.hide();
        };
        assert_eq!((end.request.state.phase, rounds), (Phase::CompletedWithExceptions, 2), "whole: {whole}");
        for (producer, n) in [("lines", 1), ("notes", 1), ("labels", 1), ("orders", u64::from(whole))] {
            assert_eq!(stayed(&end.kept, producer, "refused", ""), n, "{producer}, whole: {whole}: {:?}", end.kept);
        }
        let standing = (own(scene.rows("lines"), "l-"), own(scene.rows("notes"), "note-on-l"), labels(&scene));
        let expected =
            (vec!["l-closed".to_owned()], vec!["note-on-l-closed".to_owned()], vec!["labels/closed/label.pdf".to_owned()]);
        assert_eq!(standing, expected, "whole: {whole}");
    }
}

#[test]
fn p3_of_several_parents_the_one_that_stays_longest_says_until_when_whichever_is_found_first() {
    let map = |ways: [&str; 2]| {
        let [first, second] = ways.map(|parent| format!("{{by: {{producer: {parent}, field: lines}}, attribute: id}}"));
        format!(
            "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: orders, category: orders, store: db, table: orders, key: [id], select: [{{by: subject_id, index: by_owner, attribute: owner}}], retention: {{reason: tax law, exception: legal_obligation, from: issued, years: 7}}}}
  - {{name: claims, category: claims, store: db, table: claims, key: [id], select: [{{by: subject_id, index: by_owner, attribute: owner}}], retention: {{reason: disputes, exception: legal_claims, from: issued, years: 2}}}}
  - {{name: lines, category: lines, store: db, table: lines, key: [id], select: [{first}, {second}], retention: {{with: parent}}}}
"
        )
    };
    for ways in [["claims", "orders"], ["orders", "claims"]] {
        let scene = Scene::new(&map(ways));
        scene.row("orders", "o", &[("owner", "ada"), ("issued", NEW), ("lines", "l-both")]);
        scene.row("claims", "c", &[("owner", "ada"), ("issued", NEW), ("lines", "l-both|l-claim")]);
        ["l-both", "l-claim"].into_iter().for_each(|key| scene.row("lines", key, &[]));
        let (_, kept) = scene.plan();
        let of = |words: &str| {
            let lines = kept.iter().filter(|k| k.producer.as_str() == "lines" && k.why.words().as_deref() == Some(words));
            lines.map(|k| (k.records, k.why.until())).collect::<Vec<_>>()
        };
        let date = |year| Some(jiff::civil::date(year, 1, 1));
        assert_eq!(of("as long as orders: tax law"), [(1, date(2033))], "{ways:?}: {kept:?}");
        assert_eq!(of("as long as claims: disputes"), [(1, date(2028))], "{ways:?}: {kept:?}");
    }
}

#[test]
fn p3_of_several_parents_under_one_duty_the_last_day_is_said() {
    for [first, second] in [[NEW, "2027-01-01"], ["2027-01-01", NEW]] {
        let scene = Scene::new(MAP);
        order(&scene, "a", first, "l-both");
        order(&scene, "b", second, "l-both");
        line(&scene, "l-both");
        let (_, kept) = scene.plan();
        for producer in ["lines", "notes"] {
            let until: Vec<_> = kept.iter().filter(|k| k.producer.as_str() == producer).map(|k| k.why.until()).collect();
            assert_eq!(until, [Some(jiff::civil::date(2034, 1, 1))], "{producer} of {first} and {second}");
        }
    }
}

#[test]
fn p2_what_an_index_does_not_show_stays_with_its_parent_when_it_is_read_again() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: by_of, attribute: of}], retention: {with: parent}}
";
    let mut scene = Scene::new(map);
    let odd = Odd::new(ports(&scene.world).stores);
    scene.stores = Some(Arc::new(odd.clone()));
    let write = |scene: &Scene, issued: &str| {
        scene.row("orders", "o", &[("owner", "ada"), ("issued", issued)]);
        scene.row("lines", "own-line", &[("of", "o")]);
    };
    write(&scene, OLD);
    assert_eq!(went(&scene.plan().0, "lines"), 1);
    scene.hide();
    write(&scene, NEW);
    odd.with().unindexed.insert("own-line".to_owned());
    let end = scene.end();
    assert_eq!(end.request.state.phase, Phase::CompletedWithExceptions, "nothing is left to decide on");
    assert_eq!(stayed(&end.kept, "lines", "with_parent", "as long as orders: tax law"), 1, "{:?}", end.kept);
    assert_eq!(own(scene.rows("lines"), "own-"), ["own-line"]);
}

/// Bills under a duty; entries of a customer, some of a bill, which they stay with; and remarks on entries, which stay with these.
const BILLS: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: bills, category: bills, store: db, table: bills, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: entries, category: entries, store: db, table: entries, key: [id], select: [{by: subject_id, index: by_customer, attribute: customer}, {by: {producer: bills, field: id}, index: by_bill, attribute: bill}], retention: {with: parent}}
  - {name: remarks, category: remarks, store: db, table: remarks, key: [id], select: [{by: {producer: entries, field: id}, index: by_entry, attribute: entry}], retention: {with: parent}}
";

fn entry(scene: &Scene, key: &str, bill: &str) {
    let of_a_bill = Some(("bill", bill)).filter(|_| !bill.is_empty());
    let fields: Vec<(&str, &str)> = [("customer", "ada")].into_iter().chain(of_a_bill).collect();
    scene.row("entries", key, &fields);
    scene.row("remarks", &format!("on-{key}"), &[("entry", key)]);
}

#[test]
fn p2_what_came_to_belong_to_something_after_the_plan_is_left_for_the_next_look_with_what_stays_with_it() {
    // The bill that an entry is put on: one that stays, one that came after the plan and stays, one that goes.
    for (bill, stays) in [("new", true), ("late", true), ("old", false)] {
        for before in ["", "old", "other"] {
            if before == bill {
                continue;
            }
            let (scene, what) = (Scene::new(BILLS), format!("from {before:?} to {bill}"));
            let put = |key: &str, issued: &str| scene.row("bills", key, &[("owner", "ada"), ("issued", issued)]);
            put("new", NEW);
            put("old", OLD);
            put("other", OLD);
            entry(&scene, "e-moves", before);
            entry(&scene, "e-of-none", "");
            entry(&scene, "e-of-old", "old");
            entry(&scene, "e-of-new", "new");
            let (goes, kept) = scene.plan();
            assert_eq!((went(&goes, "entries"), went(&goes, "remarks")), (3, 3), "{what}: {goes:?}");
            assert_eq!(stayed(&kept, "entries", "with_parent", "as long as bills: tax law"), 1, "{what}: {kept:?}");
            put("late", NEW);
            entry(&scene, "e-moves", bill);
            scene.hide();
            assert_eq!(scene.rows("entries"), ["e-moves", "e-of-new"], "{what}");
            assert_eq!(scene.rows("remarks"), ["on-e-moves", "on-e-of-new"], "{what}");
            let end = scene.end();
            if stays {
                assert_eq!((end.request.state.phase, end.request.round), (Phase::CompletedWithExceptions, 1), "{what}");
                for (producer, parent) in [("entries", "bills"), ("remarks", "entries")] {
                    let with = stayed(&end.kept, producer, "with_parent", &format!("as long as {parent}: tax law"));
                    assert_eq!(with, 2, "{what}: {:?}", end.kept);
                }
            } else {
                assert_eq!(end.request.state.phase, Phase::InReview, "{what}: whoever decides is asked again");
                let (goes, _) = scene.planned();
                assert_eq!((went(&goes, "entries"), went(&goes, "remarks")), (1, 1), "{what}: {goes:?}");
                scene.hide();
                assert_eq!(scene.rows("entries"), ["e-of-new"], "{what}");
                assert_eq!(scene.end().request.state.phase, Phase::CompletedWithExceptions, "{what}");
            }
            let counts = scene.detail().counts;
            assert_eq!(counts.already_absent, 0, "{what}: nobody removed any of it");
        }
    }
}

#[test]
fn p3_what_belongs_to_nothing_any_more_goes_as_planned() {
    let scene = Scene::new(BILLS);
    scene.row("bills", "old", &[("owner", "ada"), ("issued", OLD)]);
    entry(&scene, "e-of-old", "old");
    assert_eq!(went(&scene.plan().0, "entries"), 1);
    entry(&scene, "e-of-old", "");
    scene.hide();
    assert!(scene.rows("entries").is_empty() && scene.rows("remarks").is_empty());
    assert_eq!(scene.end().request.state.phase, Phase::Completed);
}

#[test]
fn p2_parents_are_asked_again_many_at_a_time_and_no_more_than_fit_into_a_workers_memory() {
    // The size of each, and how many are read together.
    for (bytes, together) in [(1, 400), (1024 * 1024, 32)] {
        let mut scene = Scene::new(MAP);
        let odd = Odd::new(ports(&scene.world).stores);
        scene.stores = Some(Arc::new(odd.clone()));
        change_settings(&scene.engine(), |settings| settings.batch_size = 1_000).expect("set");
        for n in 0..450 {
            let key = format!("c{n:03}");
            scene.row("carts", &key, &[("owner", "ada"), ("lines", if n == 449 { "l-1" } else { "l-0" })]);
            odd.with().bytes.insert(key, bytes);
        }
        scene.row("lines", "l-1", &[]);
        assert_eq!(went(&scene.plan().0, "lines"), 1);
        odd.with().reread.clear();
        scene.hide();
        let read = odd.with().reread["carts"].clone();
        assert_eq!((read.iter().sum::<usize>(), read.iter().max()), (450, Some(&together)), "{read:?}");
        assert!(own(scene.rows("lines"), "l-").is_empty());
    }
}
