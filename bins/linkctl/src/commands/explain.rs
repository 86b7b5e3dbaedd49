//! `linkctl explain`: how a visit would be handled, step by step.

use std::fmt;

use waypost_analytics::{ClickSettings, UserAgents, VisitHeaders};
use waypost_api::{ExplainedVisit, ExplainedVisitor, Explainer, Explanation};
use waypost_core::{Actor, BaseUrl, Clock, Email};
use waypost_service::{Links, Resolver, Router, Shortener};

use crate::cli;
use crate::console::{Console, HEADING};
use crate::failure::{Failure, Status};

/// The settings of the server that affect how a visit is handled.
pub(super) struct Rules<'a> {
    pub(super) base_url: &'a BaseUrl,
    pub(super) clicks: &'a ClickSettings,
}

pub(super) async fn run(
    command: &cli::Explain,
    rules: &Rules<'_>,
    resolver: Resolver,
    shortener: &Shortener,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let visitor = match &command.user {
        None => ExplainedVisitor::ANONYMOUS,
        Some(email) => visitor(email, shortener).await?,
    };
    let explainer = Explainer {
        base_url: rules.base_url,
        router: &Router::new(resolver, rules.base_url),
        links: &Links::new(shortener.clone()),
        clock,
        proxies: &rules.clicks.trusted_proxies,
        durability: rules.clicks.journal.durability,
        privacy: rules.clicks.privacy,
        knows_countries: rules.clicks.geoip_db.is_some(),
        reserved: shortener.reserved(),
        user_agents: &UserAgents::new(),
    };
    let explanation = explainer
        .explain(&ExplainedVisit {
            url: &command.url,
            visitor: &visitor,
            caller: &Actor::Operator,
            peer: Some(command.ip),
            headers: &Headers(&command.headers),
        })
        .await?;
    if console.json {
        console.json(&explanation)?;
    } else {
        print(&explanation, console)?;
    }
    Ok(Status::Done)
}

async fn visitor(email: &Email, shortener: &Shortener) -> Result<ExplainedVisitor, Failure> {
    let user = shortener.store().user_by_email(email).await?;
    let user = user.ok_or_else(|| Failure::NoUser(email.clone()))?;
    Ok(ExplainedVisitor::user(&user))
}

fn print(explanation: &Explanation, console: &mut Console<'_>) -> Result<(), Failure> {
    for step in &explanation.steps {
        let what = step.what.replace('_', " ");
        console.line(format_args!("{what:<16} {}", step.found))?;
    }
    let mut field = |name: &str, value: &dyn fmt::Display| {
        console.line(format_args!("{HEADING}{name:<16}{HEADING:#} {value}"))
    };
    field("status", &explanation.status)?;
    if let Some(target) = &explanation.target {
        field("Location", target)?;
    }
    field("Cache-Control", &explanation.cache_control)?;
    if let Some(message) = &explanation.message {
        field("message", message)?;
    }
    let address = explanation.client_address.as_deref().unwrap_or("none");
    let because = &explanation.client_address_because;
    field("client IP", &format_args!("{address}: {because}"))?;
    let counted = if explanation.counted { "yes" } else { "no" };
    let because = &explanation.counted_because;
    field("counted", &format_args!("{counted}: {because}"))
}

/// The headers passed with `--header`.
struct Headers<'a>(&'a [cli::Header]);

impl VisitHeaders for Headers<'_> {
    fn first(&self, name: &str) -> Option<&[u8]> {
        let mut of_name = self.0.iter().filter(|header| header.name == name);
        of_name.next().map(|header| header.value.as_bytes())
    }

    fn all(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        for header in self.0 {
            visit(&header.name, header.value.as_bytes());
        }
    }

    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        let of_name = self.0.iter().filter(|header| header.name == name);
        of_name.for_each(|header| visit(header.value.as_bytes()));
    }
}
