//! Buckets as they are: keys that paths, parsers and lists get wrong, and rules that keep or drop what nobody sees.

use crate::stores::{DOCUMENTS, Place, certificate};
use anyhow::{Result, ensure};
use serde_json::json;

/// What S3 takes behind a prefix, but for ends of lines: the patterns of the emulated roles match none
/// ([object key names](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)).
fn hard() -> Vec<String> {
    let odd = [
        " blank ",
        "",
        "/b",
        "a//b",
        "../up",
        "./x",
        "..",
        "+%2F%25",
        "tab\tbell\u{7}",
        "\u{1}",
        "\u{7f}",
        "\u{e9}",
        "e\u{301}",
        "\u{202e}rtl",
        "a\\b",
        "?versionId=1&r#h",
        "\u{1f600}",
        "a b",
        "trail/",
        "&<>\"'",
    ];
    let prefix = "customers/c-7/";
    let longest = "x".repeat(1_024 - prefix.len());
    odd.into_iter().chain([longest.as_str()]).map(|key| format!("{prefix}{key}")).collect()
}

/// Of others, and like those.
const OTHERS: [&str; 6] =
    ["customers/c-7", "customers/c-71/x", "customers/c-71/../c-7/x", "customers//c-7/x", "/customers/c-7/x", "customers/C-7/x"];

#[test]
fn p1_p3_every_object_goes_whatever_its_key_and_no_other() -> Result<()> {
    for versioned in [&[][..], &["versioned"]] {
        let place = Place::make(DOCUMENTS)?;
        place.run("bucket", "docs", versioned)?;
        // The emulated list of versions has what XML cannot say in it as it is, and no client reads it then.
        let mut hard = hard();
        hard.retain(|key| versioned.is_empty() || !key.contains(|c: char| c < ' ' && c != '\t'));
        place.run("objects", "docs", &hard.iter().map(String::as_str).collect::<Vec<_>>())?;
        place.run("objects", "docs", &OTHERS)?;
        assert_eq!(place.left("listed", "docs")?.len(), hard.len() + OTHERS.len(), "the service under test takes them");
        let (job, _, ended) = place.erased("c-7")?;
        ensure!(ended["status"] == "completed", "{ended}");
        let mut others = OTHERS.map(str::to_owned).to_vec();
        others.sort();
        assert_eq!(place.left("listed", "docs")?, others);
        let certificate = certificate(&job)?;
        let erased = &certificate["claims"]["erased"];
        assert_eq!((&erased[0]["documents"], erased.as_array().map(Vec::len)), (&json!(hard.len()), Some(1)), "{certificate}");
    }
    Ok(())
}

#[test]
fn p2_p3_a_plan_says_where_access_logs_name_the_objects_and_when_rules_drop_what_is_hidden() -> Result<()> {
    let place = Place::make(DOCUMENTS)?;
    place.run("bucket", "docs", &["versioned"])?;
    place.run("objects", "docs", &["customers/c-7/passport.pdf"])?;
    let logs = format!("{}-access", place.prefix);
    place.run("logged", "docs", &[&logs])?;
    place.run("expires", "docs", &["3"])?;
    let (_, plan, ended) = place.erased("c-7")?;
    ensure!(plan.to_string().contains(&format!("access logs in bucket {logs} name the keys of its objects")), "{plan}");
    ensure!(plan.to_string().contains("a lifecycle rule drops old versions after 3 days"), "{plan}");
    ensure!(ended["status"] == "completed", "{ended}");
    assert_eq!(place.left("listed", "docs")?, Vec::<String>::new());
    Ok(())
}
