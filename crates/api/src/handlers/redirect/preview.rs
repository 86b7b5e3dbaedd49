//! `GET /{code}+`: shows where a link goes, without following it and without a click.
//!
//! The `+` comes after the first segment or after the whole path: `/wiki+`, `/gh+/org/repo`,
//! `/docs/api+`. For a link that takes the rest of the path (a keyword, placeholders), only the
//! first form is a preview, because a `+` at the end is part of the rest.
//!
//! The preview shows what following the link would reveal to the visitor, and those details of the
//! link that the API shows them.

use std::borrow::Cow;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use askama::Template;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use utoipa::ToSchema;
use waypost_core::{Actor, RoutingRule, without_marks};
use waypost_service::{OwnedLink, Routed, RoutingStep};

use crate::error_page;
use crate::error_page::{may_sign_in, to_sign_in};
use crate::errors::{ApiError, ErrorCode};
use crate::handlers::redirect::unfollowed;
use crate::openness::check_open;
use crate::pages::{Frame, Moment, PageResult};
use crate::request::access::{self, LogLevel, RequestId};
use crate::request::caller::{self, SignedIn};
use crate::request::client::host_of;
use crate::request::credentials::Bearer;
use crate::request::quota;
use crate::responses::NotFollowed;
use crate::state::State;
use crate::views::links::LinkView;

/// A preview: where a link goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preview)]
pub(crate) struct PreviewView {
    /// The short link.
    #[schema(example = "http://localhost:8080/wiki", format = "uri")]
    pub(crate) short_url: String,
    /// The destination. Placeholders that the path does not fill are left as they are.
    #[schema(example = "https://example.com/")]
    pub(crate) target: String,
    /// Why the path does not fill the placeholders; `null` if it does.
    pub(crate) incomplete: Option<String>,
    /// The link; `null` if the caller cannot see it.
    pub(crate) link: Option<LinkView>,
}

/// The page.
#[derive(Template)]
#[template(path = "preview.html")]
struct PreviewPage<'a> {
    frame: &'a Frame,
    preview: &'a PreviewView,
    /// The host of the destination.
    host: &'a str,
    /// The URL that follows the link.
    href: &'a str,
    /// The names of the owners.
    owners: &'a [String],
    /// When the link was created.
    created: Option<Moment>,
    /// Whether the visitor may change the link.
    is_theirs: bool,
}

/// Returns the path of the link, if the path is that of a preview.
pub(crate) fn link_path(path: &str) -> Option<Cow<'_, str>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let end = path.get(1..)?.find('/').map_or(path.len(), |at| at + 1);
    let (first, rest) = path.split_at_checked(end)?;
    if let Some(first) = without_plus(first) {
        return Some(match rest {
            "" => Cow::Borrowed(first),
            rest => Cow::Owned(format!("{first}{rest}")),
        });
    }
    let plain = without_plus(path).map(Cow::Borrowed);
    plain.or_else(|| meant(path).map(Cow::Owned))
}

/// Returns the path of the link, if the path is that of a preview with punctuation after it, as in
/// "see go/wiki+."
fn meant(path: &str) -> Option<String> {
    let (before, last) = path.rsplit_once('/')?;
    let last = percent_decode_str(last).decode_utf8().ok()?;
    let bare = without_marks(&last, true)?;
    let code = without_plus(&bare)?;
    Some(format!("{before}/{code}"))
}

/// Whether a path is that of a preview, although a link with a shorter code was found. That link
/// would drop the rest of the path.
pub(crate) fn is_meant(path: &str, routed: &Routed<'_>) -> bool {
    routed.rule == RoutingRule::Prefix
        && routed.destination.template.is_none()
        && link_path(path).is_some()
}

/// Returns the path of the preview of a code. The `+` comes after the first segment, where it also
/// works if a shorter code takes the rest of the path.
pub(crate) fn path_of(code: &str) -> String {
    match code.split_once('/') {
        Some((first, rest)) => format!("/{first}+/{rest}"),
        None => format!("/{code}+"),
    }
}

/// Returns the text before a `+` at the end, which may be percent-encoded.
fn without_plus(text: &str) -> Option<&str> {
    let before = text
        .strip_suffix('+')
        .or_else(|| text.strip_suffix("%2B"))
        .or_else(|| text.strip_suffix("%2b"));
    before.filter(|before| !matches!(*before, "" | "/"))
}

/// Preview a short link
///
/// Shows where the link goes, and counts nothing. Callers who may not follow the link get the same
/// response as when following it. Details are included only for callers who can see the link. The
/// response is a page for browsers and JSON for other clients.
#[utoipa::path(
    get,
    path = "/{code}+",
    tag = "redirects",
    operation_id = "preview",
    security((), ("token" = [])),
    params(("code" = String, Path, description = "The code, in upper or lower case", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The preview", content(
            (PreviewView = "application/json"), (String = "text/html"),
        )),
        NotFollowed,
    )
)]
pub(crate) async fn respond(
    request: &HttpRequest,
    state: &State,
    path: &str,
    started: Instant,
) -> HttpResponse {
    let is_page = error_page::prefers_html(request);
    let mut response = match shown(request, state, path, is_page).await {
        Ok(response) => response,
        Err(error) if error.code() == ErrorCode::Unauthorized && may_sign_in(request) => {
            return to_sign_in(request, state);
        }
        Err(error) if is_page => {
            return unfollowed::answer(request, state, path, &error, started).await;
        }
        Err(error) => return error_page::answer(request, state, &error, started),
    };
    let vary = HeaderValue::from_static("accept");
    response.headers_mut().insert(header::VARY, vary);
    caller::renew_session(request, &mut response);
    let id = RequestId::of(request.headers(), state.random());
    id.span().in_scope(|| {
        access::write_line(request, response.status(), None, started, LogLevel::Debug);
    });
    id.complete(&mut response);
    response
}

