//! Lists come in pages.

use crate::checks::Checks;
use oubli_engine::{MOST_RESULTS, ProblemCode};

const DEFAULT: usize = 20;
const MAX_CURSOR_BYTES: usize = 2048;

/// How many entries a page holds.
pub(crate) fn limit(checks: &mut Checks, text: Option<&str>) -> usize {
    let Some(text) = text else { return DEFAULT };
    match text.parse() {
        Ok(limit) if (1..=MOST_RESULTS).contains(&limit) => limit,
        _ => {
            checks.refuse(
                ProblemCode::InvalidValue,
                "limit",
                "it is out of bounds",
                format!("a whole number from 1 to {MOST_RESULTS}"),
            );
            DEFAULT
        }
    }
}

/// The same of a body.
pub(crate) fn limit_of_body(checks: &mut Checks, limit: Option<u32>) -> usize {
    self::limit(checks, limit.map(|limit| limit.to_string()).as_deref())
}

/// Where a page begins. Only the engine can read it.
pub(crate) fn cursor(checks: &mut Checks, text: Option<String>) -> Option<String> {
    let fits = text.as_ref().is_none_or(|t| (1..=MAX_CURSOR_BYTES).contains(&t.len()));
    if !fits {
        checks.refuse(ProblemCode::InvalidCursor, "cursor", "it is not one of ours", "next_cursor of the page before");
    }
    text.filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_bounded() {
        let mut checks = Checks::default();
        assert_eq!(limit(&mut checks, None), 20);
        assert_eq!(limit(&mut checks, Some("100")), 100);
        assert!(checks.finish().is_ok());
        for bad in ["0", "101", "-1", "x", "", "1.5"] {
            let mut checks = Checks::default();
            let _ = limit(&mut checks, Some(bad));
            assert!(checks.finish().is_err(), "{bad}");
        }
    }
}
