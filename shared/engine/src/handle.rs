//! One message, whatever it says.

use crate::{Engine, Result, execution::BatchAddress, ports::Message};

impl Engine {
    /// Does what a message asks for. Doing it twice does it once. Answers what kind of work it was, for counters.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`]: the message should be delivered again.
    pub async fn handle(&self, message: &Message) -> Result<&'static str> {
        match message {
            Message::Discover { organization, request } => self.discover(organization, request).await,
            Message::Preview { organization, discovery } => {
                self.continue_preview(organization, discovery).await.map(|()| "preview")
            }
            Message::Advance { organization, request } => self.advance(organization, request, false).await.map(|()| "advance"),
            Message::Sweep { organization, request } => self.advance(organization, request, true).await.map(|()| "sweep"),
            Message::Forget { organization, discovery } => self.forget_preview(organization, discovery).await.map(|()| "forget"),
            Message::Report { organization, report } => self.continue_report(organization, report).await.map(|()| "report"),
            Message::ForgetReport { organization, report } => {
                self.forget_report(organization, report).await.map(|()| "forget_report")
            }
            Message::Package { organization, request } => self.package(organization, request).await.map(|()| "package"),
            Message::Notify { organization, request, about } => {
                self.notify(organization, request, *about).await.map(|()| "notify")
            }
            Message::Released { organization, hold } => self.after_release(organization, hold).await.map(|()| "released"),
            Message::Freed { organization } => self.fill_slots(organization).await.map(|()| "freed"),
            Message::Retire { organization } => self.retire_subject_indexes(organization).await.map(|()| "retire"),
            Message::Batch { organization, request, round, step, batch, run } => {
                let place = BatchAddress { round: *round, step: *step, batch: *batch, run: *run };
                self.work(organization, request, place).await
            }
            Message::Seal { organization } => self.seal(organization).await.map(|_| "seal"),
        }
    }
}
