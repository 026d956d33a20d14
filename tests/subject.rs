//! Who is meant: people known by several identifiers, and people who share them.

use std::sync::LazyLock;

use anyhow::{Context, Result, ensure};
use oubli_tests::{Export, HOLDS, Job, Organization, REQUESTS, oubli, python, resolved_hold, unique, verification};
use serde_json::{Value, json};

/// An organization whose people are in tables of its own.
struct People {
    organization: Organization,
    prefix: String,
}

const MAP: &str = "
version: 1
identifiers: {phone: {form: phone}}
nobody: [guest, 0]
stores: {db: {connector: dynamodb}}
anchors: {profile: [db/PREFIX-profiles], order: [db/PREFIX-orders], chat: [db/PREFIX-chat], news: [db/PREFIX-news]}
producers:
  - name: profiles
    category: profile
    store: db
    table: PREFIX-profiles
    key: [id]
    identifies: {subject_id: id, subject_email: email, phone: phone}
    select:
      - {by: subject_id, attribute: id}
      - {by: subject_email, index: by_email, attribute: email}
      - {by: phone, index: by_phone, attribute: phone}
    owns: [profile]
  - name: orders
    category: orders
    store: db
    table: PREFIX-orders
    key: [order_id]
    identifies: {subject_id: customer_id, subject_email: email}
    select:
      - {by: subject_id, index: by_customer, attribute: customer_id}
      - {by: subject_email, index: by_email, attribute: email}
    owns: [order]
  - {name: chat, category: chat, store: db, table: PREFIX-chat, key: [message_id], owns: [chat], select: [{by: subject_id, index: by_customer, attribute: customer_id}]}
  - {name: news, category: news, store: db, table: PREFIX-news, key: [email], owns: [news], select: [{by: subject_email, attribute: email}]}
";

const NUMBERS: &str = "
version: 1
IDENTIFIERS
stores: {db: {connector: dynamodb}}
anchors: {legacy: [db/PREFIX-legacy]}
producers:
  - {name: legacy, category: profile, store: db, table: PREFIX-legacy, key: [id], owns: [legacy], select: [{by: subject_id, attribute: id}]}
";

impl People {
    fn make(map: &str) -> Result<Self> {
        let prefix = format!("people-{}", unique());
        python("people.py", &["make", &prefix])?;
        let organization = Organization::create(1)?;
        organization.publish(&prefix, &map.replace("PREFIX", &prefix))?;
        Ok(Self { organization, prefix })
    }

    fn put(&self, table: &str, item: &Value) -> Result<()> {
        python("people.py", &["put", &format!("{}-{table}", self.prefix), &item.to_string()]).map(drop)
    }

    /// The keys in a table that hold this word.
    fn keys(&self, table: &str, word: &str) -> Result<Vec<String>> {
        let all: Vec<String> = serde_json::from_str(&python("people.py", &["keys", &format!("{}-{table}", self.prefix)])?)?;
        Ok(all.into_iter().filter(|key| key.contains(word)).collect())
    }

    /// Somebody with a profile, two orders (one as a guest, by address), a message and a newsletter.
    fn plant(&self, word: &str) -> Result<()> {
        let email = format!("{word}@example.org");
        self.put("profiles", &json!({ "id": word, "email": email, "phone": phone() }))?;
        self.put("orders", &json!({ "order_id": format!("{word}-1"), "customer_id": word, "email": email }))?;
        self.put("orders", &json!({ "order_id": format!("{word}-2"), "customer_id": "guest", "email": email }))?;
        self.put("chat", &json!({ "message_id": format!("{word}-m"), "customer_id": word }))?;
        self.put("news", &json!({ "email": email }))
    }

    fn left(&self, word: &str) -> Result<Vec<String>> {
        let tables = ["profiles", "orders", "chat", "news"].map(|table| self.keys(table, word));
        Ok(tables.into_iter().collect::<Result<Vec<_>>>()?.concat())
    }

    fn in_review(&self, subject: &Value) -> Result<Job> {
        Job::in_review(&self.organization, &erasure(subject))
    }

