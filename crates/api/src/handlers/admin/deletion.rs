//! `/admin/users/{id}/delete`: asks what happens to the links of a user, and deletes the user.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::{Email, LinkPlace, User, UserId};
use waypost_service::AccountError;
use waypost_service::OwnedLink;
use waypost_store::{Heir, LinkQuery, LinkReader};

use super::USERS;
use super::user::find;
use crate::errors::ApiError;
use crate::pages::{Flash, Frame, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::state::State;

/// Number of links that are read at a time.
const PART: u32 = 200;
/// Maximum number of parts that are counted.
const PARTS: usize = 10;

/// The page.
#[derive(Template)]
#[template(path = "admin/delete.html")]
struct DeletePage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    id: String,
    email: &'a str,
    owned: Owned,
    typed: &'a DeleteForm,
    problem: &'a Problem,
}

/// The number of links that a user owns.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Owned {
    all: u64,
    /// Links without another owner.
    alone: u64,
    /// Links of which the user is the primary owner, alone or with others.
    primary: u64,
    /// Whether there are more links than were counted.
    has_more: bool,
}

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct DeleteForm {
    /// `reassign` or `delete`.
    #[serde(default)]
    links: String,
    /// The email address of the user who gets the links.
    #[serde(default)]
    email: String,
}

/// Shows the form.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let user = find(&request, &state).await?;
    if caller.0.user_id() == Some(user.id) {
        return Err(AccountError::Oneself.into());
    }
    let typed = DeleteForm::default();
    shown(&user, &caller, &state, &frame, &typed, &Problem::NONE).await
}

/// Deletes the user.
pub(crate) async fn delete(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<DeleteForm>,
    frame: Frame,
) -> PageResult {
    let user = find(&request, &state).await?;
    match form.read(user.id, &state).await? {
        Ok(links) => {
            let accounts = caller.accounts(&state);
            if !accounts
                .delete_user(&caller.0, user.id, links, |_| {})
                .await?
            {
                return Err(ApiError::no_such_thing());
            }
            Ok(frame.go_saying(USERS, Flash::UserDeleted, &state))
        }
        Err(problem) => shown(&user, &caller, &state, &frame, &form, &problem).await,
    }
}

impl DeleteForm {
    /// Returns what happens to the links of the user.
    async fn read(&self, user: UserId, state: &State) -> Result<Result<Heir, Problem>, ApiError> {
        match self.links.as_str() {
            "delete" => return Ok(Ok(Heir::Nobody)),
            "reassign" => {}
            _ => {
                return Ok(Err(Problem::new(
                    "links",
                    "choose what happens to their links",
                )));
            }
        }
        let email = match Email::parse(&self.email) {
            Ok(email) => email,
            Err(error) => return Ok(Err(Problem::new("email", &error.to_string()))),
        };
        match state.accounts().heir(user, &email).await {
            Ok(heir) => Ok(Ok(Heir::User(heir.id))),
            Err(error @ AccountError::NoHeir) => Ok(Err(Problem::new("email", &error.to_string()))),
            Err(error) => Err(error.into()),
        }
    }
}

impl Owned {
    /// Counts the links of a user, up to 2,000.
    async fn count(user: UserId, caller: &Caller, state: &State) -> Result<Self, ApiError> {
        let mut owned = Self::default();
        let mut query = LinkQuery {
            owner: Some(user),
            ..LinkQuery::newest(LinkReader::All, PART)
        };
        for _ in 0..PARTS {
            let links = state.links().list_all(&caller.0, query.clone()).await?;
            let Some(last) = links.last() else {
                return Ok(owned);
            };
            query.after = Some(LinkPlace::behind(&last.link, query.order));
            for link in &links {
                owned.add(link, user);
            }
        }
        owned.has_more = true;
        Ok(owned)
    }

    fn add(&mut self, link: &OwnedLink, user: UserId) {
        let mut owners = link.owners.iter();
        let is_primary = owners.any(|owner| owner.is_primary && owner.person.id == user);
        self.all += 1;
        self.alone += u64::from(link.owners.len() == 1);
        self.primary += u64::from(is_primary);
    }

    /// Returns the number of links with another owner.
    const fn shared(self) -> u64 {
        self.all.saturating_sub(self.alone)
    }
}

async fn shown(
    user: &User,
    caller: &Caller,
    state: &State,
    frame: &Frame,
    typed: &DeleteForm,
    problem: &Problem,
) -> PageResult {
    let page = DeletePage {
        frame,
        tab: USERS,
        is_tab: false,
        id: user.id.to_string(),
        email: user.email.as_str(),
        owned: Owned::count(user.id, caller, state).await?,
        typed,
        problem,
    };
    let status = if *problem == Problem::NONE {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    frame.page(status, &page)
}
