//! Mistakes that people make in data maps: each is answered with its line, the reason, and what to write instead.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A map without mistakes.
const SHOP: &str = r#"version: 1
identifiers:
  phone: {form: phone}
nobody: [0, guest]
stores:
  shop: {connector: dynamodb}
  files: {connector: s3}
anchors:
  order-rows: [shop/orders]
  document-objects: [files/documents]
producers:
  - name: profiles
    category: profile
    store: shop
    table: profiles
    key: [customer_id]
    version_attribute: version
    identifies: {subject_id: customer_id, subject_email: email, phone: mobile}
    select:
      - {by: subject_id, attribute: customer_id}
      - {by: subject_email, index: by_email, attribute: email}
      - {by: phone, index: by_phone, attribute: mobile}

  - name: orders
    category: order_history
    store: shop
    table: orders
    key: [order_id]
    select:
      - by: subject_id
        index: by_customer
        attribute: customer_id
    export:
      fields: {total: Total, placed_at: Ordered on, agent: Served by}
      mask: [agent]
      recipients: [Parcel Express]
    owns: [order-rows]

  - name: order-lines
    category: order_history
    store: shop
    table: order-lines
    key: [order_id, line_no]
    select:
      - by: {producer: orders, field: order_id}
        attribute: order_id

  - name: invoices
    category: invoices
    store: shop
    table: app
    key: [pk, sk]
    select:
      - by: subject_id
        attribute: pk
        value: "USER#{}"
        sort: {begins_with: "INVOICE#"}
        where: {type: [invoice, refund]}
    retention:
      reason: Invoices are kept for seven years (tax law)
      exception: legal_obligation
      from: issued_at
      years: 7

  - name: documents
    category: documents
    store: files
    bucket: documents
    select:
      - by: subject_id
        prefix: "customers/{}/"
    owns: [document-objects]
"#;

/// A mistake, and what it is answered with.
struct Mistake {
    /// What somebody did.
    what: &'static str,
    /// What stands there in the map without mistakes, and what they wrote.
    edit: (&'static str, &'static str),
    /// What the line at fault holds, in the map with the mistake.
    line: &'static str,
    /// The reason.
    reason: &'static str,
    /// What to write instead.
    instead: &'static str,
    /// An editor that knows the schema shows it, too.
    shape: bool,
}

const fn shape(
    what: &'static str,
    edit: (&'static str, &'static str),
    line: &'static str,
    reason: &'static str,
    instead: &'static str,
) -> Mistake {
    Mistake { what, edit, line, reason, instead, shape: true }
}

const fn meaning(
    what: &'static str,
    edit: (&'static str, &'static str),
    line: &'static str,
    reason: &'static str,
    instead: &'static str,
) -> Mistake {
    Mistake { what, edit, line, reason, instead, shape: false }
}

