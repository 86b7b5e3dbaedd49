//! How a redirected visit is counted, and what is stored of it, by the rules with which clicks are
//! recorded and stored.

use waypost_analytics::{AgentFacts, Durability, Privacy, Signals};
use waypost_core::{Family, LinkId, Referrer, UserAgent, VisitClass};
use waypost_service::LinkError;
use waypost_store::StoreError;

use super::{ExplainedVisit, Explainer};

/// Who is not tracked, and how they say so.
const UNTRACKED: &str = "because the visitor asks not to be tracked (Sec-GPC or DNT)";

/// What a visit tells of itself.
struct Told {
    signals: Signals,
    /// The class, and the browser, system and device.
    facts: AgentFacts,
    has_user_agent: bool,
    referrer: Option<Referrer>,
    /// Whether the visitor owns the link, which counts if they are signed in with a session.
    is_own: bool,
}

impl Told {
    /// Returns the class, in words.
    fn class(&self) -> String {
        let class = self.facts.class;
        if self.is_own && self.signals.announced.is_none() {
            let own = VisitClass::Own;
            format!("the click type `{own}` (without a session, `{class}`)")
        } else {
            format!("the click type `{class}`")
        }
    }

    /// Returns the known ones of the browser, system and device, in words.
    fn agent(&self) -> impl Iterator<Item = String> {
        let family = |family: &Option<Family>| family.as_ref().map(|it| it.as_str().to_owned());
        let device = self.facts.device.map(|device| device.as_str().to_owned());
        let known = [
            ("the browser", family(&self.facts.browser)),
            ("the operating system", family(&self.facts.os)),
            ("the device", device),
        ];
        let known = known.into_iter();
        known.filter_map(|(what, value)| Some(format!("{what} `{}`", value?)))
    }
}

impl Explainer<'_> {
    /// Explains how a redirected visit is counted, and what is stored of it.
    pub(super) async fn counting(
        &self,
        link: Option<LinkId>,
        visit: &ExplainedVisit<'_>,
    ) -> Result<String, StoreError> {
        let accepted = match self.durability {
            Durability::Journal => "once it is in the journal of the server",
            Durability::Commit => "once it is stored in the database",
            Durability::Memory => "once it is in the queue in memory",
        };
        let told = self.told(link, visit).await?;
        let announced = match told.signals.announced {
            Some(VisitClass::Prefetch) => ", as a prefetch,",
            Some(VisitClass::Preview) => ", as a preview,",
            _ => "",
        };
        let stored = if self.privacy.keeps_rows() {
            self.record(&told, visit)
        } else {
            self.totals(&told)
        };
        Ok(format!(
            "GET is counted once{announced} and redirected {accepted}; {stored}. HEAD is not counted"
        ))
    }

    async fn told(
        &self,
        link: Option<LinkId>,
        visit: &ExplainedVisit<'_>,
    ) -> Result<Told, StoreError> {
        let signals = Signals::of(visit.headers);
        let header = |name| visit.headers.first(name).unwrap_or_default();
        let user_agent = UserAgent::from_header(header("user-agent"));
        let user_agent = user_agent.as_ref().map(UserAgent::as_str);
        let mut facts = self.user_agents.facts(user_agent);
        facts.class = signals.announced.unwrap_or(facts.class);
        Ok(Told {
            signals,
            facts,
            has_user_agent: user_agent.is_some(),
            referrer: Referrer::from_header(header("referer")),
            // The session of a visitor who asks not to be tracked is not looked at.
            is_own: !signals.is_untracked && self.is_own(link, visit).await?,
        })
    }

    async fn is_own(
        &self,
        link: Option<LinkId>,
        visit: &ExplainedVisit<'_>,
    ) -> Result<bool, StoreError> {
        let (Some(link), Some(user)) = (link, visit.visitor.actor.user_id()) else {
            return Ok(false);
        };
        match self.links.get(&visit.visitor.actor, link).await {
            Ok(owned) => Ok(owned.owners.iter().any(|owner| owner.person.id == user)),
            Err(LinkError::Store(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Lists the fields of the click record.
    fn record(&self, told: &Told, visit: &ExplainedVisit<'_>) -> String {
        let class = told.class();
        if told.signals.is_untracked {
            return format!(
                "stored: the link, the time and {class}, and nothing else, {UNTRACKED}"
            );
        }
        let is_full = matches!(self.privacy, Privacy::Full);
        let mut stored = vec!["the link, the time".to_owned(), class];
        stored.extend(told.agent());
        let more = [
            (is_full && told.has_user_agent, "the user agent"),
            (told.referrer.is_some(), "the referrer without its query"),
            (self.knows_countries, "the country, if known"),
            (
                is_full && visit.visitor.actor.user_id().is_some(),
                "the user, if signed in with a session",
            ),
            (true, "a hash of the IP address with the salt of the day"),
        ];
        let more = more.into_iter().filter(|(is_stored, _)| *is_stored);
        stored.extend(more.map(|(_, what)| what.to_owned()));
        format!("stored: {}", stored.join(", "))
    }

    /// Lists what the totals of the day count, where there are no click records.
    fn totals(&self, told: &Told) -> String {
        let class = told.class();
        let only = "stored: only the totals of the day (WAYPOST_PRIVACY=counts)";
        if told.signals.is_untracked {
            return format!("{only}, which count {class}, and nothing else, {UNTRACKED}");
        }
        let mut counted = vec![class];
        counted.extend(told.agent());
        let host = told.referrer.as_ref().map(|it| it.host().into_owned());
        counted.extend(host.map(|host| format!("the referrer host `{host}`")));
        if self.knows_countries {
            counted.push("the country, if known".to_owned());
        }
        let counted = counted.join(", ");
        format!(
            "{only}, which count {counted}, and for about four days half of a hash of the IP address \
             with the salt of the day, to count unique visitors"
        )
    }
}
