use super::*;
use crate::{datamap, personal::Identity};

const MAP: &str = "
version: 1
identifiers: {phone: {form: phone}, device: {form: exact}}
nobody: [guest, 0]
stores: {db: {connector: dynamodb}}
producers:
  - name: profiles
    category: profile
    store: db
    table: profiles
    key: [id]
    identifies: {subject_id: id, subject_email: email, phone: phone}
    select: [{by: subject_id, attribute: id}, {by: subject_email, index: i, attribute: email}, {by: phone, index: p, attribute: phone}]
  - name: devices
    category: devices
    store: db
    table: devices
    key: [device]
    identifies: {device: device, phone: phone}
    select: [{by: device, attribute: device}]
  - name: orders
    category: orders
    store: db
    table: orders
    key: [order]
    identifies: {subject_id: customer, subject_email: email}
    select: [{by: subject_id, index: c, attribute: customer}, {by: subject_email, index: e, attribute: email}]
";

/// Rows of the stores: a producer, and what is on it.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)]);

fn known(map: &DataMap, kind: &str, text: &str) -> Known {
    let kind = kind.parse().expect("a kind");
    map.known(&kind, Identifier::parse(text).expect("an identifier"), "FR").expect("of its form")
}

/// Who these identifiers lead to in these stores: kind, value, and why not.
fn resolved(rows: &[Row<'_>], given: &[(&str, &str)], named: &[(&str, &str)]) -> Vec<(String, String, Option<Ambiguity>)> {
    person(rows, given, named, None, false)
        .identifiers
        .into_iter()
        .map(|r| {
            let why = match r.standing {
                Standing::Selects => None,
                Standing::Ambiguous(why) => Some(why),
            };
            (r.known.kind.to_string(), r.known.normal.expose().to_owned(), why)
        })
        .collect()
}

fn person(rows: &[Row<'_>], given: &[(&str, &str)], named: &[(&str, &str)], earlier: Option<&Person>, confirm: bool) -> Person {
    let (map, _) = datamap::parse(MAP).expect("a map");
    let given = Identity::new(given.iter().map(|(kind, text)| known(&map, kind, text))).expect("somebody");
    let named: Vec<Known> = named.iter().map(|(kind, text)| known(&map, kind, text)).collect();
    let mut resolver = Resolver::new(&map, given.known(), earlier, &named, confirm);
    while let Some((place, lookups)) = resolver.next() {
        let mut seen = Vec::new();
        for Lookup { producer, known: by, .. } in lookups {
            let producer = &map.producers[producer];
            for (_, names) in rows.iter().filter(|(of, _)| *of == producer.name.as_str()) {
                let names: Vec<Known> = names.iter().map(|(kind, text)| known(&map, kind, text)).collect();
                if names.iter().any(|name| name.is(by)) {
                    let own = producer.identifies.iter().filter(|(_, f)| producer.location.is_key(f)).map(|(k, _)| k.clone());
                    seen.push(Seen { producer: producer.name.clone(), names, own: own.collect() });
                }
            }
        }
        resolver.learn(place, &seen, true);
    }
    resolver.person()
}

fn row(kind: &str, value: &str, why: Option<Ambiguity>) -> (String, String, Option<Ambiguity>) {
    (kind.to_owned(), value.to_owned(), why)
}

const ADA: Row<'static> = ("profiles", &[("subject_id", "ada"), ("subject_email", "ada@x.org"), ("phone", "+33612345678")]);

#[test]
fn a_chain_is_followed_to_its_end() {
    let device: Row<'_> = ("devices", &[("device", "d1"), ("phone", "+33612345678")]);
    let found = resolved(&[ADA, device], &[("device", "d1")], &[]);
    let expected = [
        row("device", "d1", None),
        row("phone", "+33612345678", None),
        row("subject_email", "ada@x.org", None),
        row("subject_id", "ada", None),
    ];
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(expected.iter().all(|one| found.contains(one)), "{found:?}");
}

#[test]
fn a_shared_address_selects_nothing_and_whoever_is_behind_it_neither() {
    let eve: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "ada@x.org")]);
    let by_address = resolved(&[ADA, eve], &[("subject_email", "ada@x.org")], &[]);
    assert_eq!(by_address[0].2, Some(Ambiguity::Shared));
    assert!(by_address[1..].iter().all(|r| r.2 == Some(Ambiguity::BehindShared)), "{by_address:?}");
    let by_id = resolved(&[ADA, eve], &[("subject_id", "ada")], &[]);
    assert!(by_id.contains(&row("subject_email", "ada@x.org", Some(Ambiguity::Shared))), "{by_id:?}");
    assert!(by_id.contains(&row("subject_id", "eve", Some(Ambiguity::BehindShared))), "{by_id:?}");
    assert!(by_id.contains(&row("subject_id", "ada", None)) && by_id.contains(&row("phone", "+33612345678", None)));
}

