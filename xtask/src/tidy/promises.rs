//! The promises are defined once, each has its tests, and every end-to-end test is run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::Result;

use crate::shell;

/// Where the promises are defined, with the files whose tests carry each.
const PROMISES: &str = "docs/promises.md";

/// The binary that every end-to-end test is a module of.
const END_TO_END: &str = "tests/e2e.rs";

/// A promise's number, and files.
type Carried = BTreeMap<u32, BTreeSet<String>>;

pub fn check() -> Result<Vec<String>> {
    let sources = sources()?;
    let listed = listed(&fs::read_to_string(shell::root().join(PROMISES))?);
    Ok(faults(&listed, &sources))
}

/// Every source and page of the repository, by its path.
pub(super) fn sources() -> Result<BTreeMap<String, String>> {
    let files = shell::output(shell::command("git").args(["ls-files", "*.rs", "*.md"]))?;
    let read = |path: &str| Ok((path.to_owned(), fs::read_to_string(shell::root().join(path))?));
    files.lines().filter(|path| shell::root().join(path).exists()).map(read).collect()
}

/// What the page of the promises says: a heading `## P5 …`, and a line `Tests: …` with files in backticks.
fn listed(page: &str) -> Carried {
    let (mut listed, mut promise) = (Carried::new(), None);
    let mut listing = false;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            promise = heading.split(' ').next().and_then(number);
            listing = false;
            if let Some(promise) = promise {
                listed.entry(promise).or_default();
            }
        }
        listing = line.starts_with("Tests:") || (listing && !line.is_empty());
        if let Some(files) = promise.filter(|_| listing).and_then(|p| listed.get_mut(&p)) {
            files.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    listed
}

fn faults(listed: &Carried, sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut carried = Carried::new();
    for (path, text) in sources {
        for promise in text.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(number).collect::<BTreeSet<_>>() {
            if !listed.contains_key(&promise) {
                found.push(format!("{path} speaks of P{promise}, which {PROMISES} does not define"));
            }
        }
        for promise in text.lines().flat_map(carried_by) {
            carried.entry(promise).or_default().insert(path.clone());
        }
    }
    for (promise, files) in listed {
        let tested = carried.remove(promise).unwrap_or_default();
        if !tested.iter().any(|path| path.starts_with("tests/")) {
            found.push(format!("no end-to-end test carries P{promise}: one whose name begins with `p{promise}_`"));
        }
        found.extend(tested.difference(files).map(|f| format!("{PROMISES} does not list {f} under P{promise}")));
        found.extend(
            files.difference(&tested).map(|f| format!("{PROMISES} lists {f} under P{promise}: no test there carries it")),
        );
    }
    let suites = sources.get(END_TO_END).map(String::as_str).unwrap_or_default();
    let suite = |path: &str| Some(path.strip_prefix("tests/")?.strip_suffix(".rs")?.to_owned());
    let forgotten =
        sources.keys().filter(|path| *path != END_TO_END).filter_map(|path| suite(path)).filter(|name| !name.contains('/'));
    let forgotten = forgotten.filter(|name| !suites.lines().any(|line| line == format!("mod {name};")));
    found.extend(forgotten.map(|name| format!("tests/{name}.rs is run by nothing: {END_TO_END} has no `mod {name};`")));
    found.extend(carried.keys().map(|p| format!("tests carry P{p}, which {PROMISES} does not define")));
    found
}

/// `P5`.
fn number(word: &str) -> Option<u32> {
    word.strip_prefix('P').filter(|digits| digits.len() <= 2).and_then(|digits| digits.parse().ok())
}

/// The promises that a function carries in its name: 5 and 6, `p5_p6_what_was_written_meanwhile`.
fn carried_by(line: &str) -> Vec<u32> {
    let Some((_, name)) = line.split_once("fn ").filter(|(before, _)| matches!(before.trim(), "" | "async")) else {
        return vec![];
    };
    name.split('_').map_while(|part| part.strip_prefix('p').and_then(|n| n.parse().ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Promises\n\n## P1 One\nText of it.\n\nTests: `tests/a.rs`,\n`shared/b.rs`.\n\n## P2 Two\nMore.\n";

    fn sources(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn every_promise_needs_a_test_and_every_test_a_promise() {
        let page = listed(PAGE);
        assert_eq!(page[&1], BTreeSet::from(["tests/a.rs".to_owned(), "shared/b.rs".to_owned()]));
        let all = [
            ("tests/a.rs", "fn p1_p2_it_holds() {"),
            ("shared/b.rs", "    async fn p1_too() {\n// P2"),
            ("tests/e2e.rs", "mod a;"),
        ];
        assert_eq!(faults(&page, &sources(&all)), ["docs/promises.md does not list tests/a.rs under P2"]);
        let none = [("tests/a.rs", "fn p1_it_holds() {}"), ("shared/b.rs", "fn p3_what() {} // P7, P256")];
        let missing = faults(&page, &sources(&none));
        assert_eq!(missing.len(), 5, "{missing:?}");
    }
}
