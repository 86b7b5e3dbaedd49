//! `GET /links`: lists public links for signed-in users. With `WAYPOST_ANONYMOUS_LINKS` it lists
//! links without an owner for everyone else.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use url::form_urlencoded;
use waypost_core::{Actor, LinkOrder, LinkPlace, PageRequest, SearchWord, Tag, Visibility};
use waypost_service::OwnedLink;
use waypost_store::{LinkQuery, LinkReader};

use crate::errors::ApiError;
use crate::pages::{Frame, Moment, PageResult};
use crate::request::caller::Caller;
use crate::request::input;
use crate::state::State;
use crate::views::links::LinkView;

/// Number of links on a page.
const LINKS: u32 = 50;
/// Maximum length of a search in characters.
const MAX_SEARCH_CHARS: usize = 200;

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PublicQuery {
    /// Words that must all match.
    #[serde(default)]
    q: String,
    /// A tag that links must have.
    #[serde(default)]
    tag: String,
    /// `code`; any other value sorts the newest first.
    #[serde(default)]
    sort: String,
    /// Cursor of the next page, for signed-in users.
    cursor: Option<String>,
    /// Number of the page, for everyone else.
    page: Option<u32>,
}

/// A link in the list.
struct Row {
    link: LinkView,
    /// The names of its owners.
    owners: String,
    /// When it was created.
    made: Moment,
}

/// A page of the list.
#[derive(Default)]
struct Part {
    rows: Vec<Row>,
    /// Cursor or number of the next page.
    next: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "public.html")]
struct PublicPage<'a> {
    frame: &'a Frame,
    asked: &'a PublicQuery,
    part: Part,
    /// The path with its query, without the cursor.
    path: String,
    sorted_by_code: bool,
}

/// Only the list, for htmx.
#[derive(Template)]
#[template(path = "public_list.html")]
struct ListPart<'a> {
    frame: &'a Frame,
    asked: &'a PublicQuery,
    part: Part,
    path: String,
}

/// Shows the page, or only the list for htmx.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let asked = input::page_query::<PublicQuery>(&request)?;
    let part = if caller.0 == Actor::Anonymous {
        nobodys(&state, &asked).await?
    } else {
        listed(&state, &caller.0, &asked).await?
    };
    let path = format!("{}/links{}", frame.base(), asked.as_query());
    let (frame, asked) = (&frame, &asked);
    if frame.is_htmx() {
        let list = ListPart {
            frame,
            asked,
            part,
            path,
        };
        return frame.part(StatusCode::OK, &list);
    }
    let page = PublicPage {
        frame,
        asked,
        part,
        path,
        sorted_by_code: asked.order() == LinkOrder::Code,
    };
    frame.page(StatusCode::OK, &page)
}

impl PublicQuery {
    fn order(&self) -> LinkOrder {
        match self.sort.as_str() {
            "code" => LinkOrder::Code,
            _ => LinkOrder::NewestFirst,
        }
    }

    /// Whether the query filters the list.
    fn is_search(&self) -> bool {
        !self.q.trim().is_empty() || !self.tag.is_empty()
    }

    /// Returns the query string without the position in the list.
    fn as_query(&self) -> String {
        let pairs = [("q", &self.q), ("tag", &self.tag), ("sort", &self.sort)];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(given)
            .finish();
        if query.is_empty() {
            return query;
        }
        format!("?{query}")
    }
}

async fn listed(state: &State, actor: &Actor, asked: &PublicQuery) -> Result<Part, ApiError> {
    if asked.q.chars().count() > MAX_SEARCH_CHARS {
        return Err(ApiError::bad_request(
            "a search must have at most 200 characters",
        ));
    }
    let words = SearchWord::of_search(&asked.q);
    if words.is_empty() && !asked.q.trim().is_empty() {
        return Ok(Part::default());
    }
    let tag = (!asked.tag.is_empty()).then(|| Tag::parse(&asked.tag));
    let order = asked.order();
    let place = |text: &String| LinkPlace::parse(text, order);
    let query = LinkQuery {
        words,
        tag: tag.transpose()?,
        visibility: Some(Visibility::Public),
        order,
        after: asked.cursor.as_ref().map(place).transpose()?,
        // One more than shown, to know whether there is a next page.
        ..LinkQuery::newest(LinkReader::All, LINKS + 1)
    };
    state.recorder().settle().await;
    let mut links = state.links().list(actor, query).await?;
    let shown = usize::try_from(LINKS).unwrap_or(usize::MAX);
    let has_more = links.len() > shown;
    links.truncate(shown);
    let last = links.last().filter(|_| has_more);
    let next = last.map(|last| LinkPlace::behind(&last.link, order).to_string());
    let rows = links.iter().map(|owned| Row::of(owned, actor, state));
    Ok(Part {
        rows: rows.collect(),
        next,
    })
}

async fn nobodys(state: &State, asked: &PublicQuery) -> Result<Part, ApiError> {
    let page = PageRequest::new(asked.page.unwrap_or(1), LINKS)?;
    let found = state.links().nobodys_page(page).await?;
    let is_last = u64::from(page.number()) * u64::from(LINKS) >= found.total;
    let rows = found.items.into_iter().map(|link| {
        let owners = Vec::new();
        Row::of(&OwnedLink { link, owners }, &Actor::Anonymous, state)
    });
    Ok(Part {
        rows: rows.collect(),
        next: (!is_last).then(|| page.number().saturating_add(1).to_string()),
    })
}

impl Row {
    fn of(owned: &OwnedLink, actor: &Actor, state: &State) -> Self {
        let names = owned.owners.iter().map(|owner| {
            let person = &owner.person;
            match person.display_name.as_str() {
                "" => person.email.as_str(),
                name => name,
            }
        });
        Self {
            owners: names.collect::<Vec<_>>().join(", "),
            made: owned.link.created_at.into(),
            link: LinkView::new(owned, actor, state.shortener()),
        }
    }
}
