//! The description of this API, generated from the handlers.
//!
//! It lists the operations of [`crate::routes`] with every status that they answer. `405` is not in it: it belongs
//! to no operation.

use actix_web::web::Bytes;
use utoipa::openapi::Server;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::handlers::v1;
use crate::routes;
use crate::views;

/// The ways to say who asks.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An API token, made by `linkctl token create` or `POST /api/v1/tokens`; or the operator's \
                 own (`WAYPOST_ADMIN_TOKEN`). Reading takes the scope `read`, changing `write`, and what \
                 only an admin may `admin` as well.",
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
        description = "A link shortener whose click numbers are exact.\n\n\
            Links belong to people. Who asks is said by an API token, or by the session of whoever signed in \
            with a browser; what somebody may not see is \
            answered like what does not exist.\n\n\
            Every error has the same body and an `X-Request-Id` header; so has every other answer \
            but a redirect. A request may bring its own `X-Request-Id`, of at most 128 visible ASCII \
            characters. `GET` operations answer `HEAD` too. A slash at the end of a path changes \
            nothing. Numbers are exact: they contain every click that was answered before.",
    ),
    components(schemas(
        v1::links::LinkOrderName,
        v1::live::LiveView,
        v1::statistics::BreakdownName,
        views::links::VisibilityName,
        views::links::VisitClassName,
        views::links::RoleName,
        views::links::ScopeName,
    )),
    modifiers(&Tokens),
    tags(
        (name = "redirects", description = "Following short links"),
        (name = "links", description = "Short links, what is said of them, and what became of them"),
        (name = "statistics", description = "How often links are clicked, when and from where. Days are those of the server's time zone; numbers outlive the clicks themselves"),
        (name = "people", description = "Whom a link belongs to, and whom it is shared with"),
        (name = "keywords", description = "Words, also as host names, that take all that a path has behind them"),
        (name = "tags", description = "Words that links have in common"),
        (name = "account", description = "Oneself, one's tokens and sessions"),
        (name = "admin", description = "For admins"),
        (name = "simple", description = "A few operations by code"),
        (name = "operation", description = "For those who run the server"),
    ),
)]
struct Description;

/// The document as it is sent.
pub(crate) fn document() -> Bytes {
    let mut description = Description::openapi();
    for operation in routes::descriptions() {
        description.merge(operation.clone());
    }
    // From where the document is, like everything in it: see `handlers::docs`.
    description.servers = Some(vec![Server::new("..")]);
    description.to_json().unwrap_or_default().into()
}
