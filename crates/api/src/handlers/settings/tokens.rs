//! `/settings/tokens`: the API tokens of the user. Only the response to the form that creates a
//! token contains its secret.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use time::{Date, Duration, OffsetDateTime};
use waypost_core::{ApiToken, Scope, TokenId, TokenName, TokenSecret};
use waypost_service::NewToken;

use super::TOKENS;
use super::sessions::NoFields;
use crate::errors::{ApiError, ErrorCode};
use crate::handlers::v1::tokens::{listed, made, revoked, scopes};
use crate::pages::{Flash, Frame, Moment, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::request::paging::PartQuery;
use crate::state::State;
use crate::views::links::TokenRecord;
use crate::views::orphans::OrphanDays;

/// Number of days after which a token expires by default.
const DEFAULT_DAYS: i64 = 90;

/// The page.
#[derive(Template)]
#[template(path = "settings/tokens.html")]
struct TokensPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    typed: &'a TokenForm,
    problem: &'a Problem,
    /// The name and secret of the token that was just created.
    made: Option<(&'a str, &'a str)>,
    tokens: Vec<TokenRow>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// A token.
struct TokenRow {
    id: String,
    name: String,
    scopes: String,
    created_at: Moment,
    expires_at: Option<Moment>,
    last_used_at: Option<Moment>,
    /// Why it is no longer valid, if it is not.
    ended: Option<&'static str>,
}

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TokenForm {
    #[serde(default)]
    name: String,
    /// Scopes: present if the box is ticked.
    read: Option<String>,
    write: Option<String>,
    admin: Option<String>,
    /// The last valid day; empty for no expiry.
    #[serde(default)]
    last_day: String,
}

/// Lists them, the newest first.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let query = PartQuery::of_page(&request)?;
    let typed = TokenForm::blank(&state);
    let shown = Shown {
        query,
        typed: &typed,
        problem: &Problem::NONE,
        made: None,
    };
    shown.page(&state, &caller, &frame).await
}

/// Creates a token and shows its secret.
pub(crate) async fn create(
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<TokenForm>,
    frame: Frame,
) -> PageResult {
    let made = form.make(&caller, &state).await?;
    let blank = TokenForm::blank(&state);
    let shown = match &made {
        Ok((token, secret)) => Shown {
            query: PartQuery::default(),
            typed: &blank,
            problem: &Problem::NONE,
            made: Some((token.name.as_str(), secret.reveal())),
        },
        Err(problem) => Shown {
            query: PartQuery::default(),
            typed: &form,
            problem,
            made: None,
        },
    };
    shown.page(&state, &caller, &frame).await
}

/// Revokes a token.
pub(crate) async fn revoke(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(NoFields {}): PageForm<NoFields>,
    frame: Frame,
) -> PageResult {
    let token: TokenId = id_of(&request, "id")?;
    revoked(token, &caller, &state).await?;
    Ok(frame.go_saying(TOKENS, Flash::TokenRevoked, &state))
}

impl TokenForm {
    /// Returns the initial form: a token that can read and write and expires after
    /// [`DEFAULT_DAYS`].
    fn blank(state: &State) -> Self {
        let today = state.clock().now().date();
        let last_day = today.saturating_add(Duration::days(DEFAULT_DAYS));
        let ticked = || Some("on".to_owned());
        Self {
            read: ticked(),
            write: ticked(),
            last_day: last_day.to_string(),
            ..Self::default()
        }
    }

    async fn make(
        &self,
        caller: &Caller,
        state: &State,
    ) -> Result<Result<(ApiToken, TokenSecret), Problem>, ApiError> {
        let new = match self.read() {
            Ok(new) => new,
            Err(problem) => return Ok(Err(problem)),
        };
        match made(new, caller, state).await {
            Ok(made) => Ok(Ok(made)),
            Err(error) => match error.code() {
                ErrorCode::BadRequest => {
                    let message = "the last valid day must not be in the past";
                    Ok(Err(Problem::new("last_day", message)))
                }
                ErrorCode::Conflict => Ok(Err(Problem::new("name", &error.body().message))),
                _ => Err(error),
            },
        }
    }

    fn read(&self) -> Result<NewToken, Problem> {
        let boxes = [
            (Scope::Read, &self.read),
            (Scope::Write, &self.write),
            (Scope::Admin, &self.admin),
        ];
        let ticked = boxes
            .into_iter()
            .filter(|(_, is_ticked)| is_ticked.is_some());
        let names: Vec<_> = ticked.map(|(scope, _)| scope.as_str().to_owned()).collect();
        let name = TokenName::parse(&self.name)
            .map_err(|error| Problem::new("name", &error.to_string()))?;
        if names.is_empty() {
            return Err(Problem::new("scopes", "select at least one scope"));
        }
        let scopes =
            scopes(Some(names)).map_err(|error| Problem::new("scopes", &error.body().message))?;
        let last_day = self.last_day.trim();
        let last_day = (!last_day.is_empty()).then(|| OrphanDays::parse_day(last_day));
        let last_day = last_day
            .transpose()
            .map_err(|error| Problem::new("last_day", &format!("the last valid day {error}")))?;
        Ok(NewToken {
            name,
            scopes,
            expires_at: last_day.map(end_of),
        })
    }

    /// Whether the box of a scope is ticked.
    fn has(&self, scope: &str) -> bool {
        match scope {
            "read" => self.read.is_some(),
            "write" => self.write.is_some(),
            _ => self.admin.is_some(),
        }
    }
}

/// Returns the end of a day in UTC.
fn end_of(day: Date) -> OffsetDateTime {
    let next = day.next_day().unwrap_or(day);
    next.midnight().assume_utc()
}

/// The content of the page besides the tokens.
struct Shown<'a> {
    query: PartQuery,
    typed: &'a TokenForm,
    problem: &'a Problem,
    made: Option<(&'a str, &'a str)>,
}

impl Shown<'_> {
    async fn page(self, state: &State, caller: &Caller, frame: &Frame) -> PageResult {
        let list = listed(&self.query, caller, state).await?;
        let now = state.clock().now();
        let tokens = list.tokens.into_iter();
        let page = TokensPage {
            frame,
            tab: TOKENS,
            typed: self.typed,
            problem: self.problem,
            made: self.made,
            tokens: tokens.map(|token| row(token, now)).collect(),
            path: format!("{}{TOKENS}", frame.base()),
            first: self.query.cursor.is_some(),
            next: list.next_cursor,
        };
        let status = match (&self.made, *self.problem == Problem::NONE) {
            (Some(_), _) => StatusCode::CREATED,
            (None, true) => StatusCode::OK,
            (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        frame.page(status, &page)
    }
}

fn row(token: TokenRecord, now: OffsetDateTime) -> TokenRow {
    let is_expired = token.expires_at.is_some_and(|at| at <= now);
    let ended = match token.revoked_at {
        Some(_) => Some("revoked"),
        None => is_expired.then_some("expired"),
    };
    TokenRow {
        id: token.id,
        name: token.name,
        scopes: token.scopes.join(", "),
        created_at: token.created_at.into(),
        expires_at: token.expires_at.map(Moment::from),
        last_used_at: token.last_used_at.map(Moment::from),
        ended,
    }
}
