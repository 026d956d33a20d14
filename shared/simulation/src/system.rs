//! Time, dice, keys and queues.

use crate::{
    faults::{call, pause},
    world::{InFlight, Weather, World},
};
use async_trait::async_trait;
use jiff::Timestamp;
use oubli_engine::ports::{
    Announcement, Channel, ChannelError, Clock, DataKey, Entropy, Envelope, KeyService, KeyServiceError, Message, Queue,
    QueueError, WrappedKey, WrappingKey,
};
use rand::RngCore;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, time::Duration};

/// All of them.
pub struct SimSystem(pub World);

#[async_trait]
impl Clock for SimSystem {
    fn now(&self) -> Timestamp {
        let state = self.0.lock();
        Timestamp::from_millisecond(state.now_ms + state.acting.skew_ms).unwrap_or_default()
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.0.lock().now_ms + i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        pause().await;
        // Time passes for everybody.
        let mut state = self.0.lock();
        state.now_ms = state.now_ms.max(until);
    }
}

impl Entropy for SimSystem {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().rng.fill_bytes(buffer);
    }
}

#[async_trait]
impl KeyService for SimSystem {
    async fn generate(
        &self,
        by: WrappingKey,
        context: &BTreeMap<String, String>,
    ) -> Result<(DataKey, WrappedKey), KeyServiceError> {
        let world = self.0.clone();
        call(
            &self.0,
            |w| KeyServiceError::Unavailable(w.to_owned()),
            move || {
                let mut key = [0_u8; 32];
                world.lock().rng.fill_bytes(&mut key);
                let sum = Sha256::digest(format!("{by:?} {context:?}"));
                Ok((DataKey(key), WrappedKey([key.as_slice(), sum.as_slice()].concat())))
            },
        )
        .await
    }

    async fn unwrap(
        &self,
        by: WrappingKey,
        wrapped: &WrappedKey,
        context: &BTreeMap<String, String>,
    ) -> Result<DataKey, KeyServiceError> {
        let (key, sum) = wrapped.0.split_at_checked(32).ok_or_else(|| KeyServiceError::Refused("too short".to_owned()))?;
        if sum != Sha256::digest(format!("{by:?} {context:?}")).as_slice() {
            return Err(KeyServiceError::Refused("another key or context".to_owned()));
        }
        let mut plain = [0_u8; 32];
        plain.copy_from_slice(key);
        // The service is out of reach now and then, and does nothing that a lost reply could hide.
        if self.0.lock().weather == Weather::Storm && self.0.lock().chance(3) {
            return Err(KeyServiceError::Unavailable("ThrottlingException".to_owned()));
        }
        Ok(DataKey(plain))
    }

    fn name(&self, of: WrappingKey) -> Result<String, KeyServiceError> {
        Ok(format!("arn:aws:kms:eu-west-1:111122223333:key/{}", of.name()))
    }

    fn forget(&self) {
        self.0.lock().wiped += 1;
    }

    async fn mac(&self, message: &[u8]) -> Result<[u8; 32], KeyServiceError> {
        let mut keyed = b"the world's own key".to_vec();
        keyed.extend_from_slice(message);
        Ok(Sha256::digest(keyed).into())
    }
}

#[async_trait]
impl Queue for SimSystem {
    async fn send(&self, envelopes: Vec<Envelope>) -> Result<(), QueueError> {
        for envelope in envelopes {
            let world = self.0.clone();
            call(
                &self.0,
                |w| QueueError(w.to_owned()),
                move || {
                    let mut state = world.lock();
                    let visible_at = state.now_ms + i64::from(envelope.delay_seconds) * 1000;
                    state.note(|| format!("send {}", short(&envelope.message)));
                    if let Some(request) = request_of(&envelope.message) {
                        *state.sent.entry(request).or_default() += 1;
                    }
                    state.messages.push(InFlight { visible_at, message: envelope.message });
                    Ok(())
                },
            )
            .await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Channel for SimSystem {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn is_offered(&self) -> bool {
        true
    }

    async fn send(&self, announcement: &Announcement) -> Result<(), ChannelError> {
        let (world, announcement) = (self.0.clone(), announcement.clone());
        call(
            &self.0,
            |w| ChannelError(w.to_owned()),
            move || {
                world.lock().announcements.push(announcement);
                Ok(())
            },
        )
        .await
    }
}

/// A message in few words: its kind, and what it is about.
pub fn short(message: &Message) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(message) else {
        return format!("{message:?}");
    };
    fields.remove("organization");
    let kind = fields.remove("kind").unwrap_or_default();
    let rest: String = fields.into_iter().map(|(name, value)| format!(" {name}={}", plain(&value))).collect();
    format!("{}{rest}", plain(&kind))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The request a message is about.
pub fn request_of(message: &Message) -> Option<String> {
    message.request().map(ToString::to_string)
}

/// The organization a message is for.
pub fn organization_of(message: &Message) -> String {
    message.organization().to_string()
}
