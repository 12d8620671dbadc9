use understory_model::{FieldError, Row};

use super::Behaviour;
use crate::names::webhook_destination::{SLACK_CHANNEL, URL};

/// A destination is either an address or a Slack channel.
pub(super) struct WebhookDestination;

impl Behaviour for WebhookDestination {
    fn fault(&self, row: &Row) -> Option<FieldError> {
        let one = row.text(URL).is_some() != row.text(SLACK_CHANNEL).is_some();
        (!one).then(|| FieldError::new("/url", "required", "give exactly one of url and slackChannelId"))
    }
}
