//! One-time codes (RFC 6238) that opening an export can take besides the credential.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, directory, directory_query, organization_partition},
    items::{from_item, step_up_key},
    keyring::{self, NewKey, Purpose},
    ports::{Condition, DataKey, Key},
    transaction::{Committed, Transaction, equals},
};
use data_encoding::BASE32_NOPAD;
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    access::Caller,
    audit::EventType,
    ids::{ActorId, OrganizationId},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use totp_rs::{Algorithm, Builder, Totp};

/// Wrong codes in a row before none is taken for a while.
const MOST_WRONG: u32 = 5;

/// How long none is taken then.
const PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// Bytes of a secret, as RFC 4226 recommends.
const SECRET: usize = 20;

/// Which of each one's secrets counts, in the directory.
const CODES: &str = "codes#";

/// Items that one call reads.
const READ_TOGETHER: usize = 100;

/// What an app that makes codes is given. It is shown this once.
#[derive(Clone, Serialize)]
pub struct NewCodes {
    /// The credential they go with.
    pub key_id: String,
    /// For a QR code.
    pub url: String,
    /// The same for typing in, base32.
    pub secret: String,
}

/// Without the secret.
impl fmt::Debug for NewCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCodes").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The codes that somebody gave.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct CodeAttempts {
    /// The step of the last one that was right: none is taken twice.
    last: u64,
    /// Wrong ones since.
    wrong: u32,
    /// When the last wrong one was given.
    wrong_at: Option<Timestamp>,
}

/// Where somebody's secret is. Each new one has a place of its own: who makes them may write over no key, nor delete one.
fn partition(organization: &OrganizationId, actor: &ActorId, generation: u64) -> String {
    format!("org#{organization}#step-up#{actor}-{generation}")
}

/// Which of somebody's secrets counts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct CodesItem {
    pub(crate) generation: u64,
}

pub(crate) fn codes_key(organization: &OrganizationId, actor: &ActorId) -> Key {
    directory(organization_partition(organization), format!("{CODES}{actor}"))
}

/// Codes of 6 digits for 30 seconds, and one before or after where clocks differ.
fn codes(key: &DataKey, issuer: &str, account: &str) -> Result<Totp> {
    let plain = |text: &str| text.replace(':', " ");
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(30);
    let builder =
        builder.with_secret(key.0[..SECRET].to_vec()).with_issuer(Some(plain(issuer))).with_account_name(plain(account));
    builder.build().map_err(|e| EngineError::internal(format!("one-time codes: {e}")))
}

impl Core {
    /// Makes the secret of a generation, and shows it. It counts once it is kept.
    pub(crate) async fn new_codes(
        &self,
        organization: &OrganizationId,
        key_id: &str,
        actor: &ActorId,
        generation: u64,
        name: &str,
    ) -> Result<(NewCodes, Transaction)> {
        let partition = partition(organization, actor, generation);
        let NewKey { secret, kept } = keyring::new_key(&self.ports, organization, &partition, Purpose::StepUp).await?;
        let url = codes(&secret, &format!("Oubli {organization}"), name)?.to_url();
        let url = url.map_err(|e| EngineError::internal(format!("one-time codes: {e}")))?;
        Ok((NewCodes { key_id: key_id.to_owned(), url, secret: BASE32_NOPAD.encode(&secret.0[..SECRET]) }, kept))
    }