const MISTAKES: [Mistake; 52] = [
    meaning("a tab", ("    category: profile", "\tcategory: profile"), "\tcategory: profile", "tab", "spaces"),
    meaning(
        "no space after a colon",
        ("    category: profile", "    category:profile"),
        "category:profile",
        ":",
        "a space after the colon",
    ),
    meaning("a list that does not end", ("key: [customer_id]", "key: [customer_id"), "key: [customer_id", "[", "]"),
    meaning("a text that does not end", ("\"USER#{}\"", "\"USER#{}"), "\"USER#{}", "quot", "\""),
    shape("a section misspelt", ("producers:", "producer:"), "producer:", "there is no producer here", "did you mean producers?"),
    shape("a version from elsewhere", ("version: 1", "version: 2"), "version: 2", "the only version", "write 1"),
    shape("no version", ("version: 1\n", ""), "identifiers:", "version is missing", "write version: 1"),
    shape(
        "a connector by another name",
        ("shop: {connector: dynamodb}", "shop: {connector: dynamo}"),
        "connector: dynamo}",
        "there is no dynamo",
        "did you mean dynamodb?",
    ),
    shape(
        "a Region misspelt",
        ("{connector: s3}", "{connector: s3, regoin: eu-west-1}"),
        "regoin",
        "there is no regoin",
        "did you mean region?",
    ),
    meaning(
        "a store misspelt",
        ("    store: shop\n    table: orders\n", "    store: shpo\n    table: orders\n"),
        "store: shpo",
        "shpo is not declared",
        "did you mean shop?",
    ),
    shape(
        "one text where a list is",
        ("key: [customer_id]", "key: customer_id"),
        "key: customer_id",
        "\"customer_id\"",
        "a list, such as [a, b]",
    ),
    shape("three attributes of a key", ("key: [pk, sk]", "key: [pk, sk, id]"), "key: [pk, sk, id]", "primary key", "one or two"),
    shape(
        "a key misspelt",
        ("    table: orders\n", "    tabel: orders\n"),
        "tabel: orders",
        "there is no tabel here",
        "did you mean table?",
    ),
    shape(
        "a name for people",
        ("- name: order-lines", "- name: Order Lines"),
        "name: Order Lines",
        "not a producer",
        "a to z, 0 to 9, _ and -",
    ),
    meaning("a name twice", ("- name: order-lines", "- name: orders"), "- name: orders", "declared twice", "choose another"),
    shape("no category", ("    category: documents\n", ""), "- name: documents", "category is missing", "category"),
    meaning(
        "a field's name for a kind of identifier",
        ("- by: subject_id\n        index: by_customer", "- by: customer_id\n        index: by_customer"),
        "by: customer_id",
        "there is no kind of identifier customer_id",
        "declare it under identifiers, or use one of subject_id, subject_email, phone",
    ),
    shape(
        "several identifiers at once",
        ("{by: subject_email, index", "{by: [subject_email, phone], index"),
        "by: [subject_email",
        "a list",
        "a kind of identifier such as subject_id",
    ),
    meaning(
        "a parent misspelt",
        ("{producer: orders, field: order_id}", "{producer: order, field: order_id}"),
        "producer: order,",
        "found through order, which is not declared",
        "did you mean orders?",
    ),
    shape(
        "a parent without its field",
        ("{producer: orders, field: order_id}", "{producer: orders}"),
        "by: {producer: orders}",
        "field is missing",
        "field",
    ),
    meaning(
        "an index forgotten",
        ("        index: by_customer\n", ""),
        "attribute: customer_id",
        "not the table's partition key, which is order_id",
        "the index that customer_id is the partition key of",
    ),
    shape(
        "a prefix that takes others' objects",
        ("customers/{}/", "customers/{}"),
        "prefix: \"customers/{}\"",
        "other people's objects",
        "a delimiter (one of /",
    ),
    shape(
        "a prefix for one object",
        ("prefix: \"customers/{}/\"", "prefix: \"avatars/{}.png\""),
        "prefix: \"avatars/{}.png\"",
        "other people's objects",
        "write object: \"avatars/{}.png\"; for keys of another form, list: {pattern: logs/*/{}/**, max_keys: 100000}",
    ),
    shape(
        "a prefix without a person",
        ("customers/{}/", "customers/"),
        "prefix: \"customers/\"",
        "prefix",
        "must hold {} where the identity goes",
    ),
    shape(
        "a bucket's ARN",
        ("bucket: documents", "bucket: arn:aws:s3:::documents"),
        "bucket: arn",
        "without s3://, arn or path",
        "the bucket's name",
    ),
    shape("a name in the braces", ("USER#{}", "USER#{customer_id}"), "value: \"USER#{customer_id}\"", "value", "must hold {}"),
    meaning(
        "a condition on a key",
        ("where: {type: [invoice, refund]}", "where: {sk: [INVOICE]}"),
        "where: {sk",
        "is part of a key",
        "under value or sort",
    ),
    shape(
        "a condition on a path",
        ("where: {type: [invoice, refund]}", "where: {meta.type: invoice}"),
        "where: {meta.type",
        "is a path",
        "conditions are of attributes",
    ),
    shape(
        "a condition on nothing",
        ("where: {type: [invoice, refund]}", "where: {type: []}"),
        "where: {type: []}",
        "no value",
        "to be equal to",
    ),
    meaning(
        "the sort key of an index, without its name",
        ("        attribute: customer_id\n", "        attribute: customer_id\n        sort: {begins_with: ORDER}\n"),
        "sort: {begins_with: ORDER}",
        "the sort key of the index",
        "under attribute",
    ),
    shape(
        "an operator that is not there",
        ("sort: {begins_with: \"INVOICE#\"}", "sort: {between: INVOICE}"),
        "sort: {between",
        "there is no between",
        "equals and begins_with",
    ),
    shape("a number in words", ("years: 7", "years: seven"), "years: seven", "\"seven\" is no whole number", "such as 7"),
    shape("a period from nowhere", ("      from: issued_at\n", ""), "retention:", "needs from", "the field it is counted from"),
    shape("a start without a period", ("      years: 7\n", ""), "from: issued_at", "needs years", "years, months or days"),
    shape(
        "an exception in one's own words",
        ("exception: legal_obligation", "exception: tax_law"),
        "exception: tax_law",
        "there is no tax_law",
        "legal_obligation",
    ),
    shape(
        "a date's pattern as people write it",
        ("      years: 7\n", "      years: 7\n      form: DD/MM/YYYY\n"),
        "form: DD/MM/YYYY",
        "\"DD/MM/YYYY\" is none of",
        "such as %d/%m/%Y",
    ),
    meaning(
        "an anchor misspelt",
        ("owns: [order-rows]", "owns: [order-row]"),
        "owns: [order-row]",
        "order-row is not declared under anchors",
        "did you mean order-rows?",
    ),
    meaning(
        "an anchor nobody owns",
        ("    owns: [order-rows]\n", ""),
        "order-rows: [shop/orders]",
        "has no owner",
        "owns: [order-rows]",
    ),
    meaning(
        "an anchor's table misspelt",
        ("order-rows: [shop/orders]", "order-rows: [shop/order]"),
        "order-rows: [shop/order]",
        "shop/order, which no producer uses",
        "did you mean shop/orders?",
    ),
    meaning(
        "masks of objects",
        ("    bucket: documents\n", "    bucket: documents\n    export: {mask: [author]}\n"),
        "export: {mask",
        "belong to tables",
        "objects go into an export as they are",
    ),
    meaning(
        "one name for two fields",
        ("placed_at: Ordered on", "placed_at: Total"),
        "fields: {total: Total",
        "two fields are named Total",
        "each a name of its own",
    ),
    shape("one mask", ("mask: [agent]", "mask: agent"), "mask: agent", "\"agent\"", "a list, such as [a, b]"),
    meaning(
        "identifiers in objects",
        ("    bucket: documents\n", "    bucket: documents\n    identifies: {subject_id: owner}\n"),
        "identifies: {subject_id: owner}",
        "objects have no fields",
        "Leave it out",
    ),
    meaning(
        "an identifier with something around it",
        ("identifies: {subject_id: customer_id, subject_email: email, phone: mobile}", "identifies: {subject_id: \"USER#{}\"}"),
        "identifies: {subject_id",
        "no name of a field",
        "the name alone",
    ),
    meaning(
        "a table in a store of buckets",
        ("    bucket: documents\n", "    table: documents\n"),
        "table: documents",
        "belong to stores with connector dynamodb",
        "bucket is accepted",
    ),
    shape(
        "nothing selected",
        ("    select:\n      - by: {producer: orders, field: order_id}\n        attribute: order_id\n", "    select: []\n"),
        "select: []",
        "at least one way",
        "{by: subject_id",
    ),
    shape(
        "a truth in one's own words",
        ("    owns: [order-rows]\n", "    owns: [order-rows]\n    log: sometimes\n"),
        "log: sometimes",
        "\"sometimes\"",
        "true or false",
    ),
    shape(
        "a method of replacing misspelt",
        ("    table: order-lines\n", "    table: order-lines\n    erase:\n      fields:\n        note: redact\n"),
        "        note: redact",
        "there is no redact",
        "did you mean redaction? Accepted are tokenization, redaction, hashing, generalization",
    ),
    shape(
        "a field to replace, outside of fields",
        ("    table: order-lines\n", "    table: order-lines\n    erase:\n      field: {note: redaction}\n"),
        "      field: {note: redaction}",
        "there is no field here",
        "did you mean fields?",
    ),
    meaning(
        "a part of the key to replace",
        (
            "    table: order-lines\n",
            "    table: order-lines\n    erase:\n      fields:\n        note: redaction\n        line_no: hashing\n",
        ),
        "        line_no: hashing",
        "is part of the table's key",
        "leave it out, or write erase: delete",
    ),
    meaning(
        "fields of objects to replace",
        ("    bucket: documents\n", "    bucket: documents\n    erase: {fields: {author: redaction}}\n"),
        "erase: {fields: {author",
        "an object goes or stays as a whole",
        "write erase: delete, or erase: false with because",
    ),
    meaning(
        "a key twice",
        ("    table: orders\n", "    table: orders\n    table: order_archive\n"),
        "table: order_archive",
        "written twice",
        "leave one",
    ),
];

