//! `GET /dashboard/tools`: ways to Waypost from where people are: a bookmark, the address bar, the menu of a phone.

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

/// Shows them.
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

/// The program that a bookmark is: it opens the form of a new link with what the page at hand is called.
///
/// No page of this server runs it: their policy forbids it. It is run by the bookmark, on the pages of others.
fn bookmarklet(dashboard: &str) -> String {
    // A text of JSON is one of JavaScript, and so is one without what ends a program in a page.
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
    fn a_bookmarklet_is_one_program_whatever_the_address() {
        assert_eq!(
            bookmarklet("https://go.example/a\"b"),
            "javascript:void(location.href=\"https://go.example/a\\\"b?target=\"\
             +encodeURIComponent(location.href)+\"&title=\"+encodeURIComponent(document.title))"
        );
    }
}