#[test]
fn naming_a_shared_address_names_nobody_who_has_it() {
    let eve: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "ada@x.org")]);
    let given = [("subject_id", "ada")];
    let found = person(&[ADA, eve], &given, &[("subject_email", "ada@x.org")], None, false);
    let standing = |text: &str| {
        found.identifiers.iter().find(|r| r.known.normal.expose() == text).map(|r| r.standing).expect("an identifier")
    };
    assert_eq!(standing("ada@x.org"), Standing::Selects);
    assert_eq!(standing("eve"), Standing::Ambiguous(Ambiguity::BehindShared));
    let (map, _) = datamap::parse(MAP).expect("a map");
    let is_another = |id: &str| found.is_another(&known(&map, "subject_id", id));
    assert!(is_another("eve") && is_another("zoe") && !is_another("ada"));
    // A hold on Ada holds nobody who shares her address; one placed by the address holds whoever has it.
    let holds = |found: &Person| found.held().any(|r| r.known.normal.expose() == "ada@x.org");
    assert!(!holds(&person(&[ADA, eve], &given, &[], None, false)));
    assert!(holds(&person(&[ADA, eve], &[("subject_email", "ada@x.org")], &[], None, false)));
}

#[test]
fn an_address_is_shared_with_whoever_has_it_on_the_record_where_it_was_found() {
    // Ada's order is sent to an address that only Eve's profile has.
    let order: Row<'_> = ("orders", &[("subject_id", "ada"), ("subject_email", "eve@x.org")]);
    let eve: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "eve@x.org")]);
    let found = resolved(&[ADA, order, eve], &[("subject_id", "ada")], &[]);
    assert!(found.contains(&row("subject_email", "eve@x.org", Some(Ambiguity::Shared))), "{found:?}");
    assert!(found.contains(&row("subject_id", "ada", None)), "{found:?}");
}

#[test]
fn what_is_given_together_and_does_not_meet_selects_nothing_until_it_is_named() {
    let eve: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "eve@x.org")]);
    let both = [("subject_id", "ada"), ("subject_email", "eve@x.org")];
    let found = resolved(&[ADA, eve], &both, &[]);
    assert!(found.iter().all(|r| r.2 == Some(Ambiguity::Unmet)), "{found:?}");
    let named = resolved(&[ADA, eve], &both, &[("subject_id", "ada")]);
    assert!(named.contains(&row("subject_id", "ada", None)) && named.contains(&row("subject_email", "ada@x.org", None)));
    assert!(named.contains(&row("subject_email", "eve@x.org", Some(Ambiguity::Unmet))), "naming one names no other: {named:?}");
    // An address that nobody has keeps nobody from being found by their id.
    let old = resolved(&[ADA, eve], &[("subject_id", "ada"), ("subject_email", "old@x.org")], &[]);
    assert!(old.contains(&row("subject_id", "ada", None)), "{old:?}");
    assert!(old.contains(&row("subject_email", "old@x.org", Some(Ambiguity::Unmet))), "{old:?}");
    // An id that nobody has makes nobody of whoever has the address beside it.
    let mistyped = resolved(&[ADA, eve], &[("subject_id", "adda"), ("subject_email", "eve@x.org")], &[]);
    assert!(mistyped.iter().all(|r| r.2 == Some(Ambiguity::Unmet)), "{mistyped:?}");
}

