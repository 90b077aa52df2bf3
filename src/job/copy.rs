//! A form that was made, as text for a person: its XML, and the request that sends it. Read from the review file; nothing is
//! sent and nothing is rebuilt.

use anyhow::{Context, Result};

use super::session::Session;
use crate::io::curl;

impl Session {
    /// The XML of the form with this number, exactly as it was made. Fails where the file has no such form, or where its bytes are
    /// not those that were kept.
    pub async fn form_xml(&self, number: usize) -> Result<String> {
        let bytes = self.store.form_bytes(number.try_into()?).await?;
        String::from_utf8(bytes).context("the form is not text")
    }

    /// The request that sends the form with this number as a `curl` command, signed in by this user with a variable in place of the
    /// key. `CommCare` knows the form id, so sending it again changes nothing. Fails as [`Self::form_xml`] does.
    pub async fn form_curl(&self, number: usize, username: &str) -> Result<String> {
        let bytes = self.store.form_bytes(number.try_into()?).await?;
        let opened = self.open().await?;
        let head = &opened.plan.head;
        curl::form(&head.commcare, &head.project, username, bytes)
    }
}
