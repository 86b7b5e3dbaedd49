//! `GET` and `POST /auth/logout`: signing out of this session or everywhere.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::end_former;
use crate::pages::{Flash, Frame, PageForm, PageResult};
use crate::request::caller::Caller;
use crate::state::State;

/// The page.
#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    frame: &'a Frame,
    redirect: &'a str,
    /// The path of the sign-in page.
    sign_in: String,
}

/// The path to sign in for afterwards.
#[derive(Debug, Default, Deserialize)]
struct LogoutQuery {
    #[serde(default)]
    redirect: String,
}

/// The fields of the form.
#[derive(Deserialize)]
pub(crate) struct LogoutForm {
    /// Set by the second button.
    everywhere: Option<String>,
    #[serde(default)]
    redirect: String,
}

/// Shows the signed-in user and the form.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    frame: Frame,
) -> PageResult {
    let query = web::Query::<LogoutQuery>::from_query(request.query_string());
    let LogoutQuery { redirect } = query.map(web::Query::into_inner).unwrap_or_default();
    let page = LogoutPage {
        frame: &frame,
        redirect: &redirect,
        sign_in: match state.site().checked(&redirect) {
            Some(path) => state.site().sign_in(&path),
            None => format!("{}/auth/login", frame.base()),
        },
    };
    frame.page(StatusCode::OK, &page)
}

/// Signs out and makes the browser forget its session.
pub(crate) async fn submit(
    request: HttpRequest,
    state: web::Data<State>,
    PageForm(form): PageForm<LogoutForm>,
    frame: Frame,
) -> PageResult {
    let site = state.site();
    if let Some(known) = frame.known()
        && form.everywhere.is_some()
    {
        let accounts = Caller::new(known.actor(), &request, &state).accounts(&state);
        accounts.sign_out_everywhere(known.user.id).await?;
    }
    end_former(&request, &state).await?;
    let to = site.sign_out(&form.redirect);
    let to = to.strip_prefix(frame.base()).unwrap_or(&to);
    let mut answer = if frame.user().is_some() {
        frame.go_saying(to, Flash::SignedOut, &state)
    } else {
        frame.go(to)
    };
    if let Some(cookie) = site.forget_session() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}
