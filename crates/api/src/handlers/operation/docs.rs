//! `GET /api/openapi.json` and `GET /api/docs/`: the OpenAPI document of this API, and a page to
//! read and try it. The page is part of the program and loads nothing from elsewhere.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_swagger_ui::Config;

use crate::errors::ApiError;
use crate::state::State;

/// The URL of the document, relative to the page, so that it also works if a proxy serves this
/// server under another path.
const DOCUMENT: &str = "../openapi.json";

/// What the page loads, besides its own files: pictures within its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Returns the document.
pub(crate) async fn document(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(state.document())
}

/// Redirects from `/api/docs` to `/api/docs/`, where the relative URLs of the page are right.
pub(crate) async fn entrance() -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, "docs/"))
        .finish()
}

/// Returns the page or one of its files.
pub(crate) async fn page(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let name = request.match_info().get("file").unwrap_or_default();
    let config = Arc::new(Config::from(DOCUMENT));
    let file = utoipa_swagger_ui::serve(name, config)
        .map_err(|error| ApiError::internal(error.to_string()))?
        .ok_or_else(ApiError::no_such_path)?;
    Ok(HttpResponse::Ok()
        .content_type(file.content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(file.bytes.into_owned()))
}