    fn hold(&self, subject: &Value) -> Result<Value> {
        let mut body = subject.clone();
        body["reason"] = json!("Dispute");
        self.organization.officer.post(HOLDS, &body)?.ok()
    }

    /// A hold just placed, once the other identifiers of its person were looked for.
    fn resolved(&self, placed: &Value) -> Result<Value> {
        resolved_hold(&self.organization.officer, placed["hold_id"].as_str().context("no hold_id")?)
    }
}

fn erasure(subject: &Value) -> Value {
    let mut body = json!({ "request_type": "full_erasure", "reason": "user_request", "verification": verification() });
    let fields = subject.as_object().cloned().unwrap_or_default();
    body.as_object_mut().expect("an object").extend(fields);
    body
}

/// A number that nobody else has.
fn phone() -> String {
    let digits: String = unique().chars().filter(char::is_ascii_digit).collect();
    format!("+336{}", &digits[digits.len() - 8..])
}

/// Tests share the shop, and plant people of their own.
static SHOP: LazyLock<Result<People, String>> = LazyLock::new(|| People::make(MAP).map_err(|e| format!("{e:#}")));

fn shop() -> Result<&'static People> {
    SHOP.as_ref().map_err(|why| anyhow::anyhow!("{why}"))
}

fn of_kind<'a>(detail: &'a Value, kind: &str) -> Result<&'a Value> {
    let all = detail["identifiers"].as_array().context("no identifiers")?;
    all.iter().find(|i| i["kind"] == kind).with_context(|| detail.to_string())
}

fn acknowledged(job: &Job) -> Result<Value> {
    let detail = job.detail()?;
    Ok(json!({ "acknowledged": detail["to_acknowledge"], "plan_digest": detail["plan_digest"] }))
}

#[test]
fn p3_an_erasure_by_address_alone_reaches_what_the_id_leads_to() -> Result<()> {
    let (shop, word) = (shop()?, format!("ada{}", unique()));
    shop.plant(&word)?;
    shop.plant(&format!("{word}9"))?;
    let email = format!("{word}@example.org");
    let job = shop.in_review(&json!({ "subject_email": email }))?;
    let detail = job.revealed()?;
    let id = of_kind(&detail, "subject_id")?;
    assert_eq!((&id["value"], &id["found_in"], &id["given"]), (&json!(word), &json!("profiles"), &json!(false)), "{detail}");
    let steps = detail["plan"]["steps"].as_array().context("no steps")?;
    let chat = steps.iter().find(|s| s["producer"] == "chat").context("no chat")?;
    assert_eq!(chat["found_through"], json!({ id["id"].as_str().context("no id")?: 1 }), "{chat}");
    assert_eq!(detail["to_acknowledge"], json!([]), "{detail}");
    job.execute(&json!({}))?.ok()?;
    job.wait_for("completed")?;
    let left: Vec<String> = shop.left(&word)?.into_iter().filter(|key| !key.contains(&format!("{word}9"))).collect();
    ensure!(left.is_empty(), "{left:?}");
    assert_eq!(shop.left(&format!("{word}9"))?.len(), 5, "somebody else");
    job.sealed_log("request_completed")?;
    let certificate = shop.organization.officer.post(&job.path("/certificate"), &json!({ "format": "json" }))?.ok()?;
    let file = std::env::temp_dir().join(format!("{word}.json"));
    std::fs::write(&file, serde_json_canonicalizer::to_vec(&certificate)?)?;
    let key = certificate["log_key"].as_str().context("no key")?;
    for about in [word.as_str(), email.as_str(), &email.to_uppercase()] {
        let ran = oubli("", &["verify", &file.to_string_lossy(), "--key", key, "--subject", about])?;
        assert_eq!(ran.code, 0, "{about}: {}{}", ran.out, ran.err);
    }
    let ran = oubli("", &["verify", &file.to_string_lossy(), "--key", key, "--subject", "somebody@example.org"])?;
    std::fs::remove_file(&file).ok();
    ensure!(ran.code != 0, "{}", ran.out);
    Ok(())
}

