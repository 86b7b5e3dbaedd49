//! `GET /api/v1/links/{id}/live`: server-sent events (HTML Living Standard, §9.2) of a link's
//! clicks.
//!
//! A stream ends after five minutes, and when the server stops. Browsers reconnect on their own,
//! and are authenticated again. The rights of the caller are also checked before each event, and at
//! least every five seconds: a stream whose caller has lost them ends with an event that says why,
//! as does the oldest one of a user who opens too many.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use waypost_analytics::live::{News, Watcher};
use waypost_core::LinkId;

use crate::errors::{ApiError, ErrorCode};
use crate::request::caller::Caller;
use crate::request::input::LinkPath;
use crate::request::presented::Presented;
use crate::request::streams::Place;
use crate::responses::{Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::clicks::ClickView;

/// Duration of a stream.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// Maximum time between two checks of the rights, and the time after which a check that failed is
/// repeated.
const CHECK: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(1);
/// Time without clicks after which a comment is sent, which detects a dead connection: sent with
/// each check.
const QUIET: Duration = Duration::from_secs(4);

/// An event of the stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) struct LiveEvent {
    /// The name of the event: `clicks`, or `end` for the last one of a stream whose caller may no
    /// longer see the clicks, or has opened too many streams.
    event: String,
    /// Milliseconds after which to reconnect.
    retry: u32,
    /// A `LiveView` as JSON; of `end`, an `ErrorBody`.
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
/// their own. If the caller loses the right to see the clicks, the stream ends within five seconds
/// with the event `end`, whose data is an error. So does the oldest stream of a user who opens too
/// many. At most 500 streams per server, and fewer per link. For owners and admins.
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
    let place = state.streams().take(caller.0.user_id(), link.id)?;
    let watcher = state.live().watch(link.id).await?;
    let watcher = watcher.ok_or_else(ApiError::no_such_thing)?;
    let first = News {
        total: watcher.total,
        clicks: Vec::new(),
    };
    let now = Instant::now();
    let streaming = Streaming {
        link: link.id,
        presented: Presented::of(&request),
        of_deleted: link.is_deleted(),
        state: state.clone(),
        watcher,
        pending: Some(Arc::new(first)),
        is_checked: true,
        has_ended: false,
        check_at: now + CHECK,
        sent_at: now,
        ends_at: now + LIFE,
        place,
    };
    Ok(response.streaming(stream::unfold(streaming, Streaming::step)))
}

struct Streaming {
    link: LinkId,
    presented: Presented,
    state: web::Data<State>,
    /// Whether the link was deleted at the start.
    of_deleted: bool,
    watcher: Watcher,
    /// What is to be sent after the rights are checked.
    pending: Option<Arc<News>>,
    /// Whether the rights were checked for what is sent next, as at the start.
    is_checked: bool,
    /// Whether the end was told.
    has_ended: bool,
    check_at: Instant,
    sent_at: Instant,
    ends_at: Instant,
    place: Place,
}

impl Streaming {
    async fn step(mut self) -> Option<(Result<Bytes, ApiError>, Self)> {
        let closing = self.state.closing().clone();
        let next = closing.run_until_cancelled(self.next()).await??;
        Some((next, self))
    }

    /// Returns what is sent next; `None` at the end.
    async fn next(&mut self) -> Option<Result<Bytes, ApiError>> {
        loop {
            let now = Instant::now();
            if self.has_ended || now >= self.ends_at {
                return None;
            }
            if !std::mem::take(&mut self.is_checked) {
                let until = self.ends_at.min(self.check_at);
                let news = timeout_at(until, self.watcher.news());
                let news = tokio::select! {
                    error = self.place.lost() => {
                        self.has_ended = true;
                        return Some(end(&error));
                    }
                    news = news => news,
                };
                match news {
                    Ok(Some(news)) => self.pending = Some(news),
                    Ok(None) => return None,
                    Err(_) => {}
                }
                let checked = self.check().await;
                let now = Instant::now();
                match checked {
                    Ok(()) => self.check_at = now + CHECK,
                    // Nothing is sent unchecked. The event stays until the database is back.
                    Err(error) if is_temporary(&error) => {
                        self.check_at = now + RETRY;
                        continue;
                    }
                    Err(error) => {
                        self.has_ended = true;
                        return Some(end(&error));
                    }
                }
            }
            let now = Instant::now();
            if let Some(news) = self.pending.take() {
                self.sent_at = now;
                return Some(event(self.link, &news));
            }
            if now - self.sent_at >= QUIET {
                self.sent_at = now;
                return Some(Ok(Bytes::from_static(b": quiet\n\n")));
            }
        }
    }

    /// Checks that the caller may still see the clicks.
    ///
    /// # Errors
    /// As for opening the stream; `GONE` if the link was deleted in the meantime.
    async fn check(&self) -> Result<(), ApiError> {
        let actor = self.presented.actor(&self.state).await?;
        let links = self.state.links();
        let link = links.with_viewable_clicks(&actor, self.link).await?;
        if link.is_deleted() && !self.of_deleted {
            return Err(ApiError::new(ErrorCode::Gone, "this link was deleted"));
        }
        Ok(())
    }
}

/// Whether an error says nothing about rights.
fn is_temporary(error: &ApiError) -> bool {
    matches!(
        error.code(),
        ErrorCode::Unavailable | ErrorCode::Busy | ErrorCode::Internal
    )
}

/// Returns the last event of a stream that ends because of this error.
fn end(error: &ApiError) -> Result<Bytes, ApiError> {
    let data = serde_json::to_string(&error.body()).map_err(ApiError::internal)?;
    Ok(format!("event: end\ndata: {data}\n\n").into())
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
