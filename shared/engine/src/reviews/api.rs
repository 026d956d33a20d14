//! What the room of reviews takes.

use oubli_domain::plan::{Exclusion, PlanDigest};

/// An approval.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The plan approved; none: the one that stands.
    pub plan_digest: Option<PlanDigest>,
    /// As stated; four eyes judges the credential instead.
    pub approved_by: Option<String>,
    /// Free text, kept sealed.
    pub notes: Option<String>,
    /// Categories left out.
    pub exclusions: Vec<Exclusion>,
    /// Producers that were not searched, and ambiguous identifiers by their labels: whoever approves knows that they stay.
    pub acknowledged: Vec<String>,
}
