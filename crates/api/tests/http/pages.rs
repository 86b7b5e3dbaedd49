//! What all pages have in common: headers, access, assets, and escaping of user input.

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, IF_NONE_MATCH, REFERER};
use reqwest::{Method, StatusCode};

use crate::browser::{Browser, add, hidden, signed_in};
use crate::gated_store::CAUSE;
use crate::setup::{OPERATOR, TestServer, send};

pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Returns the URLs of the files that a page loads.
fn loaded(page: &str) -> Vec<String> {
    let parts = page.split(['"', ' ']);
    let files = parts.filter(|part| part.starts_with("/static/"));
    files.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_page_forbids_what_it_does_not_need() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    for (path, status) in [
        ("/dashboard", 200),
        ("/dashboard/stats", 200),
        ("/settings", 200),
        ("/settings/sessions", 200),
        ("/settings/tokens", 200),
        ("/admin", 403),
        ("/auth/logout", 200),
        ("/setup", 410),
        ("/nothing-here", 404),
        ("/dashboard/nothing/here", 404),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}: {page:?}");
        assert_eq!(page.header("content-security-policy"), POLICY, "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let body = &page.body;
        assert!(
            body.starts_with("<!doctype html>\n<html lang=\"en\">"),
            "{body}"
        );
        assert_eq!(body.matches("<h1").count(), 1, "{path}: {body}");
        assert!(
            !body.contains(" style=") && !body.contains("<style"),
            "{body}"
        );
        assert!(
            !body.contains("<script>") && !body.contains(" onclick"),
            "{body}"
        );
        assert!(!loaded(body).is_empty(), "{path}");
    }
}

#[tokio::test]
async fn an_error_page_says_what_to_do_and_not_the_cause() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    for (status, code) in [(503, "UNAVAILABLE"), (500, "INTERNAL")] {
        match status {
            503 => server.store.go_away(),
            _ => server.store.break_down(),
        }
        for path in ["/dashboard", "/settings/tokens", "/not-cached", "/links"] {
            let page = browser.get(path).await;
            assert_eq!(page.status.as_u16(), status, "{path}: {page:?}");
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
            assert_eq!(page.header("content-security-policy"), POLICY, "{path}");
            let body = &page.body;
            assert!(body.contains("<p role=\"alert\">"), "{path}: {body}");
            assert!(body.contains(code), "{path}: {body}");
            assert!(body.contains(page.header("x-request-id")), "{path}: {body}");
            assert!(!loaded(body).is_empty(), "{path}: {body}");
            for cause in [CAUSE, "hunter2", "connection refused"] {
                assert!(!body.contains(cause), "{path}: {body}");
            }
            let later = page.headers.contains_key("retry-after");
            assert_eq!(later, status == 503, "{path}: {page:?}");
        }
        server.store.come_back();
    }
    let page = browser.get("/dashboard").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
}

#[tokio::test]
async fn a_visitor_without_a_session_is_redirected_to_sign_in_and_back() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = Browser::of(&server);
    let sent = browser.get("/dashboard?q=a%20b&sort=code").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let login = "/auth/login?redirect=%2Fdashboard%3Fq%3Da%2520b%26sort%3Dcode";
    assert_eq!(sent.header("location"), login);
    let page = browser.get(login).await;
    let redirect = hidden(&page.body, "redirect").replace("&#38;", "&");
    let answer = browser
        .sign_in("ada@example.com", "correct horse", &redirect)
        .await;
    assert_eq!(answer.header("location"), "/dashboard?q=a%20b&sort=code");
    assert_eq!(browser.get("/dashboard").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_sent_after_the_session_ended_leads_back_to_its_page() {
    let server = TestServer::closed().await;
    let browser = Browser::of(&server);
    let form = browser.form("/dashboard", &[("target", "https://example.com/")]);
    let form = form.header(REFERER, "https://go.example/dashboard?sort=code");
    let sent = browser.send(form).await;
    let login = "/auth/login?redirect=%2Fdashboard%3Fsort%3Dcode";
    assert_eq!(
        (sent.status.as_u16(), sent.header("location")),
        (303, login)
    );
    // htmx would insert the sign-in page in place of a part.
    let part = browser.request(Method::GET, "/dashboard?q=x");
    let part = part
        .header("HX-Request", "true")
        .header("HX-Current-URL", "https://go.example/dashboard?sort=code");
    let sent = browser.send(part).await;
    assert_eq!(
        (sent.status.as_u16(), sent.header("hx-redirect")),
        (204, login)
    );
    assert_eq!(sent.header("location"), "");
}

#[tokio::test]
async fn a_token_gives_no_access_to_pages() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    for token in [ada.token.as_str(), OPERATOR, "wp_guess"] {
        let request = Browser::of(&server).request(Method::GET, "/dashboard");
        let sent = send(request.header(AUTHORIZATION, format!("Bearer {token}"))).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{sent:?}");
    }
}

