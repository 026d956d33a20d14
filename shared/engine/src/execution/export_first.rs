//! An export that goes before an erasure: a request of its own, which the erasure waits for.

use crate::{
    EngineError, Result,
    core::{Core, NewRequest, Next, Received, Verification},
    execution::Execution,
    items::{BEFORE_ANY_ROUND, PriorExport, RequestItem, request_partition, resolution_key},
    ports::{Condition, Envelope},
    transaction::Transaction,
};
use oubli_domain::{
    access::{Caller, Role, Roles},
    audit::EventType,
    ids::RequestId,
    lifecycle::{Event, Phase},
    request::{RequestKind, WaitingFor},
};
use sha2::{Digest as _, Sha256};

impl Execution {
    /// Submits an export of what is to be erased, in the name of whoever asked for the erasure, and waits for it.
    pub(super) async fn ask_for_export(&self, request: &RequestItem) -> Result<Next> {
        let identity = self.core.identity_of(request).await?;
        let identity = identity.ok_or_else(|| EngineError::internal("nobody knows any more whom it is about"))?;
        let verification = match &request.verification {
            Some(verified) => {
                let method = self.core.words_of(request, "method", Some(&verified.sealed_method)).await?.unwrap_or_default();
                Some(Verification { method, verified_at: verified.verified_at })
            }
            None => None,
        };
        // What the reviewer left out is not exported either: its approval is all there is.
        let mut left_out = request.exclude_categories.clone();
        left_out.extend(request.execution.exclusions.iter().map(|e| e.category.clone()));
        let new = NewRequest {
            id: id_of_export(request),
            identity,
            kind: RequestKind::Export,
            reason: request.reason,
            received_at: Some(request.received_at()),
            verification,
            scope: request.scope,
            categories: request.categories.clone(),
            exclude_categories: left_out,
            scheduled_at: None,
            export_first: false,
            saved_queries: None,
            deliver: false,
        };
        let caller =
            Caller { organization: request.organization.clone(), actor: request.submitted_by, roles: Roles::of(Role::Service) };
        let settings = self.core.settings(&request.organization).await?;
        let mut received = self.core.received(&caller, &settings, &new).await?;
        received.item.export_mut()?.prior_to = Some(request.id);
        let meant = self.meant_by(request, &received).await?;
        let (export, submitted) = self.core.receive(&caller, &received, &new).await?;
        let mut after = self.core.moved(request, Event::ExportAsked)?;
        after.erasure_mut()?.prior_export = Some(PriorExport { request: export.id, round: request.execution.round });
        after.waiting_for = Some(WaitingFor::Export);
        let mut event = self.core.transition_event(&after, EventType::ExportAwaited, None);
        event.details.insert("export".to_owned(), export.id.to_string().into());
        self.core
            .write_request(request, &after, Some(event))?
            .and(submitted)
            .and(meant)
            .commit_or_conflict(self.core.ports.table.as_ref(), "request")
            .await?;
        self.core.notify_workers(&after, Some(Envelope::now(Core::discover_message(&export)))).await?;
        Ok(Next::Wait)
    }

    /// Whom the round that is to be carried out means, for the export to start from: what its reviewer named, and what only
    /// records led to that are gone, is the person's there, too.
    async fn meant_by(&self, request: &RequestItem, export: &Received) -> Result<Transaction> {
        let person = self.core.person_of(request, request.execution.round).await?;
        let person = person.ok_or_else(|| EngineError::internal("nobody knows any more whom the plan is about"))?;
        let sealed = self.core.sealed_person(&person, &export.key.secret)?;
        let partition = request_partition(&export.item.organization, &export.item.id);
        Transaction::new().put(resolution_key(&partition, BEFORE_ANY_ROUND), &sealed, vec![Condition::ItemAbsent])
    }

    /// The export that goes first, if it can be opened: what is hidden later is hidden only while it still is.
    pub(super) async fn prior_export(&self, request: &RequestItem) -> Result<Option<RequestItem>> {
        let Some(prior) = request.prior_export().filter(|e| e.round == request.execution.round) else { return Ok(None) };
        let found = self.core.find_request(&request.organization, &prior.request).await?;
        Ok(found.filter(|export| export.state.phase == Phase::Available))
    }

    /// Stops an export whose only reason was an erasure that is cancelled. One that can be opened already stays.
    pub(crate) async fn stop_prior_export(&self, request: &RequestItem) -> Result<()> {
        let Some(prior) = request.prior_export() else { return Ok(()) };
        let found = self.core.find_request(&request.organization, &prior.request).await?;
        match found {
            Some(export) if !export.state.is_final() && export.state.phase != Phase::Available => {
                self.core.stop(&export, None, None).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Goes on with the erasure once the export can be opened and has everything. Nothing was hidden until then.
    pub(crate) async fn await_export(&self, request: &RequestItem) -> Result<Next> {
        let prior = request.prior_export().ok_or_else(|| EngineError::internal("no export was asked for"))?;
        let found = self.core.find_request(&request.organization, &prior.request).await?;
        let export = found.ok_or_else(|| EngineError::internal("the export is gone"))?;
        let missing = export.export_state().map_or(0, |e| e.missing);
        let (code, what) = match export.state.phase {
            Phase::Available if missing == 0 => {
                let after = self.core.moved(request, Event::ExportMade)?;
                let mut event = self.core.transition_event(&after, EventType::ExportMade, None);
                event.details.insert("export".to_owned(), export.id.to_string().into());
                self.core
                    .write_request(request, &after, Some(event))?
                    .commit_or_conflict(self.core.ports.table.as_ref(), "request")
                    .await?;
                self.core.notify_workers(&after, None).await?;
                return Ok(Next::Again);
            }
            Phase::Available => ("export_incomplete", format!("lacks {missing} records that cannot be read")),
            Phase::Failed => ("export_failed", "failed".to_owned()),
            phase if phase.is_final() => ("export_ended", format!("is {}", phase.name())),
            _ => return Ok(Next::Wait),
        };
        let text = format!("The export {} that goes before this erasure {what}; nothing was hidden", export.id);
        self.core.fail(request, code, &text).await?;
        Ok(Next::Wait)
    }
}

/// The same for a call that is made again, another for whatever is asked for later.
fn id_of_export(request: &RequestItem) -> RequestId {
    let mut hash = Sha256::new();
    hash.update(request.id.to_string());
    hash.update(request.run.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut random = [0_u8; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(request.phase_started_at.as_millisecond()).unwrap_or_default();
    RequestId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}
