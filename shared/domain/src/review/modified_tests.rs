use super::*;

fn parsed(text: &str) -> ModifiedAction {
    ModifiedAction::parse(text).expect(text)
}

fn names(categories: &[Category]) -> Vec<&str> {
    categories.iter().map(Category::as_str).collect()
}

#[test]
fn a_sentence_and_an_object_are_read() {
    let only = parsed(r#"Delete only the chats. {"categories": ["chat_history"]}"#);
    assert_eq!(only.sentence, "Delete only the chats.");
    assert_eq!(names(&only.modification.categories), ["chat_history"]);
    assert_eq!(only.modification.scheduled_at, None);
    let all = parsed(
        r#"  Später, und ohne Rechnungen:
        {
            "scheduled_at": "2026-12-01T00:00:00+01:00",
            "categories": ["orders", "chat_history"],
            "exclude_categories": ["logs"],
            "exclusions": [
                {"category": "invoices", "reason": " Tax audit {2026} ", "retention_until": "2036-12-31"},
                {"category": "tickets", "reason": "a dispute", "retention_until": null}
            ]
        }
        "#,
    );
    assert_eq!(all.sentence, "Später, und ohne Rechnungen:");
    let Modification { scheduled_at, categories, exclude_categories, exclusions } = all.modification;
    assert_eq!(scheduled_at.expect("a time").to_string(), "2026-11-30T23:00:00Z");
    assert_eq!(names(&categories), ["orders", "chat_history"]);
    assert_eq!(names(&exclude_categories), ["logs"]);
    let told: Vec<_> = exclusions.iter().map(|e| (e.category.as_str(), e.reason.as_str(), e.retention_until)).collect();
    let day: Date = "2036-12-31".parse().expect("a date");
    assert_eq!(told, [("invoices", "Tax audit {2026}", Some(day)), ("tickets", "a dispute", None)]);
}

#[test]
fn what_cannot_be_done_is_refused_with_its_place() {
    for (text, path, reason) in [
        ("", "modified_action", "no sentence"),
        ("Delete only the chats.", "modified_action", "no object"),
        ("Delete } only { the chats.", "modified_action", "no object"),
        (r#"{"categories": ["a"]}"#, "modified_action", "no sentence"),
        ("Later. {}", "modified_action", "nothing would be otherwise"),
        (r#"Later. {"exclude_categories": [], "scheduled_at": null}"#, "modified_action", "nothing would be otherwise"),
        (r#"Later. {"categories": ["a"]} Thanks!"#, "modified_action", "something follows"),
        (r#"Two. {"categories": ["a"]} {"categories": ["b"]}"#, "modified_action", "not one JSON object"),
        (r#"Cut. {"categories": ["a"}"#, "modified_action", "not one JSON object"),
        (r#"Other. {"category": ["a"]}"#, "modified_action", "a field that there is not"),
        (r#"Twice. {"categories": ["a"], "categories": ["b"]}"#, "modified_action", "given twice"),
        (r#"None. {"categories": []}"#, "modified_action.categories", "no category"),
        (r#"One. {"categories": "a"}"#, "modified_action.categories", "not a list"),
        (r#"Odd. {"categories": ["a", "B"]}"#, "modified_action.categories[1]", "not the name"),
        (r#"Odd. {"exclude_categories": [7]}"#, "modified_action.exclude_categories[0]", "not the name"),
        (r#"Twice. {"categories": ["a", "b", "a"]}"#, "modified_action.categories[2]", "twice"),
        (r#"Both. {"categories": ["a", "b"], "exclude_categories": ["b"]}"#, "modified_action.exclude_categories[0]", "too"),
        (r#"Later. {"scheduled_at": "tomorrow"}"#, "modified_action.scheduled_at", "offset"),
        (r#"Later. {"scheduled_at": "2026-12-01T00:00:00"}"#, "modified_action.scheduled_at", "offset"),
        (r#"Later. {"scheduled_at": 1793620800}"#, "modified_action.scheduled_at", "offset"),
        (r#"Not. {"exclusions": {"category": "a"}}"#, "modified_action.exclusions", "not a list"),
        (r#"Not. {"exclusions": [["a", "b", null]]}"#, "modified_action.exclusions[0]", "not an object"),
        (
            r#"Not. {"exclusions": [{"category": "a", "reason": "b", "until": "2036-12-31"}]}"#,
            "modified_action.exclusions[0]",
            "field",
        ),
        (r#"Not. {"exclusions": [{"reason": "b"}]}"#, "modified_action.exclusions[0].category", "not the name"),
        (r#"Not. {"exclusions": [{"category": "a"}]}"#, "modified_action.exclusions[0].reason", "no reason"),
        (r#"Not. {"exclusions": [{"category": "a", "reason": " "}]}"#, "modified_action.exclusions[0].reason", "no reason"),
        (
            r#"Not. {"exclusions": [{"category": "a", "reason": "b"}, {"category": "a", "reason": "c"}]}"#,
            "modified_action.exclusions[1].category",
            "twice",
        ),
        (
            r#"Not. {"exclusions": [{"category": "a", "reason": "b", "retention_until": "31.12.2036"}]}"#,
            "modified_action.exclusions[0].retention_until",
            "not a date",
        ),
    ] {
        let refused = ModifiedAction::parse(text).expect_err(text);
        assert_eq!(refused.path, path, "{text}: {refused}");
        assert!(refused.reason.contains(reason), "{text}: {refused}");
        assert!(!refused.accepted.is_empty(), "{text}");
    }
    let said = ModifiedAction::parse(r#"Other. {"secret": 1}"#).expect_err("no such field").to_string();
    let fields = ["scheduled_at", "categories", "exclude_categories", "exclusions"];
    assert!(fields.iter().all(|field| said.contains(field)) && !said.contains("secret"), "{said}");
}

#[test]
fn a_modified_action_is_bounded() {
    let long = |bytes: usize| format!("{} {{\"categories\": [\"a\"]}}", "x".repeat(bytes - 22));
    assert_eq!(long(LONGEST_MODIFIED_ACTION).len(), LONGEST_MODIFIED_ACTION);
    assert!(ModifiedAction::parse(&long(LONGEST_MODIFIED_ACTION)).is_ok());
    assert!(ModifiedAction::parse(&long(LONGEST_MODIFIED_ACTION + 1)).is_err());
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("\"c{n}\"")).collect();
        ModifiedAction::parse(&format!("Many. {{\"categories\": [{}]}}", names.join(",")))
    };
    assert!(many(100).is_ok());
    assert_eq!(many(101).expect_err("too many").path, "modified_action.categories");
}

#[test]
fn what_others_write_is_told_apart() {
    for (text, sentence, object) in [
        ("Pay 80 instead.", "Pay 80 instead.", None),
        ("", "", None),
        ("  Zahle 80 €.\n", "Zahle 80 €.", None),
        ("} and {", "} and {", None),
        ("only { here", "only { here", None),
        ("{}", "", Some(true)),
        ("Ünicode first {\"categories\": [\"a\"]} and after", "Ünicode first", Some(true)),
        ("Pay. {\"amount\": 80}", "Pay.", Some(false)),
        ("{a} or {b}", "", Some(false)),
    ] {
        assert_eq!(ModifiedAction::sentence(text), sentence, "{text}");
        assert_eq!(ModifiedAction::object(text).map(|read| read.is_ok()), object, "{text}");
    }
    for text in ["{}", "Pay. {\"amount\": {\"euros\": 80}} Thanks!", "Pay.\n{\n\"amount\": 80\n}"] {
        assert!(ModifiedAction::names_an_object(text), "{text}");
    }
    for text in [
        "",
        "Pay 80.",
        "only { here",
        "} and {",
        "{a} or {b}",
        "{} {}",
        "{\"amount\": 80} and no more",
        "Pay. {\"amount\": 80",
        "Pay. {\"amount\": }",
    ] {
        assert!(!ModifiedAction::names_an_object(text), "{text}");
    }
    let empty = ModifiedAction::object("{}").expect("an object").expect("that is read");
    assert!(empty.is_empty());
}

#[test]
fn only_times_with_an_offset_are_times() {
    for good in ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123+02:00", "2026-01-31t12:00:00z", "2026-01-31T12:00:00-05:30"] {
        assert!(rfc3339(good).is_some(), "{good}");
    }
    for bad in [
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00Z",
        "2026-01-31 12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T12:00:00+02:00[Europe/Paris]",
        "2026-01-31T12:00:00+02",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00.1234567890Z",
        "31.01.2026",
        "üüüüüüüüüüüüüü",
        "",
    ] {
        assert!(rfc3339(bad).is_none(), "{bad}");
    }
}
