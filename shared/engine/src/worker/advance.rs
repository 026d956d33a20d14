//! One request at a time: look where it is and do what is due.

use crate::{
    EngineError, Result,
    core::{Core, Next},
    worker::Worker,
};
use oubli_domain::{
    ids::{OrganizationId, RequestId},
    lifecycle::Phase,
};

/// Changes of state that one call makes before it lets others have a turn.
const TURNS: usize = 12;

impl Worker {
    /// Moves a request as far as it goes now. `sweep` also sends again what may have been lost.
    ///
    /// # Errors
    /// [`EngineError::Transient`]: the same call should be made again.
    pub async fn advance(&self, organization: &OrganizationId, id: &RequestId, sweep: bool) -> Result<()> {
        for _ in 0..TURNS {
            let Some(request) = self.core.find_request(organization, id).await? else { return Ok(()) };
            let turn = match request.state.phase {
                Phase::Approved | Phase::Scheduled => request.course().begin(self, &request).await,
                Phase::Exporting => self.execution().await_export(&request).await,
                Phase::Packaging => self.exports().send_package(&request).await.map(|()| Next::Wait),
                Phase::Available => self.exports().expire(&request).await,
                Phase::Hiding | Phase::Restoring | Phase::Purging => self.execution().advance_step(&request, sweep).await,
                Phase::Failed => request.course().after_failure(self, &request).await,
                Phase::AwaitingVerification | Phase::InReview => self.execution().end_by_policy(&request).await,
                Phase::Settling => self.execution().continue_settling(&request).await,
                Phase::Recoverable => self.execution().close_window(&request).await,
                Phase::Discovering | Phase::Verifying if sweep => {
                    self.core.send(Core::discover_message(&request)).await.map(|()| Next::Wait)
                }
                phase if phase.is_final() => self.clean_or_forget(&request).await,
                _ => Ok(Next::Wait),
            };
            match turn {
                Ok(Next::Again) | Err(EngineError::Conflict(_)) => {}
                Ok(Next::Wait) => return Ok(()),
                Err(EngineError::Internal(fault)) => return self.core.fail(&request, "broken", fault.reason()).await,
                Err(error) => return Err(error),
            }
        }
        // Others keep changing it: they look again themselves, and so does the sweeper.
        Ok(())
    }
}
