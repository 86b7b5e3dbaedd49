//! The facts about the clicks of a batch, and which of them are stored.

use std::sync::Arc;

use waypost_core::{Click, UserAgent};
use waypost_store::ClickBatch;

use crate::{Privacy, UserAgents};

/// Adds the facts from its user agent to each click. Keeps a class that the record already has.
pub(super) fn complete(clicks: &mut [Click], user_agents: &UserAgents) {
    for click in clicks {
        let user_agent = click.user_agent.as_ref().map(UserAgent::as_str);
        if user_agent.is_none() && click.facts.class.is_some() {
            // The visitor asked not to be tracked.
            continue;
        }
        let told = user_agents.facts(user_agent);
        click.facts.class.get_or_insert(told.class);
        click.facts.browser = told.browser;
        click.facts.os = told.os;
        click.facts.device = told.device;
    }
}

/// Returns the batch without the fields that must not be stored.
pub(super) fn kept(batch: Arc<ClickBatch>, privacy: Privacy) -> Arc<ClickBatch> {
    if privacy.keeps_who() {
        return batch;
    }
    let mut batch = Arc::unwrap_or_clone(batch);
    for click in &mut batch.clicks {
        privacy.strip(click);
    }
    Arc::new(batch)
}
