//! Compliance reports. One whose counting takes longer than a caller waits is put down and gone on with by a worker; its
//! sums are small, whatever the period.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::Core,
    items::{Failure, RequestItem, claims_key, due_partition, due_sort, from_item, report_key, request_partition},
    kinds,
    ports::{Condition, Cursor, Document, Index, Message, ObjectError, Query, Range, TableName, Template},
    reports::{ReportOrder, ReportOutcome, ReportView, Reports, certificate::claims_of},
    transaction::{Transaction, equals, set},
};
use bytes::Bytes;
use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ids::{OrganizationId, ReportId},
    ledger::Claims,
    limits::InFlight,
    report::{Facts, Period, Report, Sums},
    request::TaskStatus,
};
use serde::{Deserialize, Serialize};

/// After so long a report made in the background is removed.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A report being made in the background.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReportItem {
    organization: OrganizationId,
    id: ReportId,
    order: ReportOrder,
    status: TaskStatus,
    started_at: Timestamp,
    requests_counted: u64,
    /// Which of its objects holds the sums that stand, from 1.
    sums: u32,
    failure: Option<Failure>,
    /// Its seat among those that are made.
    #[serde(default)]
    seat: Option<u32>,
    due_pk: String,
    due_sk: String,
}

/// How far a count is.
#[derive(Serialize, Deserialize)]
struct Count {
    sums: Sums,
    requests: u64,
    /// The list of erasures it is in; none before the first.
    list: Option<String>,
    after: Option<Cursor>,
    done: bool,
}

fn sums_name(organization: &OrganizationId, id: &ReportId, number: u32) -> String {
    format!("report/{organization}/{id}/{number:06}")
}

impl Reports {
    /// A report on the requests received in a period, or that it is being made: whoever waits, waits for so long only.
    ///
    /// # Errors
    /// `rate_limited`; [`EngineError::Transient`].
    pub async fn report(&self, caller: &Caller, id: ReportId, order: ReportOrder) -> Result<ReportOutcome> {
        Core::permit(caller, Action::Report)?;
        let organization = &caller.organization;
        if let Some(begun) = self.find_report(organization, &id).await? {
            if begun.status == TaskStatus::Running {
                // Whoever asks again may have been told of an error because nobody could be sent for it.
                self.core.send(Message::Report { organization: organization.clone(), report: id }).await?;
            }
            return Ok(ReportOutcome::Running(begun.into()));
        }
        let name = id.to_string();
        let seat = self.core.take_seat(organization, InFlight::Report, &name).await?;
        let made = self.make(caller, id, order, seat).await;
        if !matches!(made, Ok(ReportOutcome::Running(_))) {
            self.core.leave_seat(organization, InFlight::Report, seat, &name).await;
        }
        made
    }