#[test]
fn p2_a_hold_holds_whichever_identifier_it_and_the_request_are_by() -> Result<()> {
    let shop = shop()?;
    for (hold, erase) in [("subject_email", "subject_id"), ("subject_id", "subject_email")] {
        let word = format!("bob{}", unique());
        shop.plant(&word)?;
        let by = |kind: &str| if kind == "subject_id" { json!(word) } else { json!(format!("{word}@example.org")) };
        shop.hold(&json!({ hold: by(hold) }))?;
        let job = shop.in_review(&json!({ erase: by(erase) }))?;
        job.execute(&acknowledged(&job)?)?.refused(409, "legal_hold_active")?;
        assert_eq!(shop.left(&word)?.len(), 5);
    }
    Ok(())
}

#[test]
fn p2_a_hold_names_the_open_requests_of_its_person_by_whatever_identifier() -> Result<()> {
    let (shop, word) = (shop()?, format!("cleo{}", unique()));
    shop.plant(&word)?;
    let job = shop.in_review(&json!({ "subject_id": word }))?;
    let placed = shop.hold(&json!({ "subject_email": format!("{word}@example.org") }))?;
    let effects = placed["effects"].as_array().context("no effects")?;
    ensure!(effects.iter().any(|e| e["request_id"] == job.id.as_str()), "{placed}");
    let hold = shop.resolved(&placed)?;
    let known = hold["identifiers"].as_array().context("no identifiers")?;
    ensure!(known.iter().any(|i| i["value"] == word.as_str() && i["found_in"] == "profiles"), "{hold}");
    Ok(())
}

#[test]
fn p2_a_hold_by_an_address_that_came_after_the_plan_names_and_stops_the_request() -> Result<()> {
    let (shop, word) = (shop()?, format!("vera{}", unique()));
    shop.plant(&word)?;
    let job = shop.in_review(&json!({ "subject_id": word }))?;
    let moved = format!("{word}-new@example.org");
    shop.put("profiles", &json!({ "id": word, "email": moved, "phone": phone() }))?;
    let placed = shop.hold(&json!({ "subject_email": moved }))?;
    assert_eq!(placed["effects"], json!([]), "nothing says yet whose address that is");
    let hold = shop.resolved(&placed)?;
    ensure!(hold["effects"][0]["request_id"] == job.id.as_str(), "{hold}");
    job.execute(&acknowledged(&job)?)?.refused(409, "legal_hold_active")?;
    assert_eq!(shop.left(&word)?.len(), 5);
    Ok(())
}

#[test]
fn p1_an_address_that_two_people_share_selects_nothing_until_it_is_named() -> Result<()> {
    let (shop, word) = (shop()?, format!("fam{}", unique()));
    let email = format!("{word}@example.org");
    for who in ["a", "b"] {
        let id = format!("{word}{who}");
        shop.put("profiles", &json!({ "id": id, "email": email }))?;
        shop.put("chat", &json!({ "message_id": format!("{id}-m"), "customer_id": id }))?;
    }
    shop.put("news", &json!({ "email": email }))?;
    // The one whose id is given goes; what only the address leads to stays until somebody says whose it is.
    let job = shop.in_review(&json!({ "subject_id": format!("{word}a"), "subject_email": email }))?;
    let detail = job.detail()?;
    let address = of_kind(&detail, "subject_email")?;
    assert_eq!(address["ambiguous"], "shared", "{detail}");
    let label = address["id"].clone();
    assert_eq!(detail["plan"]["records"], 2, "{detail}");
    job.execute(&json!({}))?.refused(409, "not_acknowledged")?;
    let named = job.organization.reviewer.post(&job.path("/identifiers"), &json!({ "identifiers": ["i9"] }))?;
    named.refused(400, "unknown_identifier")?;
    let digest = detail["plan_digest"].clone();
    let body = json!({ "identifiers": [label], "plan_digest": digest });
    job.organization.officer.post(&job.path("/identifiers"), &body)?.refused(403, "forbidden")?;
    job.organization.reviewer.post(&job.path("/identifiers"), &body)?.ok()?;
    job.until(|status| Ok(status["phase"] == "in_review" && status["round"].as_u64() > Some(1)))?;
    let detail = job.detail()?;
    // The newsletter too, but not the other's profile, which has the address and an id that nobody named.
    assert_eq!(detail["plan"]["records"], 3, "{detail}");
    assert_eq!(detail["plan"]["kept"][0]["why"], "another_person", "{detail}");
    job.execute(&json!({}))?.refused(409, "plan_changed")?;
    job.execute(&acknowledged(&job)?)?.ok()?;
    job.wait_for("completed_with_exceptions")?;
    assert_eq!(shop.left(&word)?, [format!("{word}b"), format!("{word}b-m")]);
    Ok(())
}

