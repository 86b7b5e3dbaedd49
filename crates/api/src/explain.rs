//! Explains step by step how a visit would be handled. Shared by the HTTP API and
//! `linkctl explain`.
//!
//! The parts that handle visits ([`Router`], [`TrustedProxies`]) describe their own steps. Nothing
//! is counted, and callers learn nothing that a visit or the API would not tell them: see
//! [`Explainer::explain`].

mod sent;

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;
use waypost_analytics::{Durability, Privacy, Signals, TrustedProxies, Visit, VisitHeaders};
use waypost_core::{Actor, BaseUrl, Clock, ReservedWords, RoutingRule, ShortCode};
use waypost_service::{LinkError, Links, Routed, Router, RoutingStep};
use waypost_store::StoreError;

use crate::errors::ApiError;
use crate::openness::{CACHE_CONTROL, check_open};
use crate::prefix;

use sent::Sent;

/// What an explanation depends on.
#[derive(Clone, Copy)]
pub struct Explainer<'a> {
    /// The public URL of the server, whose path may precede that of a visit.
    pub base_url: &'a BaseUrl,
    /// Finds the link.
    pub router: &'a Router,
    /// Decides who may follow it.
    pub links: &'a Links,
    /// Decides whether it has expired.
    pub clock: &'a dyn Clock,
    /// The proxies whose forwarding headers are trusted.
    pub proxies: &'a TrustedProxies,
    /// How clicks are accepted.
    pub durability: Durability,
    /// What is stored of clicks.
    pub privacy: Privacy,
    /// Whether the country of a click is stored.
    pub knows_countries: bool,
    /// The words that are routes of the server.
    pub reserved: &'a ReservedWords,
}

/// A visit to explain.
#[derive(Clone, Copy)]
pub struct ExplainedVisit<'a> {
    /// What the visitor opens: a URL, or a path of this server.
    pub url: &'a str,
    /// The visitor.
    pub actor: &'a Actor,
    /// Who asks for the explanation.
    pub caller: &'a Actor,
    /// The IP address of the connection.
    pub peer: Option<IpAddr>,
    /// The headers of the request.
    pub headers: &'a dyn VisitHeaders,
}

/// How a visit would be handled; also the output of `linkctl explain --json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The steps, in order.
    pub steps: Vec<ExplainedStep>,
    /// The ID of the link that the visit matches; `null` if there is none, or if the caller cannot
    /// see it.
    #[schema(format = "uuid")]
    pub link_id: Option<String>,
    /// The rule that matches the link; `null` if there is none, or if the caller cannot follow it.
    #[schema(value_type = Option<RuleName>)]
    pub rule: Option<&'static str>,
    /// The URL that the visitor is redirected to; `null` if there is none.
    #[schema(format = "uri")]
    pub target: Option<String>,
    /// The status of the response.
    #[schema(example = 302, minimum = 100, maximum = 599)]
    pub status: u16,
    /// The `Cache-Control` of the response.
    #[schema(example = "private, no-store")]
    pub cache_control: String,
    /// Why the response is not a redirect; `null` if it is one.
    pub message: Option<String>,
    /// The IP address of the visitor; `null` if the connection has none.
    #[schema(example = "203.0.113.7")]
    pub client_address: Option<String>,
    /// Why this IP address is used.
    pub client_address_because: String,
    /// Whether the visit would be counted.
    pub counted: bool,
    /// How it would be counted and stored, or why not.
    pub counted_because: String,
}

/// A step of an explanation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedStep {
    /// The kind of step: `path`, `prefix`, `reserved`, `keyword_by_path`, `keyword_by_host`, `code`,
    /// `permission`, `state`, `placeholders`.
    #[schema(example = "code")]
    pub what: &'static str,
    /// The result, as a text for people.
    #[schema(example = "`docs` is the code of a link")]
    pub found: String,
}

/// The rule that matches a link.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum RuleName {
    KeywordByPath,
    KeywordByHost,
    Code,
    Prefix,
}

