//! What proves the audit log.

use crate::{
    call::{Call, NoQuery, scoped},
    checks::Checks,
    problem::Problem,
    requests::allowed,
    rooms::IntakeRooms,
    routes::{Routes, routes},
    shapes::{self, MOST},
};
use axum::{Json, extract::State};
use jiff::Timestamp;
use oubli_domain::access::Action;
use oubli_engine::{ProblemCode, WitnessView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What intake serves of it.
pub(crate) fn intake() -> Routes<IntakeRooms> {
    routes!(checkpoint, proof)
}

/// The newest checkpoint of the organization's log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogCheckpoint)]
pub(crate) struct CheckpointAnswer {
    /// The log's name.
    origin: String,
    /// Its entries.
    size: u64,
    /// The root of their tree (RFC 6962), base64.
    root: String,
    /// The signed note (C2SP tlog-checkpoint), with what witnesses cosigned so far (C2SP tlog-cosignature).
    checkpoint: String,
    /// The public key it is signed with, as a signed note's verifier key. Keep it: it is what certificates are checked
    /// with.
    log_key: String,
    /// When it was signed.
    sealed_at: Timestamp,
    /// How far each of the deployment's witnesses is with this log.
    witnesses: Vec<WitnessAnswer>,
}

/// How far a witness is with a log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogWitness)]
pub(crate) struct WitnessAnswer {
    /// Its name.
    name: String,
    /// The public key by which it cosigns, as a signed note's verifier key.
    key: String,
    /// Entries of the newest checkpoint that it cosigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    cosigned_size: Option<u64>,
    /// When it did, by its own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    cosigned_at: Option<Timestamp>,
    /// Since when it has not cosigned what it was asked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl From<WitnessView> for WitnessAnswer {
    fn from(view: WitnessView) -> Self {
        let (failing_since, failure) = view.failing.unzip();
        let (name, key) = (view.key.name().to_owned(), view.key.to_string());
        Self { name, key, cosigned_size: view.cosigned, cosigned_at: view.cosigned_at, failing_since, failure }
    }
}

/// Show the newest checkpoint
///
/// What the log is checked by, with the key that signed it. Keep what you see: a later log has to begin with it.
#[utoipa::path(
    get,
    path = "/v1/compliance/audit-log/checkpoint",
    tag = "audit log",
    operation_id = "get_log_checkpoint",
    params(NoQuery),
    responses((status = 200, description = "The checkpoint.", body = CheckpointAnswer)),
)]
pub(crate) async fn checkpoint(
    State(engine): State<IntakeRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<CheckpointAnswer>, Problem> {
    let view = engine.ledger().log_checkpoint(&caller).await?;
    Ok(Json(CheckpointAnswer {
        origin: view.checkpoint.origin,
        size: view.checkpoint.size,
        root: view.checkpoint.root.to_string(),
        checkpoint: view.note,
        log_key: view.key.to_string(),
        sealed_at: view.sealed_at,
        witnesses: view.witnesses.into_iter().map(Into::into).collect(),
    }))
}

/// What to prove.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProofQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// An entry's place in the log: that it is there.
    #[param(value_type = Option<shapes::LogPlace>, example = 0)]
    index: Option<String>,
    /// The size of an earlier checkpoint: that the log only grew since.
    #[param(value_type = Option<shapes::LogPlace>)]
    from: Option<String>,
}

scoped!(ProofQuery);

/// A proof: of an entry, or that the log only grew.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogProof)]
#[serde(untagged)]
pub(crate) enum ProofAnswer {
    /// That an entry is in the log.
    Inclusion {
        /// The entry's place.
        index: u64,
        /// The entry's bytes, as text.
        entry: String,
        /// A C2SP tlog-proof.
        proof: String,
    },
    /// That an earlier log is the beginning of the newest one.
    Consistency {
        /// The size of the earlier one.
        from: u64,
        /// The earlier checkpoint, a signed note.
        earlier_checkpoint: String,
        /// The newest checkpoint, a signed note.
        checkpoint: String,
        /// The path (RFC 6962, 2.1.2), base64.
        hashes: Vec<String>,
    },
}

/// Prove an entry, or that the log only grew
///
/// One of `index` and `from` is needed, and not both. That somebody was given entries so is noted in the log, once an hour.
#[utoipa::path(
    get,
    path = "/v1/compliance/audit-log/proof",
    tag = "audit log",
    operation_id = "get_log_proof",
    params(ProofQuery),
    responses((status = 200, description = "The proof.", body = ProofAnswer)),
)]
pub(crate) async fn proof(
    State(engine): State<IntakeRooms>,
    Call { caller, query }: Call<ProofQuery>,
) -> Result<Json<ProofAnswer>, Problem> {
    let mut checks = Checks::default();
    let mut number = |field: &str, text: Option<String>| {
        let number = text?.parse::<u64>().ok().filter(|number| *number <= MOST);
        if number.is_none() {
            checks.refuse(ProblemCode::InvalidValue, field, "it is not a number of entries", "a whole number from 0");
        }
        number
    };
    let (index, from) = (number("index", query.index.clone()), number("from", query.from.clone()));
    if query.index.is_some() == query.from.is_some() {
        let accepted = "index for an entry, or from for an earlier checkpoint";
        checks.refuse(ProblemCode::InvalidValue, "index", "exactly one of index and from is needed", accepted);
    }
    allowed(&caller, Action::ReadAudit, checks.finish())?;
    if let Some(from) = from {
        let proof = engine.ledger().prove_consistency(&caller, from).await?;
        let hashes = proof.path.into_iter().map(|h| h.to_string()).collect();
        let (earlier_checkpoint, checkpoint) = (proof.earlier, proof.note);
        return Ok(Json(ProofAnswer::Consistency { from, earlier_checkpoint, checkpoint, hashes }));
    }
    let index = index.unwrap_or_default();
    let proven = engine.ledger().prove_entry(&caller, index).await?;
    Ok(Json(ProofAnswer::Inclusion { index, entry: proven.entry, proof: proven.proof }))
}
