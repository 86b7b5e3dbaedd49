//! The description of this API, generated from the handlers.
//!
//! It lists every route of the table but those that serve the description itself, and every status
//! that they answer. `405` is not in it: it belongs to no operation.

use actix_web::web::Bytes;
use utoipa::openapi::Server;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::handlers::operation::{health, metrics};
use crate::handlers::redirect::preview;
use crate::handlers::simple::{delete, list, shorten, stats};
use crate::handlers::{redirect, v1};
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
    paths(
        redirect::answer,
        redirect::with_rest,
        preview::respond,
        v1::links::list,
        v1::links::create,
        v1::bulk::answer,
        v1::link::show,
        v1::link::change,
        v1::link::replace,
        v1::link::delete,
        v1::history::list,
        v1::history::restore,
        v1::statistics::of_link,
        v1::statistics::breakdown,
        v1::statistics::own,
        v1::clicks::list,
        v1::exports::csv,
        v1::exports::ndjson,
        v1::live::answer,
        v1::people::owners,
        v1::people::add_owner,
        v1::people::remove_owner,
        v1::people::shares,
        v1::people::add_share,
        v1::people::remove_share,
        v1::keywords::list,
        v1::keywords::create,
        v1::keywords::remove,
        v1::explain::answer,
        v1::blocklist::list,
        v1::blocklist::block,
        v1::blocklist::unblock,
        v1::orphans::list,
        v1::orphans::forget,
        v1::tags::list,
        v1::links::tagged,
        v1::tokens::list,
        v1::tokens::create,
        v1::tokens::revoke,
        v1::me::show,
        v1::me::change,
        v1::sessions::change_password,
        v1::sessions::list,
        v1::sessions::end,
        v1::sessions::end_all,
        v1::users::list,
        v1::users::change,
        v1::users::delete,
        v1::links::list_all,
        shorten::answer,
        list::answer,
        stats::answer,
        delete::answer,
        health::alive,
        health::ready,
        metrics::answer,
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
    // From where the document is, like everything in it: see `handlers::docs`.
    description.servers = Some(vec![Server::new("..")]);
    description.to_json().unwrap_or_default().into()
}