#[test]
fn p1_naming_an_address_names_no_second_person() {
    let eve: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "eve@x.org")]);
    let both = [("subject_id", "ada"), ("subject_email", "eve@x.org")];
    let named = resolved(&[ADA, eve], &both, &both);
    assert!(named.contains(&row("subject_id", "ada", None)) && named.contains(&row("subject_email", "eve@x.org", None)));
    assert!(named.contains(&row("subject_id", "eve", Some(Ambiguity::BehindShared))), "two ids are two people: {named:?}");
    // Whoever names the address alone means whoever has it.
    let one = resolved(&[ADA, eve], &both, &both[1..]);
    assert!(one.contains(&row("subject_id", "eve", None)), "{one:?}");
    assert!(one.contains(&row("subject_id", "ada", Some(Ambiguity::Unmet))), "{one:?}");
}

#[test]
fn p3_naming_an_address_that_nobody_has_leaves_the_id_that_was_given() {
    let both = [("subject_id", "ada"), ("subject_email", "old@x.org")];
    let named = resolved(&[ADA], &both, &both[1..]);
    assert!(
        named.contains(&row("subject_id", "ada", None)) && named.contains(&row("subject_email", "old@x.org", None)),
        "{named:?}"
    );
}

#[test]
fn p3_an_id_beside_an_address_is_meant_where_no_record_says_whose_either_is() {
    let none = resolved(&[], &[("subject_id", "ada"), ("subject_email", "ada@x.org")], &[]);
    assert_eq!(none, [row("subject_id", "ada", None), row("subject_email", "ada@x.org", Some(Ambiguity::Unmet))]);
}

#[test]
fn p1_naming_what_means_nobody_in_particular_names_none_of_those_who_have_it() {
    let map = MAP.replace("device: {form: exact}", "device: {form: exact}, account: {form: exact, unique: true}");
    let map = map.replace("phone: phone}\n    select: [{by: subject_id, attribute: id}, ", "phone: phone, account: account}\n    select: [{by: account, index: a, attribute: account}, {by: subject_id, attribute: id}, ");
    let (map, _) = datamap::parse(&map).expect("a map");
    let rows = ["ada", "eve", "bo"].map(|id| vec![known(&map, "subject_id", id), known(&map, "account", "TEST")]);
    let given = Identity::new([known(&map, "subject_id", "ada")]).expect("somebody");
    let mut resolver = Resolver::new(&map, given.known(), None, &[known(&map, "account", "TEST")], false);
    while let Some((place, lookups)) = resolver.next() {
        let by: Vec<Known> = lookups.iter().map(|l| l.known.clone()).collect();
        let found = rows.iter().filter(|names| by.first().is_some_and(|by| names.iter().any(|name| name.is(by))));
        let own = vec!["subject_id".parse().expect("a kind")];
        let seen =
            found.map(|names| Seen { producer: "profiles".parse().expect("a name"), names: names.clone(), own: own.clone() });
        let seen: Vec<Seen> = seen.collect();
        resolver.learn(place, &seen, true);
    }
    let person = resolver.person();
    let theirs: Vec<&str> = person.selecting().map(|(_, r)| r.known.normal.expose()).collect();
    assert_eq!(theirs, ["ada", "TEST"]);
    assert!(person.is_another(&known(&map, "subject_id", "eve")), "a record of TEST that names Eve is hers");
}