    /// Destroys what one-time codes were made of that others took the place of.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub(crate) async fn destroy_replaced_codes(&self, organization: &OrganizationId) -> Result<()> {
        for item in self.query_all(directory_query(organization, CODES, false, 100)).await? {
            let actor = item.get("sk").and_then(|sk| sk.as_str()?.strip_prefix(CODES)?.parse::<ActorId>().ok());
            let Some(actor) = actor else { continue };
            let CodesItem { generation } = from_item(item)?;
            let replaced: Vec<String> = (1..generation).map(|n| partition(organization, &actor, n)).collect();
            for some in replaced.chunks(READ_TOGETHER) {
                let keys: Vec<Key> = some.iter().map(|place| keyring::address(place, Purpose::StepUp)).collect();
                for (place, found) in some.iter().zip(self.ports.table.get_many(&keys).await?) {
                    if found.is_some() {
                        keyring::destroy(&self.ports, place, Purpose::StepUp).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes a one-time code.
    ///
    /// # Errors
    /// `code_needed`, `code_not_enrolled`, `code_wrong`, `too_many_codes`.
    pub(crate) async fn step_up(&self, caller: &Caller, code: Option<&str>) -> Result<()> {
        let refuse = |code, text: String, remedy: &str| EngineError::from(Refusal::forbidden(code, text, remedy));
        let organization = &caller.organization;
        let counts: Option<CodesItem> = self.find(codes_key(organization, &caller.actor)).await?;
        let key = match counts {
            Some(CodesItem { generation }) => {
                let partition = partition(organization, &caller.actor, generation);
                keyring::find(&self.ports, organization, &partition, Purpose::StepUp).await?
            }
            None => None,
        };
        let Some(key) = key else {
            let text = "Your organization wants a one-time code, and you have none.".to_owned();
            return Err(refuse(ProblemCode::CodeNotEnrolled, text, "Ask an administrator to run: oubli key enroll."));
        };
        let Some(code) = code else {
            let text = "Your organization wants a one-time code for this.".to_owned();
            return Err(refuse(ProblemCode::CodeNeeded, text, "Give the code that your app shows now as `code`."));
        };
        let place = step_up_key(organization, &caller.actor);
        let stored: Option<CodeAttempts> = self.find(place.clone()).await?;
        let unchanged = match &stored {
            None => vec![Condition::ItemAbsent],
            Some(given) => vec![equals("last", given.last), equals("wrong", given.wrong)],
        };
        let mut given = stored.unwrap_or_default();
        let now = self.now();
        let free = given.wrong_at.map_or(now, |at| at + PAUSE);
        if given.wrong >= MOST_WRONG && now < free {
            let text = format!("{MOST_WRONG} codes in a row were wrong: none is taken before {free}.");
            return Err(refuse(
                ProblemCode::TooManyCodes,
                text,
                "Wait, and see that the clock of the device that makes them is right.",
            ));
        }
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let step = codes(&key, "Oubli", "key")?.check(code, seconds).filter(|step| *step > given.last);
        match step {
            Some(step) => given = CodeAttempts { last: step, wrong: 0, wrong_at: None },
            None => {
                given.wrong = if given.wrong >= MOST_WRONG { 1 } else { given.wrong + 1 };
                given.wrong_at = Some(now);
            }
        }
        let written = Transaction::new().put(place, &given, unchanged)?.commit(self.ports.table.as_ref()).await?;
        if step.is_some() && written == Committed::Yes {
            return Ok(());
        }
        self.record_reading(caller, EventType::CodeRefused, None, []).await?;
        let text = "This code is wrong, was used before, or is over.".to_owned();
        Err(refuse(ProblemCode::CodeWrong, text, "Give the code that your app shows now."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        let mut secret = [0; 32];
        secret[..SECRET].copy_from_slice(b"12345678901234567890");
        let codes = codes(&DataKey(secret), "Oubli: x", "A: b").expect("codes");
        // RFC 6238, appendix B: the last six of its eight digits.
        for (at, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(codes.check(code, at), Some(at / 30), "{at}");
            assert_eq!(codes.check(code, at + 90), None, "{at}");
        }
        for wrong in ["", "28708", "2870820", "abcdef", "28 7082\u{0}"] {
            assert_eq!(codes.check(wrong, 59), None, "{wrong:?}");
        }
        assert!(codes.to_url().expect("a URL").starts_with("otpauth://totp/"));
    }
}
