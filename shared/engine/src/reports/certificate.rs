//! The certificate of a request, whenever it is asked for: what it says was fixed when the request ended.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::Core,
    items::{claims_key, request_partition},
    ports::{Document, Item, Template},
    reports::Reports,
};
use data_encoding::HEXLOWER;
use jiff::tz::TimeZone;
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEntry, EventType},
    ids::{OrganizationId, RequestId},
    language::Language,
    ledger::{CERTIFICATE_FORMAT, Certificate, CertificateError, Claims, LedgerKey, Trust},
    lifecycle::Phase,
};
use std::collections::{BTreeMap, BTreeSet};

impl Reports {
    /// The certificate of a completed request: its claims, the entry of the log that is about them, those that show in which
    /// order it was done, and their proofs. With `every_entry`, all of the request's entries with theirs.
    ///
    /// # Errors
    /// `not_found`; `not_completed` while the request is not complete; `not_sealed` until its completion is in the log.
    pub async fn certificate(&self, caller: &Caller, id: &RequestId, every_entry: bool) -> Result<Certificate> {
        Core::permit(caller, Action::Certify)?;
        let request = self.core.owned(caller, id).await?;
        if !matches!(request.state.phase, Phase::Completed | Phase::CompletedWithExceptions) {
            let text = format!("The request is not complete: it is {}.", request.state.phase.name());
            return Err(
                Refusal::conflict(ProblemCode::NotCompleted, &text, "Certificates are for completed requests only.").into()
            );
        }
        let partition = request_partition(&request.organization, id);
        let found = self.core.ports.table.get_many(&[claims_key(&partition)]).await?.pop().flatten();
        let claims = claims_of(found).ok_or_else(|| EngineError::internal("a completed request has no claims"))?;
        let organization = &request.organization;
        let (completion, others) = self.entries_of(organization, id, &claims.digest()).await?;
        let Some(completion) = completion else {
            let text = "The completion of this request is not sealed in the log yet.";
            return Err(Refusal::conflict(ProblemCode::NotSealed, text, "Entries are sealed within a minute: ask again.").into());
        };
        let others = if every_entry { others } else { milestones(others) };
        let indexes: Vec<u64> = std::iter::once(completion).chain(others.into_iter().map(|entry| entry.index)).collect();
        let entries = self.core.proven_entries(organization, &indexes).await?;
        self.core.record_reading(caller, EventType::CertificateIssued, Some(&request), []).await?;
        let opening = self.core.opening(&request).await?.map(|o| HEXLOWER.encode(&o));
        let log_key = self.core.log_key(organization).await?.to_string();
        Ok(Certificate { format: CERTIFICATE_FORMAT.to_owned(), claims, subject_opening: opening, entries, log_key })
    }

    /// What a certificate is printed in unless another language is asked for: the organization's own.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if there is no such organization.
    pub async fn language(&self, caller: &Caller) -> Result<Language> {
        Ok(self.core.settings(&caller.organization).await?.language)
    }

    /// A certificate as a PDF file in a language, with the certificate itself inside.
    ///
    /// # Errors
    /// [`EngineError::Internal`] where nothing can print.
    pub fn certificate_pdf(&self, certificate: &Certificate, language: Language) -> Result<Vec<u8>> {
        let document = certificate_document(certificate, language).map_err(EngineError::caused_by)?;
        self.core.pdf_renderer.pdf(&document).map_err(EngineError::caused_by)
    }

    /// Where the entry about these claims stands, and the request's other entries.
    async fn entries_of(
        &self,
        organization: &OrganizationId,
        id: &RequestId,
        claims: &str,
    ) -> Result<(Option<u64>, Vec<Milestone>)> {
        let (mut completion, mut others) = (None, Vec::new());
        for entry in self.core.entries_about(organization, &id.to_string()).await? {
            let about = entry.event.details.get("claims_sha256").and_then(|c| c.as_str());
            if about == Some(claims) { completion = Some(entry.index) } else { others.push(Milestone::of(&entry)) }
        }
        Ok((completion, others))
    }
}

/// An entry of a request, and which plan it is of.
struct Milestone {
    index: u64,
    kind: EventType,
    plan: Option<String>,
}

impl Milestone {
    fn of(entry: &AuditEntry) -> Self {
        let plan = entry.event.details.get("plan_digest").and_then(|digest| digest.as_str()).map(str::to_owned);
        Self { index: entry.index, kind: entry.event.event_type, plan }
    }
}

/// Of a request's entries those that show the order in which it was done: every approval, and of each plan what was hidden
/// first and what was destroyed last.
fn milestones(entries: Vec<Milestone>) -> Vec<Milestone> {
    let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
    for Milestone { index, kind, plan } in &entries {
        match kind {
            EventType::BatchHidden => drop(first.entry(plan.clone()).or_insert(*index)),
            EventType::BatchPurged => drop(last.insert(plan.clone(), *index)),
            _ => {}
        }
    }
    let ends: BTreeSet<u64> = first.into_values().chain(last.into_values()).collect();
    let shows = |entry: &Milestone| entry.kind == EventType::RequestApproved || ends.contains(&entry.index);
    entries.into_iter().filter(shows).collect()
}

/// A certificate as a document: everything on its pages comes out of the certificate, so whoever has the certificate can
/// print them again and compare.
///
/// # Errors
/// The certificate does not hold by the key it names.
pub fn certificate_document(certificate: &Certificate, language: Language) -> Result<Document, CertificateError> {
    let key: LedgerKey =
        certificate.log_key.parse().map_err(|_| CertificateError::Format("its log key cannot be read".to_owned()))?;
    let verified = certificate.check(&Trust::Key(key), None)?;
    let checkpoint = verified.checkpoint;
    let claims = &certificate.claims;
    let entry = certificate.entries.first().and_then(|e| serde_json::from_str::<serde_json::Value>(&e.entry).ok());
    let data = serde_json::json!({
        "language": language,
        "certificate": certificate,
        "fingerprint": certificate.fingerprint(),
        "nothing_is_left": claims.nothing_is_left(),
        "order": verified.order,
        "log": {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root,
            "index": entry.and_then(|e| e["index"].as_u64()),
        },
    });
    Ok(Document {
        template: Template::Certificate,
        data: data.to_string().into_bytes(),
        attachment: certificate.to_bytes(),
        ident: format!("certificate {} {}", claims.request_id, claims.digest()),
        created: claims.completed_at.to_zoned(TimeZone::UTC).datetime(),
    })
}

/// The claims of a request, out of their item.
pub(crate) fn claims_of(item: Option<Item>) -> Option<Claims> {
    item.and_then(|mut item| item.remove("claims")).and_then(|claims| serde_json::from_value(claims).ok())
}