#[test]
fn two_ids_given_together_are_two_people_until_they_are_named() {
    let eve: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "eve@x.org")]);
    let both = [("subject_id", "ada"), ("subject_id", "eve")];
    let found = resolved(&[ADA, eve], &both, &[]);
    assert!(found.iter().all(|r| r.2 == Some(Ambiguity::Unmet)), "{found:?}");
    let named = resolved(&[ADA, eve], &both, &both);
    assert!(named.iter().all(|r| r.2.is_none()), "a reviewer said that both are meant: {named:?}");
    let one = resolved(&[ADA, eve], &both, &both[..1]);
    assert!(one.contains(&row("subject_id", "ada", None)) && one.contains(&row("subject_id", "eve", Some(Ambiguity::Unmet))));
    assert!(one.iter().all(|r| r.1 != "eve@x.org" || r.2.is_some()), "naming one names no other: {one:?}");
    // Also where they share an address that was given too.
    let family: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "ada@x.org")]);
    let three = resolved(&[ADA, family], &[both[0], both[1], ("subject_email", "ada@x.org")], &[]);
    assert!(three.iter().all(|r| r.2.is_some()), "{three:?}");
    let unlinked: Vec<&str> = MAP.lines().filter(|line| !line.contains("identifies:")).collect();
    let (bare, _) = datamap::parse(&unlinked.join("\n")).expect("a map");
    let given: Vec<Known> = both.iter().map(|(kind, text)| known(&bare, kind, text)).collect();
    let mut resolver = Resolver::new(&bare, &given, None, &[], false);
    while let Some((place, _)) = resolver.next() {
        resolver.learn(place, &[], true);
    }
    assert_eq!(resolver.person().selecting().count(), 0);
}

#[test]
fn what_two_people_use_leads_from_neither_to_the_other() {
    // Ada's cart and a guest's are of one device; only the guest's address says who that was.
    let cart: Row<'_> = ("devices", &[("device", "d1"), ("subject_id", "ada")]);
    let guest: Row<'_> = ("devices", &[("device", "d1"), ("subject_email", "bo@x.org")]);
    let bo: Row<'_> = ("profiles", &[("subject_id", "bo"), ("subject_email", "bo@x.org")]);
    let found = resolved(&[ADA, cart, guest, bo], &[("subject_id", "ada"), ("device", "d1")], &[]);
    assert!(found.contains(&row("device", "d1", Some(Ambiguity::Shared))), "{found:?}");
    assert!(found.iter().all(|r| !r.1.starts_with("bo") || r.2 == Some(Ambiguity::BehindShared)), "{found:?}");
    assert!(found.contains(&row("subject_id", "ada", None)) && found.contains(&row("subject_email", "ada@x.org", None)));
    // Through numbers that are nobody's by themselves, too.
    let link: Row<'_> = ("devices", &[("device", "d1"), ("phone", "+33600000001")]);
    let far: Row<'_> = ("devices", &[("device", "d2"), ("phone", "+33600000001")]);
    let his: Row<'_> = ("devices", &[("device", "d2"), ("subject_email", "bo@x.org")]);
    let found = resolved(&[ADA, cart, link, far, his, bo], &[("subject_id", "ada"), ("device", "d1")], &[]);
    assert!(found.iter().all(|r| !r.1.starts_with("bo") || r.2.is_some()), "{found:?}");
    assert!(found.contains(&row("subject_id", "ada", None)), "{found:?}");
}

#[test]
fn a_spelling_that_a_store_has_is_looked_up_too() {
    let capitals: Row<'_> = ("profiles", &[("subject_id", "ada"), ("subject_email", "Ada@X.org")]);
    let found = person(&[capitals], &[("subject_id", "ada"), ("subject_email", "ada@x.org")], &[], None, false);
    let forms: Vec<Vec<&str>> = found.selecting().map(|(_, r)| r.known.forms().map(Identifier::expose).collect()).collect();
    assert_eq!(forms, [vec!["ada"], vec!["Ada@X.org", "ada@x.org"]]);
}

