//! `GET /api/v1/explain`: explains how a visit would be handled.

use std::net::IpAddr;

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::IntoParams;
use waypost_core::{Action, Email, decide};
use waypost_service::permit;

use crate::errors::{ApiError, ErrorCode};
use crate::explain::{ExplainedVisit, ExplainedVisitor, Explainer, Explanation};
use crate::request::caller::Caller;
use crate::request::client::RequestHeaders;
use crate::request::input;
use crate::responses::{BadInput, Denied, StoreFailure};
use crate::state::State;

/// Maximum length of the URL of a visit, in bytes. Percent-encoded, as many characters of any script
/// still fit into the 64 KiB of a request target.
const MAX_URL: usize = 4_096;

/// Describes a visit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExplainQuery {
    /// The visited URL, or a path on this server.
    #[param(example = "/wiki", min_length = 1, max_length = 4096)]
    url: String,
    /// The email address of the user who visits, for admins; `anonymous` for a visitor who is not
    /// signed in. A disabled user visits like the latter. Default: the caller.
    #[param(example = "anonymous")]
    user: Option<String>,
    /// The IP address from which the visitor connects. Default: that of this request.
    #[param(value_type = Option<String>, example = "192.0.2.1")]
    ip: Option<String>,
}

/// Explain a visit
///
/// Shows step by step which rule matches which link, the destination, the response, the client IP
/// address and why it is trusted (from the headers of this request), and whether the visit would be
/// counted. The explanation itself counts nothing, and reveals no more than a visit and the API
/// would: only admins see which longer codes were looked up.
#[utoipa::path(
    get,
    path = "/api/v1/explain",
    tag = "links",
    operation_id = "explain",
    params(ExplainQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "The explanation", body = Explanation),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<Explanation>, ApiError> {
    let ExplainQuery { url, user, ip } = input::query(&request)?;
    if url.is_empty() || url.len() > MAX_URL {
        return Err(ApiError::bad_request("`url` must have 1 to 4,096 bytes"));
    }
    let visitor = match user.as_deref() {
        None => ExplainedVisitor::known(caller.0.clone()),
        Some("anonymous") => ExplainedVisitor::ANONYMOUS,
        Some(email) => visitor(email, &caller, &state).await?,
    };
    let ip = ip.map(|text| text.parse::<IpAddr>());
    let ip = ip.transpose();
    let ip =
        ip.map_err(|_| ApiError::bad_request("`ip` must be an IP address such as 192.0.2.1"))?;
    let explainer = Explainer {
        base_url: state.base_url(),
        router: state.router(),
        links: state.links(),
        clock: state.clock(),
        proxies: state.recorder().trusted_proxies(),
        durability: state.recorder().durability(),
        privacy: state.installation().privacy,
        knows_countries: state.recorder().knows_countries(),
        reserved: state.shortener().reserved(),
        user_agents: state.user_agents(),
    };
    let visit = ExplainedVisit {
        url: &url,
        visitor: &visitor,
        caller: &caller.0,
        peer: ip.or_else(|| request.peer_addr().map(|peer| peer.ip())),
        headers: &RequestHeaders(request.headers()),
    };
    Ok(web::Json(explainer.explain(&visit).await?))
}

/// Returns the user with an email address, as if they were signed in.
async fn visitor(
    email: &str,
    caller: &Caller,
    state: &State,
) -> Result<ExplainedVisitor, ApiError> {
    permit(decide(&caller.0, Action::ListUsers, None))?;
    let bad = || ApiError::bad_request("`user` must be an email address or `anonymous`");
    let email = Email::parse(email).map_err(|_| bad())?;
    let user = state.accounts().user_by_email(&email).await?;
    let unknown = || ApiError::new(ErrorCode::UserUnknown, "no user has this email address");
    let user = user.ok_or_else(unknown)?;
    Ok(ExplainedVisitor::user(&user))
}
