//! Whom a rule asks, as it is given.

use oubli_domain::ids::InvalidId;
use serde::Serialize;
use std::str::FromStr;

/// A number of a team or a member; none where nothing was said, for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Whom(pub Option<u64>);

/// One as clap reads it.
///
/// # Errors
/// It is no number of one.
pub fn whom<T: FromStr<Err = InvalidId> + Into<u64>>(text: &str) -> Result<Whom, InvalidId> {
    if text.is_empty() {
        return Ok(Whom(None));
    }
    Ok(Whom(Some(text.parse::<T>()?.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use oubli_domain::review::TeamId;

    #[test]
    fn nobody_is_said_by_nothing() {
        let read = |text| whom::<TeamId>(text).map(|Whom(number)| number).ok();
        assert_eq!([read("7"), read(""), read("0"), read("x")], [Some(Some(7)), Some(None), None, None]);
    }
}
