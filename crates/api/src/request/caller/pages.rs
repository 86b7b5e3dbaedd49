//! Who asks for a page: somebody who is signed in, or somebody who is sent to sign in. An API token is no
//! way into pages.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use url::Url;
use waypost_core::Actor;
use waypost_service::KnownSession;

use super::{Access, Caller, CurrentSession, by_session, check, renewed};
use crate::errors::ApiError;
use crate::request::client::is_htmx;
use crate::request::csrf;
use crate::request::quota;
use crate::site::see_other;
use crate::state::State;

/// The page that htmx asks from.
const CURRENT_URL: HeaderName = HeaderName::from_static("hx-current-url");

/// The session of whoever asks for a page, noted by [`authorise_page`].
#[derive(Debug, Clone)]
pub(crate) struct SignedIn(pub(crate) KnownSession);

/// Stands around the handler of a page: sends to sign in who is not, and away who may not see it. What
/// changes something must not come from elsewhere; its form is checked by [`crate::pages::PageForm`].
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
            request.extensions_mut().insert(Caller(Actor::Anonymous));
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
        .then(|| renewed(&known, &state, request.headers()))
        .flatten();
    request.extensions_mut().insert(SignedIn(known));
    let mut answer = next.call(request).await?;
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Notes who asks for a page, if they may; `None` for those who are not signed in.
async fn admit(
    access: Access,
    state: &State,
    request: &HttpRequest,
) -> Result<Option<KnownSession>, ApiError> {
    let Some(known) = by_session(request, state).await? else {
        return Ok(None);
    };
    let actor = known.actor();
    quota::pay_request(request, &actor, state)?;
    check(access, &actor, false)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        csrf::check_origin(request.headers(), state.site())?;
    }
    let mut extensions = request.extensions_mut();
    extensions.insert(CurrentSession(known.session.id));
    extensions.insert(Caller(actor));
    Ok(Some(known))
}

/// Sends a browser to sign in, and back to the page after that.
fn to_sign_in(request: &HttpRequest, state: &State) -> HttpResponse {
    let (site, headers) = (state.site(), request.headers());
    let is_part = is_htmx(headers);
    let path = if is_part {
        page_of(headers, &CURRENT_URL, site.base())
    } else if matches!(*request.method(), Method::GET | Method::HEAD) {
        let path = request.uri().path_and_query();
        path.map(|path| path.as_str().to_owned())
    } else {
        // There may be nothing to read where a form leads; its page is to be filled in again.
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

/// The path and the query of the page that a header names.
fn page_of(headers: &HeaderMap, name: &HeaderName, base: &str) -> Option<String> {
    let url = Url::parse(headers.get(name)?.to_str().ok()?).ok()?;
    let mut path = url.path().strip_prefix(base)?.to_owned();
    if let Some(query) = url.query() {
        path.push('?');
        path.push_str(query);
    }
    Some(path)
}
