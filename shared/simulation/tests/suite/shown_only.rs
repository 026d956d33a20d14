//! What the map has stay though no duty keeps it: what is shown and not theirs to erase, and what has fields replaced.

use crate::support::{
    archive, id,
    scene::{NEW, OLD, Scene, stayed, went},
};
use oubli_archive::rows::MASKED;
use oubli_domain::{lifecycle::Phase, personal::Identity};
use oubli_engine::api::{NewRequest, RequestKind};
use oubli_simulation::{new_request, polls::block_on};

/// Messages between people, which whoever wrote them erases; and their attachments, which stay with them.
const MESSAGES: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - name: messages
    category: messages
    store: db
    table: messages
    key: [id]
    select:
      - {by: subject_id, index: by_recipient, attribute: recipient, export: only, because: somebody else wrote them}
      - {by: subject_id, index: by_sender, attribute: sender}
    export: {mask: [sender, agent_name]}
  - {name: files, category: messages, store: db, table: files, key: [id], select: [{by: {producer: messages, field: file}, attribute: id}], retention: {with: parent}}
";

fn message(scene: &Scene, key: &str, sender: &str, recipient: &str) {
    let file = format!("file-of-{key}");
    scene.row("messages", key, &[("sender", sender), ("recipient", recipient), ("text", "my address is …"), ("file", &file)]);
    scene.row("files", &file, &[]);
}

fn talked() -> Scene {
    let scene = Scene::new(MESSAGES);
    message(&scene, "to-ada", "bob", "ada");
    message(&scene, "from-ada", "ada", "bob");
    message(&scene, "to-herself", "ada", "ada");
    message(&scene, "of-others", "bob", "carl");
    scene
}

#[test]
fn p2_p3_a_message_that_somebody_else_wrote_stays_and_is_named_to_the_end() {
    let scene = talked();
    let (goes, kept) = scene.plan();
    assert_eq!((went(&goes, "messages"), went(&goes, "files")), (2, 2), "{goes:?}");
    assert_eq!(stayed(&kept, "messages", "export_only", "somebody else wrote them"), 1, "{kept:?}");
    assert_eq!(stayed(&kept, "files", "with_parent", "as long as messages: somebody else wrote them"), 1, "{kept:?}");
    assert!(kept.iter().all(|k| k.producer.as_str() != "messages" || k.why.duty().is_none()), "it is no duty: {kept:?}");
    scene.hide();
    assert_eq!(scene.rows("messages"), ["of-others", "to-ada"]);
    let end = scene.end();
    assert_eq!((end.request.state.phase, end.request.round), (Phase::CompletedWithExceptions, 1), "it is still there");
    assert_eq!(stayed(&end.kept, "messages", "export_only", "somebody else wrote them"), 1, "{:?}", end.kept);
    assert_eq!(scene.rows("messages"), ["of-others", "to-ada"]);
    assert_eq!(scene.rows("files"), ["file-of-of-others", "file-of-to-ada"]);
}

#[test]
fn p3_what_arrives_late_goes_and_what_is_shown_only_stays_in_every_round() {
    let scene = talked();
    scene.plan();
    scene.hide();
    message(&scene, "late-from-ada", "ada", "bob");
    message(&scene, "late-to-ada", "bob", "ada");
    assert_eq!(scene.end().request.state.phase, Phase::InReview);
    let (goes, kept) = scene.planned();
    assert_eq!(went(&goes, "messages"), 1, "{goes:?}");
    assert_eq!(stayed(&kept, "messages", "export_only", ""), 2, "{kept:?}");
    scene.hide();
    assert_eq!(scene.end().request.state.phase, Phase::CompletedWithExceptions);
    assert_eq!(scene.rows("messages"), ["late-to-ada", "of-others", "to-ada"]);
}

fn exported(scene: &Scene) -> NewRequest {
    let identity = Identity::built_in(Some("ada"), None).expect("an identity");
    NewRequest { kind: RequestKind::Export, ..new_request(&scene.world, id(), identity) }
}