fn oubli(file: &Path) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oubli"));
    let output = command.args(["map", "check"]).arg(file).stdin(Stdio::null()).output().expect("it runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn file(name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("oubli-mistakes-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(format!("{}.yaml", name.replace(' ', "-")));
    fs::write(&file, text).expect("written");
    file
}

fn with((from, to): (&str, &str)) -> String {
    assert_eq!(SHOP.matches(from).count(), 1, "{from} stands there once");
    SHOP.replacen(from, to, 1)
}

/// The line that is a text, or the last that holds it, from 1.
fn line_of(text: &str, part: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let whole = lines.iter().position(|line| *line == part);
    whole.or_else(|| lines.iter().rposition(|line| line.contains(part))).expect("it is there") + 1
}

#[test]
fn the_map_without_mistakes_is_accepted() {
    let (accepted, said) = oubli(&file("right", SHOP));
    assert!(accepted && said.contains("Accepted: 2 stores, 5 producers."), "{said}");
    assert!(said.contains("By phone alone: 5 of 5 producers."), "{said}");
}

#[test]
fn each_mistake_is_answered_with_line_reason_and_what_to_write() {
    let mut wrong = Vec::new();
    for Mistake { what, edit, line, reason, instead, .. } in &MISTAKES {
        let text = with(*edit);
        let path = file(what, &text);
        let (accepted, said) = oubli(&path);
        let start = format!("{}:{}: refused: ", path.display(), line_of(&text, line));
        let at: Vec<&str> = said.lines().filter_map(|said| said.strip_prefix(&start)).collect();
        // One answer says all of it.
        if accepted || !at.iter().any(|said| said.contains(reason) && said.contains(instead)) {
            wrong.push(format!("{what}: not on line {}, with {reason} and {instead}:\n{said}", line_of(&text, line)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), MISTAKES.len(), wrong.join("\n"));
}

#[test]
fn mistakes_are_told_all_at_once() {
    let mut text = SHOP.to_owned();
    let made = ["one text where a list is", "a key misspelt", "a name for people", "a number in words", "a bucket's ARN"];
    let made: Vec<&Mistake> = MISTAKES.iter().filter(|mistake| made.contains(&mistake.what)).collect();
    assert_eq!(made.len(), 5);
    for Mistake { edit: (from, to), .. } in &made {
        text = text.replacen(from, to, 1);
    }
    let path = file("all at once", &text);
    let (_, said) = oubli(&path);
    for Mistake { what, line, reason, .. } in made {
        let start = format!("{}:{}: refused: ", path.display(), line_of(&text, line));
        let at: Vec<&str> = said.lines().filter_map(|said| said.strip_prefix(&start)).collect();
        assert!(at.iter().any(|said| said.contains(reason)), "{what} is not on its line:\n{said}");
    }
    assert_eq!(said.lines().count(), 5, "{said}");
}

#[test]
fn a_mistake_that_makes_others_wrong_is_told_alone() {
    // The store's producers cannot be read, nor what is found through them: that is no mistake of theirs.
    let (_, said) = oubli(&file("alone", &with(("shop: {connector: dynamodb}", "shop: {connector: dynamo}"))));
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn an_editor_that_knows_the_schema_shows_mistakes_of_shape() {
    let schema = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/data-map.schema.json")).expect("the schema");
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    let valid = |text: &str| schema.is_valid(&serde_saphyr::from_str(text).expect("YAML"));
    assert!(valid(SHOP));
    for Mistake { what, edit, .. } in MISTAKES.iter().filter(|mistake| mistake.shape) {
        assert!(!valid(&with(*edit)), "the schema accepts: {what}");
    }
}
