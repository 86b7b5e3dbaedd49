//! `GET /api/openapi.json` and `GET /api/docs/`: the description of this API, and a page to read and
//! try it. The page comes with the program: it loads nothing from elsewhere.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_swagger_ui::Config;

use crate::errors::ApiError;
use crate::state::State;

/// Where the page finds the document, from where it is itself: also behind a proxy that serves this
/// server under a path of its own.
const DOCUMENT: &str = "../openapi.json";

/// Shows the document.
pub(crate) async fn document(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(state.document())
}

/// Leads from `/api/docs` to `/api/docs/`, where the names in the page are right.
pub(crate) async fn entrance() -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, "docs/"))
        .finish()
}

/// Shows the page or one of its files.
pub(crate) async fn page(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let name = request.match_info().get("file").unwrap_or_default();
    let config = Arc::new(Config::from(DOCUMENT));
    let file = utoipa_swagger_ui::serve(name, config)
        .map_err(|error| ApiError::internal(error.to_string()))?
        .ok_or_else(ApiError::no_such_path)?;
    Ok(HttpResponse::Ok()
        .content_type(file.content_type)
        .body(file.bytes.into_owned()))
}