#[test]
fn an_id_of_many_that_has_no_record_of_its_own_is_nobody_in_particular() {
    let orders: [Row<'_>; 2] = [
        ("orders", &[("subject_id", "walk-in"), ("subject_email", "ada@x.org")]),
        ("orders", &[("subject_id", "walk-in"), ("subject_email", "eve@x.org")]),
    ];
    let found = resolved(&orders, &[("subject_id", "walk-in")], &[]);
    assert_eq!(found, [row("subject_id", "walk-in", Some(Ambiguity::NobodyInParticular))]);
    // Whoever has a profile may have had several addresses.
    let mine: Row<'_> = ("profiles", &[("subject_id", "walk-in"), ("subject_email", "ada@x.org")]);
    let found = resolved(&[orders[0], orders[1], mine], &[("subject_id", "walk-in")], &[]);
    assert!(found.iter().all(|r| r.2.is_none()), "{found:?}");
    let guest: Row<'_> = ("orders", &[("subject_id", "guest"), ("subject_email", "ada@x.org")]);
    let found = resolved(&[ADA, guest], &[("subject_email", "ada@x.org")], &[]);
    assert!(found.iter().all(|r| r.2.is_none() && r.1 != "guest"), "a word that means nobody is no person: {found:?}");
}

#[test]
fn a_later_round_goes_by_what_an_earlier_one_found() {
    let before = person(&[ADA], &[("subject_email", "ada@x.org")], &[], None, false);
    let after = person(&[], &[("subject_email", "ada@x.org")], &[], Some(&before), false);
    assert_eq!(before.identifiers, after.identifiers);
    let sealed = Person::from_sealed_form(&after.to_sealed_form());
    assert_eq!(sealed, Some(after));
}

#[test]
fn what_led_to_nobody_leads_to_nobody_once_the_records_are_gone() {
    let eve: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "ada@x.org")]);
    let given = [("subject_id", "ada")];
    for named in [vec![], vec![("subject_email", "ada@x.org")]] {
        let before = person(&[ADA, eve], &given, &named, None, false);
        let after = person(&[eve], &given, &named, Some(&before), false);
        assert_eq!(before.identifiers, after.identifiers, "only Eve has the address now: {named:?}");
    }
    let hers: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "eve@x.org")]);
    let both = [("subject_id", "ada"), ("subject_email", "eve@x.org")];
    let before = person(&[ADA, hers], &both, &[("subject_id", "ada")], None, false);
    let after = person(&[hers], &both, &[("subject_id", "ada")], Some(&before), false);
    assert_eq!(before.identifiers, after.identifiers, "what did not meet did not begin to");
    assert!(after.selecting().all(|(_, r)| r.known.normal.expose() != "eve" && r.known.normal.expose() != "eve@x.org"));
}

