//! What would become of a visit, step by step: what the redirect does, told and not done. The HTTP API and
//! `linkctl explain` share it.
//!
//! The steps are told by those who take them (the [`Router`], [`TrustedProxies`]); nothing is counted.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;
use waypost_analytics::{Durability, Signals, TrustedProxies, Visit, VisitHeaders};
use waypost_core::RoutingRule;
use waypost_core::{Actor, Clock, ReservedWords, ShortCode};
use waypost_service::{LinkError, Links, Routed, Router, RoutingStep};
use waypost_store::StoreError;

use crate::errors::ApiError;
use crate::openness::{CACHE_CONTROL, check_open};

/// What explanations are made with.
#[derive(Clone, Copy)]
pub struct Explainer<'a> {
    /// Finds the link.
    pub router: &'a Router,
    /// Knows who may follow it.
    pub links: &'a Links,
    /// Tells whether it has expired.
    pub clock: &'a dyn Clock,
    /// Whose forwarding headers count.
    pub proxies: &'a TrustedProxies,
    /// How clicks are accepted.
    pub durability: Durability,
    /// The words that are routes of the server.
    pub reserved: &'a ReservedWords,
}

/// A visit to explain.
#[derive(Clone, Copy)]
pub struct ExplainedVisit<'a> {
    /// What the visitor typed: a URL, or the path behind the host of this server.
    pub url: &'a str,
    /// Who the visitor is.
    pub actor: &'a Actor,
    /// The other end of the connection.
    pub peer: Option<IpAddr>,
    /// What was sent.
    pub headers: &'a dyn VisitHeaders,
}

/// What would become of a visit; `linkctl explain --json` prints the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// What was looked at, in order, and what was found.
    pub steps: Vec<ExplainedStep>,
    /// The id of the link that the visit follows; `null` where there is none.
    #[schema(format = "uuid")]
    pub link_id: Option<String>,
    /// The rule by which it was found; `null` where it was not.
    #[schema(value_type = Option<RuleName>)]
    pub rule: Option<&'static str>,
    /// Where the visitor is sent; `null` where nowhere.
    #[schema(format = "uri")]
    pub target: Option<String>,
    /// The status of the answer.
    #[schema(example = 302, minimum = 100, maximum = 599)]
    pub status: u16,
    /// The `Cache-Control` of the answer.
    #[schema(example = "private, no-store")]
    pub cache_control: String,
    /// Why it is no redirect; `null` where it is one.
    pub message: Option<String>,
    /// The address that the visit is believed to come from; `null` where there is none.
    #[schema(example = "203.0.113.7")]
    pub client_address: Option<String>,
    /// Why it is this one.
    pub client_address_because: String,
    /// Whether the visit would be counted.
    pub counted: bool,
    /// How, or why not.
    pub counted_because: String,
}

/// Something that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedStep {
    /// What: `path`, `reserved`, `keyword_by_path`, `keyword_by_host`, `code`, `permission`, `state`,
    /// `placeholders`.
    #[schema(example = "code")]
    pub what: &'static str,
    /// What was found, for people.
    #[schema(example = "`docs` is the code of a link")]
    pub found: String,
}

/// How a link was found.
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
    /// # Errors
    /// [`StoreError`] as any look-up.
    pub async fn explain(&self, visit: &ExplainedVisit<'_>) -> Result<Explanation, StoreError> {
        let sent = Sent::of(visit.url);
        let mut steps = vec![ExplainedStep {
            what: "path",
            found: format!(
                "the path is {}{}",
                sent.path,
                match sent.host {
                    Some(host) => format!(", the host {host}"),
                    None => ", the host that of this server".to_owned(),
                }
            ),
        }];
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
        let routed = self.routed(&sent, &mut steps).await?;
        match self
            .followed(routed.as_ref(), &sent, visit, &mut steps)
            .await?
        {
            Ok(target) => {
                explanation.target = Some(target);
                explanation.counted_because = counting(self.durability, visit);
            }
            Err(error) => {
                explanation.status = error.code().status().as_u16();
                explanation.message = Some(error.to_string());
                "no-store".clone_into(&mut explanation.cache_control);
                explanation.counted = false;
                "only a visit that is redirected is counted"
                    .clone_into(&mut explanation.counted_because);
            }
        }
        if let Some(routed) = routed {
            explanation.link_id = Some(routed.destination.link_id.to_string());
            explanation.rule = Some(name_of(routed.rule));
        }
        explanation.steps = steps;
        Ok(explanation)
    }

    async fn routed<'p>(
        &self,
        sent: &'p Sent<'_>,
        steps: &mut Vec<ExplainedStep>,
    ) -> Result<Option<Routed<'p>>, StoreError> {
        if self.router.keyword_of(sent.host).await?.is_none()
            && let Some(word) = self.reserved_word(&sent.path)
        {
            steps.push(ExplainedStep {
                what: "reserved",
                found: format!(
                    "`{word}` is a word under which Waypost itself answers, never a link"
                ),
            });
            return Ok(None);
        }
        let tell = |step: RoutingStep<'_>| steps.push(ExplainedStep::from(step));
        self.router.route_telling(sent.host, &sent.path, tell).await
    }

    fn reserved_word<'p>(&self, path: &'p str) -> Option<&'p str> {
        let word = path.split('/').nth(1)?;
        let code = ShortCode::parse(word).ok()?;
        // Routes are matched as they are written.
        let is_reserved = code.as_str() == word && self.reserved.check(&code).is_err();
        is_reserved.then_some(word)
    }

    /// Where the visitor is sent, or what they are answered instead.
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
                    let found =
                        "the link is secure, and nobody is signed in: a browser is sent to sign in";
                    step("permission", found.to_owned());
                    return Ok(Err(error.into()));
                }
                Err(error) => {
                    step("permission", format!("the link is secure: {error}"));
                    return Ok(Err(error.into()));
                }
            }
        } else {
            step("permission", "everybody may follow the link".to_owned());
        }
        if let Err(error) = check_open(destination, || self.clock.now()) {
            step("state", error.to_string());
            return Ok(Err(error));
        }
        step("state", "the link is open".to_owned());
        let filled = match &destination.template {
            None => "its target has no placeholders".to_owned(),
            Some(_) => format!("its target is filled from `{}`", routed.rest),
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
}