#[tokio::test]
async fn files_are_cached_for_ever_under_the_url_with_their_hash() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let page = signed_in(&server).await.get("/dashboard").await.body;
    let files = loaded(&page);
    assert_eq!(files.len(), 4, "{files:?}");
    for address in files {
        let file = server.get(&address).await;
        assert_eq!(file.status, StatusCode::OK, "{address}");
        let forever = "public, max-age=31536000, immutable";
        assert_eq!(file.header("cache-control"), forever, "{address}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        let (path, _) = address.split_once('?').unwrap();
        let media_type = match path.rsplit_once('.').unwrap().1 {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other}"),
        };
        assert_eq!(file.header("content-type"), media_type);
        for other in [path, &format!("{path}?v=0123456789abcdef")] {
            let asked = server.get(other).await;
            assert_eq!(asked.header("cache-control"), "no-cache", "{other}");
            assert_eq!(asked.body, file.body);
            let again = server.request(Method::GET, other);
            let again = send(again.header(IF_NONE_MATCH, asked.header("etag"))).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{other}");
            assert!(again.body.is_empty());
        }
        let short = server.request(Method::GET, &address);
        let short = send(short.header(ACCEPT_ENCODING, "gzip, br")).await;
        assert_eq!(short.header("content-encoding"), "gzip", "{path}");
        assert_eq!(short.header("vary"), "accept-encoding");
    }
    let missing = server.get("/static/missing.css").await;
    missing.assert_error(404, "NOT_FOUND");
    let above = server.get("/static/..%2FCargo.toml").await;
    assert_eq!(above.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_are_compressed_on_request_and_redirects_never() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let ask = |path: &str| {
        let request = browser.request(Method::GET, path);
        request.header(ACCEPT_ENCODING, "gzip, deflate, br")
    };
    let page = send_raw(ask("/dashboard")).await;
    assert_eq!(page.0, "gzip");
    let length = browser.get("/dashboard").await.body.len();
    assert!(page.1 < length / 2, "{} of {length}", page.1);
    let plain = browser.get("/dashboard").await;
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.header("vary"), "accept-encoding");
    let refused = browser.request(Method::GET, "/dashboard");
    let refused = send(refused.header(ACCEPT_ENCODING, "gzip;q=0")).await;
    assert_eq!(refused.header("content-encoding"), "");
    let redirect = send_raw(ask("/auth/login")).await;
    assert_eq!(redirect, (String::new(), 0));
}

/// Returns the encoding and the length of a response.
async fn send_raw(request: reqwest::RequestBuilder) -> (String, usize) {
    let answer = request.send().await.unwrap();
    let encoding = answer.headers().get("content-encoding");
    let encoding = encoding.map_or("", |encoding| encoding.to_str().unwrap());
    let encoding = encoding.to_owned();
    (encoding, answer.bytes().await.unwrap().len())
}

#[tokio::test]
async fn the_csrf_token_differs_in_each_page() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = browser.get("/dashboard").await.body;
        assert!(!page.contains(&browser.cookie("_csrf").unwrap()));
        seen.push(hidden(&page, "csrf"));
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn a_success_message_is_shown_once() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    browser.plant("__Host-waypost_flash", "saved");
    assert!(browser.get("/dashboard").await.body.contains(">Saved.<"));
    assert_eq!(browser.cookie("_flash"), None);
    assert!(!browser.get("/dashboard").await.body.contains(">Saved.<"));
    // A text planted by an attacker is never shown.
    browser.plant("__Host-waypost_flash", "you-have-won");
    let page = browser.get("/dashboard").await.body;
    assert!(!page.contains("you-have-won"), "{page}");
}

#[tokio::test]
async fn an_error_is_shown_beside_its_field_with_the_entry() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    for (target, code, field, value) in [
        ("no url \"<", "", "target", "no url &#34;&#60;"),
        (
            "https://example.com/",
            "api",
            "code",
            "https://example.com/",
        ),
        ("https://example.com/", "-x-", "code", "-x-"),
    ] {
        let answer = browser
            .fill("/dashboard", &[("target", target), ("code", code)])
            .await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{answer:?}"
        );
        let body = &answer.body;
        assert!(body.contains(&format!("value=\"{value}\"")), "{body}");
        let (_, rest) = body.split_once(&format!("<input id=\"{field}\"")).unwrap();
        let (input, rest) = rest.split_once('>').unwrap();
        assert!(input.contains("aria-invalid=\"true\""), "{body}");
        let described = format!("aria-describedby=\"{field}-about\"");
        assert!(input.contains(&described), "{body}");
        assert!(
            rest.trim_start()
                .starts_with(&format!("<div id=\"{field}-about\"><p class=\"error\">")),
            "{body}"
        );
    }
}

#[tokio::test]
async fn hostile_texts_are_escaped() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let title = "\"><img src=x onerror=alert(1)></title><script>alert(2)</script>{{7*7}}";
    let link = serde_json::json!({
        "url": "https://example.com/?q=%3Cscript%3E'\"&a=<b>",
        "code": "hostile",
        "title": title,
        "tags": ["a"],
    });
    let request = browser.request(Method::POST, "/api/v1/links");
    let request = request.header("Sec-Fetch-Site", "same-origin");
    let made = browser.send(request.json(&link)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let page = browser.get("/dashboard").await.body;
    assert!(page.contains("hostile"), "{page}");
    assert!(
        !page.contains("<img") && !page.contains("<script>"),
        "{page}"
    );
    assert!(
        page.contains("&#60;img src=x onerror=alert(1)&#62;"),
        "{page}"
    );
    assert!(page.contains("{{7*7}}"), "{page}");
}
