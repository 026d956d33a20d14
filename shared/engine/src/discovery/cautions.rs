//! What a reviewer should know of a plan, besides what the stores say of themselves.

use crate::{Result, discovery::Discovery, items::RequestItem};

/// Days after which an attestation is worth a thought: who is known now may be somebody else by then.
const OLD_ATTESTATION_DAYS: i64 = 90;

/// Most holds named in a caution.
const MOST_NAMED: usize = 10;

impl Discovery {
    /// Cautions on the whole of a request's plan.
    pub(super) async fn cautions_on(&self, request: &RequestItem) -> Result<Vec<String>> {
        let mut cautions = Vec::new();
        if request.kind().yields_to_holds() {
            cautions.extend(self.holds_apart(request).await?);
        }
        cautions.extend(old_attestation(request));
        Ok(cautions)
    }

    /// Holds on people who are known by other kinds of identifiers than this request gives: whether they are on this
    /// person cannot be seen.
    async fn holds_apart(&self, request: &RequestItem) -> Result<Option<String>> {
        let active = self.core.active_holds(&request.organization).await?;
        let apart = active.iter().filter(|hold| !hold.scope.tells_apart(&request.subject_keys));
        let mut apart: Vec<String> = apart.map(|hold| hold.id.to_string()).collect();
        if apart.is_empty() {
            return Ok(None);
        }
        let more = apart.len().saturating_sub(MOST_NAMED);
        apart.truncate(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Ok(Some(format!(
            "the person of this request and those of the legal holds {}{more} cannot be told apart: they are known by other \
             identifiers. See whether these holds are on this person before you approve",
            apart.join(", ")
        )))
    }
}

fn old_attestation(request: &RequestItem) -> Option<String> {
    let attested = request.verification.as_ref()?.verified_at;
    let days = request.submitted_at.duration_since(attested).as_hours() / 24;
    (days > OLD_ATTESTATION_DAYS).then(|| {
        format!("the person's identity was checked {days} days before the request was submitted: see whether it is still theirs")
    })
}
