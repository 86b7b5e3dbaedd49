//! `GET /static/{name}`: the files that pages load.

use actix_web::http::header::{self, EntityTag, Header as _, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};

use crate::assets::Asset;
use crate::errors::ApiError;
use crate::pages::takes_gzip;

/// The content of a URL with the hash of its content never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Browsers revalidate other URLs each time.
pub(super) const ASK_AGAIN: &str = "no-cache";

/// Returns a file that pages load.
pub(crate) async fn answer(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let name = request.match_info().get("name").unwrap_or_default();
    let asset = Asset::named(name).ok_or_else(ApiError::no_such_path)?;
    let mut given = url::form_urlencoded::parse(request.query_string().as_bytes());
    let is_exact = given.any(|(name, value)| name == "v" && value == asset.hash);
    let caching = if is_exact { FOREVER } else { ASK_AGAIN };
    Ok(file(&request, asset, caching))
}

/// Returns a file, compressed if the client accepts that, or 304 if it has the file already.
pub(super) fn file(request: &HttpRequest, asset: &Asset, caching: &'static str) -> HttpResponse {
    // Weak: the tag is the same with and without gzip.
    let tag = EntityTag::new_weak(asset.hash.clone());
    let is_known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Ok(IfNoneMatch::Any) | Err(_) => false,
    };
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, tag.to_string()))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::VARY, "accept-encoding"));
    if is_known {
        return response.finish();
    }
    response.content_type(asset.media_type.as_str());
    match &asset.gzipped {
        Some(gzipped) if takes_gzip(request) => response
            .insert_header((header::CONTENT_ENCODING, "gzip"))
            .body(gzipped.clone()),
        _ => response.body(asset.content.clone()),
    }
}
