//! `GET /dashboard/tools`: a bookmark, the address bar and the share menu of a phone as ways to use
//! Waypost.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

use crate::pages::{Frame, PageResult};
use crate::state::State;

/// The page.
#[derive(Template)]
#[template(path = "dashboard/tools.html")]
struct ToolsPage<'a> {
    frame: &'a Frame,
    bookmarklet: &'a str,
    search: &'a str,
    example: &'a str,
}

/// Shows the page.
pub(crate) async fn show(state: web::Data<State>, frame: Frame) -> PageResult {
    let dashboard = state.absolute("/dashboard");
    let page = ToolsPage {
        frame: &frame,
        bookmarklet: &bookmarklet(&dashboard),
        search: &format!("{dashboard}/go?q=%s"),
        example: &state.absolute("/wiki"),
    };
    frame.page(StatusCode::OK, &page)
}

/// Returns the script of the bookmark, which opens the form for a new link with the URL and title
/// of the current page.
///
/// The content security policy forbids it on pages of this server. It runs on pages of other sites.
fn bookmarklet(dashboard: &str) -> String {
    // A JSON string is also a JavaScript string.
    let dashboard = serde_json::Value::from(format!("{dashboard}?target="));
    let e = "encodeURIComponent";
    format!(
        "javascript:void(location.href={dashboard}+{e}(location.href)+\"&title=\"+{e}(document.title))"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmarklet_is_one_script_for_any_base_url() {
        assert_eq!(
            bookmarklet("https://go.example/a\"b"),
            "javascript:void(location.href=\"https://go.example/a\\\"b?target=\"\
             +encodeURIComponent(location.href)+\"&title=\"+encodeURIComponent(document.title))"
        );
    }
}
