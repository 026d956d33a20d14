//! Why data goes, and why some of it stays.

use serde::{Deserialize, Serialize};

/// The reason a request states, in the words of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No longer needed for the purpose it was collected for.
    NoLongerNecessary,
    /// The person withdrew consent.
    ConsentWithdrawn,
    /// The person objected to the processing.
    Objection,
    /// The processing was unlawful.
    UnlawfulProcessing,
    /// A law demands the erasure.
    LegalObligation,
    /// Collected from a child for an information society service.
    ChildData,
    /// The person asked, without more.
    UserRequest,
}

/// The grounds of Art. 17(1) GDPR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ground {
    /// (a) no longer necessary.
    #[serde(rename = "art_17_1_a")]
    NoLongerNecessary,
    /// (b) consent withdrawn and no other ground.
    #[serde(rename = "art_17_1_b")]
    ConsentWithdrawn,
    /// (c) objection under Art. 21.
    #[serde(rename = "art_17_1_c")]
    Objection,
    /// (d) unlawfully processed.
    #[serde(rename = "art_17_1_d")]
    Unlawful,
    /// (e) a legal obligation to erase.
    #[serde(rename = "art_17_1_e")]
    LegalObligation,
    /// (f) collected in relation to Art. 8(1).
    #[serde(rename = "art_17_1_f")]
    Child,
}

impl Reason {
    /// The ground of Art. 17(1) GDPR behind it. A bare request rests on (a): the person no longer wants it kept.
    pub const fn ground(self) -> Ground {
        match self {
            Reason::NoLongerNecessary | Reason::UserRequest => Ground::NoLongerNecessary,
            Reason::ConsentWithdrawn => Ground::ConsentWithdrawn,
            Reason::Objection => Ground::Objection,
            Reason::UnlawfulProcessing => Ground::Unlawful,
            Reason::LegalObligation => Ground::LegalObligation,
            Reason::ChildData => Ground::Child,
        }
    }
}

/// The exceptions of Art. 17(3) GDPR, on which data may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exception {
    /// (a) freedom of expression and information.
    FreedomOfExpression,
    /// (b) a legal obligation or a public task.
    LegalObligation,
    /// (c) public health.
    PublicHealth,
    /// (d) archiving, research, statistics.
    ArchivingOrResearch,
    /// (e) establishment, exercise or defence of legal claims.
    LegalClaims,
}