impl Explainer<'_> {
    /// Explains a visit by `GET`.
    ///
    /// Only admins see which longer codes were looked up, because this tells whether there are any.
    /// Of a secure link that the caller may not follow, the explanation tells as much as the visit:
    /// that there is one. The ID of a link is told to those who can see it.
    ///
    /// # Errors
    /// [`StoreError`], as for any look-up.
    pub async fn explain(&self, visit: &ExplainedVisit<'_>) -> Result<Explanation, StoreError> {
        let (sent, mut steps) = self.sent(visit.url).await?;
        let believed = self.proxies.explain(&Visit {
            session: None,
            peer: visit.peer,
            headers: visit.headers,
        });
        let mut explanation = Explanation {
            steps: Vec::new(),
            link_id: None,
            rule: None,
            target: None,
            status: 302,
            cache_control: CACHE_CONTROL.to_str().unwrap_or_default().to_owned(),
            message: None,
            client_address: believed.address.map(|address| address.to_string()),
            client_address_because: believed.because,
            counted: true,
            counted_because: String::new(),
        };
        let mut routed_steps = Vec::new();
        let routed = self.routed(&sent, visit.caller, &mut routed_steps).await?;
        let mut known = routed.as_ref();
        if let Some(found) = known
            && self.is_hidden(found, visit.caller).await?
        {
            known = None;
            routed_steps = vec![ExplainedStep {
                what: "code",
                found: "the path matches a secure link".to_owned(),
            }];
        }
        steps.append(&mut routed_steps);
        match self
            .followed(routed.as_ref(), &sent, visit, &mut steps)
            .await?
        {
            Ok(target) => {
                explanation.target = Some(target);
                explanation.counted_because = self.counting(visit);
            }
            Err(error) => {
                explanation.status = error.code().status().as_u16();
                explanation.message = Some(error.to_string());
                "no-store".clone_into(&mut explanation.cache_control);
                explanation.counted = false;
                "only redirected visits are counted".clone_into(&mut explanation.counted_because);
            }
        }
        if let Some(known) = known {
            explanation.rule = Some(name_of(known.rule));
            explanation.link_id = self.visible_id(known, visit.caller).await?;
        }
        explanation.steps = steps;
        Ok(explanation)
    }

    /// Returns the URL as it is routed, and the steps to it.
    async fn sent<'v>(&self, url: &'v str) -> Result<(Sent<'v>, Vec<ExplainedStep>), StoreError> {
        let mut sent = Sent::of(url);
        let mut steps = vec![sent.step()];
        // All of the path belongs to a host that is a keyword.
        if self.router.keyword_of(sent.host).await?.is_none() {
            steps.extend(sent.leave_out(self.base_url));
        }
        Ok((sent, steps))
    }

    /// Whether the caller may not follow the link.
    async fn is_hidden(&self, routed: &Routed<'_>, caller: &Actor) -> Result<bool, StoreError> {
        let destination = &routed.destination;
        if !destination.is_secure {
            return Ok(false);
        }
        match self.links.follow(caller, destination.link_id).await {
            Ok(()) => Ok(false),
            Err(LinkError::Store(error)) => Err(error),
            Err(_) => Ok(true),
        }
    }

    /// Returns the ID of the link if the caller can see it.
    async fn visible_id(
        &self,
        routed: &Routed<'_>,
        caller: &Actor,
    ) -> Result<Option<String>, StoreError> {
        match self.links.get(caller, routed.destination.link_id).await {
            Ok(owned) => Ok(Some(owned.link.id.to_string())),
            Err(LinkError::Store(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    async fn routed<'p>(
        &self,
        sent: &'p Sent<'_>,
        caller: &Actor,
        steps: &mut Vec<ExplainedStep>,
    ) -> Result<Option<Routed<'p>>, StoreError> {
        if self.router.keyword_of(sent.host).await?.is_none()
            && let Some(word) = self.reserved_word(&sent.path)
        {
            // Only the normal form of a route is found here.
            let is_route = self.reserved.is_route(word);
            let found = if is_route {
                format!("`{word}` is a path of Waypost itself, not a link")
            } else {
                format!("`{word}` is reserved for Waypost itself: no new link can have this code")
            };
            steps.push(ExplainedStep {
                what: "reserved",
                found,
            });
            if is_route {
                return Ok(None);
            }
        }
        let (is_admin, mut is_first) = (caller.is_admin(), true);
        let tell = |step: RoutingStep<'_>| {
            if is_admin || tells_no_longer_codes(step, is_first) {
                steps.push(ExplainedStep::from(step));
            }
            is_first = false;
        };
        let routed = self
            .router
            .route_telling(sent.host, &sent.path, tell)
            .await?;
        let base = self.base_url.path();
        if routed.is_none() && sent.whole.is_none() && !base.is_empty() && sent.path == base {
            steps.push(ExplainedStep {
                what: "prefix",
                found: format!("`{base}` is the path of the base URL: the home page"),
            });
        }
        match &sent.whole {
            Some(whole) if routed.is_none() => {
                let routed = self.router.route(sent.host, whole).await?;
                Ok(routed.filter(prefix::is_meant))
            }
            _ => Ok(routed),
        }
    }

    fn reserved_word<'p>(&self, path: &'p str) -> Option<&'p str> {
        let word = path.split('/').nth(1)?;
        let code = ShortCode::parse(word).ok()?;
        self.reserved.check(&code).err()?;
        // Routes are case-sensitive, codes are not.
        let is_link = self.reserved.is_route(code.as_str()) && code.as_str() != word;
        (!is_link).then_some(word)
    }

    /// Returns the URL that the visitor is redirected to, or the error that they get instead.
    async fn followed(
        &self,
        routed: Option<&Routed<'_>>,
        sent: &Sent<'_>,
        visit: &ExplainedVisit<'_>,
        steps: &mut Vec<ExplainedStep>,
    ) -> Result<Result<String, ApiError>, StoreError> {
        let Some(routed) = routed else {
            return Ok(Err(ApiError::no_such_link()));
        };
        let destination = &routed.destination;
        let mut step = |what, found: String| steps.push(ExplainedStep { what, found });
        if destination.is_secure {
            match self.links.follow(visit.actor, destination.link_id).await {
                Ok(()) => step(
                    "permission",
                    "the link is secure, and this visitor may follow it".to_owned(),
                ),
                Err(LinkError::Store(error)) => return Err(error),
                Err(error @ LinkError::Unauthenticated) => {
                    let found = "the link is secure, and the visitor is not signed in; a browser \
                                 is redirected to sign in";
                    step("permission", found.to_owned());
                    return Ok(Err(error.into()));
                }
                Err(error) => {
                    step("permission", format!("the link is secure: {error}"));
                    return Ok(Err(error.into()));
                }
            }
        } else {
            step("permission", "anyone may follow the link".to_owned());
        }
        if let Err(error) = check_open(destination, || self.clock.now()) {
            step("state", error.to_string());
            return Ok(Err(error));
        }
        step("state", "the link works".to_owned());
        let filled = match &destination.template {
            None => "the destination has no placeholders".to_owned(),
            Some(_) => format!("the destination is filled from `{}`", routed.rest),
        };
        match routed.location(sent.query) {
            Ok(location) => {
                let query = match (destination.forward_query, sent.query) {
                    (_, "") => "",
                    (true, _) => "; the query is added",
                    (false, _) => "; the query is dropped",
                };
                step("placeholders", format!("{filled}{query}"));
                Ok(Ok(location.into_owned()))
            }
            Err(error) => {
                step("placeholders", format!("{filled}: {error}"));
                Ok(Err(error.into()))
            }
        }
    }

    /// Explains how a redirected visit is counted, and what is stored of it.
    fn counting(&self, visit: &ExplainedVisit<'_>) -> String {
        let accepted = match self.durability {
            Durability::Journal => "once it is in the journal of the server",
            Durability::Commit => "once it is stored in the database",
            Durability::Memory => "once it is in the queue in memory",
        };
        let signals = Signals::of(visit.headers);
        let prefetch = if signals.is_prefetch {
            ", as a prefetch,"
        } else {
            ""
        };
        let stored = if !self.privacy.keeps_rows() {
            "stored: only the totals of the day (WAYPOST_PRIVACY=counts)".to_owned()
        } else if signals.is_untracked {
            "only the link, the time and the click type are stored, because the visitor asks not to be \
             tracked (Sec-GPC or DNT)"
                .to_owned()
        } else {
            format!("stored: {}", self.stored(visit).join(", "))
        };
        format!(
            "GET is counted once{prefetch} and redirected {accepted}; {stored}. HEAD is not counted"
        )
    }

    /// Lists what is stored of a visit that does not ask not to be tracked.
    fn stored(&self, visit: &ExplainedVisit<'_>) -> Vec<&'static str> {
        let is_full = matches!(self.privacy, Privacy::Full);
        let has_agent = visit.headers.first("user-agent").is_some();
        let has_referrer = visit.headers.first("referer").is_some();
        let stored = [
            (true, "the link, the time and the click type"),
            (has_agent, "the browser, operating system and device"),
            (is_full && has_agent, "the user agent"),
            (has_referrer, "the referrer without its query"),
            (self.knows_countries, "the country, if known"),
            (
                is_full && visit.actor.user_id().is_some(),
                "the user, if signed in with a session",
            ),
            (true, "a hash of the IP address with the salt of the day"),
        ];
        let stored = stored.into_iter().filter(|(is_stored, _)| *is_stored);
        stored.map(|(_, what)| what).collect()
    }
}

