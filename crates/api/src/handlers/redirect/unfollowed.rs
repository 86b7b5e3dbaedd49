//! The page for a browser whose link cannot be followed: what may have been meant, and what to do now.
//!
//! Nothing is looked up for a path that nobody can have meant as a code, and no session but one that the browser
//! presents. What the page shows of links is what the API would: to those who are signed in what they find in lists,
//! to others, where the server lets everybody list links that nobody owns, these.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use waypost_core::{Action, Actor, Decision, Link, LinkId, OrphanPath, ShortCode, decide};
use waypost_service::KnownSession;

use crate::error_page;
use crate::errors::{ApiError, ErrorCode};
use crate::pages::problem::{NearLink, Step, Suggestions};
use crate::request::caller;
use crate::request::client::host_of;
use crate::request::quota;
use crate::state::State;

/// Answers with the page of an error that following the link of this path led to, or previewing it.
pub(crate) async fn answer(
    request: &HttpRequest,
    state: &State,
    path: &str,
    error: &ApiError,
    started: Instant,
) -> HttpResponse {
    let ways = ways(request, state, path, error.code()).await;
    let mut response = error_page::answer_with(request, state, error, started, &ways);
    caller::renew_session(request, &mut response);
    response
}

/// Where to go from there. What cannot be looked up is left out: the page is about another error.
async fn ways(request: &HttpRequest, state: &State, path: &str, code: ErrorCode) -> Suggestions {
    if !matches!(
        code,
        ErrorCode::NotFound | ErrorCode::Gone | ErrorCode::Forbidden
    ) {
        return Suggestions::default();
    }
    if code == ErrorCode::NotFound && path == "/" {
        let href = format!("{}/dashboard", state.site().base());
        let label = "Open the dashboard";
        return Suggestions {
            steps: vec![Step { href, label }],
            ..Suggestions::default()
        };
    }
    let link = state.router().route(host_of(request), path).await;
    let link = link.ok().flatten().map(|routed| routed.destination.link_id);
    let typed = OrphanPath::of_request(path);
    if link.is_none() && typed.is_none() {
        return Suggestions::default();
    }
    let visitor = caller::visitor(request, state).await.unwrap_or_default();
    match (code, link, typed) {
        (ErrorCode::NotFound, None, Some(typed)) => {
            missing(request, state, visitor.as_ref(), &typed).await
        }
        (ErrorCode::Gone, Some(link), _) => over(state, visitor.as_ref(), link).await,
        (ErrorCode::Forbidden, ..) => for_others(request, state, visitor.as_ref()),
        _ => Suggestions::default(),
    }
}

/// No link has the code.
async fn missing(
    request: &HttpRequest,
    state: &State,
    visitor: Option<&KnownSession>,
    typed: &OrphanPath,
) -> Suggestions {
    let actor = visitor.map_or(Actor::Anonymous, KnownSession::actor);
    let base = state.site().base();
    let mut ways = Suggestions::default();
    let code = ShortCode::parse(typed.as_str()).ok();
    let code = code.filter(|code| state.shortener().reserved().check(code).is_ok());
    if let Some(code) = &code {
        ways.near = near(request, state, &actor, code).await;
    }
    if visitor.is_none() {
        if code.is_some() {
            let note = "Sign in to create this link.";
            ways.notes.push(note.to_owned());
        }
        ways.steps.push(Step {
            href: state.site().sign_in(path_of(request)),
            label: "Sign in",
        });
    } else if let Some(code) = &code
        && decide(&actor, Action::CreateLink, None) == Decision::Allowed
    {
        let code = utf8_percent_encode(code.as_str(), NON_ALPHANUMERIC);
        ways.steps.push(Step {
            href: format!("{base}/dashboard?code={code}"),
            label: "Create this link",
        });
    }
    if visitor.is_some() || state.anonymous_links() {
        ways.steps.push(Step {
            href: format!("{base}/links"),
            label: "Public links",
        });
    }
    ways
}

/// What may have been meant, of what they may see.
async fn near(
    request: &HttpRequest,
    state: &State,
    actor: &Actor,
    code: &ShortCode,
) -> Vec<NearLink> {
    let is_listed = *actor != Actor::Anonymous || state.anonymous_links();
    if !is_listed || !quota::may_look_up(request, actor, state) {
        return Vec::new();
    }
    let found = if *actor == Actor::Anonymous {
        state.links().nobodys_near(code).await
    } else {
        state.links().near(actor, code).await
    };
    let now = state.clock().now();
    let leads_on = |link: &Link| link.details.expires_at.is_none_or(|at| at > now);
    let found = found.unwrap_or_default().into_iter().filter(leads_on);
    let shown = found.map(|link| NearLink {
        code: link.code.spelling().to_owned(),
        title: link.details.title.as_str().to_owned(),
    });
    shown.collect()
}

/// The path and the query of a request.
fn path_of(request: &HttpRequest) -> &str {
    let path = request.uri().path_and_query();
    path.map_or("/", |path| path.as_str())
}

/// The link no longer works.
async fn over(state: &State, visitor: Option<&KnownSession>, link: LinkId) -> Suggestions {
    let mut ways = Suggestions::default();
    let is_theirs = match visitor {
        Some(known) => state
            .links()
            .with_viewable_clicks(&known.actor(), link)
            .await
            .is_ok(),
        None => false,
    };
    if is_theirs {
        ways.steps.push(Step {
            href: format!("{}/dashboard/links/{link}", state.site().base()),
            label: "Open the page of the link",
        });
    } else {
        let note = "Ask the person who gave you the link for a new one.";
        ways.notes.push(note.to_owned());
    }
    ways
}

/// The link is for others.
fn for_others(request: &HttpRequest, state: &State, visitor: Option<&KnownSession>) -> Suggestions {
    let mut ways = Suggestions::default();
    if let Some(known) = visitor {
        let email = known.user.email.as_str();
        ways.notes.push(format!("You are signed in as {email}."));
        ways.steps.push(Step {
            href: state.site().sign_out(path_of(request)),
            label: "Use another account",
        });
    }
    let note = "Ask an owner of this link to share it with you.";
    ways.notes.push(note.to_owned());
    ways
}