async fn shown(request: &HttpRequest, state: &State, path: &str, is_page: bool) -> PageResult {
    let mut code = None;
    let tell = |step: RoutingStep<'_>| {
        if let RoutingStep::Code(found, true) = step {
            code = Some(format!("/{found}"));
        }
    };
    let routed = state
        .router()
        .route_telling(host_of(request), path, tell)
        .await?;
    let routed = routed.ok_or_else(ApiError::no_such_link)?;
    // The path may have marks that are no part of the code.
    let code = code.filter(|_| routed.rule == RoutingRule::Code);
    let path = code.as_deref().unwrap_or(path);
    let destination = &routed.destination;
    let actor = if destination.is_secure {
        let actor = known(request, state).await?;
        state.links().follow(&actor, destination.link_id).await?;
        actor
    } else {
        // Anyone with the code may follow the link, even with invalid credentials.
        known(request, state).await.unwrap_or(Actor::Anonymous)
    };
    quota::pay_request(request, &actor, state)?;
    check_open(destination, || state.clock().now())?;
    let owned = seen(state, &actor, &routed).await?;
    let view = |owned| LinkView::new(owned, &actor, state.shortener());
    let (target, incomplete) = match routed.location(request.query_string()) {
        Ok(target) => (target.into_owned(), None),
        Err(error) => (
            destination.target.as_str().to_owned(),
            Some(error.to_string()),
        ),
    };
    let preview = PreviewView {
        short_url: state.absolute(path),
        target,
        incomplete,
        link: owned.as_ref().map(view),
    };
    if is_page {
        return page(request, state, path, &preview, owned.as_ref()).await;
    }
    Ok(HttpResponse::Ok().json(preview))
}

/// Identifies the caller. Stores the session of a browser in the request, for the frame of the
/// page.
async fn known(request: &HttpRequest, state: &State) -> Result<Actor, ApiError> {
    if Bearer::of(request.headers()).is_some() {
        return caller::authenticate(request, state).await;
    }
    let Some(known) = caller::visitor(request, state).await? else {
        return Ok(Actor::Anonymous);
    };
    let actor = known.actor();
    request.extensions_mut().insert(SignedIn(known));
    Ok(actor)
}

/// Returns the link, if the caller can see it.
async fn seen(
    state: &State,
    actor: &Actor,
    routed: &Routed<'_>,
) -> Result<Option<OwnedLink>, ApiError> {
    if *actor == Actor::Anonymous {
        return Ok(None);
    }
    state.recorder().settle().await;
    match state.links().get(actor, routed.destination.link_id).await {
        Ok(owned) => Ok(Some(owned)),
        Err(error) => {
            let error = ApiError::from(error);
            match error.code() {
                ErrorCode::NotFound | ErrorCode::ScopeMissing | ErrorCode::Forbidden => Ok(None),
                _ => Err(error),
            }
        }
    }
}

async fn page(
    request: &HttpRequest,
    state: &State,
    path: &str,
    preview: &PreviewView,
    owned: Option<&OwnedLink>,
) -> PageResult {
    // Visitors who are not signed in get no cookie, because the page has no form for them.
    let is_known = request.extensions().contains::<SignedIn>();
    let frame = if is_known {
        Frame::of(request).await?
    } else {
        Frame::bare(state.site())
    };
    let url = url::Url::parse(&preview.target).ok();
    let host = url.as_ref().and_then(url::Url::host_str);
    let mut href = format!("{}{path}", state.site().base());
    if !request.query_string().is_empty() {
        href.push('?');
        href.push_str(request.query_string());
    }
    let owners = owned.map(|owned| owned.owners.as_slice());
    let names = owners.unwrap_or_default().iter().map(|owner| {
        let (name, email) = (&owner.person.display_name, &owner.person.email);
        match name.as_str() {
            "" => email.as_str().to_owned(),
            name => name.to_owned(),
        }
    });
    let owners: Vec<String> = names.collect();
    let page = PreviewPage {
        frame: &frame,
        preview,
        host: host.unwrap_or_default(),
        href: &href,
        owners: &owners,
        created: owned.map(|owned| owned.link.created_at.into()),
        is_theirs: preview
            .link
            .as_ref()
            .is_some_and(|link| link.clicks.is_some()),
    };
    frame.page(StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preview_of_a_code_has_a_path() {
        for code in ["wiki", "docs/api/v1"] {
            let path = path_of(code);
            assert_eq!(link_path(&path), Some(format!("/{code}").into()), "{path}");
        }
    }

    #[test]
    fn a_plus_after_the_code_or_the_path_means_a_preview() {
        for (path, link) in [
            ("/wiki+", Some("/wiki")),
            ("/wiki+/", Some("/wiki")),
            ("/wiki%2B", Some("/wiki")),
            ("/wiki%2b", Some("/wiki")),
            ("/gh+/org/repo", Some("/gh/org/repo")),
            ("/docs/api+", Some("/docs/api")),
            ("/c++", Some("/c+")),
            ("/wiki", None),
            ("/wi+ki", None),
            ("/a/b", None),
            ("/+", None),
            ("/", None),
            ("", None),
            ("+", None),
            ("/ä/+", Some("/ä/")),
            // With the punctuation of a text.
            ("/wiki+.", Some("/wiki")),
            ("/wiki+),", Some("/wiki")),
            ("/wiki+&gt;", Some("/wiki")),
            ("/docs/api+%E2%80%9D", Some("/docs/api")),
            ("/wiki.+", Some("/wiki.")),
            ("/+.", None),
            ("/wiki.", None),
        ] {
            assert_eq!(link_path(path).as_deref(), link, "{path}");
        }
    }
}
