//! Data maps from a terminal: compared, published and shown, on a DynamoDB of the test's own.

#[expect(dead_code, reason = "others use the rest")]
#[path = "../../shared/aws/tests/support/mod.rs"]
mod dynamodb;

use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

const PLATFORM: &str = "arn:aws:iam::111122223333:user/platform";

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

struct Scene {
    dynamodb: SocketAddr,
    sts: SocketAddr,
    folder: tempfile::TempDir,
}

/// STS, as its reference writes what it answers to GetCallerIdentity.
fn sts() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a call");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).expect("a line") > 2 {
                if let Some(("content-length", value)) = line.to_lowercase().trim().split_once(": ") {
                    length = value.parse().expect("a number");
                }
                line.clear();
            }
            reader.read_exact(&mut vec![0; length]).expect("a body");
            let body = format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>{PLATFORM}\
                 </Arn><UserId>AIDA</UserId><Account>111122223333</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>1\
                 </RequestId></ResponseMetadata></GetCallerIdentityResponse>"
            );
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).expect("answered");
        }
    });
    address
}

impl Scene {
    async fn new() -> Self {
        let dynamodb = dynamodb::server().await;
        dynamodb::tables(dynamodb).await;
        Self { dynamodb, sts: sts(), folder: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, text).expect("written");
        file
    }

    fn oubli(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oubli"));
        command.args(arguments).stdin(Stdio::null());
        for table in ["control", "keys", "directory", "decisions", "ledger"] {
            command.env(format!("OUBLI_{}_TABLE", table.to_uppercase()), table);
        }
        command.env("OUBLI_LEDGER_NAME", "oubli.example").env("AWS_REGION", "eu-west-1");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", self.dynamodb));
        command.env("AWS_ENDPOINT_URL_STS", format!("http://{}", self.sts));
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
    let publish = ["admin", "map", "publish", "--organization", "acme", path(&file)];
    let output = scene.oubli(&publish);
    assert_eq!(output.status.code(), Some(3), "there is no such organization: {}", said(&output));
    assert!(text(&output.stderr).contains("organization"), "{}", said(&output));

    let create =
        ["admin", "organization", "create", "--id", "acme", "--name", "Acme", "--country", "FR", "--time-zone", "Europe/Paris"];
    assert_eq!(scene.oubli(&create).status.code(), Some(0));
    let output = scene.oubli(&["map", "show", "--organization", "acme"]);
    assert_eq!(output.status.code(), Some(3), "nothing is published yet: {}", said(&output));
    let output = scene.oubli(&publish);
    assert!(output.status.success() && text(&output.stdout).contains("Published version 1."), "{}", said(&output));

    let output = scene.oubli(&["map", "show", "--organization", "acme"]);
    assert_eq!(text(&output.stdout), MAP, "byte for byte, comments too");
    let beside = text(&output.stderr);
    assert!(
        beside.starts_with("Version 1, published 20") && beside.trim_end().ends_with(&format!("Z by {PLATFORM}")),
        "{beside}"
    );

    let compare = ["map", "diff", path(&file), "--organization", "acme"];
    let output = scene.oubli(&compare);
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(0), 0, 0), "{}", said(&output));
    let shorter = MAP.replace("years: 7", "years: 5");
    fs::write(&file, &shorter).expect("written");
    let output = scene.oubli(&compare);
    let duty = "retention: kept 7 years from issued_at (tax law; legal_obligation) → kept 5 years from issued_at (tax law; legal_obligation)";
    assert_eq!(text(&output.stdout), format!("  producer invoices\n      {duty}\n"));
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0), "{}", said(&output));

    assert!(text(&scene.oubli(&publish).stdout).contains("Published version 2."));
    let shown = scene.oubli(&["map", "show", "--organization", "acme", "--version", "1", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!((&shown["version"], &shown["yaml"], &shown["published_by"]), (&1.into(), &MAP.into(), &PLATFORM.into()));
    assert_eq!(text(&scene.oubli(&["map", "show", "--organization", "acme"]).stdout), shorter);
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
