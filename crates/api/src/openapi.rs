//! The OpenAPI document of this API, generated from the handlers.
//!
//! It lists the operations of [`crate::routes`] with every status of their responses, except `405`
//! and those of invalid requests, which belong to no operation.

use actix_web::web::Bytes;
use utoipa::openapi::Server;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::handlers::v1;
use crate::routes;
use crate::views;

/// Adds the security scheme.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An API token created by `linkctl token create` or `POST /api/v1/tokens`, or set by the \
                 operator (`WAYPOST_ADMIN_TOKEN`). Reading requires the scope `read`, changes require \
                 `write`, admin operations also `admin`. Changing what users sign in with requires a \
                 session.",
            ))
            .build();
        if let Some(components) = &mut document.components {
            components.add_security_scheme("token", SecurityScheme::Http(scheme));
        }
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Waypost",
        license(name = "MIT", identifier = "MIT"),
        description = "A link shortener with exact click counts.\n\n\
            Links have owners. Authenticate with an API token or a browser session. What you cannot see is \
            answered with 404, as if it did not exist.\n\n\
            All errors have the same body. A request that is not valid HTTP/1.1 gets 400, 408, 414, 431, 501 \
            or 505 at every path. All responses except successful redirects have an \
            `X-Request-Id` header. A request may set its own `X-Request-Id` of at most 128 visible ASCII \
            characters. `GET` operations also answer `HEAD`. A slash at the end of a path is ignored. \
            Counts include every click that this server accepted up to the time in `complete_until`.",
    ),
    components(schemas(
        v1::links::LinkOrderName,
        v1::live::LiveView,
        v1::statistics::BreakdownName,
        views::audit::ActorKindName,
        views::audit::AuditEventName,
        views::links::VisibilityName,
        views::links::VisitClassName,
        views::links::RoleName,
        views::links::ScopeName,
        views::people::OfferedRole,
    )),
    modifiers(&Tokens),
    tags(
        (name = "redirects", description = "Redirects and previews of short links"),
        (name = "links", description = "Short links, their details and their history"),
        (name = "statistics", description = "Clicks over time, by source and device. Days are in the server's time zone; totals are kept when click records are purged"),
        (name = "people", description = "Owners of a link, people it is shared with, and links that are offered to you"),
        (name = "keywords", description = "Words, also as host names, that pass on the rest of the path"),
        (name = "tags", description = "Words that group links"),
        (name = "account", description = "Your account, tokens and sessions"),
        (name = "admin", description = "Operations for admins"),
        (name = "simple", description = "Simple operations by code"),
        (name = "operation", description = "Health and metrics"),
    ),
)]
struct Description;

/// Returns the document as JSON.
pub(crate) fn document() -> Bytes {
    let mut description = Description::openapi();
    for operation in routes::descriptions() {
        description.merge(operation.clone());
    }
    // Relative to the URL of the document, as all URLs in it are: see `handlers::operation::docs`.
    description.servers = Some(vec![Server::new("..")]);
    description.to_json().unwrap_or_default().into()
}