#[test]
fn p1_somebody_elses_address_beside_ones_own_id_erases_neither_until_named() -> Result<()> {
    let (shop, word) = (shop()?, format!("dan{}", unique()));
    let other = format!("eve{}", unique());
    shop.plant(&word)?;
    shop.plant(&other)?;
    let job = shop.in_review(&json!({ "subject_id": word, "subject_email": format!("{other}@example.org") }))?;
    let detail = job.detail()?;
    assert_eq!(detail["plan"]["records"], 0, "{detail}");
    assert_eq!(of_kind(&detail, "subject_email")?["ambiguous"], "unmet", "{detail}");
    let mine = of_kind(&detail, "subject_id")?["id"].clone();
    let body = json!({ "identifiers": [mine], "plan_digest": detail["plan_digest"] });
    job.organization.reviewer.post(&job.path("/identifiers"), &body)?.ok()?;
    job.until(|status| Ok(status["phase"] == "in_review" && status["round"].as_u64() > Some(1)))?;
    job.execute(&acknowledged(&job)?)?.ok()?;
    job.wait_for("completed_with_exceptions")?;
    ensure!(shop.left(&word)?.is_empty());
    assert_eq!(shop.left(&other)?.len(), 5, "nothing of somebody else's");
    Ok(())
}

#[test]
fn p4_two_requests_for_one_person_by_two_identifiers_run_one_after_the_other() -> Result<()> {
    let (shop, word) = (shop()?, format!("flo{}", unique()));
    shop.plant(&word)?;
    let first = shop.in_review(&json!({ "subject_id": word }))?;
    let second = shop.in_review(&json!({ "subject_email": format!("{word}@example.org") }))?;
    assert_eq!(second.detail()?["duplicate_of"], first.id.as_str());
    first.execute(&acknowledged(&first)?)?.ok()?;
    second.execute(&acknowledged(&second)?)?.ok()?;
    let mut over = false;
    second.until(|status| {
        // Until nothing of the first is hidden any more.
        let phase = first.status()?["phase"].clone();
        over = over || phase == "verifying" || phase == "completed";
        let waits = status["phase"] == "approved";
        ensure!(over || waits || status["status"] == "completed", "both at once: {status}");
        Ok(status["status"] == "completed")
    })?;
    ensure!(over && shop.left(&word)?.is_empty());
    Ok(())
}

#[test]
fn p3_other_spellings_of_an_address_are_the_same_address() -> Result<()> {
    let shop = shop()?;
    for (n, (stored, asked)) in [
        ("NAME@example.org", "NAME@Example.ORG"),
        ("NAME@xn--bcher-kva.example", "NAME@bücher.example"),
        ("NAME-é@example.org", "NAME-e\u{301}@example.org"),
        ("NAME@example.org", "  NAME@example.org "),
    ]
    .into_iter()
    .enumerate()
    {
        let word = format!("gus{n}{}", unique());
        let (stored, asked) = (stored.replace("NAME", &word), asked.replace("NAME", &word.to_uppercase()));
        shop.put("profiles", &json!({ "id": word, "email": stored }))?;
        shop.hold(&json!({ "subject_email": stored }))?;
        let job = shop.in_review(&json!({ "subject_email": asked }))?;
        let detail = job.revealed()?;
        assert_eq!(of_kind(&detail, "subject_id")?["value"], word.as_str(), "{asked}: {detail}");
        job.execute(&acknowledged(&job)?)?.refused(409, "legal_hold_active")?;
    }
    Ok(())
}

