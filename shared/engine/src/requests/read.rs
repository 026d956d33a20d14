//! Lists, details and status. None of them scans.

use crate::{
    ProblemCode, Refusal, Result,
    core::{Core, IdentifierView, List, MOST_RESULTS, RequestView, to_acknowledge},
    items::{DecisionItem, RequestItem, StepItem, from_item, request_partition},
    kinds,
    ports::{Item, Query, Range, TableName},
    requests::{RequestDetail, RequestFilter, RequestPage, Requests, Shown, StatusView, StepView},
};
use oubli_domain::{
    access::{Action, Caller, Role},
    audit::EventType,
    batch::{BatchWork, Counts},
    datamap::DataMap,
    ids::{ProducerName, RequestId},
    lifecycle::Phase,
    personal::Person,
    plan::Plan,
    progress::{self, Progress},
    remains::Remains,
    request::{RequestKind, StepStatus},
    saved_query::SavedQuery,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl Requests {
    /// What a request of the caller's organization asks for; none if there is no such request.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn kind(&self, caller: &Caller, id: &RequestId) -> Result<Option<RequestKind>> {
        Ok(self.core.find_request(&caller.organization, id).await?.map(|r| r.kind()))
    }

    /// A page of the organization's requests, those received last first. One that goes by status may be short, or empty, and
    /// still have a next one.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub async fn list(&self, caller: &Caller, filter: RequestFilter) -> Result<RequestPage> {
        Core::permit(caller, Action::Read)?;
        let partition = kinds::of(filter.kind).listed_in(&caller.organization);
        let filters = json!([filter.kind.name(), filter.status]);
        let list = List { caller, name: "requests", filters };
        let cursor = self.core.read_cursor(&list, filter.cursor.as_deref()).await?;
        let limit = filter.limit.clamp(1, MOST_RESULTS);
        let of_status = |item: Item| -> Result<Option<RequestView>> {
            let item: RequestItem = from_item(item)?;
            Ok(filter.status.is_none_or(|s| s == item.state.status()).then(|| RequestView::from(&item)))
        };
        let by_time = Core::by_time(partition, cursor, limit);
        let (requests, next) = self.core.wanted(by_time, limit, filter.status.is_some(), of_status).await?;
        Ok(RequestPage { requests, next_cursor: self.core.show_cursor(&list, next).await? })
    }

    /// A request with its plan, and not whom it is about.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn request(&self, caller: &Caller, id: RequestId) -> Result<RequestDetail> {
        Core::permit(caller, Action::Read)?;
        let item = self.core.owned(caller, &id).await?;
        self.detail(caller, item, false).await
    }

    /// The same, and whom it is about; that it was shown is noted.
    ///
    /// # Errors
    /// `not_found`; `forbidden` for roles that do not see it, and for reviewers of other requests.
    pub async fn reveal(&self, caller: &Caller, id: RequestId) -> Result<RequestDetail> {
        Core::permit(caller, Action::Reveal)?;
        let item = self.core.owned(caller, &id).await?;
        self.permit_reviewer(caller, &item).await?;
        let what = Value::from("person");
        self.core.record_look(caller, EventType::IdentityRevealed, Some(&item), &what, []).await?;
        self.detail(caller, item, true).await
    }

    /// Whoever only reviews sees who it is of what waits for a decision, and of what they decided.
    async fn permit_reviewer(&self, caller: &Caller, item: &RequestItem) -> Result<()> {
        let decides_only = !caller.roles.any_of(&[Role::PrivacyOfficer, Role::Administrator]);
        if !decides_only || item.state.phase == Phase::InReview {
            return Ok(());
        }
        let partition = request_partition(&item.organization, &item.id);
        let decided = Query::new(TableName::Decisions, partition, Range::All);
        let decisions = self.core.query_all(decided).await?.into_iter().map(from_item::<DecisionItem>);
        for decision in decisions {
            if decision?.decided_by == caller.actor {
                return Ok(());
            }
        }
        let text = "A reviewer sees whom a request is about while it waits for a decision, and once they decided on it.";
        Err(Refusal::forbidden(ProblemCode::Forbidden, text, "Ask a privacy officer.").into())
    }

    async fn detail(&self, caller: &Caller, item: RequestItem, reveal: bool) -> Result<RequestDetail> {
        let plan = self.core.plan_of(&item).await?;
        let mut counts = item.execution.counts;
        if !matches!(item.state.phase, Phase::Verifying) && item.execution.counts == Counts::default() {
            for (_, step) in self.core.steps_of(&item).await? {
                counts += step.counts;
            }
        }
        let mut view = RequestView::from(&item);
        let identity = self.core.identity_of(&item).await?;
        let shown = match (&identity, reveal) {
            (None, _) => Shown::Forgotten,
            (Some(_), true) => Shown::Revealed,
            (Some(_), false) => Shown::Withheld,
        };
        view.identity = identity.filter(|_| reveal);
        let person = self.person_now(&item).await?.unwrap_or_default();
        let identifiers_incomplete = person.incomplete;
        let identifiers = if reveal { IdentifierView::of(person) } else { IdentifierView::withheld(person) };
        let words = if reveal { self.core.words_about(&item).await? } else { vec![] };
        // What people wrote can name the person.
        let told = caller.roles.may(Action::Reveal);
        let in_review = plan.as_ref().filter(|_| item.state.phase == Phase::InReview);
        let to_acknowledge = in_review.map(|plan| to_acknowledge(plan).into_iter().collect()).unwrap_or_default();
        let Remains { kept, unsearched, .. } = self.remains_of(&item).await?;
        let nothing_found = match &plan {
            Some(plan) => searched_in_vain(self.core.map_version(&item.organization, plan.map_version).await?.as_ref(), plan),
            None => vec![],
        };
        if let (Some(verification), Some(stored)) = (&mut view.verification, &item.verification) {
            verification.method = self.core.words_of(&item, "method", Some(&stored.sealed_method)).await?.filter(|_| told);
        }
        let mut exclusions = self.core.exclusions_of(&item).await?;
        if !told {
            exclusions.iter_mut().for_each(|exclusion| exclusion.reason.clear());
        }
        // Where the organization has people's names in it, it says whom the export is about.
        let delivered_to = self.core.delivered_to(&item).await?.filter(|_| reveal);
        let not_run = |q: &SavedQuery| plan.iter().flat_map(|p| &p.unasked).any(|u| u.query == q.name && !u.why.by_part());
        let saved_queries = self.core.queries_of(&item).await?.into_iter().filter(|q| !not_run(q)).map(|q| q.name).collect();
        Ok(RequestDetail {
            request: view,
            shown,
            identifiers,
            identifiers_incomplete,
            to_acknowledge,
            words,
            plan,
            exclusions,
            counts,
            kept,
            unsearched,
            nothing_found,
            delivered_to,
            saved_queries,
        })
    }

    /// Who the person is, by the newest look: also by one that is still under way.
    async fn person_now(&self, item: &RequestItem) -> Result<Option<Person>> {
        for round in [item.execution.seeking, item.execution.verified, Some(item.execution.round)].into_iter().flatten() {
            if let Some(person) = self.core.person_of(item, round).await? {
                return Ok(Some(person));
            }
        }
        Ok(None)
    }

    /// How far a request is.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn status(&self, caller: &Caller, id: RequestId) -> Result<StatusView> {
        Core::permit(caller, Action::Read)?;
        let item = self.core.owned(caller, &id).await?;
        let steps = self.core.steps_of(&item).await?;
        let work = match item.failed_in.unwrap_or(item.state.phase) {
            Phase::Restoring => BatchWork::Restore,
            Phase::Purging => BatchWork::Purge,
            _ => BatchWork::Hide,
        };
        let views: Vec<StepView> = steps.iter().enumerate().map(|(place, (_, s))| step_view(&item, place, s, work)).collect();
        let parts: Vec<Progress> = steps.iter().map(|(_, s)| progress_of(s, work)).collect();
        let (done, total) = parts.iter().fold((0, 0), |(d, t), p| (d + p.processed, t + p.total));
        let estimate = if item.state.phase.is_working() || item.state.phase == Phase::Packaging {
            progress::estimate(item.phase_started_at, self.core.now(), done, total.saturating_sub(done))
        } else {
            None
        };
        let percent = match item.state.phase {
            Phase::Received
            | Phase::AwaitingVerification
            | Phase::Discovering
            | Phase::InReview
            | Phase::Approved
            | Phase::Scheduled
            | Phase::Exporting => 0,
            Phase::Completed | Phase::CompletedWithExceptions | Phase::Restored | Phase::Available | Phase::Expired => 100,
            Phase::Packaging => progress::percent(&parts).min(99),
            Phase::Verifying => progress::VERIFYING,
            Phase::Recoverable => progress::HIDDEN,
            _ if work == BatchWork::Hide => progress::share(progress::percent(&parts), 0, progress::HIDDEN),
            _ => progress::share(progress::percent(&parts), progress::HIDDEN, progress::VERIFYING),
        };
        let percent =
            if item.execution.round > 1 && percent < 100 { progress::share(percent, progress::VERIFYING, 99) } else { percent };
        let flagged = steps.iter().map(|(_, s)| s.counts.failed + s.counts.uncertain + s.counts.conflicts).sum();
        Ok(StatusView {
            request: RequestView::from(&item),
            progress_percent: percent,
            estimated_completion_at: estimate,
            steps: views,
            flagged,
            remains: self.remains_of(&item).await?,
        })
    }

    /// What may be left: what the last look found, not what the plan foresaw, once there was one.
    async fn remains_of(&self, item: &RequestItem) -> Result<Remains> {
        let last = match item.execution.verified {
            Some(round) => self.core.plan_of_round(item, round).await?,
            None => self.core.plan_of(item).await?,
        };
        Ok(last.map(|plan| Remains::new(&plan, &item.execution.exclusions, &item.execution.counts)).unwrap_or_default())
    }
}

