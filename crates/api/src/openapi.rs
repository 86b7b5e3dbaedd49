//! The description of this API, generated from the handlers.
//!
//! It lists every route of the table but those that serve the description itself, and every status
//! that they answer. `405` is not in it: it belongs to no operation.

use actix_web::web::Bytes;
use utoipa::openapi::Server;
use utoipa::{IntoResponses, OpenApi};

use crate::errors::ErrorBody;
use crate::handlers::{delete, health, list, metrics, redirect, shorten, stats};

/// How every operation that asks the store can fail.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum StoreFailure {
    /// Something went wrong on this side; the log has more, under the request id of the answer
    #[response(status = 500)]
    Internal(ErrorBody<'static>),
    /// The database is away; `Retry-After` says in how many seconds to ask again
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds")))]
    Unavailable(ErrorBody<'static>),
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Waypost",
        license(name = "MIT", identifier = "MIT"),
        description = "A link shortener whose click numbers are exact.\n\n\
            All operations are open to everybody for now.\n\n\
            Every error has the same body and an `X-Request-Id` header; so has every other answer \
            but a redirect. A request may bring its own `X-Request-Id`, of at most 128 visible ASCII \
            characters. `GET` operations answer `HEAD` too. A slash at the end of a path changes \
            nothing. Numbers are exact: they contain every click that was answered before.",
    ),
    paths(
        shorten::answer,
        redirect::answer,
        list::answer,
        stats::answer,
        delete::answer,
        health::alive,
        health::ready,
        metrics::answer,
    ),
    tags(
        (name = "links", description = "Short links and their clicks"),
        (name = "operation", description = "For those who run the server"),
    ),
)]
struct Description;

/// The document as it is sent.
pub(crate) struct Document(Bytes);

impl Document {
    pub(crate) fn generate() -> Self {
        let mut description = Description::openapi();
        // From where the document is, like everything in it: see `handlers::docs`.
        description.servers = Some(vec![Server::new("..")]);
        Self(description.to_json().unwrap_or_default().into())
    }

    pub(crate) fn json(&self) -> Bytes {
        self.0.clone()
    }
}