    async fn make(&self, caller: &Caller, id: ReportId, order: ReportOrder, seat: Option<u32>) -> Result<ReportOutcome> {
        let organization = &caller.organization;
        let zone = self.time_zone(organization).await?;
        let mut count = Count { sums: Sums::new(self.core.now(), zone), requests: 0, list: None, after: None, done: false };
        let patience = SignedDuration::from_secs(i64::from(self.core.config.report_patience_seconds));
        self.count(organization, order.period, &mut count, self.core.now() + patience).await?;
        let kind = serde_json::to_value(order.kind).unwrap_or_default();
        if count.done {
            self.core.record_reading(caller, EventType::ReportCreated, None, [("type", kind)]).await?;
            return Ok(ReportOutcome::Done(Box::new(order.report(count.sums))));
        }
        self.core
            .record_reading(caller, EventType::ReportCreated, None, [("type", kind), ("report_id", id.to_string().into())])
            .await?;
        let now = self.core.now();
        let item = ReportItem {
            organization: organization.clone(),
            id,
            order,
            status: TaskStatus::Running,
            started_at: now,
            requests_counted: count.requests,
            sums: 1,
            failure: None,
            seat,
            due_pk: due_partition(0),
            due_sk: due_sort(now + KEPT, &id.to_string()),
        };
        self.save_checkpoint(&item, count).await?;
        let transaction = Transaction::new().put(report_key(organization, &id), &item, vec![Condition::ItemAbsent])?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "report").await?;
        self.core.send(Message::Report { organization: organization.clone(), report: id }).await?;
        Ok(ReportOutcome::Running(item.into()))
    }

    /// Goes on with a report.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn continue_report(&self, organization: &OrganizationId, id: &ReportId) -> Result<()> {
        let Some(item) = self.find_report(organization, id).await?.filter(|r| r.status == TaskStatus::Running) else {
            return Ok(());
        };
        let name = id.to_string();
        self.core.keep_seat(organization, InFlight::Report, item.seat, &name).await;
        let until = self.core.now() + SignedDuration::from_secs(i64::from(self.core.config.worker_timeout_seconds) / 2);
        let counted = match self.load_checkpoint(&item).await {
            Ok(mut count) => self.count(organization, item.order.period, &mut count, until).await.map(|()| count),
            Err(error) => Err(error),
        };
        let key = report_key(organization, id);
        let stands = vec![equals("sums", item.sums), equals("status", TaskStatus::Running.name())];
        let (changes, done) = match counted {
            Ok(count) => {
                let next = ReportItem { sums: item.sums + 1, ..item.clone() };
                let count = self.save_checkpoint(&next, count).await?;
                let status = if count.done { TaskStatus::Completed } else { TaskStatus::Running };
                let changes = vec![set("sums", next.sums), set("requests_counted", count.requests), set("status", status.name())];
                (changes, count.done)
            }
            Err(EngineError::Internal(fault)) => {
                let message = format!("{fault}. Mend the cause and ask for the report again.");
                let failure = serde_json::to_value(Failure { code: "report_failed".to_owned(), message }).unwrap_or_default();
                (vec![set("status", TaskStatus::Failed.name()), set("failure", failure)], true)
            }
            Err(error) => return Err(error),
        };
        Transaction::new().update(key, changes, stands).commit_or_conflict(self.core.ports.table.as_ref(), "report").await?;
        if done {
            self.core.leave_seat(organization, InFlight::Report, item.seat, &name).await;
            return Ok(());
        }
        self.core.send(Message::Report { organization: organization.clone(), report: *id }).await
    }

    /// How far a report is.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn report_status(&self, caller: &Caller, id: ReportId) -> Result<ReportView> {
        Core::permit(caller, Action::Report)?;
        let found = self.find_report(&caller.organization, &id).await?;
        Ok(found.ok_or_else(|| Refusal::not_found("report"))?.into())
    }

    /// A report that was made in the background.
    ///
    /// # Errors
    /// `not_found`, `report_not_ready`.
    pub async fn finished_report(&self, caller: &Caller, id: ReportId) -> Result<Report> {
        Core::permit(caller, Action::Report)?;
        let item = self.find_report(&caller.organization, &id).await?.ok_or_else(|| Refusal::not_found("report"))?;
        if item.status != TaskStatus::Completed {
            let text = format!("The report is {}.", item.status.name());
            return Err(
                Refusal::conflict(ProblemCode::ReportNotReady, text, "GET the report itself to see how far it is.").into()
            );
        }
        let read = id.to_string();
        self.core
            .record_look(caller, EventType::ReportRead, None, &read.as_str().into(), [("report_id", read.as_str().into())])
            .await?;
        let sums = self.load_checkpoint(&item).await?.sums;
        Ok(item.order.report(sums))
    }

    /// Removes a report.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn forget_report(&self, organization: &OrganizationId, id: &ReportId) -> Result<()> {
        let Some(item) = self.find_report(organization, id).await? else { return Ok(()) };
        // Sums written by a worker that lost its lease have the next number.
        let names: Vec<String> = (1..=item.sums + 1).map(|number| sums_name(organization, id, number)).collect();
        for names in names.chunks(1_000) {
            self.core.ports.objects.delete(names).await?;
        }
        Ok(self.core.ports.table.delete_all(vec![report_key(organization, id)]).await?)
    }

    async fn find_report(&self, organization: &OrganizationId, id: &ReportId) -> Result<Option<ReportItem>> {
        self.core.find(report_key(organization, id)).await
    }

    /// Answers the count that stands: another worker may have put down its own first.
    async fn save_checkpoint(&self, item: &ReportItem, count: Count) -> Result<Count> {
        let body = serde_json::to_vec(&count).map_err(|_| EngineError::internal("sums do not serialize"))?;
        match self.core.ports.objects.put(&sums_name(&item.organization, &item.id, item.sums), Bytes::from(body).into()).await {
            Ok(()) => Ok(count),
            Err(ObjectError::Exists) => self.load_checkpoint(item).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn load_checkpoint(&self, item: &ReportItem) -> Result<Count> {
        let stored = self.core.ports.objects.reader(&sums_name(&item.organization, &item.id, item.sums)).await?;
        let stored = stored.ok_or_else(|| EngineError::internal("a report's sums are gone"))?;
        let body: Vec<Bytes> = stored.try_collect().await?;
        serde_json::from_slice(&body.concat()).map_err(|_| EngineError::internal("a report's sums cannot be read"))
    }

    async fn time_zone(&self, organization: &OrganizationId) -> Result<TimeZone> {
        Ok(TimeZone::get(&self.core.settings(organization).await?.time_zone).unwrap_or(TimeZone::UTC))
    }

    /// Counts on, a page at a time, to the end or until a time.
    async fn count(&self, organization: &OrganizationId, period: Period, count: &mut Count, until: Timestamp) -> Result<()> {
        if count.done {
            return Ok(());
        }
        let zone = self.time_zone(organization).await?;
        // The last day of the year 9999 begins, in most places, after the last moment that there is.
        let midnight = |day: jiff::civil::Date| day.to_zoned(zone.clone()).map_or(Timestamp::MAX, |start| start.timestamp());
        let (from, to) = (midnight(period.start_date), midnight(period.end_date.tomorrow().unwrap_or(period.end_date)));
        let place = |at: Timestamp| format!("{:016}", at.as_millisecond().max(0));
        let lists = kinds::lists_of_erasures(organization);
        let mut at = lists.iter().position(|list| Some(list) == count.list.as_ref()).unwrap_or_default();
        while let Some(list) = lists.get(at) {
            count.list = Some(list.clone());
            let query = Query {
                index: Some(Index::ByOrganization),
                limit: 100,
                after: count.after.take(),
                ..Query::new(TableName::Control, list.clone(), Range::Between(place(from), place(to)))
            };
            let page = self.core.ports.table.query(query).await?;
            let requests = page.items.into_iter().map(from_item::<RequestItem>).collect::<Result<Vec<_>>>()?;
            count.requests += requests.len() as u64;
            for facts in self.facts(requests).await? {
                count.sums.add(&facts);
            }
            count.after = page.next;
            if count.after.is_none() {
                at += 1;
                count.list = lists.get(at).cloned();
            }
            count.done = at == lists.len();
            if self.core.now() >= until {
                break;
            }
        }
        Ok(())
    }

    async fn facts(&self, requests: Vec<RequestItem>) -> Result<Vec<Facts>> {
        let keys: Vec<_> = requests.iter().map(|r| claims_key(&request_partition(&r.organization, &r.id))).collect();
        let claims = if keys.is_empty() { vec![] } else { self.core.ports.table.get_many(&keys).await? };
        let mut facts = Vec::new();
        for (request, claims) in requests.into_iter().zip(claims) {
            let claims = claims_of(claims);
            let kept = claims.iter().flat_map(Claims::exclusions).map(|e| (e.category, e.reason)).collect();
            let erased = match claims {
                Some(claims) => claims.erased,
                // What nobody restored of a cancelled request went with its window.
                None if request.state.is_final() && request.execution.counts.erased > 0 => {
                    self.core.erased_by_category(&request).await?
                }
                None => vec![],
            };
            facts.push(Facts {
                request: request.id.to_string(),
                reason: request.reason,
                phase: request.state.phase,
                cancelled: request.state.cancelled,
                received_at: request.received_at(),
                decided_at: request.execution.first_decided_at,
                finished_at: request.finished_at,
                deadline: request.deadlines.target,
                bytes: erased.iter().map(|e| e.size_bytes).sum(),
                erased: erased.into_iter().map(|e| (e.category, e.documents)).collect(),
                kept,
            });
        }
        Ok(facts)
    }

    /// A report as a PDF file, with the report's JSON inside.
    ///
    /// # Errors
    /// [`EngineError::Internal`] where nothing can print.
    pub async fn report_pdf(&self, organization: &OrganizationId, report: &Report) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(report).map_err(|_| EngineError::internal("a report does not serialize"))?;
        let name = self.core.settings(organization).await?.name;
        let data = serde_json::json!({ "organization_name": name, "report": report });
        let document = Document {
            template: Template::Report,
            data: data.to_string().into_bytes(),
            attachment: json,
            ident: format!("report {organization} {} {}", report.period.start_date, report.period.end_date),
            created: report.generated_at.to_zoned(TimeZone::UTC).datetime(),
        };
        self.core.pdf_renderer.pdf(&document).map_err(EngineError::caused_by)
    }
}

impl ReportOrder {
    fn report(self, sums: Sums) -> Report {
        sums.report(self.kind, self.period, &self.sections)
    }
}

impl From<ReportItem> for ReportView {
    fn from(item: ReportItem) -> Self {
        let ReportItem { id, status, started_at, requests_counted, failure, .. } = item;
        Self { id, status, started_at, requests_counted, failure }
    }
}
