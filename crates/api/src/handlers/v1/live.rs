//! `GET /api/v1/links/{id}/live`: server-sent events (HTML Living Standard, §9.2) of a link's
//! clicks.
//!
//! A stream ends after five minutes, and when the server stops. Browsers reconnect on their own,
//! and are authenticated again.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use waypost_analytics::live::{News, Watcher};
use waypost_core::LinkId;

use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input::LinkPath;
use crate::responses::{Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::clicks::ClickView;

/// Duration of a stream.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// Time without clicks after which a comment is sent, which detects a dead connection.
const QUIET: Duration = Duration::from_secs(10);

/// An event of the stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) struct LiveEvent {
    /// The name of the event: `clicks`.
    event: String,
    /// Milliseconds after which to reconnect.
    retry: u32,
    /// A `LiveView` as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// The data of a `clicks` event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveView {
    /// The ID of the link.
    #[schema(format = "uuid")]
    link_id: String,
    /// Number of all clicks.
    total: u64,
    /// Number of all clicks by people.
    humans: u64,
    /// The clicks since the last event, newest first; at most the newest 20.
    clicks: Vec<ClickView>,
}

/// Watch the clicks of a link
///
/// Server-sent events. The first event, `clicks`, has the current totals; another follows within
/// two seconds of each click on any server. A stream ends after five minutes; browsers reconnect on
/// their own. At most 500 streams per server. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/live",
    tag = "statistics",
    operation_id = "watchLink",
    params(LinkPath),
    security(("token" = [])),
    responses(
        (status = 200, description = "Events with a `LiveView` as JSON data", body = LiveEvent, content_type = "text/event-stream"),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let link = state.links().with_viewable_clicks(&caller.0, id).await?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        // Without this header, nginx would buffer the events.
        .insert_header(("X-Accel-Buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    let place = state.streams().try_acquire_owned();
    let place = place.map_err(|_| ApiError::too_many_streams())?;
    let watcher = state.live().watch(link.id).await?;
    let watcher = watcher.ok_or_else(ApiError::no_such_thing)?;
    let news = News {
        total: watcher.total,
        clicks: Vec::new(),
    };
    let streaming = Streaming {
        link: link.id,
        watcher,
        first: Some(news),
        ends_at: Instant::now() + LIFE,
        closing: state.closing().clone(),
        _place: place,
    };
    Ok(response.streaming(stream::unfold(streaming, Streaming::step)))
}

struct Streaming {
    link: LinkId,
    watcher: Watcher,
    first: Option<News>,
    ends_at: Instant,
    closing: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Streaming {
    async fn step(mut self) -> Option<(Result<Bytes, ApiError>, Self)> {
        if let Some(first) = self.first.take() {
            return Some((event(self.link, &first), self));
        }
        let now = Instant::now();
        if now >= self.ends_at {
            return None;
        }
        let until = self.ends_at.min(now + QUIET);
        let closing = self.closing.clone();
        let waited = closing.run_until_cancelled(timeout_at(until, self.watcher.news()));
        match waited.await? {
            Ok(Some(news)) => Some((event(self.link, &news), self)),
            Ok(None) => None,
            Err(_) => Some((Ok(Bytes::from_static(b": quiet\n\n")), self)),
        }
    }
}

fn event(link: LinkId, news: &News) -> Result<Bytes, ApiError> {
    let view = LiveView {
        link_id: link.to_string(),
        total: news.total.clicks,
        humans: news.total.humans,
        clicks: news.clicks.iter().cloned().map(ClickView::from).collect(),
    };
    // Serialised JSON contains no line breaks, which would end the event.
    let data = serde_json::to_string(&view).map_err(ApiError::internal)?;
    Ok(format!("retry: 2000\nevent: clicks\ndata: {data}\n\n").into())
}
