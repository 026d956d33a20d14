//! Opening and revoking an export.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, RequestView, not_in},
    exports::{ExportAccess, Exports, begin::access_order, packaging::PackageItem},
    items::{ExportState, RequestItem, package_key, request_partition},
    keyring::{self, Purpose},
    ports::Envelope,
    transaction::Committed,
};
use jiff::SignedDuration;
use oubli_domain::{access::Caller, audit::EventType, datamap::Producer, ids::RequestId, lifecycle::Phase, settings::Settings};

/// How long a link works: long enough to begin a download, which then may take as long as it takes.
const LINK_SECONDS: u32 = 300;

/// Tries to note an opening that others get in the way of.
const TRIES: usize = 5;

impl Exports {
    /// Gives out what opens an export: a link that fetches it, and the key. Each call is in the log before it is answered.
    ///
    /// # Errors
    /// `not_found`; `export_not_ready`; `export_expired`; `category_restricted` where it holds what this role may not see;
    /// `code_needed` and its like where the organization wants a one-time code.
    pub async fn open_export(&self, caller: &Caller, id: RequestId, code: Option<&str>) -> Result<ExportAccess> {
        let settings = self.permit_opening(caller).await?;
        let before = self.owned_export(caller, id).await?;
        openable(&before, self.core.now())?;
        self.may_see(caller, &before).await?;
        not_alone(caller, &before)?;
        if settings.export_step_up {
            self.core.step_up(caller, code).await?;
        }
        let partition = request_partition(&before.organization, &before.id);
        let key = keyring::find(&self.core.ports, &before.organization, &partition, Purpose::Export).await?;
        let content_key = key.ok_or_else(gone)?;
        let (export, links) = self.note_opening(caller, id).await?;
        let file_name = format!("export-{}.zip.enc", before.id);
        let download_url = self.core.ports.exports.link(&export.object, &file_name, LINK_SECONDS).await?;
        Ok(ExportAccess {
            download_url,
            link_expires_at: self.core.now() + SignedDuration::from_secs(i64::from(LINK_SECONDS)),
            content_key,
            file_name,
            size_bytes: export.size_bytes,
            encryption_context: keyring::context(&before.organization, &partition, Purpose::Export),
            expires_at: export.expires_at.unwrap_or_else(|| self.core.now()),
            links,
        })
    }

    /// Notes that it was opened. Others may change the request meanwhile, and a code is spent by now.
    async fn note_opening(&self, caller: &Caller, id: RequestId) -> Result<(ExportState, u32)> {
        for _ in 0..TRIES {
            let before = self.owned_export(caller, id).await?;
            let export = openable(&before, self.core.now())?;
            let mut after = before.clone();
            after.version += 1;
            let links = export.links + 1;
            if let Some(export) = after.export_state_mut() {
                export.links = links;
            }
            let order = access_order(&after);
            let mut event = self.core.event(&after, EventType::ExportAccessed, &order);
            event.actor = Some(caller.actor);
            event.details.insert("links".to_owned(), links.into());
            let transaction = self.core.write_request(&before, &after, None)?;
            let transaction = self.core.outbox(transaction, &after.organization, &order, &event)?;
            if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes {
                self.core.notify_after_command(&after, None).await?;
                return Ok((export, links));
            }
        }
        Err(EngineError::Conflict("others keep changing the request"))
    }

    /// Ends an export at once. A link that was given out cannot be recalled, so the object goes with it.
    ///
    /// # Errors
    /// `not_found`; `invalid_state` unless it can be opened.
    pub async fn revoke_export(&self, caller: &Caller, id: RequestId) -> Result<RequestView> {
        self.permit_opening(caller).await?;
        let before = self.owned_export(caller, id).await?;
        let object = before.export_state().map(|e| e.object.clone()).unwrap_or_default();
        let after = match before.state.phase {
            // The same call made again, after one that died before the object was gone.
            Phase::Expired if before.export_state().is_some_and(|e| e.revoked) => before,
            Phase::Available => {
                let after = self.ended(&before, true)?;
                let event = self.core.transition_event(&after, EventType::ExportRevoked, Some(caller.actor));
                let transaction = self.core.write_request(&before, &after, Some(event))?;
                transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
                after
            }
            _ => return Err(not_in(&before, "revoked")),
        };
        self.core.ports.exports.delete(&object).await?;
        self.withdraw_export(&after).await?;
        self.core.notify_after_command(&after, Some(Envelope::now(Core::advance_message(&after)))).await?;
        Ok(RequestView::from(&after))
    }