#[test]
fn p3_an_old_address_beside_an_id_is_the_persons_once_it_is_named() -> Result<()> {
    let (shop, word) = (shop()?, format!("ivy{}", unique()));
    let old = format!("{word}-old@example.org");
    shop.plant(&word)?;
    shop.put("orders", &json!({ "order_id": format!("{word}-o"), "customer_id": "guest", "email": old }))?;
    shop.put("news", &json!({ "email": old }))?;
    let job = shop.in_review(&json!({ "subject_id": word, "identifiers": [{ "kind": "subject_email", "value": old }] }))?;
    let detail = job.detail()?;
    assert_eq!(detail["plan"]["records"], 0, "no record has both: {detail}");
    let given = detail["identifiers"].as_array().context("no identifiers")?.iter().filter(|i| i["given"] == true);
    let labels: Vec<&Value> = given.map(|i| &i["id"]).collect();
    assert_eq!(labels.len(), 2, "{detail}");
    let body = json!({ "identifiers": labels, "plan_digest": detail["plan_digest"] });
    job.organization.reviewer.post(&job.path("/identifiers"), &body)?.ok()?;
    job.until(|status| Ok(status["phase"] == "in_review" && status["round"].as_u64() > Some(1)))?;
    assert_eq!(job.detail()?["to_acknowledge"], json!([]), "one person by three identifiers");
    job.execute(&acknowledged(&job)?)?.ok()?;
    job.wait_for("completed")?;
    ensure!(shop.left(&word)?.is_empty());
    Ok(())
}

#[test]
fn p3_an_export_of_whoever_is_known_by_an_address_alone_says_what_it_did_not_search() -> Result<()> {
    let (shop, word) = (shop()?, format!("jan{}", unique()));
    let email = format!("{word}@example.org");
    shop.put("orders", &json!({ "order_id": format!("{word}-o"), "customer_id": "guest", "email": email }))?;
    let export = Export::submit(&shop.organization, &json!({ "subject_email": email, "verification": verification() }))?;
    let ready = export.wait_for("available")?;
    let unsearched = ready["plan"]["unsearched"].as_array().context("nothing is named")?;
    ensure!(unsearched.iter().any(|u| u["producer"] == "chat"), "{ready}");
    Ok(())
}

#[test]
fn p3_a_typing_error_finds_nobody_and_says_so() -> Result<()> {
    let (shop, word) = (shop()?, format!("hal{}", unique()));
    shop.plant(&word)?;
    let job = shop.in_review(&json!({ "subject_id": format!("{word}x") }))?;
    let detail = job.detail()?;
    let cautions = detail["plan"]["cautions"].to_string();
    ensure!(cautions.contains("nobody of this identifier was found"), "{detail}");
    // Nobody's address is known: what only an address leads to was not searched.
    ensure!(detail["to_acknowledge"].as_array().is_some_and(|names| names.contains(&json!("news"))), "{detail}");
    job.execute(&json!({}))?.refused(409, "not_acknowledged")?;
    job.execute(&acknowledged(&job)?)?.ok()?;
    job.wait_for("completed_with_exceptions")?;
    assert_eq!(shop.left(&word)?.len(), 5);
    Ok(())
}

#[test]
fn p3_an_id_with_a_slash_is_erased() -> Result<()> {
    let (shop, word) = (shop()?, format!("@ida{}/bar:example.org", unique()));
    shop.put("profiles", &json!({ "id": word, "email": "slash@example.org" }))?;
    shop.put("chat", &json!({ "message_id": format!("{word}-m"), "customer_id": word }))?;
    let job = shop.in_review(&json!({ "subject_id": word }))?;
    job.execute(&acknowledged(&job)?)?.ok()?;
    job.wait_for("completed")?;
    ensure!(shop.left(&word)?.is_empty());
    Ok(())
}

