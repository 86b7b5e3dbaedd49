//! `GET` and `POST /auth/logout`: signing out, here or everywhere.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web;
use askama::Template;
use serde::Deserialize;

use crate::pages::{Flash, Frame, PageForm, PageResult};
use crate::state::State;

/// The page.
#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    frame: &'a Frame,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct LogoutForm {
    /// Of the second button.
    everywhere: Option<String>,
}

/// Shows who is signed in, and the form.
pub(crate) async fn show(frame: Frame) -> PageResult {
    frame.page(StatusCode::OK, &LogoutPage { frame: &frame })
}

/// Signs out, and makes the browser forget its session.
pub(crate) async fn submit(
    state: web::Data<State>,
    PageForm(form): PageForm<LogoutForm>,
    frame: Frame,
) -> PageResult {
    let site = state.site();
    if let Some(known) = frame.known() {
        let accounts = state.accounts();
        if form.everywhere.is_some() {
            accounts.sign_out_everywhere(known.user.id).await?;
        } else {
            accounts.sign_out(known.user.id, known.session.id).await?;
        }
    }
    let mut answer = if frame.user().is_some() {
        frame.go_saying("/auth/logout", Flash::SignedOut, &state)
    } else {
        frame.go("/auth/logout")
    };
    if let Some(cookie) = site.forget_session() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}
