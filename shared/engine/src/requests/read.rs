//! Lists, details and status. None of them scans.

use crate::{
    Engine, Outcome, Refusal,
    api::{RequestDetail, RequestFilter, RequestPage, RequestView, StatusView, StepView},
    crypt,
    engine::{organization_requests, read_cursor, show_cursor},
    items::{BatchItem, RequestItem, StepItem, batch_prefix, from_item, plan_key, request_partition, step_key},
    keyring::{self, Purpose},
    ports::{Query, Range, TableName},
};
use oubli_domain::{
    access::{Action, Caller},
    batch::{Counts, Work},
    ids::RequestId,
    personal::Identity,
    plan::Plan,
    progress::{self, Progress},
    state::Phase,
};

impl Engine {
    /// A page of the organization's requests, newest first.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub async fn requests(&self, caller: &Caller, filter: RequestFilter) -> Outcome<RequestPage> {
        Self::permit(caller, Action::Read)?;
        let partition = organization_requests(&caller.organization);
        let mut cursor = read_cursor(filter.cursor.as_deref(), "gsi_pk", &partition)?;
        let limit = filter.limit.clamp(1, 100);
        let mut requests = Vec::new();
        loop {
            let page = self.ports.table.query(Self::by_time(&caller.organization, cursor, limit - requests.len())).await?;
            for item in page.items {
                let item: RequestItem = from_item(item)?;
                if filter.status.is_none_or(|s| s == item.state.status()) {
                    requests.push(RequestView::from(&item));
                }
            }
            cursor = page.next;
            if cursor.is_none() || requests.len() >= limit {
                return Ok(RequestPage { requests, next_cursor: show_cursor(cursor)? });
            }
        }
    }

    /// A request with its plan.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn request(&self, caller: &Caller, id: RequestId) -> Outcome<RequestDetail> {
        Self::permit(caller, Action::Read)?;
        let item = self.owned(caller, &id).await?;
        let plan = self.plan_of(&item).await?;
        let mut counts = item.counts;
        if !matches!(item.state.phase, Phase::Verifying) && item.counts == Counts::default() {
            for (_, step) in self.steps_of(&item).await? {
                counts += step.counts;
            }
        }
        let mut view = RequestView::from(&item);
        view.identity = self.identity_of(&item).await?;
        let kept = plan.as_ref().map(|p| p.kept.clone()).unwrap_or_default();
        Ok(RequestDetail { request: view, plan, exclusions: item.exclusions, counts, kept })
    }

    /// How far a request is.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn status(&self, caller: &Caller, id: RequestId) -> Outcome<StatusView> {
        Self::permit(caller, Action::Read)?;
        let item = self.owned(caller, &id).await?;
        let steps = self.steps_of(&item).await?;
        let work = match item.failed_in.unwrap_or(item.state.phase) {
            Phase::Restoring => Work::Restore,
            Phase::Purging => Work::Purge,
            _ => Work::Hide,
        };
        let several = steps.len() > 1;
        let views: Vec<StepView> =
            steps.iter().enumerate().map(|(place, (_, s))| step_view(&item, place, s, work, several)).collect();
        let parts: Vec<Progress> =
            views.iter().map(|s| Progress { processed: s.items_processed, total: s.items_total }).collect();
        let (done, total) = parts.iter().fold((0, 0), |(d, t), p| (d + p.processed, t + p.total));
        let estimate = if item.state.phase.is_working() {
            progress::estimate(item.phase_started_at, self.now(), done, total.saturating_sub(done))
        } else {
            None
        };
        let percent = match item.state.phase {
            Phase::Received
            | Phase::AwaitingVerification
            | Phase::Discovering
            | Phase::InReview
            | Phase::Approved
            | Phase::Scheduled => 0,
            Phase::Completed | Phase::CompletedWithExceptions | Phase::Restored => 100,
            _ => progress::percent(&parts),
        };
        let flagged = steps.iter().map(|(_, s)| s.counts.failed + s.counts.uncertain + s.counts.conflicts).sum();
        Ok(StatusView {
            request: RequestView::from(&item),
            progress_percent: percent,
            estimated_completion_at: estimate,
            steps: views,
            flagged,
        })
    }

    pub(crate) async fn identity_of(&self, item: &RequestItem) -> Outcome<Option<Identity>> {
        let Some(sealed) = &item.sealed_identity else { return Ok(None) };
        let partition = request_partition(&item.organization, &item.id);
        let Some(key) = keyring::find(&self.ports, &item.organization, &partition, Purpose::Identity).await? else {
            return Ok(None);
        };
        Ok(Identity::from_sealed_form(&crypt::open(&key, "identity", sealed)?))
    }

    pub(crate) async fn plan_of(&self, item: &RequestItem) -> Outcome<Option<Plan>> {
        if item.round == 0 {
            return Ok(None);
        }
        let partition = request_partition(&item.organization, &item.id);
        let mut found = self.ports.table.get_many(&[plan_key(&partition, item.round)]).await?;
        found.pop().flatten().map(from_item).transpose()
    }

    /// The steps of the round that are to run, with their numbers, in order.
    pub(crate) async fn steps_of(&self, item: &RequestItem) -> Outcome<Vec<(u32, StepItem)>> {
        let partition = request_partition(&item.organization, &item.id);
        let mut steps = Vec::new();
        for numbers in item.steps.chunks(100) {
            let keys: Vec<_> = numbers.iter().map(|n| step_key(&partition, item.round, *n)).collect();
            for (number, found) in numbers.iter().zip(self.ports.table.get_many(&keys).await?) {
                let found = found.ok_or_else(|| Refusal::not_found("step"))?;
                steps.push((*number, from_item(found)?));
            }
        }
        Ok(steps)
    }

    /// A step's batches in order, consistently.
    pub(crate) async fn batches(&self, partition: &str, round: u32, step: u32) -> Outcome<Vec<(u32, BatchItem)>> {
        let query = Query {
            table: TableName::Jobs,
            index: None,
            partition: partition.to_owned(),
            range: Range::Prefix(batch_prefix(round, step)),
            descending: false,
            limit: 1000,
            after: None,
        };
        let items = self.query_all(query).await?;
        (0..).zip(items).map(|(n, item)| Ok((n, from_item(item)?))).collect()
    }
}

fn step_view(item: &RequestItem, place: usize, step: &StepItem, work: Work, several: bool) -> StepView {
    let (batches, processed, total) = match work {
        Work::Hide => (step.hide_batches, step.hide_records, step.records),
        Work::Restore => (step.restore_batches, step.restore_records, step.counts.erased + step.restore_records),
        Work::Purge => (step.purge_batches, step.purge_records, step.counts.erased),
    };
    let over = matches!(item.state.phase, Phase::Verifying | Phase::Completed | Phase::CompletedWithExceptions | Phase::Restored);
    let status = if step.failed_batches > 0 && item.state.phase == Phase::Failed {
        "failed"
    } else if over || batches >= step.batches || (place as u32) < item.at {
        "completed"
    } else if item.state.phase.is_working() && place as u32 == item.at {
        "in_progress"
    } else {
        "pending"
    };
    let name = if several { format!("document_deletion:{}", step.producer) } else { "document_deletion".to_owned() };
    StepView {
        name,
        producer: step.producer.to_string(),
        category: step.category.clone(),
        status,
        items_processed: if over { total } else { processed },
        items_total: total,
        counts: step.counts,
        error: step.error.clone(),
    }
}
