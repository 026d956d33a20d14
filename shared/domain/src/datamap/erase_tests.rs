use crate::{
    datamap::{self, EraseAction, Severity},
    replacement::Replacement,
};

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
        ("", "erase: {fields: {text: redact}}", "there is no redact here: did you mean redaction?"),
        ("", "erase: {fields: {text: tokenize}}", "did you mean tokenization?"),
        ("", "erase: {fields: {text: hash}}", "did you mean hashing?"),
        ("", "erase: {fields: {text: generalize}}", "did you mean generalization?"),
        ("", "erase: {fields: {text: 1}}", "Accepted are tokenization, redaction, hashing, generalization"),
        ("", "erase: {field: {text: redaction}}", "there is no field here: did you mean fields?"),
        ("", "erase: {}", "fields is missing: write fields: {name: redaction}"),
        ("", "erase: {fields: {}}", "none is named: write {name: redaction}"),
        ("", "erase: {fields: [text]}", "keys of its own"),
        ("", "erase: {fields: {text: redaction}}\n    because: x", "because says why something is not erased"),
        ("", "erase: {fields: {text: redaction}}\n    export: only", "leave one of them out"),
        ("", "erase: {fields: {'meta.': redaction}}", "no name of a field, nor a path such as address.street"),
        ("", "erase: {fields: {meta: redaction, meta.name: hashing}}", "meta.name lies in meta, which is replaced whole"),
        ("", "erase: {fields: {id: hashing}}", "id is part of the table's key"),
        ("", "erase: {fields: {sender: hashing}}", "sender is what its records are selected by"),
        ("", "erase: {fields: {recipient.name: hashing}}", "recipient.name is what its records are selected by"),
        (", where: {kind: chat}", "erase: {fields: {kind: redaction}}", "kind is what its records are selected by"),
        (", sort: {attribute: day, begins_with: '2'}", "erase: {fields: {day: redaction}}", "day is what its records are"),
        (
            "",
            "identifies: {subject_email: mail}\n    erase: {fields: {mail: hashing}}",
            "mail is an identifier of the person, by identifies",
        ),
        ("", "version_attribute: v\n    erase: {fields: {v: redaction}}", "v is its version_attribute"),
        (
            "",
            "retention: {reason: r, exception: legal_claims, from: day, years: 1}\n    erase: {fields: {day: redaction}}",
            "day is the date that a duty is counted from",
        ),
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
fn fields_to_replace_are_read_and_said_not_to_be_replaced_by_this_version() {
    use Replacement as By;
    let fields = "{text: redaction, name: tokenization, meta.mail: hashing, born: generalization}";
    let (map, findings) = datamap::parse(&map("", &format!("erase: {{fields: {fields}}}"))).expect("accepted");
    let EraseAction::Fields(read) = &map.producers[0].erase else { panic!("{:?}", map.producers[0].erase) };
    let read: Vec<_> = read.iter().map(|(field, by)| (field.as_str(), *by)).collect();
    let named = [("born", By::Generalization), ("meta.mail", By::Hashing), ("name", By::Tokenization), ("text", By::Redaction)];
    assert_eq!(read, named);
    assert!(!map.producers[0].shows_only_some(), "it is no producer that is shown and left alone");
    let said = findings.iter().find(|f| f.message.contains("not replaced by this version")).expect("it is said");
    assert_eq!((said.severity, said.line), (Severity::Warning, Some(10)));
    for word in ["born (generalization), meta.mail (hashing), name (tokenization), text (redaction)", "completed_with_exceptions"]
    {
        assert!(said.message.contains(word), "{}", said.message);
    }
}

#[test]
fn some_of_a_producer_can_be_shown_only_and_fields_of_the_rest_replaced() {
    let (map, _) = datamap::parse(&map(", export: only, because: not theirs", "erase: {fields: {text: redaction}}")).expect("ok");
    let producer = &map.producers[0];
    assert_eq!([0, 1].map(|place| producer.shown_only(place)), [None, Some("not theirs")]);
    assert!(matches!(producer.erase, EraseAction::Fields(_)));
}

#[test]
fn what_others_are_found_through_and_what_their_duties_count_from_is_not_replaced() {
    let refused = |more: &str, fields: &str| {
        let text = format!("{}{more}", map("", &format!("erase: {{fields: {{{fields}}}}}")));
        datamap::parse(&text).map(|_| ()).map_err(|e| e.to_string())
    };
    let child = "  - {name: files, category: f, store: db, table: files, key: [id], select: [{by: {producer: messages, field: \
                 meta.file}, attribute: id}]}\n";
    for field in ["meta", "meta.file", "meta.file.name"] {
        let said = refused(child, &format!("{field}: hashing")).expect_err(field);
        assert!(said.contains(&format!("{field} is what files is found through")) && said.contains("line 10"), "{said}");
    }
    assert_eq!(refused(child, "meta.name: hashing"), Ok(()));
    // A duty of the producer around it keeps its records, too.
    let around = "  - {name: all, category: all, store: db, table: t, key: [id], select: [{by: subject_id, index: i, attribute: o}], \
                  retention: {reason: law, exception: legal_claims, from: day, years: 1}}\n  - {name: some, category: some, store: \
                  db, table: t, key: [id], select: [{by: subject_id, index: i, attribute: o, where: {kind: note}}], erase: {fields: \
                  {FIELD: redaction}}}\n";
    let said = refused(&around.replace("FIELD", "day"), "text: redaction").expect_err("refused");
    assert!(said.contains("producer some: erase: fields: day is the date that a duty is counted from"), "{said}");
    assert_eq!(refused(&around.replace("FIELD", "text"), "text: redaction"), Ok(()));
}

#[test]
fn fields_belong_to_tables() {
    let objects = "version: 1\nstores: {files: {connector: s3}}\nproducers:\n  - {name: f, category: f, store: files, bucket: b, \
                   select: [{by: subject_id, prefix: 'u/{}/'}], erase: {fields: {author: redaction}}}\n";
    let said = datamap::parse(objects).expect_err("refused").to_string();
    assert!(said.contains("an object goes or stays as a whole: write erase: delete, or erase: false with because"), "{said}");
}

#[test]
fn children_of_what_stays_with_fields_replaced_are_named() {
    let child = "  - {name: files, category: f, store: db, table: files, key: [id], select: [{by: {producer: messages, field: file}, \
                 attribute: id}]}\n";
    let text = format!("{}{child}", map("", "erase: {fields: {text: redaction}}"));
    let findings = datamap::parse(&text).expect("accepted").1;
    let said = findings.iter().find(|f| f.message.contains("its records stay, and fields are replaced")).expect("it is said");
    assert!(said.message.contains("Write retention: {with: parent}"), "{}", said.message);
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
