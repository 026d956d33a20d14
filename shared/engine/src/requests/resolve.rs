//! Going on without what failed, on a person's word.

use crate::{
    Result,
    core::{Core, RequestView},
    requests::Requests,
};
use oubli_domain::{
    access::{Action, Caller},
    ids::RequestId,
};

impl Requests {
    /// Leaves what could not be handled as it is, and goes on: what was to be put back stays hidden while the window lasts;
    /// what its store does not destroy is counted as failed; of what a cancel could not settle every copy is kept as
    /// uncertain; and what no look could verify is named as not looked at.
    ///
    /// # Errors
    /// `invalid_state` unless the request failed once it had hidden something, and not while hiding.
    pub async fn resolve(&self, caller: &Caller, id: RequestId) -> Result<RequestView> {
        Core::permit(caller, Action::Undo)?;
        let before = self.core.owned(caller, &id).await?;
        Ok(RequestView::from(&self.core.continue_without_failed(&before, Some(caller.actor)).await?))
    }
}
