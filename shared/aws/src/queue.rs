//! Work in transit by SQS.

use crate::{
    failure::{self, pauses},
    settings::{Settings, SettingsError},
};
use async_trait::async_trait;
use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use backon::BackoffBuilder as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oubli_engine::ports::{Envelope, Queue, QueueError, QueueName};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// Most messages of one SendMessageBatch.
const BATCH: usize = 10;
/// SendMessageBatch calls under way at once.
const PARALLEL: usize = 8;

/// [`Queue`] on SQS.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    settings: Arc<Settings>,
}

impl Sqs {
    /// The queues that the settings name.
    pub fn new(client: Client, settings: Arc<Settings>) -> Self {
        Self { client, settings }
    }

    async fn send_batch(&self, url: &str, mut entries: Vec<SendMessageBatchRequestEntry>) -> Result<(), QueueError> {
        let mut pauses = pauses().build();
        loop {
            let request = self.client.send_message_batch().queue_url(url).set_entries(Some(entries.clone()));
            let reply = request.send().await.map_err(|e| QueueError(failure::code(&e)))?;
            let Some(first) = reply.failed().first() else {
                return Ok(());
            };
            if let Some(wrong) = reply.failed().iter().find(|f| f.sender_fault()) {
                return Err(QueueError(wrong.code().to_owned()));
            }
            entries.retain(|e| reply.failed().iter().any(|f| f.id() == e.id()));
            let pause = pauses.next().ok_or_else(|| QueueError(first.code().to_owned()))?;
            tokio::time::sleep(pause).await;
        }
    }
}

#[async_trait]
impl Queue for Sqs {
    async fn send(&self, envelopes: Vec<Envelope>) -> Result<(), QueueError> {
        let mut by_queue: BTreeMap<QueueName, Vec<SendMessageBatchRequestEntry>> = BTreeMap::new();
        for envelope in &envelopes {
            let entries = by_queue.entry(envelope.message.queue()).or_default();
            entries.push(entry(envelope, entries.len() % BATCH)?);
        }
        let mut batches = Vec::new();
        for (queue, entries) in &by_queue {
            let url = self.settings.queue_url(*queue)?;
            batches.extend(entries.chunks(BATCH).map(|chunk| self.send_batch(url, chunk.to_vec())));
        }
        stream::iter(batches).buffer_unordered(PARALLEL).try_collect().await
    }
}

fn entry(envelope: &Envelope, place: usize) -> Result<SendMessageBatchRequestEntry, QueueError> {
    let body = serde_json::to_string(&envelope.message).map_err(|_| QueueError("MessageNotWritten".to_owned()))?;
    let entry = SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(body);
    let entry = entry.message_group_id(envelope.message.organization().as_str());
    let entry = if envelope.message.queue().is_fifo() {
        // Waking the sequencer twice costs nothing, while content deduplication would swallow a wake-up it needs.
        entry.message_deduplication_id(Uuid::now_v7().to_string())
    } else {
        entry.delay_seconds(envelope.delay_seconds.into())
    };
    entry.build().map_err(|_| QueueError("MessageNotWritten".to_owned()))
}

impl From<SettingsError> for QueueError {
    fn from(error: SettingsError) -> Self {
        QueueError(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oubli_domain::ids::RequestId;
    use oubli_engine::ports::Message;

    #[test]
    fn a_message_travels_in_its_organizations_group() {
        let organization: oubli_domain::ids::OrganizationId = "acme".parse().expect("valid");
        let request = RequestId::from_uuid(Uuid::from_u128(1));
        let work = Envelope::after(Message::Advance { organization: organization.clone(), request }, 5_000);
        let sent = entry(&work, 3).expect("built");
        assert_eq!((sent.id(), sent.message_group_id(), sent.delay_seconds()), ("3", Some("acme"), Some(900)));
        assert_eq!(sent.message_deduplication_id(), None);
        assert_eq!(serde_json::from_str::<Message>(sent.message_body()).expect("reads"), work.message);

        let seal = Envelope::after(Message::Seal { organization }, 5);
        let (one, two) = (entry(&seal, 0).expect("built"), entry(&seal, 0).expect("built"));
        assert_eq!((one.delay_seconds(), one.message_group_id()), (None, Some("acme")));
        assert!(one.message_deduplication_id().is_some());
        assert_ne!(one.message_deduplication_id(), two.message_deduplication_id());
    }
}
