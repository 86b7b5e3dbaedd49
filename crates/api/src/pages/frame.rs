//! The frame around the content of a page: the signed-in user, the navigation and the success
//! message.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use askama::Template;
use waypost_core::{Role, User};
use waypost_service::KnownSession;

use super::{Flash, PageResult, answer};
use crate::assets;
use crate::errors::ApiError;
use crate::request::caller::{SignedIn, session_for_page};
use crate::request::client::is_htmx;
use crate::request::csrf;
use crate::site::Site;
use crate::site::see_other;
use crate::state::State;

/// The navigation: the path prefixes of a section, the path of its entry, its label, and whether it
/// is for admins only.
const NAVIGATION: [(&[&str], &str, &str, bool); 4] = [
    (&["/dashboard"], "/dashboard", "Links", false),
    (
        &["/dashboard/stats"],
        "/dashboard/stats",
        "Statistics",
        false,
    ),
    (&["/links"], "/links", "Public links", false),
    (&["/admin"], "/admin", "Admin", true),
];

/// An entry of the navigation.
pub(crate) struct Entry {
    /// The path that it links to.
    pub(crate) path: &'static str,
    pub(crate) label: &'static str,
    /// Whether the page is in this section.
    pub(crate) is_current: bool,
    /// Whether it links to the page itself.
    pub(crate) is_this: bool,
}

/// The frame around the content of a page. Every template has it as `frame`.
pub(crate) struct Frame {
    base: String,
    /// The path of the page.
    path: String,
    known: Option<KnownSession>,
    /// The CSRF token, masked.
    csrf: String,
    /// The cookie of the CSRF token, if the browser does not have it yet.
    csrf_cookie: Option<HeaderValue>,
    flash: Option<Flash>,
    /// The cookie that makes the browser forget the success message.
    flash_cookie: Option<HeaderValue>,
    is_htmx: bool,
}

impl FromRequest for Frame {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

impl Frame {
    /// Returns the frame of the page that a request asks for. A public page shows the signed-in
    /// user as well.
    pub(crate) async fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let state = request.app_data::<web::Data<State>>();
        let state = state.ok_or_else(|| ApiError::internal("the server has no state"))?;
        let (site, headers) = (state.site(), request.headers());
        let found = request.extensions().get::<SignedIn>().cloned();
        let known = match found {
            Some(SignedIn(known)) => Some(known),
            None => session_for_page(request, state).await?,
        };
        let (csrf, csrf_cookie) = csrf::token(headers, site, state.random());
        let has_flash = site.flash_of(headers).next().is_some();
        Ok(Self {
            base: site.base().to_owned(),
            path: request.path().to_owned(),
            known,
            csrf,
            csrf_cookie,
            flash_cookie: has_flash.then(|| site.forget_flash()).flatten(),
            flash: site.flash_of(headers).find_map(Flash::of_id),
            is_htmx: is_htmx(headers),
        })
    }

    /// Returns the frame of a page that only knows the base URL of the server.
    pub(crate) fn bare(site: &Site) -> Self {
        Self {
            base: site.base().to_owned(),
            path: String::new(),
            known: None,
            csrf: String::new(),
            csrf_cookie: None,
            flash: None,
            flash_cookie: None,
            is_htmx: false,
        }
    }

    /// Returns the response with a page. It shows the success message, which no later page shows
    /// again.
    ///
    /// # Errors
    /// `INTERNAL` if the template cannot be rendered.
    pub(crate) fn page(&self, status: StatusCode, page: &impl Template) -> PageResult {
        let mut answer = self.part(status, page)?;
        if let Some(cookie) = &self.flash_cookie {
            let headers = answer.headers_mut();
            headers.append(header::SET_COOKIE, cookie.clone());
        }
        Ok(answer)
    }

    /// Returns the response to htmx with a part of a page.
    ///
    /// # Errors
    /// `INTERNAL` if the template cannot be rendered.
    pub(crate) fn part(&self, status: StatusCode, part: &impl Template) -> PageResult {
        let body = part.render().map_err(ApiError::internal)?;
        let mut answer = answer(status, body);
        if let Some(cookie) = &self.csrf_cookie {
            let headers = answer.headers_mut();
            headers.append(header::SET_COOKIE, cookie.clone());
        }
        Ok(answer)
    }

    /// Redirects to a path of this server with `GET`, after a form.
    pub(crate) fn go(&self, path: &str) -> HttpResponse {
        self.leave(&format!("{}{path}", self.base))
    }

    /// Redirects to any URL with `GET`, after a form.
    pub(crate) fn leave(&self, url: &str) -> HttpResponse {
        if self.is_htmx {
            // htmx would insert the whole page in place of the part.
            return HttpResponse::NoContent()
                .insert_header(("hx-redirect", url))
                .finish();
        }
        see_other(url)
    }

    /// Redirects to a path of this server, whose page shows the success message.
    pub(crate) fn go_saying(&self, path: &str, flash: Flash, state: &State) -> HttpResponse {
        let mut answer = self.go(path);
        if let Some(cookie) = state.site().keep_flash(flash.id()) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }

    /// Whether htmx requests a part of the page.
    pub(crate) const fn is_htmx(&self) -> bool {
        self.is_htmx
    }

    /// Returns the path prefix of this server.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the CSRF token for the hidden field `csrf`.
    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Returns the success message.
    pub(crate) fn flash(&self) -> Option<&'static str> {
        self.flash.map(Flash::text)
    }

    /// Returns the signed-in user and their session.
    pub(crate) const fn known(&self) -> Option<&KnownSession> {
        self.known.as_ref()
    }

    /// Returns the signed-in user.
    pub(crate) fn user(&self) -> Option<&User> {
        self.known.as_ref().map(|known| &known.user)
    }

    /// Returns the display name of the signed-in user, or else their email address.
    pub(crate) fn name(&self) -> &str {
        let name = |user: &User| !user.display_name.as_str().is_empty();
        match self.user() {
            Some(user) if name(user) => user.display_name.as_str(),
            Some(user) => user.email.as_str(),
            None => "",
        }
    }

    /// Whether an admin is signed in.
    pub(crate) fn is_admin(&self) -> bool {
        self.user().is_some_and(|user| user.role == Role::Admin)
    }

    /// Returns the URL of a file in `assets/`.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::address(&self.base, name)
    }

    /// Returns the navigation, which is empty without a session.
    pub(crate) fn navigation(&self) -> Vec<Entry> {
        if self.known.is_none() {
            return Vec::new();
        }
        let within = |beginning: &&str| {
            let rest = self.path.strip_prefix(beginning);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // A section inside another one wins.
        let all = NAVIGATION.into_iter().flat_map(|entry| entry.0);
        let nearest = all.copied().filter(|beginning| within(beginning));
        let nearest = nearest.max_by_key(|beginning| beginning.len());
        let entry = |(beginnings, path, label, _): (&[&str], _, _, _)| Entry {
            path,
            label,
            is_current: nearest.is_some_and(|nearest| beginnings.contains(&nearest)),
            is_this: self.path == path,
        };
        let shown = NAVIGATION.into_iter();
        let shown = shown.filter(|(.., for_admins)| !for_admins || self.is_admin());
        shown.map(entry).collect()
    }
}
