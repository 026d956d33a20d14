//! Cosignatures (C2SP tlog-cosignature): a witness says that a checkpoint follows every one that it saw before, and when it
//! said so.

use data_encoding::BASE64;
use ed25519_dalek::{Signature as Ed25519, VerifyingKey};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use signed_note::{Note, NoteError, Signature, Verifier, VerifierList, is_key_name_valid, key_id};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// Ed25519 cosignatures with their time, among the algorithms of signed notes.
const COSIGNATURE_V1: u8 = 4;

/// How far the clocks of a log, a witness and whoever verifies may be apart.
pub const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// Why a text is not the key of a witness.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WitnessKeyError {
    /// Not of the form.
    #[error("a witness's key is written name+hash+key, as a signed note's verifier key")]
    Shape,
    /// Copied in part, or with a slip.
    #[error("the hash in the witness's key is not that of its name and key: was it copied whole?")]
    Hash,
    /// Of another algorithm.
    #[error("the key is not for Ed25519 cosignatures (type 4), the only ones that are read: this one is of type {0}")]
    Algorithm(u8),
    /// Anybody can sign for it, or nobody.
    #[error("the witness's key is not an Ed25519 public key that can be trusted")]
    Weak,
}

/// Why a cosignature is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CosignatureError {
    /// The note is none.
    #[error("the checkpoint is not a signed note")]
    Note,
    /// An answer that is not signature lines.
    #[error("the answer is not one signature a line")]
    Answer,
    /// An answer in which the witness signs nothing.
    #[error("the answer holds no signature of {0}")]
    Missing(String),
    /// A signature that does not hold.
    #[error("the cosignature of {0} does not hold")]
    Invalid(String),
}

/// The public key of a witness, which is written `name+hash+key` (a signed note's verifier key).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WitnessKey {
    name: String,
    public: [u8; 32],
}

impl WitnessKey {
    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key itself. Two witnesses of the same are one, whatever they are called.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    fn encoded(&self) -> Vec<u8> {
        let mut key = vec![COSIGNATURE_V1];
        key.extend(self.public);
        key
    }

    /// Its number in signatures.
    pub fn id(&self) -> u32 {
        key_id(&self.name, &self.encoded())
    }

    /// The witness's signature line in what it answered about a checkpoint, and when it signed. Lines of others are passed
    /// over.
    ///
    /// # Errors
    /// [`CosignatureError`].
    pub fn cosignature(&self, checkpoint: &str, answer: &str) -> Result<(String, Timestamp), CosignatureError> {
        let lines = answer.strip_suffix('\n').ok_or(CosignatureError::Answer)?;
        let signatures = lines.split('\n').map(|line| Signature::from_bytes(line.as_bytes()));
        let signatures = signatures.collect::<Result<Vec<_>, _>>().map_err(|_| CosignatureError::Answer)?;
        let mine = signatures.into_iter().find(|s| s.name() == self.name && s.id() == self.id());
        let mine = mine.ok_or_else(|| CosignatureError::Missing(self.name.clone()))?;
        let line = String::from_utf8(mine.to_bytes()).map_err(|_| CosignatureError::Answer)?;
        let signed = Note::from_bytes(checkpoint.as_bytes()).map_err(|_| CosignatureError::Note)?;
        let alone = Note::new(signed.text(), &[mine]).map_err(|_| CosignatureError::Note)?;
        let found = verified(&alone, std::slice::from_ref(self))?;
        let at = found.first().map(|c| c.at).ok_or_else(|| CosignatureError::Missing(self.name.clone()))?;
        Ok((line, at))
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}+{}", self.name, self.id(), BASE64.encode(&self.encoded()))
    }
}

impl FromStr for WitnessKey {
    type Err = WitnessKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(WitnessKeyError::Shape);
        };
        let hash = Some(hash).filter(|h| h.len() == 8).and_then(|h| u32::from_str_radix(h, 16).ok());
        let (hash, key) = hash.zip(BASE64.decode(key.as_bytes()).ok()).ok_or(WitnessKeyError::Shape)?;
        let plain = is_key_name_valid(name) && name.len() <= 255 && !name.chars().any(char::is_control);
        let (algorithm, public) = key.split_first().filter(|_| plain).ok_or(WitnessKeyError::Shape)?;
        if hash != key_id(name, &key) {
            return Err(WitnessKeyError::Hash);
        }
        if *algorithm != COSIGNATURE_V1 {
            return Err(WitnessKeyError::Algorithm(*algorithm));
        }
        let public = <[u8; 32]>::try_from(public).map_err(|_| WitnessKeyError::Shape)?;
        if !VerifyingKey::from_bytes(&public).is_ok_and(|key| !key.is_weak()) {
            return Err(WitnessKeyError::Weak);
        }
        Ok(Self { name: name.to_owned(), public })
    }
}

impl TryFrom<String> for WitnessKey {
    type Error = WitnessKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<WitnessKey> for String {
    fn from(key: WitnessKey) -> String {
        key.to_string()
    }
}

/// The time of a cosignature, in front of its signature.
fn time_of(signature: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (time, rest) = signature.split_first_chunk::<8>()?;
    let seconds = i64::try_from(u64::from_be_bytes(*time)).ok()?;
    Some((Timestamp::from_second(seconds).ok()?, rest))
}

impl Verifier for WitnessKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id()
    }

    /// By what was signed: `cosignature/v1`, the time, and the note's whole text.
    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let Some((at, signature)) = time_of(signature) else { return false };
        let Ok(signature) = Ed25519::from_slice(signature) else { return false };
        let said = [format!("cosignature/v1\ntime {}\n", at.as_second()).as_bytes(), text].concat();
        VerifyingKey::from_bytes(&self.public).is_ok_and(|key| key.verify_strict(&said, &signature).is_ok())
    }
}

/// A witness that cosigned a checkpoint, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Whose cosignature it is.
    pub witness: WitnessKey,
    /// When it was made, by the witness's clock.
    pub at: Timestamp,
}

/// Which of these witnesses cosigned a note. Signatures of others are passed over.
///
/// # Errors
/// [`CosignatureError`] for one of theirs that does not hold.
pub fn cosignatures(note: &str, witnesses: &[WitnessKey]) -> Result<Vec<Cosigned>, CosignatureError> {
    verified(&Note::from_bytes(note.as_bytes()).map_err(|_| CosignatureError::Note)?, witnesses)
}

fn verified(note: &Note, witnesses: &[WitnessKey]) -> Result<Vec<Cosigned>, CosignatureError> {
    let known = VerifierList::new(witnesses.iter().map(|w| Box::new(w.clone()) as Box<dyn Verifier>).collect());
    let signatures = match note.verify(&known) {
        Ok((signatures, _)) => signatures,
        Err(NoteError::UnverifiedNote) => return Ok(vec![]),
        Err(NoteError::InvalidSignature { name, .. }) => return Err(CosignatureError::Invalid(name)),
        Err(_) => return Err(CosignatureError::Note),
    };
    let of = |signature: &Signature| witnesses.iter().find(|w| w.name == signature.name() && w.id() == signature.id());
    let read = |signature: &Signature| Some(Cosigned { witness: of(signature)?.clone(), at: time_of(signature.signature())?.0 });
    Ok(signatures.iter().filter_map(read).collect())
}

/// A note with one more signature line, unless it carries that line already.
pub fn with_signature(note: &str, line: &str) -> String {
    if note.lines().any(|known| known == line.trim_end_matches('\n')) { note.to_owned() } else { format!("{note}{line}") }
}