#[test]
fn an_export_shows_what_is_not_theirs_to_erase_and_says_only_of_fields_that_are_there_that_they_are_masked() {
    let scene = talked();
    block_on(scene.engine().requests().submit(&crate::support::officer(), exported(&scene))).expect("submitted");
    scene.settle();
    assert_eq!(scene.phase(), Phase::Available);
    let (manifest, files) = archive::opened(&scene.world, id(), "an export");
    let part = manifest.summary.parts.iter().find(|p| p.producer == "messages").expect("messages");
    assert_eq!((part.records, part.masked.as_slice()), (3, ["sender".to_owned()].as_slice()));
    assert_eq!(part.fields_not_found, ["agent_name"]);
    let rows = String::from_utf8(files["data/messages/messages.json"].clone()).expect("text");
    assert!(rows.matches(MASKED).count() == 3 && rows.contains("my address is"), "{rows}");
    let page = String::from_utf8(files["index.html"].clone()).expect("text");
    assert!(page.contains("About other people: Sender<") && !page.contains("agent_name"), "{page}");
}

#[test]
fn an_export_masks_whole_what_a_masked_path_meets_before_its_end_and_says_so() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: chats, category: chats, store: db, table: chats, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], export: {mask: [replies.agent]}}
";
    let scene = Scene::new(map);
    scene.row("chats", "c1", &[("owner", "ada"), ("text", "my question"), ("replies", "[{\"agent\":\"Quentin\"}]")]);
    block_on(scene.engine().requests().submit(&crate::support::officer(), exported(&scene))).expect("submitted");
    scene.settle();
    assert_eq!(scene.phase(), Phase::Available);
    let (manifest, files) = archive::opened(&scene.world, id(), "an export");
    let [part] = manifest.summary.parts.as_slice() else { panic!("{:?}", manifest.summary.parts) };
    assert_eq!(
        (part.masked.as_slice(), part.fields_not_found.as_slice()),
        (&["replies.agent".to_owned()][..], &["replies.agent".to_owned()][..])
    );
    for (name, bytes) in &files {
        assert!(!String::from_utf8_lossy(bytes).contains("Quentin"), "{name} names somebody else");
    }
    let rows = String::from_utf8(files["data/chats/chats.json"].clone()).expect("text");
    assert!(rows.contains(&format!("\"replies\":\"{MASKED}\"")) && rows.contains("my question"), "{rows}");
}

#[test]
fn p2_a_duty_is_named_before_what_is_not_theirs_and_the_more_specific_producer_says_what_goes() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: rows, category: rows, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], erase: false, because: written by colleagues, export: {mask: [author]}, retention: {reason: accounts, exception: legal_obligation, from: made, years: 2}}
  - {name: drafts, category: drafts, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {type: draft}}]}
  - {name: reviews, category: reviews, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {type: review}}], export: only, because: the reviewer's own}
";
    let scene = Scene::new(map);
    for (kind, made) in [("note", OLD), ("note", NEW), ("draft", OLD), ("draft", NEW), ("review", OLD), ("review", NEW)] {
        scene.row("rows", &format!("{kind}-{made}"), &[("owner", "ada"), ("type", kind), ("made", made)]);
    }
    let (goes, kept) = scene.plan();
    assert_eq!(goes, [("drafts".to_owned(), 1)]);
    for producer in ["rows", "drafts", "reviews"] {
        assert_eq!(stayed(&kept, producer, "retention", "accounts"), 1, "{producer}: {kept:?}");
    }
    assert_eq!(stayed(&kept, "rows", "export_only", "written by colleagues"), 1, "{kept:?}");
    assert_eq!(stayed(&kept, "reviews", "export_only", "the reviewer's own"), 1, "{kept:?}");
    scene.hide();
    assert_eq!(scene.end().request.state.phase, Phase::CompletedWithExceptions);
    assert_eq!(scene.rows("rows").len(), 5);
}

/// Profiles stay without name and address, with what belongs to them; of notes, reviews stay without their text.
const REPLACED: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: profiles, category: profiles, store: db, table: profiles, key: [id], select: [{by: subject_id, attribute: id}], erase: {fields: {name: tokenization, address: redaction}}}
  - {name: cards, category: profiles, store: db, table: cards, key: [id], select: [{by: {producer: profiles, field: card}, attribute: id}], retention: {with: parent}}
  - {name: notes, category: notes, store: db, table: notes, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: reviews, category: notes, store: db, table: notes, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner, where: {type: review}}], erase: {fields: {text: hashing}}}
";

