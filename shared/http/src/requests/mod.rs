//! Erasure requests.

mod answers;
mod certificate;
mod conflicts;
mod decide;
pub(crate) mod kind;
mod read;
mod submit;
mod undo;

use crate::{
    problem::Problem,
    requests::kind::Kind,
    rooms::{DiscoveryRooms, Gate, IntakeRooms, ReportRooms, ReviewRooms},
    routes::{Routes, routes},
};
use answers::DetailAnswer;
pub(crate) use answers::{
    AccountAnswer, FailureAnswer, IdentifierAnswer, PlanAnswer, RequestAnswer, StatusAnswer, UnsearchedAnswer, WordsAnswer,
};
pub(crate) use decide::{ApprovalBody, ExecutionAnswer, NamedIdentifiersBody, RejectionBody, plan_digest};
use oubli_domain::{
    access::{Action, Caller},
    datamap::DataMap,
    ids::RequestId,
};
use oubli_engine::{Result, api::RequestKind};
pub(crate) use read::ListQuery;
use read::RequestPageAnswer;
use submit::NewErasureRequest;
pub(crate) use submit::{VerificationBody, any_named, scope_of_categories};
use undo::CancelledAnswer;
pub(crate) use undo::{AttestationBody, CancellationBody};

/// Erasures, in full and in part.
pub(crate) struct Erasure;

impl Kind for Erasure {
    type New = NewErasureRequest;
    type Answer = RequestAnswer;
    type Detail = DetailAnswer;
    type Page = RequestPageAnswer;
    type Cancelled = CancelledAnswer;
    const LISTED: RequestKind = RequestKind::FullErasure;
    const NAME: &'static str = "erasure request";

    fn serves(kind: RequestKind) -> bool {
        matches!(kind, RequestKind::FullErasure | RequestKind::PartialErasure)
    }
}

/// What intake serves of them.
pub(crate) fn intake() -> Routes<IntakeRooms> {
    routes!(
        submit::submit,
        read::list,
        read::show,
        read::status,
        undo::verify,
        undo::extend,
        undo::cancel,
        undo::restore,
        undo::retry,
        undo::resolve,
        conflicts::give_up
    )
}

/// What review serves of them: decisions.
pub(crate) fn review() -> Routes<ReviewRooms> {
    routes!(decide::execute, decide::identifiers, decide::reject)
}

/// What discovery serves of them: what needs a look into the stores.
pub(crate) fn discovery() -> Routes<DiscoveryRooms> {
    routes!(conflicts::list)
}

/// What report serves of them: certificates.
pub(crate) fn report() -> Routes<ReportRooms> {
    routes!(certificate::certify)
}

/// The organization's data map, where the input names a category.
pub(crate) async fn map_for<G: Gate>(gate: &G, caller: &Caller, names_categories: bool) -> Result<Option<DataMap>> {
    if names_categories { gate.directory().data_map(&caller.organization).await.map(|(_, map)| Some(map)) } else { Ok(None) }
}

/// Checked input. What is wrong with it is said only to those who may do this: for anybody else, that comes first.
pub(crate) fn allowed<T>(caller: &Caller, action: Action, checked: Result<T, Problem>) -> Result<T, Problem> {
    if checked.is_err() && !caller.may(action) { Err(Problem::forbidden(action)) } else { checked }
}

/// Checked input about something that `finds` fails to find where it does not exist for the caller: that comes first, too.
pub(crate) async fn visible_where<T>(
    caller: &Caller,
    action: Action,
    finds: impl Future<Output = oubli_engine::Result<()>>,
    checked: Result<T, Problem>,
) -> Result<T, Problem> {
    if checked.is_err() && caller.may(action) {
        finds.await?;
    }
    allowed(caller, action, checked)
}

/// Checked input about a request. Whether the caller may do this, and whether the request exists for it, come first.
pub(crate) async fn visible<G: Gate, T>(
    gate: &G,
    caller: &Caller,
    action: Action,
    id: RequestId,
    checked: Result<T, Problem>,
) -> Result<T, Problem> {
    if checked.is_err() && caller.may(action) {
        gate.finds(caller, id).await?;
    }
    allowed(caller, action, checked)
}
