//! `POST /shorten`: creates a short link.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_core::{Actor, LinkDetails, ShortCode};
use waypost_service::{LinkError, NewLink};

use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::JsonObject;
use crate::request::quota;
use crate::responses::{Denied, StoreFailure};
use crate::state::State;
use crate::views::links::placeholders;

/// A URL to shorten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShortenRequest {
    /// The destination: an absolute http or https URL of at most 2,048 bytes, without user name and
    /// password, that does not point to this server. What surrounds a pasted URL is removed: white
    /// space, hidden characters, brackets and quotes, with the line breaks in them.
    #[schema(example = "https://example.com/", format = "uri", max_length = 2048)]
    url: String,
    /// The code: letters a-z in either case, digits, `-` and `_`, beginning and ending with a
    /// letter or digit; or several such segments with slashes between them. Default: generated.
    #[schema(
        example = "Team-Wiki",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(/[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$"
    )]
    code: Option<String>,
    /// Whether the link is a template: each `$name` in the path, query or fragment of `url` is filled
    /// with a segment of the visitor's path after the code. Refused if there is no `$name`. Default:
    /// `false`.
    #[serde(default)]
    template: bool,
}

/// The created link.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shortened {
    /// The code.
    #[schema(example = "Team-Wiki", min_length = 1, max_length = 64)]
    short_code: String,
    /// The destination.
    #[schema(example = "https://example.com/", format = "uri", max_length = 2048)]
    url: String,
    /// Whether the link is a template, in whose URL each `$name` is filled.
    template: bool,
    /// The names that were found in the URL, each after a `$`, in the order in which the segments of
    /// a visitor's path fill them if `template` is `true`.
    #[schema(example = json!(["ticket"]))]
    placeholders: Vec<String>,
    /// The short link.
    #[schema(example = "http://localhost:8080/Team-Wiki", format = "uri")]
    short_url: String,
}

/// Create a short link
///
/// The caller becomes the owner. A link has no owner if the operator created it, or if it was
/// created without a token, which `WAYPOST_ANONYMOUS_LINKS` allows.
#[utoipa::path(
    post,
    path = "/shorten",
    tag = "simple",
    operation_id = "shorten",
    security((), ("token" = [])),
    request_body(content = ShortenRequest, description = "At most 16 KiB of JSON. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The created link", body = Shortened,
            headers(("Location" = String, description = "The URL of the record of the link"))),
        (status = 400, description = "The body, the URL or the code is invalid: BAD_REQUEST, URL_INVALID, TARGET_BLOCKED, CODE_INVALID, CODE_RESERVED", body = ErrorBody<'static>),
        Denied,
        (status = 408, description = "The body did not arrive within 10 seconds", body = ErrorBody<'static>),
        (status = 409, description = "Another link has the code", body = ErrorBody<'static>),
        (status = 413, description = "The body is longer than 16 KiB", body = ErrorBody<'static>),
        (status = 415, description = "The body is not declared as JSON", body = ErrorBody<'static>),
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<ShortenRequest>,
) -> Result<HttpResponse, ApiError> {
    quota::pay_links(&request, &caller.0, &state, 1)?;
    let shortener = state.shortener();
    let new = NewLink {
        target: shortener.target(&asked.url).map_err(LinkError::from)?,
        code: asked
            .code
            .as_deref()
            .map(ShortCode::parse)
            .transpose()
            .map_err(LinkError::from)?,
        details: LinkDetails {
            template: asked.template,
            ..LinkDetails::default()
        },
    };
    let link = if caller.0 == Actor::Anonymous {
        state.links().create_anonymous(new).await?
    } else {
        state.links().create(&caller.0, new).await?.link
    };
    // RFC 9110 §15.3.2: `Location` identifies the created resource, which is the record. The short
    // link itself redirects to another page, and a client that requested it would be counted.
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, state.record_url(&link)))
        .json(Shortened {
            short_code: link.code.spelling().to_owned(),
            url: link.target.as_str().to_owned(),
            template: link.details.template,
            placeholders: placeholders(&link),
            short_url: shortener.short_url(&link),
        }))
}
