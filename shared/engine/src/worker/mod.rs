//! What the queue functions and the sweeper do: rooms, put together. One message, whatever it says.

mod advance;
mod clean;
mod sweep;

use crate::{
    Result,
    core::{BatchAddress, Core},
    discovery::Discovery,
    execution::Execution,
    exports::Exports,
    holds::Holds,
    ledger::Ledger,
    notifications::Notifications,
    ports::Message,
    reports::Reports,
    reviews::Reviews,
};
use oubli_domain::ids::{OrganizationId, RequestId};

/// What the queue functions and the sweeper do.
#[derive(Clone)]
pub struct Worker {
    pub(crate) core: Core,
}

impl Worker {
    pub(crate) fn execution(&self) -> Execution {
        Execution { core: self.core.clone() }
    }

    pub(crate) fn exports(&self) -> Exports {
        Exports { core: self.core.clone() }
    }

    fn discovery(&self) -> Discovery {
        Discovery { core: self.core.clone() }
    }

    fn holds(&self) -> Holds {
        Holds { core: self.core.clone() }
    }

    fn ledger(&self) -> Ledger {
        Ledger { core: self.core.clone() }
    }

    fn reports(&self) -> Reports {
        Reports { core: self.core.clone() }
    }

    fn reviews(&self) -> Reviews {
        Reviews { core: self.core.clone() }
    }

    fn notifications(&self) -> Notifications {
        Notifications { core: self.core.clone() }
    }

    /// Does what a message asks for. Doing it twice does it once. Answers what kind of work it was, for counters.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`]: the message should be delivered again.
    pub async fn handle(&self, message: &Message) -> Result<&'static str> {
        match message {
            Message::Discover { organization, request } => self.discovery().discover(organization, request).await,
            Message::Preview { organization, discovery } => {
                self.discovery().continue_preview(organization, discovery).await.map(|()| "preview")
            }
            Message::Advance { organization, request } => self.advance(organization, request, false).await.map(|()| "advance"),
            Message::Sweep { organization, request } => self.advance(organization, request, true).await.map(|()| "sweep"),
            Message::Forget { organization, discovery } => {
                self.discovery().forget_preview(organization, discovery).await.map(|()| "forget")
            }
            Message::Report { organization, report } => {
                self.reports().continue_report(organization, report).await.map(|()| "report")
            }
            Message::ForgetReport { organization, report } => {
                self.reports().forget_report(organization, report).await.map(|()| "forget_report")
            }
            Message::Package { organization, request } => self.exports().package(organization, request).await.map(|()| "package"),
            Message::Notify { notification } => self.notifications().notify(notification).await.map(|()| "notify"),
            Message::ResolveHold { organization, hold } => {
                self.discovery().resolve_hold(organization, hold).await.map(|()| "resolve_hold")
            }
            Message::Released { organization, hold } => self.holds().after_release(organization, hold).await.map(|()| "released"),
            Message::Freed { organization } => self.core.fill_slots(organization).await.map(|()| "freed"),
            Message::TimeOutReview { organization, review } => {
                self.reviews().time_out(organization, *review).await.map(|()| "time_out_review")
            }
            Message::Retire { organization } => self.retire(organization).await.map(|()| "retire"),
            Message::Batch { organization, request, round, step_index, batch_index, run, pool } => {
                let place =
                    BatchAddress { round: *round, step_index: *step_index, batch_index: *batch_index, run: *run, pool: *pool };
                self.work(organization, request, place).await
            }
            Message::Seal { organization } => self.ledger().seal(organization).await.map(|_| "seal"),
            Message::AskWitness { organization, witness, size, submission } => {
                self.ledger().ask_witness(organization, witness, *size, submission).await.map(|()| "ask_witness")
            }
            Message::WitnessAnswered { organization, witness, size, answer } => {
                self.ledger().witness_answered(organization, witness, *size, answer).await.map(|()| "witness_answered")
            }
        }
    }

    /// Forgets what policy keeps no longer, besides requests, and what something else took the place of.
    async fn retire(&self, organization: &OrganizationId) -> Result<()> {
        self.core.destroy_replaced_codes(organization).await?;
        self.ledger().retire_subject_indexes(organization).await?;
        self.reviews().forget_months(organization).await
    }

    /// Works on a batch and on its lane's next ones, and looks at the request where the lane ends.
    async fn work(&self, organization: &OrganizationId, id: &RequestId, first: BatchAddress) -> Result<&'static str> {
        let (did, ended) = self.execution().work(organization, id, first).await?;
        if ended {
            self.advance(organization, id, false).await?;
        }
        Ok(did)
    }
}
