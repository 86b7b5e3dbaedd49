//! The facts about the clicks of a batch, and which of them are stored.

use std::sync::Arc;

use waypost_core::{Click, ClickFacts, UserAgent, VisitClass};
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

/// Whether the request itself announced the class. A preview that has a browser was announced by
/// it: programs that fetch previews have none.
pub(crate) fn is_announced(facts: &ClickFacts) -> bool {
    match facts.class {
        Some(VisitClass::Prefetch) => true,
        Some(VisitClass::Preview) => {
            facts.browser.is_some() || facts.os.is_some() || facts.device.is_some()
        }
        _ => false,
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

#[cfg(test)]
mod tests {
    use waypost_core::Family;

    use super::*;

    #[test]
    fn what_a_browser_announces_is_not_what_a_program_is() {
        let facts = |class, browser: Option<&str>| ClickFacts {
            class: Some(class),
            browser: browser.and_then(Family::of),
            ..ClickFacts::default()
        };
        assert!(is_announced(&facts(VisitClass::Prefetch, None)));
        assert!(is_announced(&facts(VisitClass::Preview, Some("Safari"))));
        assert!(!is_announced(&facts(VisitClass::Preview, None)));
        assert!(!is_announced(&facts(VisitClass::Human, Some("Safari"))));
        assert!(!is_announced(&ClickFacts::default()));
    }
}
