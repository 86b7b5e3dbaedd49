//! A base URL with a path, with proxies that remove it from requests and proxies that do not.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::browser::{Browser, ME, PASSWORD, add, hidden};
use crate::setup::{Answer, OPERATOR, TestServer, send, settings};

async fn server_at(base_url: &str) -> TestServer {
    let mut settings = settings();
    settings.base_url = base_url.parse().unwrap();
    TestServer::with(&settings).await
}

async fn create(server: &TestServer, path: &str, url: &str, code: &str) {
    let request = server.request(Method::POST, path);
    let template = url.contains('$');
    let fields = json!({ "url": url, "code": code, "template": template });
    let created = send(request.json(&fields)).await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
}

fn redirect(answer: &Answer) -> (u16, String) {
    let location = answer.header("location").to_owned();
    (answer.status.as_u16(), location)
}

#[tokio::test]
async fn every_path_is_served_with_and_without_the_prefix() {
    let server = server_at("https://x.example/tools/go/").await;
    create(
        &server,
        "/tools/go/shorten",
        "https://example.com/d",
        "docs",
    )
    .await;
    for prefix in ["", "/tools/go"] {
        let get = async |path: &str| server.get(&format!("{prefix}{path}")).await;
        assert_eq!(get("/health").await.status, 200);
        assert_eq!(get("/health/").await.status, 200);
        assert_eq!(get("/api/openapi.json").await.status, 200);
        assert_eq!(get("/api/docs/").await.status, 200);
        assert_eq!(get("/robots.txt").await.status, 200);
        let record = get("/urls/docs/stats").await.json();
        assert_eq!(record["shortUrl"], "https://x.example/tools/go/docs");
        let followed = redirect(&get("/docs").await);
        assert_eq!(followed, (302, "https://example.com/d".to_owned()));
        get("/nothing").await.assert_error(404, "NOT_FOUND");
        get("/urls/nothing/stats")
            .await
            .assert_error(404, "NOT_FOUND");
        let preview = get("/docs+").await.json();
        assert_eq!(preview["short_url"], "https://x.example/tools/go/docs");
        let page = server.browse(&format!("{prefix}/dashboard?a=b")).await;
        let sign_in = "/tools/go/auth/login?redirect=%2Fdashboard%3Fa%3Db";
        assert_eq!(redirect(&page), (303, sign_in.to_owned()));
        let page = server.browse(&format!("{prefix}/auth/login")).await;
        assert!(page.body.contains("\"/tools/go/static/"), "{}", page.body);
        assert!(page.header("set-cookie").contains("; Path=/tools/go;"));
    }
    assert_eq!(server.clicks("docs").await, 2);
    for other in [
        "/tools/gopher",
        "/tools",
        "/tools/health",
        "/go/health",
        "/TOOLS/go/health",
    ] {
        server.get(other).await.assert_error(404, "NOT_FOUND");
    }
    let post = send(server.request(Method::POST, "/tools/go/docs")).await;
    post.assert_error(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a_code_may_be_the_prefix() {
    let server = server_at("https://x.example/go").await;
    let home = (303, "/go/".to_owned());
    assert_eq!(redirect(&server.get("/go").await), home);
    assert_eq!(redirect(&server.head("/go").await), home);
    server.get("/go/go").await.assert_error(404, "NOT_FOUND");
    for (code, url) in [
        // The owners of `go` alone could create it afterwards.
        ("go/below", "https://example.com/below"),
        ("go", "https://example.com/$what"),
        ("gopher", "https://example.com/gopher"),
        ("docs", "https://example.com/docs"),
    ] {
        create(&server, "/shorten", url, code).await;
    }
    for (path, location) in [
        // As a proxy sends them that passes the prefix on.
        ("/go/gopher", "https://example.com/gopher"),
        ("/go/go/x", "https://example.com/x"),
        ("/go/docs", "https://example.com/docs"),
        ("/go/go/below", "https://example.com/below"),
        // As a proxy sends them that removes it.
        ("/gopher", "https://example.com/gopher"),
        ("/go/x", "https://example.com/x"),
        ("/docs", "https://example.com/docs"),
        ("/go/below", "https://example.com/below"),
    ] {
        let followed = redirect(&server.get(path).await);
        assert_eq!(followed, (302, location.to_owned()), "{path}");
    }
    // The link needs a further segment.
    assert_eq!(redirect(&server.get("/go").await), home);
    let at_home = server.browse("/go/").await;
    assert_eq!(at_home.status, server.browse("/").await.status);
}

#[tokio::test]
async fn people_work_under_the_prefix() {
    let server = server_at("https://x.example/go").await;
    add(&server, "ada").await;
    let browser = Browser::of(&server);
    let page = browser.get("/go/auth/login?redirect=/wiki").await;
    let csrf = hidden(&page.body, "csrf");
    let fields = [
        ("csrf", &*csrf),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
        ("redirect", "/wiki"),
    ];
    let form = browser.form("/go/auth/login", &fields);
    let answer = browser
        .send(form.header("Origin", "https://x.example"))
        .await;
    assert_eq!(redirect(&answer), (303, "/go/wiki".to_owned()));
    let me = browser.get(&format!("/go{ME}")).await;
    assert_eq!(me.json()["email"], "ada@example.com");
}

#[tokio::test]
async fn a_keyword_as_host_gets_the_whole_path() {
    let server = server_at("https://x.example/go").await;
    let keyword = json!({ "keyword": "gh", "url": "https://github.com/{slug}" });
    let path = "/go/api/v1/keywords";
    let made = server.tell(OPERATOR, Method::POST, path, &keyword).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    for (host, path, location) in [
        ("gh", "/go/tools", "https://github.com/go/tools"),
        (
            "x.example",
            "/go/gh/go/tools",
            "https://github.com/go/tools",
        ),
        ("x.example", "/gh/go/tools", "https://github.com/go/tools"),
        ("waypost:8080", "/go/gh/go", "https://github.com/go"),
    ] {
        let request = server.request(Method::GET, path).header("Host", host);
        let followed = redirect(&send(request).await);
        assert_eq!(followed, (302, location.to_owned()), "{host} {path}");
    }
}

#[tokio::test]
async fn an_explanation_says_that_the_prefix_is_left_out() {
    let server = server_at("https://x.example/go").await;
    let explained = server.read(OPERATOR, "/api/v1/explain?url=/go").await;
    assert!(explained.body.contains("the home page"), "{explained:?}");
    for code in ["docs", "go"] {
        create(
            &server,
            "/shorten",
            &format!("https://example.com/{code}"),
            code,
        )
        .await;
    }
    let explain = async |url: &str| {
        let path = format!("/api/v1/explain?url={url}");
        let explained = server.read(OPERATOR, &path).await.json();
        let steps = explained["steps"].as_array().unwrap().clone();
        let leaves_out = steps.iter().any(|step| step["what"] == "prefix");
        let target = explained["target"].as_str().unwrap_or_default().to_owned();
        (target, leaves_out)
    };
    let docs = || "https://example.com/docs".to_owned();
    assert_eq!(explain("https://x.example/go/docs").await, (docs(), true));
    assert_eq!(explain("/go/docs").await, (docs(), true));
    assert_eq!(explain("/docs").await, (docs(), false));
    let go = || "https://example.com/go".to_owned();
    assert_eq!(explain("/go/go").await, (go(), true));
    assert_eq!(explain("/go").await, (go(), false));
    // A link without placeholders does not take unknown paths.
    assert_eq!(explain("/go/other").await, (String::new(), true));
    server.get("/go/other").await.assert_error(404, "NOT_FOUND");
    assert_eq!(explain("/gopher").await, (String::new(), false));
}
