//! `GET /dashboard/links/{id}/qr.svg` and `qr.png`: the QR code of a short link.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::errors::ApiError;
use crate::pages::{self, PageResult};
use crate::qr::Qr;
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::input::id_of;
use crate::state::State;

/// Default size in pixels.
const SIZE: u32 = 512;
/// Maximum size in pixels.
const MAX_SIZE: u32 = 2_048;
/// Minimum size in pixels.
const MIN_SIZE: u32 = 32;

/// The query.
#[derive(Debug, Default, Deserialize)]
struct QrQuery {
    size: Option<String>,
}

/// Returns it as SVG.
pub(crate) async fn svg(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> PageResult {
    let (qr, size) = asked(&request, &caller, &state).await?;
    Ok(image("image/svg+xml", qr.svg(size)))
}

/// Returns it as PNG.
pub(crate) async fn png(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> PageResult {
    let (qr, size) = asked(&request, &caller, &state).await?;
    Ok(image("image/png", qr.png(size)?))
}

async fn asked(
    request: &HttpRequest,
    caller: &Caller,
    state: &State,
) -> Result<(Qr, u32), ApiError> {
    let id = id_of(request, "id")?;
    let QrQuery { size } = input::query(request)?;
    let size = match size {
        None => SIZE,
        Some(text) => text
            .parse()
            .ok()
            .filter(|size| (MIN_SIZE..=MAX_SIZE).contains(size))
            .ok_or_else(|| {
                ApiError::bad_request("`size` must be a whole number from 32 to 2048")
            })?,
    };
    let owned = state.links().get(&caller.0, id).await?;
    let qr = Qr::of(&state.shortener().short_url(&owned.link))?;
    Ok((qr, size))
}

fn image(media_type: &'static str, content: impl Into<web::Bytes>) -> HttpResponse {
    let mut answer = HttpResponse::Ok().body(content.into());
    pages::head(answer.headers_mut());
    let media_type = HeaderValue::from_static(media_type);
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    answer
}