impl From<RoutingStep<'_>> for ExplainedStep {
    fn from(step: RoutingStep<'_>) -> Self {
        let (what, found) = match step {
            RoutingStep::NoCode("") => (
                "code",
                "the path has an empty segment, which is no part of a code".to_owned(),
            ),
            RoutingStep::NoCode(segment) => {
                ("code", format!("`{segment}` cannot be part of a code"))
            }
            RoutingStep::KeywordByPath(word, true) => (
                "keyword_by_path",
                format!("`{word}` is a keyword: it takes the rest of the path"),
            ),
            RoutingStep::KeywordByPath(word, false) => {
                ("keyword_by_path", format!("`{word}` is no keyword"))
            }
            RoutingStep::NoWordInHost => (
                "keyword_by_host",
                "the host is no word that could be a keyword".to_owned(),
            ),
            RoutingStep::KeywordByHost(word, true) => (
                "keyword_by_host",
                format!("the host `{word}` is a keyword: it takes all of the path"),
            ),
            RoutingStep::KeywordByHost(word, false) => (
                "keyword_by_host",
                format!("the host `{word}` is no keyword"),
            ),
            RoutingStep::Code(code, true) => ("code", format!("`{code}` is the code of a link")),
            RoutingStep::Code(code, false) => ("code", format!("`{code}` is no code of a link")),
            RoutingStep::NoLongerCode(code) => ("code", format!("no code goes on from `{code}`")),
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

fn counting(durability: Durability, visit: &ExplainedVisit<'_>) -> String {
    let accepted = match durability {
        Durability::Journal => "once it is in the journal of the server",
        Durability::Commit => "once it is stored in the database",
        Durability::Memory => "once it is in the queue in memory",
    };
    let signals = Signals::of(visit.headers);
    if signals.is_untracked {
        return format!(
            "a GET is counted once, and answered {accepted}; nothing else is kept of it, because it \
             asks not to be tracked (Sec-GPC or DNT). A HEAD is not counted"
        );
    }
    let ahead = if signals.is_prefetch {
        ", as one of a browser that fetches ahead"
    } else {
        ""
    };
    let kept = [
        ("user-agent", "its user agent"),
        ("referer", "its referrer without the query"),
    ];
    let kept = kept
        .into_iter()
        .filter(|(name, _)| visit.headers.first(name).is_some());
    let is_user = visit.actor.user_id().is_some();
    let who = is_user.then_some("who it is, if that is known by a session");
    let kept: Vec<&str> = kept
        .map(|(_, what)| what)
        .chain(who)
        .chain(["a hash of its address with the salt of the day"])
        .collect();
    format!(
        "a GET is counted once{ahead}, and answered {accepted}; kept of it, unless WAYPOST_PRIVACY says less: {}. A HEAD is not counted",
        kept.join(", ")
    )
}

/// A URL as it is sent: what browsers send of it, as it is written.
struct Sent<'a> {
    host: Option<&'a str>,
    path: Cow<'a, str>,
    query: &'a str,
}

impl<'a> Sent<'a> {
    /// Without a scheme it is a path, with or without the slash before it.
    fn of(url: &'a str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let is_web =
            |scheme: &str| matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
        let (host, target) = match url.split_once("://") {
            Some((scheme, behind)) if is_web(scheme) => {
                let end = behind.find(['/', '?']).unwrap_or(behind.len());
                let (host, target) = behind.split_at(end);
                (Some(host), target)
            }
            _ => (None, url),
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if path.starts_with('/') {
            Cow::Borrowed(path)
        } else {
            Cow::Owned(format!("/{path}"))
        };
        Self { host, path, query }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_it_is_written() {
        let parts = |url| {
            let Sent { host, path, query } = Sent::of(url);
            (host, path.into_owned(), query)
        };
        assert_eq!(
            parts("https://go.example/a/%2e?b=c#d"),
            (Some("go.example"), "/a/%2e".to_owned(), "b=c")
        );
        assert_eq!(parts("http://gh"), (Some("gh"), "/".to_owned(), ""));
        assert_eq!(parts("http://gh?x"), (Some("gh"), "/".to_owned(), "x"));
        assert_eq!(parts("/a//b"), (None, "/a//b".to_owned(), ""));
        assert_eq!(parts(""), (None, "/".to_owned(), ""));
        assert_eq!(parts("wiki/x"), (None, "/wiki/x".to_owned(), ""));
        assert_eq!(
            parts("/wiki/http://a"),
            (None, "/wiki/http://a".to_owned(), "")
        );
    }
}