#[test]
fn whoever_has_an_address_next_is_somebody_else() {
    let given = [("subject_email", "ada@x.org")];
    let before = person(&[ADA], &given, &[], None, false);
    let next: Row<'_> = ("profiles", &[("subject_id", "zoe"), ("subject_email", "ada@x.org")]);
    let after = person(&[next], &given, &[], Some(&before), false);
    let zoe = after.identifiers.iter().find(|r| r.known.normal.expose() == "zoe").expect("seen");
    assert_eq!(zoe.standing, Standing::Ambiguous(Ambiguity::BehindShared), "{after:?}");
    let address = &after.identifiers[0];
    assert_eq!(address.standing, Standing::Ambiguous(Ambiguity::Shared), "what has it now may be of either");
    assert!(after.selecting().any(|(_, r)| r.known.normal.expose() == "ada"), "{after:?}");
    let named = person(&[ADA], &given, &given, None, false);
    let after = person(&[next], &given, &given, Some(&named), false);
    assert!(after.selecting().any(|(place, _)| place == 0), "somebody said that it is the person's");
    // Also whoever it leads to by a way that the first round did not go.
    let round = |rows: &[Row<'_>], earlier: Option<&Person>| person(rows, &[("phone", "+33612345678")], &[], earlier, false);
    let after = round(&[next], Some(&round(&[ADA], None)));
    assert!(after.selecting().all(|(_, r)| r.known.normal.expose() != "zoe"), "{after:?}");
}

#[test]
fn a_record_of_several_people_leads_from_what_they_share_to_none_of_them() {
    let map = "
version: 1
identifiers: {account: {unique: true}}
stores: {db: {connector: dynamodb}}
producers:
  - {name: profiles, category: p, store: db, table: p, key: [id], identifies: {subject_id: id, account: account}, select: [{by: subject_id, attribute: id}, {by: account, index: a, attribute: account}]}
  - {name: accounts, category: a, store: db, table: a, key: [id], identifies: {account: id, subject_id: members, subject_email: email}, select: [{by: account, attribute: id}]}
";
    let (map, _) = datamap::parse(map).expect("a map");
    let [u1, u2, account, address] = [("subject_id", "u1"), ("subject_id", "u2"), ("account", "a"), ("subject_email", "x@y.z")]
        .map(|(kind, text)| known(&map, kind, text));
    let resolve = |named: &[Known]| {
        let mut resolver = Resolver::new(&map, [&u1], None, named, false);
        while let Some((place, lookups)) = resolver.next() {
            let by = lookups.first().map(|l| l.known.clone());
            let seen = match by {
                Some(by) if by.is(&u1) => vec![Seen {
                    producer: "profiles".parse().expect("a name"),
                    names: vec![u1.clone(), account.clone()],
                    own: vec![u1.kind.clone()],
                }],
                Some(by) if by.is(&account) => vec![Seen {
                    producer: "accounts".parse().expect("a name"),
                    names: vec![account.clone(), u1.clone(), u2.clone(), address.clone()],
                    own: vec![account.kind.clone()],
                }],
                _ => vec![],
            };
            resolver.learn(place, &seen, true);
        }
        resolver.person()
    };
    let person = resolve(&[]);
    assert!(person.selecting().all(|(_, r)| !r.known.is(&u2)), "{person:?}");
    let joint = person.identifiers.iter().find(|r| r.known.is(&account)).expect("seen");
    assert_eq!(joint.standing, Standing::Ambiguous(Ambiguity::NobodyInParticular), "a reviewer says whether it goes");
    assert!(person.selecting().all(|(_, r)| !r.known.is(&address)), "it is of both");
    let person = resolve(std::slice::from_ref(&account));
    assert!(
        person.selecting().any(|(_, r)| r.known.is(&account)) && person.selecting().all(|(_, r)| !r.known.is(&u2)),
        "{person:?}"
    );
}

#[test]
fn what_only_an_address_of_two_led_to_is_not_the_persons_any_more() {
    let given = [("subject_id", "ada")];
    let guest: Row<'_> = ("profiles", &[("subject_email", "ada@x.org"), ("phone", "+33612345678")]);
    let hers: Row<'_> = ("orders", &[("subject_id", "ada"), ("subject_email", "ada@x.org")]);
    let next: Row<'_> = ("orders", &[("subject_id", "eve"), ("subject_email", "ada@x.org")]);
    let phone = |person: &Person| {
        let phone = person.identifiers.iter().find(|r| r.known.kind.as_str() == "phone").expect("seen");
        phone.standing
    };
    let before = person(&[hers, guest], &given, &[], None, false);
    assert_eq!(phone(&before), Standing::Selects, "nothing told of anybody else");
    let again = person(&[], &given, &[], Some(&before), false);
    assert_eq!(phone(&again), Standing::Selects, "nor does it now");
    let after = person(&[next], &given, &[], Some(&before), false);
    assert_eq!(phone(&after), Standing::Ambiguous(Ambiguity::BehindShared), "{after:?}");
    let own = person(&[ADA, hers], &given, &[], None, false);
    assert_eq!(phone(&person(&[next], &given, &[], Some(&own), false)), Standing::Selects, "it was beside her id");
}

#[test]
fn what_was_found_waits_for_a_word_where_the_organization_wants_that() {
    let found = person(&[ADA], &[("subject_email", "ada@x.org")], &[], None, true);
    let unconfirmed = found.identifiers.iter().filter(|r| r.standing == Standing::Ambiguous(Ambiguity::Unconfirmed)).count();
    assert_eq!((unconfirmed, found.identifiers.len()), (2, 3));
    assert_eq!(found.selecting().count(), 1);
    assert_eq!(found.guarded().count(), 3, "holds go by them all the same");
}

#[test]
fn whoever_else_has_a_shared_address_takes_no_room_from_the_person() {
    let family: Vec<(String, String)> = (0..40).map(|n| (format!("kin-{n:02}"), format!("+336000000{n:02}"))).collect();
    let mut rows: Vec<(&str, Vec<(&str, &str)>)> = vec![("orders", vec![("subject_id", "ada"), ("subject_email", "ada@x.org")])];
    for (id, phone) in &family {
        rows.push(("profiles", vec![("subject_id", id), ("subject_email", "ada@x.org"), ("phone", phone)]));
    }
    rows.push(("profiles", vec![("subject_id", "ada"), ("phone", "+33612345678")]));
    let rows: Vec<Row<'_>> = rows.iter().map(|(producer, names)| (*producer, names.as_slice())).collect();
    for given in
        [[("subject_email", "ada@x.org"), ("subject_id", "ada")], [("subject_id", "ada"), ("subject_email", "ada@x.org")]]
    {
        let first = person(&rows, &given, &[], None, false);
        let standing = |why: Standing| first.identifiers.iter().filter(|r| r.standing == why).count();
        assert_eq!(standing(Standing::Ambiguous(Ambiguity::BehindShared)), MOST_BEHIND);
        assert!(first.incomplete, "there are more of them");
        assert!(first.selecting().any(|(_, r)| r.known.normal.expose() == "+33612345678"));
        let again = person(&rows, &given, &[], Some(&first), false);
        assert_eq!(again.identifiers, first.identifiers, "another round sees nobody new");
    }
}

fn seen(names: &[&Known]) -> Seen {
    Seen { producer: "orders".parse().expect("a name"), names: names.iter().map(|n| (*n).clone()).collect(), own: vec![] }
}

#[test]
fn two_ids_on_one_record_are_two_people() {
    let (map, _) = datamap::parse(MAP).expect("a map");
    let (ada, eve) = (known(&map, "subject_id", "ada"), known(&map, "subject_id", "eve"));
    // Found by who sent it, and it names who it was for.
    let mut resolver = Resolver::new(&map, [&ada], None, &[], false);
    resolver.learn(0, &[seen(&[&eve])], true);
    let found = resolver.person();
    let standing = |r: &Resolved| (r.known.normal.expose().to_owned(), r.standing.ambiguity());
    let expected = [("ada".to_owned(), None), ("eve".to_owned(), Some(Ambiguity::BehindShared))];
    assert_eq!(found.identifiers.iter().map(standing).collect::<Vec<_>>(), expected);
    // Who was looked up is on the record, also where the record does not name them.
    let address = known(&map, "subject_email", "ada@x.org");
    let mut resolver = Resolver::new(&map, [&ada], None, &[], false);
    resolver.learn(0, &[seen(&[&address])], true);
    resolver.learn(1, &[seen(&[&eve, &address])], true);
    let found = resolver.person();
    assert_eq!(found.identifiers[1].standing, Standing::Ambiguous(Ambiguity::Shared));
    assert!(found.selecting().all(|(_, r)| r.known.is(&ada)), "{found:?}");
}

#[test]
fn a_person_is_guarded_by_what_they_share_and_not_by_whoever_shares_it() {
    let eve: Row<'_> = ("profiles", &[("subject_id", "eve"), ("subject_email", "ada@x.org"), ("phone", "+33600000002")]);
    let found = person(&[ADA, eve], &[("subject_id", "ada")], &[], None, false);
    let guarded: Vec<&str> = found.guarded().map(|r| r.known.normal.expose()).collect();
    assert_eq!(guarded.len(), 3);
    assert!(["ada", "ada@x.org", "+33612345678"].iter().all(|own| guarded.contains(own)), "{guarded:?}");
    assert!(found.identifiers.iter().all(|r| r.known.normal.expose() != "+33600000002"), "nobody looked further into Eve");
}

#[test]
fn kinds_that_meet_only_through_a_third_are_two_people_where_they_do_not() {
    let device: Row<'_> = ("devices", &[("device", "d2"), ("phone", "+33600000002")]);
    let found = resolved(&[ADA, device], &[("device", "d2"), ("subject_id", "ada")], &[]);
    assert!(found.iter().all(|r| r.2 == Some(Ambiguity::Unmet)), "{found:?}");
}

#[test]
fn an_id_of_nobody_in_particular_stays_one_once_most_of_its_records_are_gone() {
    let orders: [Row<'_>; 2] = [
        ("orders", &[("subject_id", "walk-in"), ("subject_email", "ada@x.org")]),
        ("orders", &[("subject_id", "walk-in"), ("subject_email", "eve@x.org")]),
    ];
    let given = [("subject_id", "walk-in")];
    let before = person(&orders, &given, &[], None, false);
    let after = person(&orders[1..], &given, &[], Some(&before), false);
    assert_eq!(before.identifiers, after.identifiers);
    let sealed = Person { incomplete: true, ..before };
    assert_eq!(Person::from_sealed_form(&sealed.to_sealed_form()), Some(sealed));
}

#[test]
fn an_address_that_a_known_id_gets_later_is_the_persons_too() {
    let before = person(&[ADA], &[("subject_id", "ada")], &[], None, false);
    let orders: [Row<'_>; 2] = [
        ("orders", &[("subject_id", "ada"), ("subject_email", "ada@x.org")]),
        ("orders", &[("subject_id", "ada"), ("subject_email", "new@x.org")]),
    ];
    let after = person(&orders, &[("subject_id", "ada")], &[], Some(&before), false);
    assert!(after.selecting().any(|(_, r)| r.known.normal.expose() == "new@x.org"), "{after:?}");
}

#[test]
fn a_chain_that_is_too_long_and_a_look_that_is_not_whole_are_said() {
    let (map, _) = datamap::parse(MAP).expect("a map");
    let address = |n: usize| known(&map, "subject_email", &format!("a{n}@x.org"));
    let mut resolver = Resolver::new(&map, [&address(0)], None, &[], false);
    for n in 0..=MOST_STEPS {
        assert!(!resolver.incomplete, "step {n}");
        resolver.learn(n, &[seen(&[&address(n), &address(n + 1)])], true);
    }
    assert!(resolver.person().incomplete);
    let mut resolver = Resolver::new(&map, [&address(0)], None, &[], false);
    resolver.learn(0, &[], false);
    assert!(resolver.person().incomplete);
}

#[test]
fn whoever_waits_for_a_word_is_no_stranger() {
    let found = person(&[ADA], &[("subject_email", "ada@x.org")], &[], None, true);
    let (map, _) = datamap::parse(MAP).expect("a map");
    assert!(!found.is_another(&known(&map, "subject_id", "ada")), "found, and not confirmed yet");
    assert!(found.is_another(&known(&map, "subject_id", "eve")));
}

#[test]
fn more_than_is_looked_at_is_said() {
    let (map, _) = datamap::parse(MAP).expect("a map");
    let given = [known(&map, "subject_id", "ada")];
    let mut resolver = Resolver::new(&map, &given, None, &[], false);
    let many: Vec<Seen> = (0..MOST_IDENTIFIERS + 5)
        .map(|n| Seen {
            producer: "profiles".parse().expect("a name"),
            names: vec![given[0].clone(), known(&map, "subject_email", &format!("a{n}@x.org"))],
            own: vec![IdentifierKind::SUBJECT_ID],
        })
        .collect();
    resolver.learn(0, &many, true);
    let found = resolver.person();
    assert!(found.incomplete && found.identifiers.len() == MOST_IDENTIFIERS);
}
