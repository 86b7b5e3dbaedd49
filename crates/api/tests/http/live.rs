//! Live streams: server-sent events (HTML Living Standard §9.2) for the clicks of a link.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;
use waypost_store::LinkStore as _;

use crate::browser::{add, signed_in};
use crate::log::lines_with;
use crate::people::{path_of, text};
use crate::setup::{OPERATOR, TestServer, send};

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// An event must arrive within two seconds; this allows more while other tests use the processors.
const AT_MOST: Duration = Duration::from_secs(120);

/// A live stream that is read event by event.
struct Events {
    response: Response,
    text: String,
}

impl Events {
    /// Opens the live stream of a link.
    async fn of(server: &TestServer, token: &str, link: &Value) -> Self {
        Self::by(server.by(token, Method::GET, &live(link))).await
    }

    async fn by(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{response:?}");
        let text = String::new();
        Self { response, text }
    }

    /// Returns the data of the next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if !event.starts_with(':') {
                    let data = event.strip_prefix("retry: 2000\nevent: clicks\ndata: ");
                    return Some(serde_json::from_str(data.unwrap()).unwrap());
                }
                continue;
            }
            let chunk = timeout(AT_MOST, self.response.chunk()).await;
            let chunk = chunk.unwrap().unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Returns the code of the last event of a stream that ends because of its caller, and checks
    /// that nothing follows.
    async fn end(&mut self) -> String {
        while !self.text.contains("event: end\n") || !self.text.ends_with("\n\n") {
            let chunk = timeout(AT_MOST, self.response.chunk()).await;
            let chunk = chunk.unwrap().unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        let read = std::mem::take(&mut self.text);
        let (_, data) = read.split_once("event: end\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data.trim_end()).unwrap();
        assert!(!text(&data["message"]).is_empty());
        assert_eq!(self.response.chunk().await.unwrap(), None);
        text(&data["code"]).to_owned()
    }

    async fn totals(&mut self) -> (u64, u64) {
        let event = self.next().await.unwrap();
        let number = |field: &str| event[field].as_u64().unwrap();
        (number("total"), number("humans"))
    }
}

fn live(link: &Value) -> String {
    format!("{}/live", path_of(link))
}

async fn linked(server: &TestServer, token: &str, code: &str) -> Value {
    let fields = json!({ "url": "https://example.com/", "code": code });
    server.made(token, &fields).await
}

async fn follow(server: &TestServer, code: &str, agent: &str) {
    let request = server
        .request(Method::GET, &format!("/{code}"))
        .header("User-Agent", agent)
        .header("Referer", "https://news.example/page?secret=1");
    assert_eq!(send(request).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn credentials_of_a_proxy_do_not_end_the_stream_of_a_session() {
    let server = TestServer::closed().await;
    let user = add(&server, "ada").await;
    let token = server.token(user.id, "read,write").await;
    let link = linked(&server, &token, "wiki").await;
    let browser = signed_in(&server).await;
    let request = browser.request(Method::GET, &live(&link));
    let request = request.header("Authorization", "Basic YWRhOmh1bnRlcjI=");
    let mut watching = Events::by(request).await;
    assert_eq!(watching.totals().await, (0, 0));
    // The caller is authenticated again before this event.
    follow(&server, "wiki", FIREFOX).await;
    assert_eq!(watching.totals().await, (1, 1));
}

#[tokio::test]
async fn a_stream_starts_with_the_counts_and_reports_each_click() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let link = linked(&server, &ada.token, "wiki").await;
    follow(&server, "wiki", "curl/8.5.0").await;
    server
        .read(&ada.token, &format!("{}/stats", path_of(&link)))
        .await;
    let mut watching = Events::of(&server, &ada.token, &link).await;
    let header = |name: &str| watching.response.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "private, no-store");
    assert_eq!(header("x-accel-buffering"), "no");
    assert!(!header("x-request-id").is_empty());
    let id = text(&link["id"]);
    let first = watching.next().await.unwrap();
    let expected = json!({ "link_id": id, "total": 1, "humans": 0, "clicks": [] });
    assert_eq!(first, expected);
    // Several clients can watch a link.
    let mut operator = Events::of(&server, OPERATOR, &link).await;
    assert_eq!(operator.next().await.unwrap(), expected);

    // Of two clicks in one millisecond, either can be the newer one.
    server.clock.advance(time::Duration::SECOND);
    follow(&server, "wiki", FIREFOX).await;
    let followed = Instant::now();
    let told = watching.next().await.unwrap();
    assert!(followed.elapsed() < AT_MOST / 2, "{:?}", followed.elapsed());
    let expected = json!({
        "link_id": id,
        "total": 2,
        "humans": 1,
        "clicks": [{
            "clicked_at": "2026-03-01T12:00:01.25Z",
            "referrer": "https://news.example/page",
            "browser": "Firefox",
            "os": "Windows",
            "device": "desktop",
            "country": null,
            "class": "human",
            "user": null,
        }],
    });
    assert_eq!(told, expected);
    assert_eq!(operator.next().await.unwrap(), expected);
    // One event can report several clicks; the last event counts all.
    follow(&server, "wiki", FIREFOX).await;
    follow(&server, "wiki", FIREFOX).await;
    while watching.totals().await != (4, 3) {}
}

#[tokio::test]
async fn a_stream_is_for_users_who_can_see_the_clicks() {
    let server = TestServer::closed().await;
    let (ada, bob) = (server.member("ada").await, server.member("bob").await);
    let public = linked(&server, &ada.token, "public").await;
    let fields =
        json!({ "url": "https://example.com/", "code": "private", "visibility": "private" });
    let private = server.made(&ada.token, &fields).await;
    let refused = server.read(&bob.token, &live(&public)).await;
    refused.assert_error(403, "FORBIDDEN");
    let refused = server.read(&bob.token, &live(&private)).await;
    refused.assert_error(404, "NOT_FOUND");
    let refused = server.read("", &live(&public)).await;
    refused.assert_error(401, "UNAUTHORIZED");
    for id in ["0198c0de-0000-7000-8000-000000000000", "wiki"] {
        let path = format!("/api/v1/links/{id}/live");
        let nothing = server.read(OPERATOR, &path).await;
        nothing.assert_error(404, "NOT_FOUND");
    }
    let head = server.ask(&ada.token, Method::HEAD, &live(&public)).await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.header("content-type"), "text/event-stream");
    assert_eq!(head.header("cache-control"), "private, no-store");
}

