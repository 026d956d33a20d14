//! Documents for people.

use jiff::civil::DateTime;
use thiserror::Error;

/// What a document is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// A certificate of erasure.
    Certificate,
    /// A compliance report.
    Report,
}

/// A document to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// How it looks.
    pub template: Template,
    /// What it says, as JSON; the template knows its fields.
    pub data: Vec<u8>,
    /// A JSON file that goes along inside it, for machines.
    pub attachment: Vec<u8>,
    /// The same for the same document.
    pub ident: String,
    /// When it says it was made, UTC.
    pub created: DateTime,
}

/// Why a document was not printed: what is wrong with the template or its data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the document cannot be printed: {0}")]
pub struct PrintError(pub String);

/// Makes PDF files. The same document makes the same bytes.
pub trait PdfRenderer: Send + Sync {
    /// The file.
    ///
    /// # Errors
    /// [`PrintError`].
    fn pdf(&self, document: &Document) -> Result<Vec<u8>, PrintError>;
}

/// Of functions that print nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPdfRenderer;

impl PdfRenderer for NoPdfRenderer {
    fn pdf(&self, _: &Document) -> Result<Vec<u8>, PrintError> {
        Err(PrintError("this function has no PDF renderer".to_owned()))
    }
}
