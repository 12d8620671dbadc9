use serde_json::{Map, Value};
use understory_manage::Draft;
use understory_model::{Entity, Key};

use super::Behaviour;
use crate::names::webhook_destination::{SLACK_CHANNEL, URL};
use crate::{Error, Result};

/// A destination is either an address or a Slack channel.
pub(super) struct WebhookDestination;

impl Behaviour for WebhookDestination {
    fn written(&self, draft: &mut Draft, entity: &Entity, key: &Key, _: &Map<String, Value>) -> Result<()> {
        let row = draft.get(&entity.name, key).cloned().unwrap_or_default();
        if row.text(URL).is_some() == row.text(SLACK_CHANNEL).is_some() {
            return Err(Error::field("/url", "required", "give exactly one of url and slackChannelId"));
        }
        Ok(())
    }
}
