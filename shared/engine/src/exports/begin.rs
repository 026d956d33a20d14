//! From a plan to packaging, and to the end of an export.

use crate::{
    Result,
    core::{Core, Next, Wait, first_notification, transition_order},
    exports::{Exports, packaging::PackageItem},
    items::{
        COLUMNS, ENTRIES, ExportState, GuardItem, MISSING, NOTIFICATION, RequestItem, guard_key, notifications_partition,
        package_key, queries_key, request_partition,
    },
    keyring::{self, Purpose},
    ports::{Change, Condition, Key, Query, Range, TableName},
    transaction::{Transaction, equals, set, unchanged},
};
use jiff::SignedDuration;
use oubli_archive::contents::Hidden;
use oubli_domain::{
    audit::EventType,
    lifecycle::{Event, Phase},
    notification::About,
    settings::Settings,
};
use serde_json::Value;

impl Exports {
    /// Begins to package, once nothing of the subject is being hidden or destroyed, and nobody else exports it.
    pub(crate) async fn begin_export(&self, request: &RequestItem) -> Result<Next> {
        if request.scheduled_at.is_some_and(|at| at > self.core.now()) {
            return Ok(Next::Wait);
        }
        let partition = request_partition(&request.organization, &request.id);
        if request.export().is_some_and(|e| e.reviewed) {
            self.core.decision_stands(request, &partition).await?;
        }
        let settings = self.core.settings(&request.organization).await?;
        if self.core.is_plan_old(request, &settings) {
            return self.core.rediscover(request).await;
        }
        let guards = self.core.guards(&request.organization, &request.subject_keys).await?;
        let sought = self.sought(request).await?;
        let (mut checks, mut hidden) = (Transaction::new(), Vec::new());
        for (place, guard) in guards.iter().enumerate().filter_map(|(n, g)| Some((n, g.as_ref()?))) {
            if guard.exporting.is_some_and(|other| other != request.id) {
                return self.core.wait_for(request, Wait::Subject(place)).await;
            }
            let Some(other) = guard.executing else { continue };
            // What stands still changes nothing under the export.
            let other = self.core.find_request(&request.organization, &other).await?;
            let Some(other) = other.filter(Self::stands_still) else {
                return self.core.wait_for(request, Wait::Subject(place)).await;
            };
            let key = crate::items::request_key(&other.organization, &other.id);
            if !checks.touches(&key) {
                hidden.extend(self.hidden_by(request, &sought, &other).await?);
                checks = checks.check(key, vec![equals("run", other.run), Condition::Missing("slot")]);
            }
        }
        let package = self.package_to_begin(request, &settings, hidden).await?;
        for purpose in [Purpose::Export, Purpose::Packaging] {
            keyring::make_while(&self.core.ports, &request.organization, &partition, purpose, Core::unchanged(request)).await?;
        }
        let mut after = self.core.moved(request, Event::PackagingStarted)?;
        after.execution.started_at = after.execution.started_at.or(Some(self.core.now()));
        after.export_mut()?.export =
            Some(ExportState { object: format!("{}/{}.zip.enc", request.organization, request.id), ..Default::default() });
        let event = self.core.transition_event(&after, EventType::ExportStarted, None);
        let transaction = self.core.write_request(request, &after, Some(event))?.and(checks);
        let transaction = match package {
            Some((package, when)) => transaction.put(package_key(&partition), &package, when)?,
            None => transaction,
        };
        let transaction = take_for_export(transaction, &after, &guards);
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request or guard").await?;
        self.core.notify_workers(&after, None).await?;
        self.send_package(&after).await?;
        Ok(Next::Wait)
    }

    /// The packaging to begin with, and on what condition; none where one that failed can go on where it stood.
    async fn package_to_begin(
        &self,
        request: &RequestItem,
        settings: &Settings,
        hidden: Vec<Hidden>,
    ) -> Result<Option<(PackageItem, Vec<Condition>)>> {
        let key = package_key(&request_partition(&request.organization, &request.id));
        let round = request.execution.round;
        let Some(found) = self.core.find::<PackageItem>(key.clone()).await? else {
            return Ok(Some((PackageItem::new(&self.core, settings, round, hidden, 0), vec![Condition::ItemAbsent])));
        };
        let planned_before = found.round == round && request.execution.planned_at.is_none_or(|planned| planned <= found.began_at);
        // Where something else is hidden by now, what was copied and written before tells of another time.
        if planned_before && found.hidden == hidden && self.is_package_whole(request, &found).await? {
            return Ok(None);
        }
        // Nobody who still works on it may write any more.
        let fence = found.fence + 1;
        let claim = Transaction::new().update(key, vec![set("fence", fence)], found.as_read());
        claim.commit_or_conflict(self.core.ports.table.as_ref(), "packaging").await?;
        self.withdraw_export(request).await?;
        self.discard_package(request, Some(found)).await?;
        Ok(Some((PackageItem::new(&self.core, settings, round, hidden, fence), vec![equals("fence", fence)])))
    }

