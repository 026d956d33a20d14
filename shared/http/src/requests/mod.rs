//! Erasure requests.

mod answers;
mod certificate;
mod conflicts;
mod decide;
pub(crate) mod read;
mod submit;
pub(crate) mod undo;

use crate::problem::Problem;
pub(crate) use answers::PlanAnswer;
pub(crate) use answers::{AccountAnswer, FailureAnswer, RequestAnswer, StatusAnswer, UnsearchedAnswer};
pub(crate) use decide::{ApprovalBody, ExecutionAnswer, RejectionBody};
use oubli_domain::{
    access::{Action, Caller},
    datamap::DataMap,
    ids::RequestId,
};
use oubli_engine::{Engine, Result};
pub(crate) use submit::{VerificationBody, scope_of_categories};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What intake serves of them.
pub(crate) fn intake() -> OpenApiRouter<Engine> {
    OpenApiRouter::new()
        .routes(routes!(submit::submit, read::list))
        .routes(routes!(read::show))
        .routes(routes!(read::status))
        .routes(routes!(undo::verify))
        .routes(routes!(undo::extend))
        .routes(routes!(undo::cancel))
        .routes(routes!(undo::restore))
        .routes(routes!(undo::retry))
        .routes(routes!(undo::resolve))
        .routes(routes!(conflicts::give_up))
}

/// What review serves of them: decisions.
pub(crate) fn review() -> OpenApiRouter<Engine> {
    OpenApiRouter::new().routes(routes!(decide::execute)).routes(routes!(decide::reject))
}

/// What discovery serves of them: what needs a look into the stores.
pub(crate) fn discovery() -> OpenApiRouter<Engine> {
    OpenApiRouter::new().routes(routes!(conflicts::list))
}

/// What report serves of them: certificates.
pub(crate) fn report() -> OpenApiRouter<Engine> {
    OpenApiRouter::new().routes(routes!(certificate::certify))
}

/// The organization's data map, where the input names a category.
pub(crate) async fn map_for(engine: &Engine, caller: &Caller, names_categories: bool) -> Result<Option<DataMap>> {
    if names_categories { engine.directory().data_map(&caller.organization).await.map(|(_, map)| Some(map)) } else { Ok(None) }
}

/// Checked input. What is wrong with it is said only to those who may do this: for anybody else, that comes first.
pub(crate) fn allowed<T>(caller: &Caller, action: Action, checked: Result<T, Problem>) -> Result<T, Problem> {
    if checked.is_err() && !caller.role.may(action) { Err(Problem::forbidden()) } else { checked }
}

/// Checked input about a request. Whether the caller may do this, and whether the request exists for it, come first.
pub(crate) async fn visible<T>(
    engine: &Engine,
    caller: &Caller,
    action: Action,
    id: RequestId,
    checked: Result<T, Problem>,
) -> Result<T, Problem> {
    if checked.is_err() && caller.role.may(action) {
        engine.requests().status(caller, id).await?;
    }
    allowed(caller, action, checked)
}
