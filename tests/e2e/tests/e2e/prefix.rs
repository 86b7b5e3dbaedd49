//! A server under a path of a site, after a real proxy that removes the path and one that does not.

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::json;
use waypost_test_harness::{
    PATIENCE, ServerOptions, ServerProcess, TestDatabase, free_port, wait_until,
};

use crate::nginx::Nginx;

/// A client of nginx, without redirects.
struct Site {
    client: Client,
    root: String,
}

impl Site {
    async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.root));
        request.send().await.unwrap()
    }

    /// Returns where a path redirects to, without the origin.
    async fn redirect(&self, path: &str) -> String {
        let answer = self.get(path).await;
        let location = answer.headers().get("location");
        let location = location.map_or("", |location| location.to_str().unwrap());
        location
            .strip_prefix(&self.root)
            .unwrap_or(location)
            .to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_under_a_path_is_served_by_proxies_that_remove_it_and_that_do_not() {
    for (location, slash) in [("/go/", "/"), ("/go/", ""), ("/go", "")] {
        let (database, port) = (TestDatabase::sqlite(), free_port());
        let root = format!("http://127.0.0.1:{port}");
        let options = ServerOptions::new().env("WAYPOST_BASE_URL", format!("{root}/go"));
        let server = ServerProcess::start(&database, options);
        let nginx = Nginx::start(&format!(
            "server {{ listen 127.0.0.1:{port}; location {location} {{ proxy_pass {}{slash}; \
             proxy_set_header Host $http_host; }} }}",
            server.url("").trim_end_matches('/'),
        ));
        let client = Client::builder().no_proxy().redirect(Policy::none());
        let site = Site {
            client: client.build().unwrap(),
            root,
        };
        wait_until("nginx answers", PATIENCE, async || {
            let request = site.client.get(format!("{}/go/health", site.root));
            request
                .send()
                .await
                .is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        check(&site, &format!("location {location}, slash {slash:?}")).await;
        drop(nginx);
    }
}

async fn check(site: &Site, what: &str) {
    for (code, url) in [
        ("Docs", "https://example.com/d"),
        ("go", "https://example.com/go"),
    ] {
        let request = site.client.post(format!("{}/go/shorten", site.root));
        let request = request.json(&json!({ "url": url, "code": code }));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 201, "{what}");
        let link: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(link["shortUrl"], format!("{}/go/{code}", site.root));
    }
    assert_eq!(
        site.redirect("/go/docs").await,
        "https://example.com/d",
        "{what}"
    );
    assert_eq!(
        site.redirect("/go/go").await,
        "https://example.com/go",
        "{what}"
    );
    let sign_in = site.redirect_of_browser("/go/dashboard").await;
    assert_eq!(sign_in, "/go/auth/login?redirect=%2Fdashboard", "{what}");
    let page = site.get("/go/auth/login").await;
    let cookie = page.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; Path=/go;"), "{what}: {cookie}");
    let page = page.text().await.unwrap();
    let (_, asset) = page.split_once("href=\"/go/static/").expect(what);
    let asset = asset.split('"').next().unwrap();
    assert_eq!(
        site.get(&format!("/go/static/{asset}")).await.status(),
        200,
        "{what}"
    );
    assert_eq!(site.get("/go/api/docs/").await.status(), 200, "{what}");
    assert_eq!(
        site.get("/go/api/openapi.json").await.status(),
        200,
        "{what}"
    );
    assert_eq!(site.get("/go/nothing").await.status(), 404, "{what}");
    if what.contains("location /go/") {
        // nginx itself serves what is not below the path.
        assert_eq!(site.redirect("/go").await, "/go/", "{what}");
    }
    assert_eq!(site.get("/gopher").await.status(), 404, "{what}");
}

impl Site {
    async fn redirect_of_browser(&self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.root));
        let answer = request.header("Accept", "text/html").send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}
