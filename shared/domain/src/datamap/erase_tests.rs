use crate::datamap::{self, EraseAction};

fn map(select: &str, more: &str) -> String {
    format!(
        "version: 1
stores: {{db: {{connector: dynamodb}}, files: {{connector: s3}}}}
producers:
  - name: messages
    category: messages
    store: db
    table: messages
    key: [id]
    select: [{{by: subject_id, index: by_sender, attribute: sender}}, {{by: subject_id, index: by_recipient, attribute: recipient{select}}}]
    {more}
"
    )
}

fn refused(select: &str, more: &str) -> String {
    let refused = datamap::parse(&map(select, more)).expect_err(more).to_string();
    assert!(refused.contains("line "), "{refused}");
    refused
}

#[test]
fn a_producer_or_a_selection_is_shown_only_with_a_reason() {
    let read = |select: &str, more: &str| {
        let (map, _) = datamap::parse(&map(select, more)).expect("accepted");
        let producer = &map.producers[0];
        ([0, 1].map(|place| producer.shown_only(place).map(str::to_owned)), producer.erase == EraseAction::Delete)
    };
    let said = Some("not theirs".to_owned());
    assert_eq!(read("", ""), ([None, None], true));
    assert_eq!(read("", "erase: delete"), ([None, None], true));
    for whole in ["erase: false\n    because: not theirs", "export: only\n    because: not theirs"] {
        assert_eq!(read("", whole), ([said.clone(), said.clone()], false), "{whole}");
    }
    assert_eq!(read("", "erase: false\n    because: not theirs\n    export: {mask: [sender]}").0, [said.clone(), said.clone()]);
    assert_eq!(read(", export: only, because: not theirs", ""), ([None, said], true));
}

#[test]
fn what_is_wrong_with_it_is_said_with_what_to_write() {
    for (select, more, reason) in [
        ("", "erase: false", "erase: false needs because"),
        ("", "erase: false\n    because: ' '", "erase: false needs because"),
        ("", "export: only", "needs because"),
        (", export: only", "", "select: export: only needs because"),
        (", export: no, because: x", "", "write export: only"),
        (", because: x", "", "select: because says why something is not erased"),
        ("", "because: x", "it belongs beside erase: false"),
        ("", "erase: true", "write delete"),
        ("", "erase: never", "write delete"),
        ("", "erase: [delete]", "erase: delete, which it is unless said otherwise"),
        ("", "erase: {fields: {text: redact}}", "fields are not blanked or replaced yet"),
        ("", "erase: delete\n    export: only\n    because: x", "leave one of them out"),
        ("", "export: all", "write only, or keys such as fields"),
        (", export: only, because: x", "erase: false\n    because: x", "nothing of the producer is erased anyway"),
    ] {
        let said = refused(select, more);
        assert!(said.contains(reason), "{select} {more}: {said}");
    }
    let both =
        map(", export: only, because: x", "").replace("attribute: sender}", "attribute: sender, export: only, because: x}");
    let said = datamap::parse(&both).expect_err("refused").to_string();
    assert!(said.contains("write erase: false and because once instead"), "{said}");
}

#[test]
fn children_of_what_is_shown_only_are_named() {
    let child = "  - {name: files, category: f, store: db, table: files, key: [id], select: [{by: {producer: messages, field: file}, \
                 attribute: id}]}\n";
    let said = |select: &str| -> bool {
        let text = format!("{}{child}", map(select, ""));
        let findings = datamap::parse(&text).expect("accepted").1;
        findings.iter().any(|f| f.message.contains("some of it is shown and not erased"))
    };
    assert!(said(", export: only, because: not theirs") && !said(""));
}

#[test]
fn masks_and_fields_that_contradict_each_other_are_refused() {
    for (rules, reason) in [
        ("{mask: [id]}", "part of the table's key"),
        ("{mask: [agent, agent]}", "agent is written twice"),
        ("{mask: [replies, replies.agent]}", "replies.agent lies in replies, which is masked whole"),
        ("{mask: [a.b, a.b.c]}", "a.b.c lies in a.b"),
        ("{mask: ['replies.']}", "no name of a field, nor a path such as replies.agent"),
        ("{mask: ['']}", "no name of a field"),
        ("{fields: {'.text': Text}}", "no name of a field"),
        ("{fields: {text: Text}, mask: [agent]}", "none of the fields that are shown"),
        ("{fields: {replies.text: Text}, mask: [replies]}", "fields: replies.text lies in replies, which is masked whole"),
        ("{fields: {a: X, b: X}}", "two fields are named X"),
    ] {
        let said = refused("", &format!("export: {rules}"));
        assert!(said.contains(reason), "{rules}: {said}");
    }
    for rules in [
        "{mask: [agent, replies.agent, replies2]}",
        "{fields: {agent: Agent, text: Text}, mask: [agent]}",
        "{fields: {replies: Replies}, mask: [replies.agent]}",
        "{fields: {replies.text: Text, replies.agent: Agent}, mask: [replies.agent]}",
    ] {
        assert!(datamap::parse(&map("", &format!("export: {rules}"))).is_ok(), "{rules}");
    }
    let objects = "version: 1\nstores: {files: {connector: s3}}\nproducers:\n  - {name: f, category: f, store: files, bucket: b, \
                   select: [{by: subject_id, prefix: 'u/{}/'}], export: {mask: [key]}}\n";
    assert!(datamap::parse(objects).expect_err("refused").to_string().contains("belong to tables"));
}
