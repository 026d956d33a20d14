//! Emails by SES.

use crate::{failure, settings::Settings};
use async_trait::async_trait;
use aws_sdk_sesv2::{
    Client,
    types::{Body, Content, Destination, EmailContent, Message},
};
use oubli_engine::ports::{Announcement, Channel, ChannelError};
use std::sync::Arc;

/// [`Channel`] of emails on SES, from the address that the settings name.
#[derive(Debug, Clone)]
pub struct Ses {
    client: Client,
    settings: Arc<Settings>,
}

impl Ses {
    /// The channel of these settings.
    pub fn new(client: Client, settings: Arc<Settings>) -> Self {
        Self { client, settings }
    }
}

fn text(data: &str) -> Result<Content, ChannelError> {
    Content::builder().data(data).charset("UTF-8").build().map_err(|_| ChannelError("MessageNotBuilt".to_owned()))
}

#[async_trait]
impl Channel for Ses {
    fn name(&self) -> &'static str {
        "email"
    }

    fn is_offered(&self) -> bool {
        self.settings.sender().is_some()
    }

    async fn send(&self, announcement: &Announcement) -> Result<(), ChannelError> {
        let body = Body::builder().text(text(&announcement.text)?).build();
        let message = Message::builder().subject(text(&announcement.subject)?).body(body).build();
        let to = Destination::builder().set_to_addresses(Some(announcement.to.clone())).build();
        let request = self.client.send_email().set_from_email_address(self.settings.sender().map(str::to_owned)).destination(to);
        let sent = request.content(EmailContent::builder().simple(message).build()).send().await;
        sent.map(drop).map_err(|e| ChannelError(failure::code(&e)))
    }
}