    /// The organization's settings, if they let this role open exports.
    async fn permit_opening(&self, caller: &Caller) -> Result<Settings> {
        let settings = self.core.settings(&caller.organization).await?;
        if caller.roles.any_of(&settings.export_openers) {
            return Ok(settings);
        }
        let text = "Your organization does not let this role open exports.";
        Err(Refusal::for_roles(text, settings.export_openers.iter().copied()).into())
    }

    /// An export request of the caller's organization; a request of another kind is none.
    async fn owned_export(&self, caller: &Caller, id: RequestId) -> Result<RequestItem> {
        let request = self.core.owned(caller, &id).await?;
        if !request.kind().copies_records() {
            return Err(Refusal::not_found("export request").into());
        }
        Ok(request)
    }

    /// Whether a role may see every category that is in an export, or that it says was removed.
    async fn may_see(&self, caller: &Caller, request: &RequestItem) -> Result<()> {
        let map = self.core.map_version(&request.organization, request.execution.map_version).await?;
        let steps = self.core.steps_of(request).await?;
        let queries = self.core.queries_in_scope(request).await?;
        let package: Option<PackageItem> =
            self.core.find(package_key(&request_partition(&request.organization, &request.id))).await?;
        let hidden = package.map(|p| p.hidden).unwrap_or_default();
        // A query's table, and what was removed, may be that of any producer of its category.
        let held = |p: &&Producer| {
            steps.iter().any(|(_, s)| s.producer == p.name)
                || queries.iter().any(|q| q.category == p.category)
                || hidden.iter().any(|h| h.category == p.category.as_str())
        };
        for producer in map.producers.iter().filter(held) {
            let roles = producer.export.roles.as_slice();
            if !roles.is_empty() && !caller.roles.any_of(roles) {
                let text = format!("The export holds {}, which this role may not see.", producer.category);
                let remedy = "Ask somebody whose role may, or for an export without this category.";
                return Err(Refusal::forbidden(ProblemCode::CategoryRestricted, text, remedy).into());
            }
        }
        Ok(())
    }
}

fn openable(request: &RequestItem, now: jiff::Timestamp) -> Result<ExportState> {
    match (request.export_state(), request.state.phase) {
        (Some(export), Phase::Available) if export.expires_at.is_some_and(|end| end > now) => Ok(export.clone()),
        (Some(export), Phase::Expired) if export.revoked => {
            let text = "The export was revoked: it is gone.";
            Err(Refusal::conflict(ProblemCode::ExportRevoked, text, "Submit a new export request.").into())
        }
        (_, Phase::Available | Phase::Expired) => Err(gone()),
        (_, phase) => {
            let text = format!("The export is not ready: it is {}.", phase.name());
            Err(Refusal::conflict(ProblemCode::ExportNotReady, text, "GET its status to see how far it is.").into())
        }
    }
}

fn gone() -> EngineError {
    Refusal::conflict(ProblemCode::ExportExpired, "The export's time is over: it is gone.", "Submit a new export request.").into()
}

/// One machine that asks, says who asks, and takes the answer could take anybody's data, and nobody would have looked.
fn not_alone(caller: &Caller, request: &RequestItem) -> Result<()> {
    let alone = request.submitted_by == caller.actor && request.verified_by == Some(caller.actor);
    if !(alone && caller.roles.is_service()) {
        return Ok(());
    }
    let text = "A machine that submitted a request and attested the identity does not open its export.";
    Err(Refusal::forbidden(ProblemCode::OwnRequest, text, "Have a member open it, or attest the identity.").into())
}