fn wrote() -> Scene {
    let scene = Scene::new(REPLACED);
    scene.row("profiles", "ada", &[("name", "Ada"), ("address", "1 Main St"), ("card", "c-1")]);
    scene.row("cards", "c-1", &[("limit", "100")]);
    for (key, kind) in [("note-1", "note"), ("note-2", "note"), ("review-1", "review"), ("review-2", "review")] {
        scene.row("notes", key, &[("owner", "ada"), ("type", kind), ("text", "my street is …")]);
    }
    scene
}

#[test]
fn p2_p3_records_whose_fields_are_to_be_replaced_are_counted_and_named_and_nothing_of_them_is_touched() {
    let scene = wrote();
    let touched = [("profiles", "ada"), ("cards", "c-1"), ("notes", "review-1"), ("notes", "review-2")];
    let before = touched.map(|(table, key)| scene.world.row(table, key).expect("there"));
    let (goes, kept) = scene.plan();
    assert_eq!(goes, [("notes".to_owned(), 2)], "reviews are the more specific producer's");
    let fields = "not replaced by this version: address (redaction), name (tokenization)";
    assert_eq!(stayed(&kept, "profiles", "fields_not_replaced", fields), 1, "{kept:?}");
    assert_eq!(stayed(&kept, "reviews", "fields_not_replaced", "not replaced by this version: text (hashing)"), 2, "{kept:?}");
    assert_eq!(stayed(&kept, "cards", "with_parent", "as long as profiles"), 1, "{kept:?}");
    assert_eq!(kept.iter().map(|k| k.records).sum::<u64>(), 4, "{kept:?}");
    scene.hide();
    assert_eq!(scene.rows("notes"), ["review-1", "review-2"]);
    let end = scene.end();
    assert_eq!((end.request.state.phase, end.request.round), (Phase::CompletedWithExceptions, 1));
    assert_eq!(stayed(&end.kept, "profiles", "fields_not_replaced", fields), 1, "{:?}", end.kept);
    assert_eq!(stayed(&end.kept, "reviews", "fields_not_replaced", "not replaced"), 2, "{:?}", end.kept);
    assert_eq!(touched.map(|(table, key)| scene.world.row(table, key).expect("still there")), before);
}

#[test]
fn p2_what_arrives_late_for_a_producer_whose_fields_are_replaced_stays_too_and_a_duty_is_named_before_it() {
    let scene = wrote();
    scene.plan();
    scene.hide();
    scene.row("notes", "review-3", &[("owner", "ada"), ("type", "review"), ("text", "late")]);
    scene.row("notes", "note-3", &[("owner", "ada"), ("type", "note"), ("text", "late")]);
    assert_eq!(scene.end().request.state.phase, Phase::InReview);
    let (goes, kept) = scene.planned();
    assert_eq!(goes, [("notes".to_owned(), 1)]);
    assert_eq!(stayed(&kept, "reviews", "fields_not_replaced", ""), 3, "{kept:?}");
    scene.hide();
    assert_eq!(scene.end().request.state.phase, Phase::CompletedWithExceptions);
    assert_eq!(scene.rows("notes"), ["review-1", "review-2", "review-3"]);

    let duty = "erase: {fields: {text: hashing}}, retention: {reason: accounts, exception: legal_obligation}";
    let held = Scene::new(&REPLACED.replace("erase: {fields: {text: hashing}}", duty));
    held.row("notes", "review-1", &[("owner", "ada"), ("type", "review")]);
    assert_eq!(stayed(&held.plan().1, "reviews", "retention", "accounts"), 1);
}

#[test]
fn an_erasure_that_finds_only_fields_to_replace_hides_nothing_and_is_not_completed() {
    let scene = wrote();
    for key in ["note-1", "note-2"] {
        scene.world.app_deletes("notes", key);
    }
    let (goes, kept) = scene.plan();
    assert_eq!((goes.len(), kept.iter().map(|k| k.records).sum::<u64>()), (0, 4), "{kept:?}");
    scene.hide();
    let end = scene.end();
    assert_eq!((end.request.state.phase, end.counts.erased), (Phase::CompletedWithExceptions, 0), "{:?}", end.kept);
    assert_eq!(scene.rows("notes"), ["review-1", "review-2"]);
    assert_eq!(scene.rows("profiles"), ["ada"]);
}
