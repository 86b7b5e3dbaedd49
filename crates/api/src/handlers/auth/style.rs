//! `GET /static/page.css`: how the pages look.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::pages::STYLESHEET;

/// Shows the stylesheet.
pub(crate) async fn answer() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(STYLESHEET)
}
