//! What a certificate says, fixed when a request completes; and the certificate itself, whenever it is asked for.

use crate::{
    Engine, EngineError, ProblemCode, Refusal, Result, crypt,
    execution::today,
    items::{RequestItem, StepItem, claims_key, from_item, request_partition, step_prefix},
    keyring::{self, Purpose},
    ports::{Document, Item, Query, Range, TableName, Template},
};
use data_encoding::HEXLOWER;
use jiff::tz::TimeZone;
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ids::{Category, OrganizationId, RequestId},
    ledger::{
        AskedClaim, CERTIFICATE_FORMAT, CategoryClaim, Certificate, CertificateError, Claims, KeptClaim, LedgerKey, LeftOutClaim,
        SubjectClaim, Trust, UnsearchedClaim, VerificationClaim,
    },
    lifecycle::Phase,
    plan::{Kept, LeftOut, Plan, Unsearched},
    remains::Remains,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The languages certificates are printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
    /// German.
    De,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::En, Self::Fr, Self::De];
}

impl Engine {
    /// The claims of a request that completes now. `verified` is what the last look found, `remains` what may be left.
    pub(crate) async fn claims(
        &self,
        before: &RequestItem,
        after: &RequestItem,
        verified: &Plan,
        remains: &Remains,
    ) -> Result<Claims> {
        let completed = after.state.phase == Phase::Completed;
        let settings = self.settings(&before.organization).await?;
        let opening = self.opening(before).await?;
        Ok(Claims {
            organization: before.organization.clone(),
            organization_name: settings.name,
            request_id: before.id,
            request_type: word(&before.kind),
            asked: asked_claim(before),
            reason: word(&before.reason),
            status: if completed { "completed" } else { "completed_with_exceptions" }.to_owned(),
            received_at: before.submitted_at,
            identity_verified_at: before.verification.as_ref().map(|v| v.verified_at),
            approved_at: before.first_decided_at,
            started_at: before.started_at,
            completed_at: after.finished_at.unwrap_or_else(|| self.now()),
            due: today(before.deadlines.legal, &before.time_zone)?,
            deadlines: before.deadlines.clone(),
            erased: self.erased_by_category(before).await?,
            pseudonymized: vec![],
            kept: kept_claims(&remains.kept),
            left_out: remains.left_out.iter().map(left_out_claim).collect(),
            unsearched: remains.unsearched.iter().map(unsearched_claim).collect(),
            already_absent: before.counts.already_absent,
            uncertain: before.counts.uncertain,
            restored: remains.restored,
            conflicts: remains.conflicts,
            failed: remains.failed,
            verification: (!before.unverified).then(|| VerificationClaim {
                began_at: verified.discovered_at,
                rounds: before.sought,
                found: verified.records(),
            }),
            subject: SubjectClaim::new(before.subject_id_hash.clone(), opening.as_deref()),
        })
    }

    async fn opening(&self, request: &RequestItem) -> Result<Option<Vec<u8>>> {
        let partition = request_partition(&request.organization, &request.id);
        let key = keyring::find(&self.ports, &request.organization, &partition, Purpose::Identity).await?;
        match (key, &request.sealed_opening) {
            (Some(key), Some(sealed)) => Ok(Some(crypt::open(&key, "opening", sealed)?)),
            _ => Ok(None),
        }
    }

    /// What a request erased, by category, in all its rounds.
    pub(crate) async fn erased_by_category(&self, request: &RequestItem) -> Result<Vec<CategoryClaim>> {
        let partition = request_partition(&request.organization, &request.id);
        let mut erased: BTreeMap<Category, CategoryClaim> = BTreeMap::new();
        for round in 1..=request.sought {
            let query = Query::new(TableName::Control, partition.clone(), Range::Prefix(step_prefix(round)));
            for item in self.query_all(query).await? {
                let step: StepItem = from_item(item)?;
                if step.counts.erased == 0 {
                    continue;
                }
                let none = || CategoryClaim { category: step.category.clone(), documents: 0, vectors: 0, size_bytes: 0 };
                let sum = erased.entry(step.category.clone()).or_insert_with(none);
                sum.documents += step.counts.erased;
                sum.size_bytes += step.counts.bytes;
            }
        }
        Ok(erased.into_values().collect())
    }