fn progress_of(step: &StepItem, work: BatchWork) -> Progress {
    match work {
        BatchWork::Hide => Progress { processed: step.hide_records, total: step.records },
        BatchWork::Restore => Progress { processed: step.restore_records, total: step.counts.erased + step.restore_records },
        BatchWork::Purge => Progress { processed: step.purge_records, total: step.counts.erased },
    }
}

fn step_view(item: &RequestItem, place: usize, step: &StepItem, work: BatchWork) -> StepView {
    let batches = match work {
        BatchWork::Hide => item.rules().batches_through(step),
        BatchWork::Restore => step.restore_batches,
        BatchWork::Purge => step.purge_batches,
    };
    // What is hidden counts as processed from then on: a purge takes nothing of it back.
    let Progress { processed, total } = progress_of(step, if work == BatchWork::Restore { work } else { BatchWork::Hide });
    let over = matches!(
        item.state.phase,
        Phase::Verifying
            | Phase::Completed
            | Phase::CompletedWithExceptions
            | Phase::Restored
            | Phase::Available
            | Phase::Expired
    );
    let packaging = item.state.phase == Phase::Packaging && processed > 0;
    let status = if step.failed_batches > 0 && item.state.phase == Phase::Failed {
        StepStatus::Failed
    } else if over || batches >= step.batches || (place as u32) < item.execution.current_step {
        StepStatus::Completed
    } else if packaging || (item.state.phase.is_working() && place as u32 == item.execution.current_step) {
        StepStatus::InProgress
    } else {
        StepStatus::Pending
    };
    StepView {
        name: item.rules().step_name(step).to_owned(),
        producer: step.producer.to_string(),
        category: step.category.clone(),
        status,
        items_processed: processed,
        items_total: total,
        counts: step.counts,
        error: step.error.clone(),
    }
}

/// Producers of the map that a plan says nothing of: they were searched, and had nothing. One whose prefix is misspelt is among
/// them. Unfinished uploads are passed over, since there seldom are any.
fn searched_in_vain(map: &DataMap, plan: &Plan) -> Vec<ProducerName> {
    let told: BTreeSet<&ProducerName> = plan
        .steps
        .iter()
        .map(|step| &step.producer)
        .chain(plan.kept.iter().map(|kept| &kept.producer))
        .chain(plan.unsearched.iter().map(|unsearched| &unsearched.producer))
        .collect();
    let quiet = map.producers.iter().filter(|p| !told.contains(&p.name) && p.location.unfinished_of().is_none());
    quiet.map(|p| p.name.clone()).collect()
}