    /// The export is whole: from now on it can be opened.
    pub(super) async fn packaged(&self, request: &RequestItem, package: &PackageItem) -> Result<()> {
        let settings = self.core.settings(&request.organization).await?;
        let mut after = self.core.moved(request, Event::Packaged)?;
        let expires = self.core.now() + SignedDuration::from_secs(i64::from(settings.export_kept_seconds));
        let (records, missing) = package.totals();
        if let Some(export) = after.export_state_mut() {
            export.expires_at = Some(expires);
            export.size_bytes = package.size;
            export.records = records;
            export.missing = missing;
            export.delivery = package.delivered.delivery.clone();
        }
        after.due(expires);
        let mut event = self.core.transition_event(&after, EventType::ExportReady, None);
        event.details.insert("records".to_owned(), records.into());
        event.details.insert("missing".to_owned(), missing.into());
        event.details.insert("size_bytes".to_owned(), package.size.into());
        event.details.insert("expires_at".to_owned(), expires.to_string().into());
        event.details.insert("delivered".to_owned(), package.delivered.delivery.is_some().into());
        let transaction = self.core.write_request(request, &after, Some(event))?;
        let transaction = self.core.schedule_export_notifications(transaction, &after, expires)?;
        let transaction = Core::release_for_export(request, transaction);
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        self.core.notify_workers(&after, Some(Core::notify_message(first_notification(&after)))).await?;
        self.core.notify_waiting(&after).await
    }

    /// Ends an export whose time is over.
    pub(crate) async fn expire(&self, request: &RequestItem) -> Result<Next> {
        let over = request.export_state().and_then(|e| e.expires_at).is_none_or(|end| end <= self.core.now());
        if !over {
            return Ok(Next::Wait);
        }
        let after = self.ended(request, false)?;
        let event = self.core.transition_event(&after, EventType::ExportExpired, None);
        self.core
            .write_request(request, &after, Some(event))?
            .commit_or_conflict(self.core.ports.table.as_ref(), "request")
            .await?;
        self.core.notify_workers(&after, None).await?;
        Ok(Next::Again)
    }

    pub(super) fn ended(&self, request: &RequestItem, revoked: bool) -> Result<RequestItem> {
        let mut after = self.core.moved(request, Event::AccessEnded)?;
        after.finished_at = Some(self.core.now());
        after.due(self.core.now());
        if let Some(export) = after.export_state_mut() {
            export.revoked = revoked;
        }
        Ok(after)
    }

    /// Removes an export and what was put down for it: its keys first, so that nothing that is left can be read.
    pub(crate) async fn clean_export(&self, request: &RequestItem) -> Result<()> {
        let partition = request_partition(&request.organization, &request.id);
        for purpose in [Purpose::Export, Purpose::Packaging] {
            keyring::destroy(&self.core.ports, &partition, purpose).await?;
        }
        let package: Option<PackageItem> = self.core.find(package_key(&partition)).await?;
        // What the organization was given stays its own once the export's time is over.
        if request.export_state().is_some_and(|e| e.revoked || request.state.phase != Phase::Expired) {
            self.withdraw_export(request).await?;
        }
        self.discard_package(request, package).await?;
        let told = notifications_partition(&request.organization, &About::Request(request.id));
        self.core.delete_items(&told, NOTIFICATION).await?;
        self.core.ports.table.delete_all(vec![package_key(&partition), queries_key(&partition)]).await?;
        // A cancelled one may still hold its subject.
        let mut guards = Transaction::new();
        for (key, guard) in request.subject_keys.iter().zip(self.core.guards(&request.organization, &request.subject_keys).await?)
        {
            if guard.is_some_and(|g| g.exporting == Some(request.id)) {
                let mine = vec![equals("exporting", request.id.to_string())];
                guards = guards.update(guard_key(&request.organization, key), vec![Change::Remove("exporting")], mine);
            }
        }
        if !guards.is_empty() {
            guards.commit(self.core.ports.table.as_ref()).await?;
        }
        Ok(())
    }

    /// Removes what was written of an export, and what was put down for it.
    async fn discard_package(&self, request: &RequestItem, package: Option<PackageItem>) -> Result<()> {
        let partition = request_partition(&request.organization, &request.id);
        if let Some(export) = request.export_state() {
            if let Some(upload) = package.as_ref().and_then(|p| p.upload.as_ref()) {
                self.core.ports.exports.abandon(&export.object, upload).await?;
            }
            self.core.ports.exports.delete(&export.object).await?;
        }
        let tails = package.iter().flat_map(|package| package.needed_tails().chain(&package.superseded));
        let mut names: Vec<String> = tails.cloned().collect();
        let mut keys = Vec::new();
        for prefix in ["rows#", COLUMNS, ENTRIES, MISSING] {
            let query = Query::new(TableName::Control, partition.clone(), Range::Prefix(prefix.to_owned()));
            for item in self.core.query_all(query).await? {
                names.extend(item.get("object").and_then(Value::as_str).map(str::to_owned));
                let sk = item.get("sk").and_then(Value::as_str).unwrap_or_default().to_owned();
                keys.push(Key { table: TableName::Control, pk: partition.clone(), sk });
            }
        }
        for names in names.chunks(1_000) {
            self.core.ports.objects.delete(names).await?;
        }
        Ok(self.core.ports.table.delete_all(keys).await?)
    }
}

/// Takes the subject's guards for an export, on condition that they are as they were read.
fn take_for_export(mut transaction: Transaction, request: &RequestItem, guards: &[Option<GuardItem>]) -> Transaction {
    for (key, guard) in request.subject_keys.iter().zip(guards) {
        let address = guard_key(&request.organization, key);
        let exporting = set("exporting", request.id.to_string());
        transaction = match guard {
            None => transaction.update(address, vec![exporting], vec![Condition::ItemAbsent]),
            Some(guard) => {
                let same = unchanged("executing", guard.executing.map(|other| other.to_string()));
                let free = unchanged("exporting", guard.exporting.map(|mine| mine.to_string()));
                transaction.update(address, vec![exporting], vec![same, free])
            }
        };
    }
    transaction
}

/// Where the events of accesses sort: after the change of state that made them possible.
pub(super) fn access_order(request: &RequestItem) -> String {
    format!("{}#{:08}", transition_order(request), request.version)
}
