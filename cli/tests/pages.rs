//! The pages of the documentation that people run: what they may do is written in them, and holds for what they are.

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path};

fn between<'a>(page: &'a str, tag: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
    let parts = page.split(open.as_str()).skip(1);
    parts.map(|part| part.split_once('>').expect("a tag").1.split_once(close.as_str()).expect("an end").0).collect()
}

#[test]
fn p9_a_page_runs_what_it_was_written_with_and_speaks_to_nobody_else() {
    for (name, speaks) in [("open-export.html", true), ("verify.html", false)] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        let page = fs::read_to_string(file).expect("a page");
        let (_, policy) = page.split_once("Content-Security-Policy\" content=\"").expect("a policy");
        let policy = policy.split('"').next().expect("an end");
        assert!(!policy.contains("unsafe") && policy.starts_with("default-src 'none'"), "{name}: {policy}");
        for tag in ["script", "style"] {
            for text in between(&page, tag) {
                let hash = format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text.as_bytes())));
                let rule = policy.split("; ").find(|rule| rule.starts_with(&format!("{tag}-src"))).expect("a rule");
                assert!(rule.contains(&hash), "{name}: {rule} needs {hash}");
            }
        }
        // Handlers and styles in attributes would need more than a hash.
        assert!(!page.contains(" style=\"") && !page.contains(" onclick=\""), "{name}");
        let connects: Vec<&str> = policy.split("; ").filter(|rule| rule.starts_with("connect-src")).collect();
        assert_eq!(connects.len(), usize::from(speaks), "{name}");
        for host in connects.iter().flat_map(|rule| rule.split(' ').skip(1)) {
            let known = ["https://*.amazonaws.com", "https://*.amazonaws.com.cn", "http://127.0.0.1:*"];
            assert!(known.contains(&host), "{name} may speak to {host}");
        }
    }
}
