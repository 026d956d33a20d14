//! Emails by SES.

use crate::{failure, settings::Settings};
use async_trait::async_trait;
use aws_sdk_sesv2::{
    Client,
    types::{Body, Content, Destination, EmailContent, Message},
};
use oubli_engine::ports::{Mail, MailError, Mailer};
use std::sync::Arc;

/// [`Mailer`] on SES, from the address that the settings name.
#[derive(Debug, Clone)]
pub struct Ses {
    client: Client,
    settings: Arc<Settings>,
}

impl Ses {
    /// The mailer of these settings.
    pub fn new(client: Client, settings: Arc<Settings>) -> Self {
        Self { client, settings }
    }
}

fn text(data: &str) -> Result<Content, MailError> {
    Content::builder().data(data).charset("UTF-8").build().map_err(|_| MailError("MessageNotBuilt".to_owned()))
}

#[async_trait]
impl Mailer for Ses {
    fn is_offered(&self) -> bool {
        self.settings.sender().is_some()
    }

    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let body = Body::builder().text(text(&mail.text)?).build();
        let message = Message::builder().subject(text(&mail.subject)?).body(body).build();
        let to = Destination::builder().set_to_addresses(Some(mail.to.clone())).build();
        let request = self.client.send_email().set_from_email_address(self.settings.sender().map(str::to_owned)).destination(to);
        let sent = request.content(EmailContent::builder().simple(message).build()).send().await;
        sent.map(drop).map_err(|e| MailError(failure::code(&e)))
    }
}