#[tokio::test]
async fn a_server_that_stops_ends_the_streams_at_once() {
    let server = TestServer::closed().await;
    let link = linked(&server, OPERATOR, "wiki").await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut events = Events::of(&server, OPERATOR, &link).await;
        assert_eq!(events.totals().await, (0, 0));
        streams.push(events);
    }
    // Running requests would have 30 seconds.
    let stopping = timeout(AT_MOST, server.server.stop()).await;
    stopping.unwrap().unwrap();
    for mut events in streams {
        assert_eq!(events.next().await, None);
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_link_is_deleted_and_others_continue() {
    let server = TestServer::closed().await;
    let gone = linked(&server, OPERATOR, "gone").await;
    let destroyed = linked(&server, OPERATOR, "destroyed").await;
    let left = linked(&server, OPERATOR, "left").await;
    let mut of_gone = Events::of(&server, OPERATOR, &gone).await;
    let mut of_destroyed = Events::of(&server, OPERATOR, &destroyed).await;
    assert_eq!(of_gone.totals().await, (0, 0));
    assert_eq!(of_destroyed.totals().await, (0, 0));
    let deleted = server.ask(OPERATOR, Method::DELETE, &path_of(&gone)).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let id = text(&destroyed["id"]).parse().unwrap();
    let store = server.store.memory();
    let id = waypost_core::LinkId::from_uuid(id);
    assert!(store.delete_link(id).await.unwrap());
    assert_eq!(of_gone.end().await, "GONE");
    assert_eq!(of_destroyed.end().await, "NOT_FOUND");
    let again = server.read(OPERATOR, &live(&destroyed)).await;
    again.assert_error(404, "NOT_FOUND");
    let mut of_left = Events::of(&server, OPERATOR, &left).await;
    assert_eq!(of_left.totals().await, (0, 0));
    follow(&server, "left", FIREFOX).await;
    assert_eq!(of_left.totals().await, (1, 1));
}

#[tokio::test]
async fn a_stream_ends_when_the_rights_of_its_caller_do() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let [bob, cem, dot] = [
        server.member("bob").await,
        server.member("cem").await,
        server.member("dot").await,
    ];
    let link = linked(&server, &ada.token, "wiki").await;
    let owners = format!("{}/owners", path_of(&link));
    for owner in [&bob, &cem, &dot] {
        let fields = json!({ "email": owner.email });
        let added = server.tell(OPERATOR, Method::POST, &owners, &fields).await;
        assert!(added.status.is_success(), "{added:?}");
    }
    let (token_id, token) = server.token_with_id(cem.id, "read").await;
    let mut streams = Vec::new();
    for token in [&ada.token, &bob.token, &token, &dot.token] {
        let mut events = Events::of(&server, token, &link).await;
        assert_eq!(events.totals().await, (0, 0));
        streams.push(events);
    }
    let [mut of_ada, mut of_bob, mut of_cem, mut of_dot] = streams.try_into().ok().unwrap();
    // No longer an owner, a revoked token, and a disabled user.
    let removed = format!("{owners}/{}", bob.id);
    let removed = server.ask(&ada.token, Method::DELETE, &removed).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{removed:?}");
    let revoked = server.accounts.revoke_token(cem.id, token_id).await;
    assert!(revoked.unwrap());
    let path = format!("/api/v1/admin/users/{}", dot.id);
    let disabled = json!({ "disabled": true });
    let disabled = server.tell(OPERATOR, Method::PATCH, &path, &disabled).await;
    assert_eq!(disabled.status, StatusCode::OK, "{disabled:?}");
    let began = Instant::now();
    assert_eq!(of_bob.end().await, "FORBIDDEN");
    assert_eq!(of_cem.end().await, "UNAUTHORIZED");
    assert_eq!(of_dot.end().await, "UNAUTHORIZED");
    assert!(began.elapsed() < AT_MOST / 2, "{:?}", began.elapsed());
    // What happens afterwards is told to those who may know it.
    follow(&server, "wiki", FIREFOX).await;
    assert_eq!(of_ada.totals().await, (1, 1));
    for mut ended in [of_bob, of_cem, of_dot] {
        assert_eq!(ended.next().await, None);
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_session_of_its_caller() {
    let server = TestServer::closed().await;
    let ada = add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let bob = server.member("bob").await;
    let link = linked(&server, &bob.token, "wiki").await;
    let owners = format!("{}/owners", path_of(&link));
    let owner = json!({ "email": ada.email.as_str() });
    let added = server.tell(OPERATOR, Method::POST, &owners, &owner).await;
    assert!(added.status.is_success(), "{added:?}");
    let mut events = Events::by(browser.request(Method::GET, &live(&link))).await;
    assert_eq!(events.totals().await, (0, 0));
    let ended = server.accounts.sign_out_everywhere(ada.id).await;
    assert_eq!(ended.unwrap(), 1);
    assert_eq!(events.end().await, "UNAUTHORIZED");
}

async fn wait_for_streams(server: &TestServer, number: u32) {
    let mut interval = tokio::time::interval(Duration::from_millis(20));
    while server.metric("waypost_live_streams").await > f64::from(number) {
        interval.tick().await;
    }
}

#[tokio::test]
async fn a_user_has_ten_streams_and_a_link_fifty() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let link = linked(&server, &ada.token, "wiki").await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(Events::of(&server, &ada.token, &link).await);
    }
    // The newest stream takes the place of the oldest one.
    let newest = Events::of(&server, &ada.token, &link).await;
    let mut oldest = std::mem::replace(&mut streams[0], newest);
    assert_eq!(oldest.totals().await, (0, 0));
    assert_eq!(oldest.end().await, "TOO_MANY_REQUESTS");
    drop(oldest);
    wait_for_streams(&server, 10).await;
    for _ in 10..50 {
        streams.push(Events::of(&server, OPERATOR, &link).await);
    }
    let refused = server.read(OPERATOR, &live(&link)).await;
    refused.assert_error(429, "TOO_MANY_REQUESTS");
    assert!(refused.body.contains("of this link"), "{refused:?}");
    let series = |limit| format!("waypost_live_streams_refused_total{{limit=\"{limit}\"}}");
    for (limit, refused) in [("user", 1.0), ("link", 1.0), ("server", 0.0)] {
        let counted = server.metric(&series(limit)).await;
        assert_eq!(counted.to_string(), refused.to_string(), "{limit}");
    }
    assert_eq!(
        server.metric("waypost_live_streams").await.to_string(),
        "50"
    );
    // Another link has places, and a closed stream makes room.
    let other = linked(&server, OPERATOR, "docs").await;
    streams.push(Events::of(&server, OPERATOR, &other).await);
    drop(streams);
    wait_for_streams(&server, 0).await;
    let mut again = Events::of(&server, &ada.token, &link).await;
    assert_eq!(again.totals().await, (0, 0));
}

#[tokio::test]
async fn a_stream_continues_when_the_database_is_back() {
    let server = TestServer::closed().await;
    let link = linked(&server, OPERATOR, "wiki").await;
    follow(&server, "wiki", FIREFOX).await;
    let mut events = Events::of(&server, OPERATOR, &link).await;
    while events.totals().await != (1, 1) {}
    server.store.go_away();
    follow(&server, "wiki", FIREFOX).await;
    // No other test watches a link while its database is unavailable.
    let mut interval = tokio::time::interval(Duration::from_millis(20));
    let asked = async {
        while lines_with("cannot read a watched link").is_empty() {
            interval.tick().await;
        }
    };
    timeout(AT_MOST, asked).await.unwrap();
    server.store.come_back();
    assert_eq!(events.totals().await, (2, 2));
}