#[test]
fn p3_a_text_id_is_named_where_a_table_is_keyed_by_number_and_erased_elsewhere() -> Result<()> {
    let legacy = "  - {name: legacy, category: profile, store: db, table: PREFIX-legacy, key: [id], select: [{by: subject_id, attribute: id}]}\n";
    let people = People::make(&format!("{MAP}{legacy}"))?;
    let word = format!("otto{}", unique());
    people.plant(&word)?;
    people.put("legacy", &json!({ "id": { "N": "7" } }))?;
    let job = people.in_review(&json!({ "subject_id": word }))?;
    let detail = job.detail()?;
    assert_eq!(detail["to_acknowledge"], json!(["legacy"]), "{detail}");
    let unsearched = detail["plan"]["unsearched"].as_array().context("nothing is named")?;
    ensure!(unsearched.iter().any(|u| u["producer"] == "legacy" && u["why"] == "unusable_identifier"), "{detail}");
    job.execute(&json!({}))?.refused(409, "not_acknowledged")?;
    job.execute(&acknowledged(&job)?)?.ok()?;
    let ended = job.wait_for("completed_with_exceptions")?;
    ensure!(ended["unsearched"].as_array().is_some_and(|all| all.iter().any(|u| u["producer"] == "legacy")), "{ended}");
    ensure!(people.left(&word)?.is_empty());
    assert_eq!(people.keys("legacy", "7")?, ["7"]);
    Ok(())
}

#[test]
fn p2_spellings_of_one_number_are_one_person_where_the_map_says_so() -> Result<()> {
    let people = People::make(&NUMBERS.replace("IDENTIFIERS", "identifiers: {subject_id: {form: number}}"))?;
    people.put("legacy", &json!({ "id": { "N": "7" } }))?;
    people.hold(&json!({ "subject_id": "7" }))?;
    for spelling in ["007", "7.0", "7e0", "+7"] {
        let job = people.in_review(&json!({ "subject_id": spelling }))?;
        assert_eq!(job.detail()?["to_acknowledge"], json!([]), "{spelling}");
        job.execute(&json!({}))?.refused(409, "legal_hold_active")?;
    }
    let refused = people.organization.officer.post(REQUESTS, &erasure(&json!({ "subject_id": "seven" })))?;
    refused.refused(400, "invalid_identity")?;
    assert_eq!(people.keys("legacy", "7")?, ["7"]);
    Ok(())
}

#[test]
fn p3_another_spelling_of_a_number_is_nobody_where_the_map_does_not_say_so() -> Result<()> {
    let people = People::make(&NUMBERS.replace("IDENTIFIERS", ""))?;
    people.put("legacy", &json!({ "id": { "N": "7" } }))?;
    let job = people.in_review(&json!({ "subject_id": "007" }))?;
    let detail = job.detail()?;
    assert_eq!((&detail["plan"]["records"], &detail["to_acknowledge"]), (&json!(0), &json!(["legacy"])), "{detail}");
    job.execute(&acknowledged(&job)?)?.ok()?;
    job.wait_for("completed_with_exceptions")?;
    let job = people.in_review(&json!({ "subject_id": "7" }))?;
    job.execute(&json!({}))?.ok()?;
    job.wait_for("completed")?;
    ensure!(people.keys("legacy", "7")?.is_empty());
    Ok(())
}

#[test]
fn identifiers_of_no_kind_or_of_nobody_are_refused_with_their_field() -> Result<()> {
    let shop = shop()?;
    let refused = |subject: &Value, code: &str, field: &str| -> Result<()> {
        let answer = shop.organization.officer.post(REQUESTS, &erasure(subject))?;
        answer.refused(400, code)?;
        assert_eq!(answer.body["errors"][0]["field"], field, "{}", answer.body);
        Ok(())
    };
    let one = |kind: &str, value: &str| json!({ "identifiers": [{ "kind": kind, "value": value }] });
    refused(&one("cookie", "x"), "unknown_identifier", "identifiers[0].kind")?;
    refused(&one("phone", "12"), "invalid_identity", "identifiers[0].value")?;
    refused(&one("subject_id", "guest"), "identifier_of_nobody", "identifiers[0].value")?;
    refused(&json!({ "subject_id": "a\u{200b}b" }), "invalid_identity", "subject_id")?;
    for no_address in ["Mara<mara@example.org>", "mailto:mara@example.org", "mara@example@org", "mara"] {
        refused(&json!({ "subject_email": no_address }), "invalid_email", "subject_email")?;
    }
    refused(&json!({ "identifiers": [] }), "empty_identity", "subject_id")?;
    refused(&json!({ "subject_id": " \u{a0} " }), "empty_identity", "subject_id")
}
