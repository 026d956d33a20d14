//! What is no YAML, in words for those who write it.

use granit_parser::{ErrorKind, ScanError};

/// Lines before the place of an error in which its cause is looked for: parsers notice late what does not end.
const LOOKED_BACK: usize = 50;

/// On which line a text ceases to be YAML, and what to write there.
pub(in crate::datamap) fn explain(text: &str, error: &ScanError) -> (u64, String) {
    let lines: Vec<&str> = text.lines().collect();
    let noticed = error.marker().line().clamp(1, lines.len().max(1));
    let before = || (noticed.saturating_sub(LOOKED_BACK) + 1..=noticed).rev().filter_map(|n| Some((n, *lines.get(n - 1)?)));
    let last = |is: &dyn Fn(&str) -> bool| before().find(|(_, line)| is(line)).map(|(n, _)| n);
    let near = |is: &dyn Fn(&str) -> bool| before().take(2).find(|(_, line)| is(line)).map(|(n, _)| n);
    // A text is found to have ended where the tab is that follows it.
    let tab =
        (noticed.saturating_sub(1).max(1)..=noticed + 1).find(|n| lines.get(n - 1).is_some_and(|line| indented_by_tab(line)));
    let (line, words) = if let Some(n) = tab {
        (n, "a tab is no indentation: indent with spaces".to_owned())
    } else if let Some(n) = last(&|line| line.matches('"').count() % 2 == 1) {
        (n, "a text that begins with \" does not end: write the second quotation mark".to_owned())
    } else if let Some((n, open, close)) = unclosed(before()) {
        (n, format!("what begins with {open} does not end: write {close}, and commas between"))
    } else if let Some(n) = near(&|line| glued(line)) {
        (n, "there is no space after the colon: write key: value, with a space after the colon".to_owned())
    } else {
        match error.kind() {
            ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey | ErrorKind::ExpectedBlockMappingKey => {
                let bare = near(&|line| !line.trim().is_empty() && !line.contains(':') && !line.trim_start().starts_with('#'));
                (bare.unwrap_or(noticed), "this is no key: write key: value, at the indent of the keys beside it".to_owned())
            }
            ErrorKind::ExpectedBlockSequenceEntry => {
                let words = "a list goes on with - at the same indent, and keys beside it belong above or below it";
                (noticed, words.to_owned())
            }
            ErrorKind::InvalidIndentation | ErrorKind::MappingKeyNotAllowed | ErrorKind::MappingValueNotAllowed => (
                noticed,
                "this is indented otherwise than what it belongs to: keep one indent for the keys of one entry".to_owned(),
            ),
            other => (noticed, format!("this is no YAML: {other}")),
        }
    };
    (u64::try_from(line).unwrap_or_default(), words)
}

fn indented_by_tab(line: &str) -> bool {
    line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t')
}

/// The line that leaves a bracket open which none after it closes, and what would close it; the last line comes first.
fn unclosed<'t>(lines: impl Iterator<Item = (usize, &'t str)>) -> Option<(usize, char, char)> {
    let mut closed = [0, 0];
    for (n, line) in lines {
        let code = line.split(" #").next().unwrap_or_default();
        let outside: String = code.split('"').step_by(2).collect();
        for (place, (open, close)) in [('[', ']'), ('{', '}')].into_iter().enumerate() {
            closed[place] += outside.matches(close).count();
            let opened = outside.matches(open).count();
            if opened > closed[place] {
                return Some((n, open, close));
            }
            closed[place] -= opened;
        }
    }
    None
}

/// A key, and its value right after the colon.
fn glued(line: &str) -> bool {
    let Some((key, value)) = line.trim_start().trim_start_matches("- ").split_once(':') else { return false };
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_key && value.chars().next().is_some_and(|c| !c.is_whitespace())
}
