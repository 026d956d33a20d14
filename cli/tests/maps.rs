//! Data maps from a terminal: compared, published and shown, by an API of the test's own.

use oubli_domain::{
    access::{Role, Roles},
    deadline::Country,
    settings::Settings,
};
use oubli_engine::{
    Engine,
    directory::{Administration, NewKeyWanted, NewMember},
};
use oubli_simulation::{World, ports};
use serde_json::Value;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use uuid::Uuid;

const MAP: &str = "# Where the shop keeps it.
version: 1
stores:
  shop: {connector: dynamodb}
producers:
  - name: invoices
    category: invoices
    store: shop
    table: invoices
    key: [id]
    select: [{by: subject_id, index: by_customer, attribute: customer}]
    retention: {reason: tax law, exception: legal_obligation, from: issued_at, years: 7}
  - name: letters
    category: letters
    store: shop
    table: letters
    key: [id]
    select: [{by: subject_id, index: by_customer, attribute: customer}]
";

/// Two administrators and their organization, which has no map yet.
struct Scene {
    api: SocketAddr,
    ada: String,
    bo: String,
    folder: tempfile::TempDir,
}

async fn administrator(of: &Administration, name: &str) -> String {
    let email = format!("{}@acme.example", name.to_lowercase());
    let roles = Roles::of(Role::Administrator);
    let new = NewMember { name: name.to_owned(), email, roles, teams: vec![], oidc_subjects: vec![] };
    let member = of.create_member(Uuid::now_v7(), new).await.expect("a member").id;
    let wanted = NewKeyWanted { member: Some(member), name: name.to_owned(), ..NewKeyWanted::default() };
    of.create_key(Uuid::now_v7(), wanted).await.expect("a key").key
}

