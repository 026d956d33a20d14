//! Checkpoints (C2SP tlog-checkpoint) as signed notes (C2SP signed-note).

use super::Root;
use crate::ids::OrganizationId;
use data_encoding::BASE64;
use signed_note::{Note, Signature, StandardVerifier, VerifierList, key_id};
use std::fmt;
use thiserror::Error;
use tlog_tiles::Hash;

/// Ed25519, among the algorithms of signed notes.
const ED25519: u8 = 1;

/// The name of an organization's log: the deployment's name and the organization.
pub fn origin(deployment: &str, organization: &OrganizationId) -> String {
    format!("{deployment}/{organization}")
}

/// The public key of a log, which is written `name+hash+key` (a signed note's verifier key).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerKey {
    name: String,
    public: [u8; 32],
}

impl LedgerKey {
    /// The key of the log of this name.
    pub fn new(name: impl Into<String>, public: [u8; 32]) -> Self {
        Self { name: name.into(), public }
    }

    /// The log's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key itself.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    fn encoded(&self) -> Vec<u8> {
        let mut key = vec![ED25519];
        key.extend(self.public);
        key
    }

    /// Its number in signatures.
    pub fn id(&self) -> u32 {
        key_id(&self.name, &self.encoded())
    }
}

impl fmt::Display for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}+{}", self.name, self.id(), BASE64.encode(&self.encoded()))
    }
}

impl std::str::FromStr for LedgerKey {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        StandardVerifier::new(text).map_err(|_| CheckpointError::Key)?;
        let mut parts = text.splitn(3, '+');
        let (name, key) = parts.next().zip(parts.nth(1)).ok_or(CheckpointError::Key)?;
        let key = BASE64.decode(key.as_bytes()).map_err(|_| CheckpointError::Key)?;
        let public = key.get(1..).and_then(|k| <[u8; 32]>::try_from(k).ok()).ok_or(CheckpointError::Key)?;
        Ok(Self::new(name, public))
    }
}

/// Why a checkpoint is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Not a key as signed notes write it.
    #[error("this is not a verifier key: it is written name+hash+key")]
    Key,
    /// Not a signed note.
    #[error("the checkpoint is not a signed note")]
    Note,
    /// Its text is not a checkpoint.
    #[error("the checkpoint's text is not origin, size and root")]
    Text,
    /// It is of another log.
    #[error("the checkpoint is of {found}, not of {expected}")]
    Origin {
        /// The log it names.
        found: String,
        /// The log the key is of.
        expected: String,
    },
    /// No signature of this key, or a wrong one.
    #[error("the checkpoint is not signed by the key given")]
    Signature,
}

/// How large a log was, and what its entries' tree hashes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Its entries.
    pub size: u64,
    /// Its root.
    pub root: Root,
}

impl Checkpoint {
    /// What is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] for a name that a note cannot carry.
    pub fn note(&self, key: &LedgerKey, signature: [u8; 64]) -> Result<String, CheckpointError> {
        let signature = Signature::new(key.name.clone(), key.id(), signature.to_vec()).map_err(|_| CheckpointError::Note)?;
        let note = Note::new(self.text().as_bytes(), &[signature]).map_err(|_| CheckpointError::Note)?;
        String::from_utf8(note.to_bytes()).map_err(|_| CheckpointError::Note)
    }

    /// Reads a note without believing it.
    ///
    /// # Errors
    /// [`CheckpointError::Note`], [`CheckpointError::Text`].
    pub fn read(note: &str) -> Result<Self, CheckpointError> {
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::Note)?;
        let read = tlog_tiles::Checkpoint::from_bytes(note.text()).map_err(|_| CheckpointError::Text)?;
        let Hash(root) = *read.hash();
        Ok(Self { origin: read.origin().to_owned(), size: read.size(), root: Root(root) })
    }

    /// Reads a note that this key signed.
    ///
    /// # Errors
    /// Any [`CheckpointError`].
    pub fn open(note: &str, key: &LedgerKey) -> Result<Self, CheckpointError> {
        let checkpoint = Self::read(note)?;
        if checkpoint.origin != key.name {
            return Err(CheckpointError::Origin { found: checkpoint.origin, expected: key.name.clone() });
        }
        let verifier = StandardVerifier::new(&key.to_string()).map_err(|_| CheckpointError::Key)?;
        let signed = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::Note)?;
        signed.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|_| CheckpointError::Signature)?;
        Ok(checkpoint)
    }
}
