//! Search from the address bar (`OpenSearch` 1.1): `GET /dashboard/go?q=…` redirects to the link
//! with the entered code, `GET /dashboard/suggest?q=…` suggests links to signed-in users.
//!
//! Browsers encode the entry in different ways in a path. In a query they all mean the same.

use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;
use waypost_core::SearchWord;
use waypost_store::{LinkQuery, LinkReader};

use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input;
use crate::site::see_other;
use crate::state::State;

/// Maximum number of suggested links.
const LINKS: u32 = 8;
/// Maximum length of an entry to search for, in characters.
const MAX_CHARS: usize = 200;
/// Characters that cannot be in a path (RFC 3986 §3.3), or that a browser would interpret
/// differently.
const NOT_OF_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The entry.
#[derive(Debug, Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    q: String,
}

/// Redirects to the entered path on this server.
pub(crate) async fn go(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let Typed { q } = input::page_query(&request)?;
    let typed = q.trim().trim_matches('/');
    let path = utf8_percent_encode(typed, NOT_OF_PATHS);
    // An empty entry, or one that is not a path of this server, redirects to the dashboard.
    let path = if typed.is_empty() {
        String::new()
    } else {
        format!("/{path}")
    };
    Ok(see_other(&state.site().local(&path)))
}

/// Suggests links that match the entry.
pub(crate) async fn suggest(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    let Typed { q } = input::page_query(&request)?;
    let words = if q.chars().count() > MAX_CHARS {
        Vec::new()
    } else {
        SearchWord::of_search(&q)
    };
    let mut links = Vec::new();
    if !words.is_empty() {
        let query = LinkQuery {
            words,
            ..LinkQuery::newest(LinkReader::All, LINKS)
        };
        links = state.links().list(&caller.0, query).await?;
    }
    let links = links.iter().map(|owned| &owned.link);
    let (mut codes, mut titles, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    for link in links {
        codes.push(link.code.spelling().to_owned());
        titles.push(link.details.title.as_str().to_owned());
        addresses.push(state.shortener().short_url(link));
    }
    let suggestions = json!([q, codes, titles, addresses]);
    Ok(HttpResponse::Ok()
        .content_type("application/x-suggestions+json")
        .body(suggestions.to_string()))
}