/// Whether a step is the same whether there are longer codes or not.
fn tells_no_longer_codes(step: RoutingStep<'_>, is_first: bool) -> bool {
    match step {
        RoutingStep::NoCode(_) => is_first,
        RoutingStep::Code(code, is_found) => is_found || !code.contains('/'),
        RoutingStep::NoLongerCode(_) => false,
        RoutingStep::KeywordByPath(..)
        | RoutingStep::NoWordInHost
        | RoutingStep::KeywordByHost(..) => true,
    }
}

impl From<RoutingStep<'_>> for ExplainedStep {
    fn from(step: RoutingStep<'_>) -> Self {
        let (what, found) = match step {
            RoutingStep::NoCode("") => (
                "code",
                "the path has an empty segment, which cannot be part of a code".to_owned(),
            ),
            RoutingStep::NoCode(segment) => {
                ("code", format!("`{segment}` cannot be part of a code"))
            }
            RoutingStep::KeywordByPath(word, true) => (
                "keyword_by_path",
                format!("`{word}` is a keyword and gets the rest of the path"),
            ),
            RoutingStep::KeywordByPath(word, false) => {
                ("keyword_by_path", format!("`{word}` is not a keyword"))
            }
            RoutingStep::NoWordInHost => {
                ("keyword_by_host", "the host cannot be a keyword".to_owned())
            }
            RoutingStep::KeywordByHost(word, true) => (
                "keyword_by_host",
                format!("the host `{word}` is a keyword and gets the whole path"),
            ),
            RoutingStep::KeywordByHost(word, false) => (
                "keyword_by_host",
                format!("the host `{word}` is not a keyword"),
            ),
            RoutingStep::Code(code, true) => ("code", format!("`{code}` is the code of a link")),
            RoutingStep::Code(code, false) => {
                ("code", format!("`{code}` is not the code of a link"))
            }
            RoutingStep::NoLongerCode(code) => {
                ("code", format!("no longer code begins with `{code}`"))
            }
        };
        Self { what, found }
    }
}

const fn name_of(rule: RoutingRule) -> &'static str {
    match rule {
        RoutingRule::KeywordByPath => "keyword_by_path",
        RoutingRule::KeywordByHost => "keyword_by_host",
        RoutingRule::Code => "code",
        RoutingRule::Prefix => "prefix",
    }
}