    /// The certificate of a completed request: its claims, the entry of the log that is about them, and the proof.
    /// With `every_entry`, all of the request's entries with theirs.
    ///
    /// # Errors
    /// `not_found`; `not_completed` while the request is not complete; `not_sealed` until its completion is in the log.
    pub async fn certificate(&self, caller: &Caller, id: &RequestId, every_entry: bool) -> Result<Certificate> {
        Self::permit(caller, Action::Certify)?;
        let request = self.owned(caller, id).await?;
        if !matches!(request.state.phase, Phase::Completed | Phase::CompletedWithExceptions) {
            let text = format!("The request is not complete: it is {}.", request.state.phase.name());
            return Err(
                Refusal::conflict(ProblemCode::NotCompleted, &text, "Certificates are for completed requests only.").into()
            );
        }
        let partition = request_partition(&request.organization, id);
        let found = self.ports.table.get_many(&[claims_key(&partition)]).await?.pop().flatten();
        let claims = claims_of(found).ok_or_else(|| EngineError::internal("a completed request has no claims"))?;
        let organization = &request.organization;
        let (completion, others) = self.entries_of(organization, id, &claims.digest()).await?;
        let Some(completion) = completion else {
            let text = "The completion of this request is not sealed in the log yet.";
            return Err(Refusal::conflict(ProblemCode::NotSealed, text, "Entries are sealed within a minute: ask again.").into());
        };
        let indexes: Vec<u64> = std::iter::once(completion).chain(others.into_iter().filter(|_| every_entry)).collect();
        let entries = self.proven_entries(organization, &indexes).await?;
        self.record_reading(caller, EventType::CertificateIssued, Some(&request), []).await?;
        let opening = self.opening(&request).await?.map(|o| HEXLOWER.encode(&o));
        let log_key = self.log_key(organization).await?.to_string();
        Ok(Certificate { format: CERTIFICATE_FORMAT.to_owned(), claims, subject_opening: opening, entries, log_key })
    }

    /// A certificate as a PDF file in a language, with the certificate itself inside.
    ///
    /// # Errors
    /// [`EngineError::Internal`] where nothing can print.
    pub fn certificate_pdf(&self, certificate: &Certificate, language: Language) -> Result<Vec<u8>> {
        let document = certificate_document(certificate, language).map_err(EngineError::caused_by)?;
        self.pdf_renderer.pdf(&document).map_err(EngineError::caused_by)
    }

    /// Where the entry about these claims stands, and the request's other entries.
    async fn entries_of(&self, organization: &OrganizationId, id: &RequestId, claims: &str) -> Result<(Option<u64>, Vec<u64>)> {
        let (mut completion, mut others) = (None, Vec::new());
        for entry in self.entries_about(organization, &id.to_string()).await? {
            let about = entry.event.details.get("claims_sha256").and_then(|c| c.as_str());
            if about == Some(claims) { completion = Some(entry.index) } else { others.push(entry.index) }
        }
        Ok((completion, others))
    }
}

/// A certificate as a document: everything on its pages comes out of the certificate, so whoever has the certificate can
/// print them again and compare.
///
/// # Errors
/// The certificate does not hold by the key it names.
pub fn certificate_document(certificate: &Certificate, language: Language) -> Result<Document, CertificateError> {
    let key: LedgerKey =
        certificate.log_key.parse().map_err(|_| CertificateError::Format("its log key cannot be read".to_owned()))?;
    let checkpoint = certificate.check(&Trust::Key(key), None)?.checkpoint;
    let claims = &certificate.claims;
    let entry = certificate.entries.first().and_then(|e| serde_json::from_str::<serde_json::Value>(&e.entry).ok());
    let data = serde_json::json!({
        "language": language,
        "certificate": certificate,
        "fingerprint": certificate.fingerprint(),
        "nothing_is_left": claims.nothing_is_left(),
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

fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn asked_claim(request: &RequestItem) -> AskedClaim {
    AskedClaim {
        categories: request.categories.clone(),
        exclude_categories: request.exclude_categories.clone(),
        include_backups: request.scope.include_backups,
        include_logs: request.scope.include_logs,
        include_derived_data: request.scope.include_derived_data,
    }
}

fn left_out_claim(left_out: &LeftOut) -> LeftOutClaim {
    let LeftOut { category, retention_until, decided_by } = left_out;
    LeftOutClaim { category: category.clone(), until: *retention_until, decided_by: *decided_by }
}

fn unsearched_claim(unsearched: &Unsearched) -> UnsearchedClaim {
    let Unsearched { producer, category, why } = unsearched;
    UnsearchedClaim::new(producer.clone(), category.clone(), why)
}

fn kept_claims(kept: &[Kept]) -> Vec<KeptClaim> {
    let claim = |k: &Kept| KeptClaim {
        category: k.category.clone(),
        documents: k.records,
        size_bytes: k.bytes,
        reason: k.why.code().to_owned(),
        duty: k.why.duty().map(str::to_owned),
        until: k.why.until(),
    };
    kept.iter().map(claim).collect()
}
