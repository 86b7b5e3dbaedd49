//! Explains step by step how a visit would be handled. Shared by the HTTP API and
//! `linkctl explain`.
//!
//! The parts that handle visits ([`Router`], [`TrustedProxies`]) describe their own steps. Nothing
//! is counted, and callers learn nothing that a visit or the API would not tell them: see
//! [`Explainer::explain`].

mod non_link;
mod own_path;
mod sent;
mod steps;
mod stored;

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;
use waypost_analytics::{Durability, Privacy, TrustedProxies, UserAgents, Visit, VisitHeaders};
use waypost_core::{Actor, BaseUrl, Clock, Credential, ReservedWords, Scopes, ShortCode, User};
use waypost_service::{LinkError, Links, Routed, Router, RoutingStep};
use waypost_store::StoreError;

use self::non_link::Instead;
use self::own_path::OwnPath;
use self::sent::Sent;
use self::steps::{filling, name_of, tells_no_longer_codes};
use crate::errors::ApiError;
use crate::openness::{CACHE_CONTROL, check_open};
use crate::prefix;

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
    /// Tells the click type, browser, system and device.
    pub user_agents: &'a UserAgents,
}

/// A visit to explain.
#[derive(Clone, Copy)]
pub struct ExplainedVisit<'a> {
    /// What the visitor opens: a URL, or a path of this server.
    pub url: &'a str,
    /// The visitor.
    pub visitor: &'a ExplainedVisitor,
    /// Who asks for the explanation.
    pub caller: &'a Actor,
    /// The IP address of the connection.
    pub peer: Option<IpAddr>,
    /// The headers of the request.
    pub headers: &'a dyn VisitHeaders,
}

/// The visitor of a visit to explain.
#[derive(Debug, Clone)]
pub struct ExplainedVisitor {
    /// As whom the server handles the visit.
    actor: Actor,
    /// What to say about the visitor.
    note: Option<String>,
}

impl ExplainedVisitor {
    /// A visitor who is not signed in.
    pub const ANONYMOUS: Self = Self::known(Actor::Anonymous);

    /// Returns a visitor whom the server knows as this actor.
    #[must_use]
    pub const fn known(actor: Actor) -> Self {
        Self { actor, note: None }
    }

    /// Returns a user as if they were signed in. A disabled user cannot be: the server handles their
    /// visits like those of anyone who is not signed in.
    #[must_use]
    pub fn user(user: &User) -> Self {
        if user.is_disabled() {
            let note = format!(
                "the user {} is disabled: they cannot sign in, their sessions and API tokens do not \
                 work, and they visit links like anyone who is not signed in",
                user.email
            );
            return Self {
                note: Some(note),
                ..Self::ANONYMOUS
            };
        }
        Self::known(Actor::User {
            id: user.id,
            role: user.role,
            scopes: Scopes::all(),
            credential: Credential::Session,
        })
    }
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
    /// Why the response is not a redirect of a link, and what it is instead; `null` if it is one.
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
    /// The kind of step: `path`, `prefix`, `visitor`, `reserved`, `preview`,
    /// `keyword_by_path`, `keyword_by_host`, `code`, `permission`, `state`, `placeholders`.
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

impl Explanation {
    /// The visitor gets an error.
    fn refused(&mut self, error: &ApiError) {
        self.answered(error.code().status().as_u16(), error.to_string());
    }

    /// The visitor gets an answer other than a redirect.
    fn answered(&mut self, status: u16, message: String) {
        self.status = status;
        self.message = Some(message);
        "no-store".clone_into(&mut self.cache_control);
        self.counted = false;
        "only redirected visits are counted".clone_into(&mut self.counted_because);
    }
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
        let (mut sent, mut steps) = self.sent(visit.url).await?;
        steps.extend(visit.visitor.note.clone().map(|found| ExplainedStep {
            what: "visitor",
            found,
        }));
        let mut explanation = self.begun(visit);
        let is_preview = match self.instead(&sent, visit).await? {
            Some(Instead::Answer(step, status, message)) => {
                steps.extend(step);
                explanation.answered(status, message);
                explanation.steps = steps;
                return Ok(explanation);
            }
            Some(Instead::Preview(path, step)) => {
                steps.push(step);
                sent.whole = None;
                sent.path = path.into();
                true
            }
            None => false,
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
            Ok(_) if is_preview => explanation.answered(200, non_link::PREVIEW.to_owned()),
            Ok(target) => {
                explanation.target = Some(target);
                let link = routed.as_ref().map(|it| it.destination.link_id);
                explanation.counted_because = self.counting(link, visit).await?;
            }
            Err(error) => explanation.refused(&error),
        }
        if let Some(known) = known {
            explanation.rule = Some(name_of(known.rule));
            explanation.link_id = self.visible_id(known, visit.caller).await?;
        }
        explanation.steps = steps;
        Ok(explanation)
    }

    /// Returns the explanation of a visit that is redirected, without its steps and its destination.
    fn begun(&self, visit: &ExplainedVisit<'_>) -> Explanation {
        let believed = self.proxies.explain(&Visit {
            session: None,
            peer: visit.peer,
            headers: visit.headers,
        });
        Explanation {
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
        }
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

    /// Returns the path of Waypost itself that the visitor opens, if it is one. If the host is a
    /// keyword, there is none.
    async fn own_path<'p>(&self, sent: &'p Sent<'_>) -> Result<Option<OwnPath<'p>>, StoreError> {
        let own = self
            .reserved_word(&sent.path)
            .filter(|word| self.reserved.is_route(word))
            .map(|_| OwnPath(&sent.path));
        if own.is_some() && self.router.keyword_of(sent.host).await?.is_some() {
            return Ok(None);
        }
        Ok(own)
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
            steps.push(ExplainedStep {
                what: "reserved",
                found: format!(
                    "`{word}` is reserved for Waypost itself: no new link can have this code"
                ),
            });
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
            match self
                .links
                .follow(&visit.visitor.actor, destination.link_id)
                .await
            {
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
        let filled = filling(routed);
        match routed.location(&sent.query) {
            Ok(location) => {
                let query = match (destination.forward_query, &*sent.query) {
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
}
