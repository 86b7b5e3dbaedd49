//! Authentication of requests for pages: by session only, never by API token. Visitors who are not
//! signed in are redirected to sign in.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use url::Url;
use waypost_core::Actor;
use waypost_service::KnownSession;

use super::{Access, Caller, CurrentSession, check, keep_extended, renewed, session_for_page};
use crate::errors::ApiError;
use crate::request::client::is_htmx;
use crate::request::csrf;
use crate::request::quota;
use crate::site::see_other;
use crate::state::State;

/// The URL of the page from which htmx sends a request.
const CURRENT_URL: HeaderName = HeaderName::from_static("hx-current-url");

/// The session of a request for a page, stored by [`authorise_page`].
#[derive(Debug, Clone)]
pub(crate) struct SignedIn(pub(crate) KnownSession);

/// Wraps the handler of a page: redirects visitors who are not signed in to sign in, and rejects
/// callers who may not see the page. Rejects changes from other sites; [`crate::pages::PageForm`]
/// checks the token of the form.
pub(crate) async fn authorise_page(
    access: Access,
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if access == Access::Open {
        return next.call(request).await;
    }
    let known = match admit(access, &state, request.request()).await {
        Ok(Some(known)) => known,
        Ok(None) if matches!(access, Access::OrAnonymous(_)) && state.anonymous_links() => {
            let paid = quota::pay_request(request.request(), &Actor::Anonymous, &state);
            if let Err(error) = paid {
                return Ok(request.error_response(error));
            }
            let caller = Caller::new(Actor::Anonymous, request.request(), &state);
            request.extensions_mut().insert(caller);
            return next.call(request).await;
        }
        Ok(None) => {
            let answer = to_sign_in(request.request(), &state);
            return Ok(request.into_response(answer));
        }
        Err(error) => return Ok(request.error_response(error)),
    };
    let cookie = known
        .extended
        .then(|| renewed(&known, &state, request.request()))
        .flatten();
    request.extensions_mut().insert(SignedIn(known));
    let mut answer = next.call(request).await?;
    keep_extended(cookie, &mut answer, &state);
    Ok(answer)
}

/// Stores the caller of a page in the request, if they have access; returns `None` for visitors who
/// are not signed in.
async fn admit(
    access: Access,
    state: &State,
    request: &HttpRequest,
) -> Result<Option<KnownSession>, ApiError> {
    let Some(known) = session_for_page(request, state).await? else {
        return Ok(None);
    };
    let actor = known.actor();
    quota::pay_request(request, &actor, state)?;
    check(access, &actor, false)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        csrf::check_origin(request, state)?;
    }
    let caller = Caller::new(actor, request, state);
    let mut extensions = request.extensions_mut();
    extensions.insert(CurrentSession(known.session.id));
    extensions.insert(caller);
    Ok(Some(known))
}

/// Redirects a browser to sign in, and back to the page afterwards.
fn to_sign_in(request: &HttpRequest, state: &State) -> HttpResponse {
    let (site, headers) = (state.site(), request.headers());
    let is_part = is_htmx(headers);
    let path = if is_part {
        page_of(headers, &CURRENT_URL, site.base())
    } else if matches!(*request.method(), Method::GET | Method::HEAD) {
        let path = request.uri().path_and_query();
        path.map(|path| path.as_str().to_owned())
    } else {
        // The URL of a form may have no page. Return to the page with the form, which must be
        // filled in again.
        page_of(headers, &header::REFERER, site.base())
    };
    let location = site.sign_in(&path.unwrap_or_default());
    if is_part {
        return HttpResponse::NoContent()
            .insert_header(("hx-redirect", location))
            .finish();
    }
    see_other(&location)
}

/// Returns the path and the query of the page that a header names.
fn page_of(headers: &HeaderMap, name: &HeaderName, base: &str) -> Option<String> {
    let url = Url::parse(headers.get(name)?.to_str().ok()?).ok()?;
    let mut path = url.path().strip_prefix(base)?.to_owned();
    if let Some(query) = url.query() {
        path.push('?');
        path.push_str(query);
    }
    Some(path)
}