impl Scene {
    async fn new() -> Self {
        let engine = Engine::new(ports(&World::new(0, None, false)));
        let acme = engine.directory().operator(&"acme".parse().expect("an id"), None);
        let settings = Settings::new("Acme".to_owned(), Country::Fr, "Europe/Paris".to_owned());
        assert!(acme.create_organization(settings).await.expect("made"));
        let (ada, bo) = (administrator(&acme, "Ada").await, administrator(&acme, "Bo").await);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let api = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, oubli_http::everything(engine)).await });
        Self { api, ada, bo, folder: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, text).expect("written");
        file
    }

    fn oubli(&self, arguments: &[&str]) -> Output {
        self.oubli_as(&self.ada, arguments)
    }

    fn oubli_as(&self, key: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oubli"));
        command.args(arguments).stdin(Stdio::null());
        command.env("OUBLI_URL", format!("http://{}", self.api)).env("OUBLI_API_KEY", key);
        command.output().expect("it runs")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn said(output: &Output) -> String {
    format!("{:?} {} {}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn path(file: &Path) -> &str {
    file.to_str().expect("a path")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_is_published_shown_as_it_was_written_and_compared_with_what_is_published() {
    let scene = Scene::new().await;
    let file = scene.file("shop.yaml", MAP);
    let publish = ["map", "publish", path(&file)];
    let output = scene.oubli(&["map", "show"]);
    assert_eq!(output.status.code(), Some(3), "nothing is published yet: {}", said(&output));
    let output = scene.oubli(&publish);
    assert!(output.status.success() && text(&output.stdout).contains("Published version 1."), "{}", said(&output));

    let output = scene.oubli(&["map", "show"]);
    assert_eq!(text(&output.stdout), MAP, "byte for byte, comments too");
    let beside = text(&output.stderr);
    assert!(beside.starts_with("Version 1, published 20") && beside.trim_end().ends_with("Z by Ada"), "{beside}");

    let compare = ["map", "diff", path(&file), "--published"];
    let output = scene.oubli(&compare);
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(0), 0, 0), "{}", said(&output));
    let shorter = MAP.replace("years: 7", "years: 5");
    fs::write(&file, &shorter).expect("written");
    let output = scene.oubli(&compare);
    let duty = "retention: kept 7 years from issued_at (tax law; legal_obligation) → kept 5 years from issued_at (tax law; legal_obligation)";
    assert_eq!(text(&output.stdout), format!("  producer invoices\n      {duty}\n"));
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0), "{}", said(&output));

    assert!(text(&scene.oubli(&publish).stdout).contains("Published version 2."));
    let shown = scene.oubli(&["map", "show", "--version", "1", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!((&shown["version"], &shown["yaml"], &shown["published_by"]), (&1.into(), &MAP.into(), &"Ada".into()));
    assert_eq!(text(&scene.oubli(&["map", "show"]).stdout), shorter);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_two_are_wanted_a_map_counts_once_another_administrator_confirms_it() {
    let scene = Scene::new().await;
    let file = scene.file("shop.yaml", MAP);
    assert!(scene.oubli(&["map", "publish", path(&file)]).status.success());
    assert!(scene.oubli(&["organization", "set", "--map-review", "true"]).status.success());
    let letters = MAP.find("  - name: letters").expect("letters");
    fs::write(&file, MAP[..letters].replace("years: 7", "years: 5")).expect("written");
    let output = scene.oubli(&["map", "publish", path(&file)]);
    let told = text(&output.stdout);
    assert!(
        told.contains("- letters: nobody looks there any more") && told.contains("invoices: retention: kept 7 years"),
        "{told}"
    );
    let digest = told.trim_end().rsplit(' ').next().expect("a digest").to_owned();
    assert!(digest.starts_with("sha256:") && told.contains("Proposed."), "{told}");
    assert_eq!(text(&scene.oubli(&["map", "show"]).stdout), MAP, "nothing counts yet");

    let own = scene.oubli(&["map", "confirm", &digest]);
    assert!(own.status.code() == Some(1) && text(&own.stderr).contains("another administrator"), "{}", said(&own));
    let other = scene.oubli_as(&scene.bo, &["map", "confirm", &format!("sha256:{}", "0".repeat(64))]);
    assert_eq!(other.status.code(), Some(4), "{}", said(&other));
    let output = scene.oubli_as(&scene.bo, &["map", "confirm", &digest]);
    assert!(text(&output.stdout).contains("Published version 2."), "{}", said(&output));
    assert!(!text(&scene.oubli(&["map", "show"]).stdout).contains("letters"));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_keys_are_made_changed_listed_and_taken_back() {
    let scene = Scene::new().await;
    let json = |output: Output| serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let add = ["member", "add", "--name", "Rita", "--email", "rita@acme.example", "--role", "reviewer,auditor", "--json"];
    let rita = json(scene.oubli(&add));
    let id = rita["member_id"].as_str().expect("an id");
    let again = scene.oubli(&["member", "add", "--name", "R.", "--email", "RITA@acme.example", "--role", "auditor"]);
    assert!(again.status.code() == Some(4) && text(&again.stderr).contains("further keys"), "{}", said(&again));
    let key = json(scene.oubli(&["key", "create", "--name", "laptop", "--member", id, "--role", "auditor", "--json"]));
    let secret = key["key"].as_str().expect("a key");
    assert!(scene.oubli_as(secret, &["audit"]).status.success());
    let rotate = ["key", "rotate", key["key_id"].as_str().expect("an id"), "--overlap-seconds", "0", "--json"];
    let rotated = json(scene.oubli(&rotate));
    assert_eq!(rotated["actor"], rita["member_id"], "who acts stays the same");
    assert_eq!(scene.oubli_as(secret, &["audit"]).status.code(), Some(1), "the old key is over");
    let newer = rotated["key"].as_str().expect("a key");
    assert!(scene.oubli_as(newer, &["audit"]).status.success());
    assert!(scene.oubli(&["member", "change", id, "--active", "false"]).status.success());
    assert_eq!(scene.oubli_as(newer, &["audit"]).status.code(), Some(1), "nobody acts for who has left");
    let listed = text(&scene.oubli(&["key", "list"]).stdout);
    assert!(listed.contains("laptop") && listed.contains("auditor"), "{listed}");
    let machine = json(scene.oubli(&["key", "create", "--name", "backend", "--json"]));
    let revoke = scene.oubli(&["key", "revoke", machine["key_id"].as_str().expect("an id")]);
    assert!(revoke.status.success(), "{}", said(&revoke));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_is_taken_listed_and_removed_and_a_member_is_whom_it_means() {
    let scene = Scene::new().await;
    let json = |output: Output| serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let set = ["organization", "issuer", "set", "login", "--issuer", "https://login.acme.example", "--audience", "oubli"];
    let roles = ["--role-claim", "groups", "--role", "cn=dpo=privacy_officer", "--role", "cn=dpo=reviewer", "--json"];
    let taken = json(scene.oubli(&[&set[..], &roles].concat()));
    assert_eq!(taken["roles"]["values"], serde_json::json!({ "cn=dpo": ["privacy_officer", "reviewer"] }), "{taken}");
    assert_eq!(taken["algorithms"], serde_json::json!(["RS256"]));
    let subject = "issuer=https://login.acme.example,subject=248289761001";
    let add =
        ["member", "add", "--name", "Rita", "--email", "rita@acme.example", "--role", "reviewer", "--oidc-subject", subject];
    let added = scene.oubli(&add);
    assert!(text(&added.stdout).contains("248289761001 at https://login.acme.example"), "{}", said(&added));
    let other = ["member", "add", "--name", "Bo", "--email", "b@acme.example", "--role", "reviewer", "--oidc-subject", subject];
    assert_eq!(scene.oubli(&other).status.code(), Some(4), "somebody at an issuer is one member");
    let listed = json(scene.oubli(&["member", "list", "--json"]));
    let rita = listed["members"].as_array().expect("members").iter().find(|m| m["name"] == "Rita").expect("Rita");
    let free = ["member", "change", rita["member_id"].as_str().expect("an id"), "--oidc-subject", "", "--json"];
    assert_eq!(json(scene.oubli(&free))["oidc_subjects"], serde_json::json!([]));
    assert!(scene.oubli(&other).status.success(), "what is given up is free again");
    let me = json(scene.oubli(&["member", "me", "--json"]));
    assert_eq!((&me["name"], &me["roles"]), (&"Ada".into(), &serde_json::json!(["administrator"])), "{me}");
    for wrong in [&["--algorithm", "HS256"][..], &["--algorithm", "none"], &["--role", "dpo=boss", "--role-claim", "groups"]] {
        assert_eq!(scene.oubli(&[&set[..], wrong].concat()).status.code(), Some(2), "{wrong:?}");
    }
    assert!(text(&scene.oubli(&["organization", "issuer", "list"]).stdout).contains("https://login.acme.example"));
    assert!(scene.oubli(&["organization", "issuer", "remove", "login"]).status.success());
    assert_eq!(scene.oubli(&["organization", "issuer", "remove", "login"]).status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_are_compared_and_the_exit_code_says_whether_they_differ() {
    let scene = Scene::new().await;
    let older = scene.file("older.yaml", MAP);
    let letters = MAP.find("  - name: letters").expect("letters");
    let newer = scene.file("newer.yaml", &format!("{}  - name: cards\n    category: cards\n    store: shop\n    table: cards\n    key: [id]\n    select: [{{by: subject_id, attribute: id}}]\n", &MAP[..letters]));
    let output = scene.oubli(&["map", "diff", path(&older), path(&newer)]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(
        text(&output.stdout),
        "- producer letters (category letters, store shop, table letters): nobody looks there any more\n\
         + producer cards (category cards, store shop, table cards)\n"
    );
    let output = scene.oubli(&["map", "diff", path(&older), path(&newer), "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), told["differences"].as_array().map(Vec::len)), (Some(1), Some(2)), "{told}");
    assert_eq!((&told["differences"][1]["change"], &told["differences"][1]["line"]), (&"added".into(), &13.into()));
    assert_eq!(scene.oubli(&["map", "diff", path(&older), path(&older)]).status.code(), Some(0));
    // Trouble is neither.
    let broken = scene.file("broken.yaml", "version: [");
    for wrong in [
        &["map", "diff", path(&older)][..],
        &["map", "diff", path(&older), path(&broken)],
        &["map", "diff", path(&older), "nowhere.yaml"],
    ] {
        let output = scene.oubli(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", said(&output));
    }
}

#[test]
fn a_finding_names_file_line_key_and_what_to_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.yaml");
    fs::write(&file, MAP.replace("from: issued_at, years: 7", "from: issued_at, years: ten")).expect("written");
    let check = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oubli"));
        command.args(["map", "check", path(&file)]).args(more).stdin(Stdio::null()).output().expect("it runs")
    };
    let output = check(&[]);
    let line = format!(
        "{}:12: refused: invoices.retention.years: \"ten\" is no whole number of years, months or days, such as 7\n",
        file.display()
    );
    assert_eq!(text(&output.stdout), line);
    let told: Value = serde_json::from_slice(&check(&["--json"]).stdout).expect("JSON");
    let finding = &told["findings"][0];
    assert_eq!((&finding["line"], &finding["field"]), (&12.into(), &"invoices.retention.years".into()), "{told}");
    assert_eq!(told["accepted"], false);
    fs::write(&file, MAP).expect("written");
    let told: Value = serde_json::from_slice(&check(&["--json"]).stdout).expect("JSON");
    assert_eq!((&told["reach"][0]["kind"], &told["reach"][0]["whole"]), (&"subject_id".into(), &2.into()), "{told}");
    assert_eq!(told["reach"][1]["not"], serde_json::json!(["invoices", "letters"]), "{told}");
}
