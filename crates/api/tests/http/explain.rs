//! `GET /api/v1/explain`: explanations match what happens to visits.

use reqwest::Method;
use serde_json::Value;
use url::form_urlencoded::Serializer;
use waypost_core::{Link, LinkDetails, Visibility};
use waypost_store::{LinkStore as _, UserChange, UserStore as _};
use waypost_store_testkit::routing::{CASES, Expected, LINKS};
use waypost_store_testkit::samples::{START, Samples, target};

use crate::setup::{Answer, OPERATOR, TestServer, send};

async fn ask(server: &TestServer, token: &str, query: &[(&str, &str)]) -> Answer {
    let query = Serializer::new(String::new()).extend_pairs(query).finish();
    let path = format!("/api/v1/explain?{query}");
    send(server.by(token, Method::GET, &path)).await
}

async fn explain(server: &TestServer, token: &str, query: &[(&str, &str)]) -> Value {
    let answer = ask(server, token, query).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn add_links(server: &TestServer) {
    let samples = Samples::new(1);
    for link in LINKS {
        let details = LinkDetails {
            forward_query: link.forward_query,
            template: link.template,
            ..LinkDetails::default()
        };
        let made = Link {
            target: target(link.target),
            is_keyword: link.is_keyword,
            ..samples.link_with(link.code, details)
        };
        server
            .store
            .memory()
            .insert_link(&made, None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_explanation_of_each_routing_case_is_what_the_table_says() {
    let server = TestServer::closed().await;
    add_links(&server).await;
    for case in CASES {
        let url = match case.host {
            "go.example" | "" => case.request.to_owned(),
            host => format!("http://{host}{}", case.request),
        };
        let explained = explain(&server, OPERATOR, &[("url", &url)]).await;
        let expected = match case.expected {
            Expected::To(url, _) => (302, Value::from(url), true),
            // Said by the next test.
            Expected::Reserved => (explained["status"].as_i64().unwrap(), Value::Null, false),
            Expected::Preview => (200, Value::Null, false),
            _ => (404, Value::Null, false),
        };
        let found = (
            explained["status"].as_i64().unwrap(),
            explained["target"].clone(),
            explained["counted"].as_bool().unwrap(),
        );
        assert_eq!(found, expected, "{case:?}: {explained}");
        if let Expected::Unfilled(part) = case.expected {
            let message = explained["message"].as_str().unwrap();
            assert!(message.contains(part), "{case:?}: {message}");
        }
        let steps = explained["steps"].as_array().unwrap();
        let is_reserved = steps.iter().any(|step| step["what"] == "reserved");
        if case.expected == Expected::Reserved {
            assert!(is_reserved, "{case:?}: {explained}");
        }
    }
}

#[tokio::test]
async fn a_path_of_waypost_itself_is_explained_by_what_it_answers() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    // Without OpenID there is no sign-in with it, and the first admin is there.
    let is_closed = |path: &str| path.starts_with("/auth/oidc") || path == "/setup";
    let gets = waypost_api::routes().filter(|route| route.methods.starts_with("GET"));
    let paths = gets.map(|route| route.path);
    let plain = paths.filter(|path| !path.contains(['{', '.']) && !is_closed(path));
    let others = [
        "/shorten",
        "/urls/wiki",
        "/api",
        "/dashboard/nothing",
        "/health/",
    ];
    for path in plain.chain(others) {
        let explained = explain(&server, OPERATOR, &[("url", path), ("user", "anonymous")]).await;
        let answer = server.get(path).await;
        assert_eq!(
            explained["status"],
            answer.status.as_u16(),
            "{path}: {explained}"
        );
        assert_eq!(
            (&explained["target"], &explained["counted"]),
            (&Value::Null, &false.into())
        );
        let own = "of Waypost itself";
        assert!(
            explained["message"].as_str().unwrap().contains(own),
            "{explained}"
        );
        assert!(
            explained["steps"][1]["found"]
                .as_str()
                .unwrap()
                .contains(own),
            "{explained}"
        );
    }
    let dashboard = [("url", "/dashboard"), ("user", "ada@example.com")];
    let explained = explain(&server, OPERATOR, &dashboard).await;
    assert_eq!(explained["status"], 200, "{explained}");
    let explained = explain(&server, &ada.token, &[("url", "/admin")]).await;
    assert_eq!(explained["status"], 303, "pages ignore tokens: {explained}");
    // A word that is reserved and no route may be the code of an older link.
    let explained = explain(&server, OPERATOR, &[("url", "/login")]).await;
    assert_eq!(explained["status"], 404, "{explained}");
    let found = explained["steps"][1]["found"].as_str().unwrap();
    assert!(found.contains("no new link can have this code"), "{found}");
}

#[tokio::test]
async fn a_disabled_user_visits_like_anyone_who_is_not_signed_in() {
    let server = TestServer::closed().await;
    let owner = server.member("owner").await;
    let secure = Samples::new(1).link_with(
        "secret",
        LinkDetails {
            visibility: Visibility::Secure,
            ..LinkDetails::default()
        },
    );
    let store = server.store.memory();
    store.insert_link(&secure, Some(owner.id)).await.unwrap();
    store
        .insert_link(&Samples::new(2).link("open"), None)
        .await
        .unwrap();
    let visit = async |path: &str| {
        let query = [("url", path), ("user", "owner@example.com")];
        explain(&server, OPERATOR, &query).await
    };
    assert_eq!(visit("/secret").await["status"], 302);
    let change = UserChange {
        disabled_at: Some(Some(START)),
        ..UserChange::default()
    };
    store.change_user(owner.id, &change).await.unwrap();
    for (path, status) in [("/secret", 401), ("/open", 302), ("/dashboard", 303)] {
        let explained = visit(path).await;
        assert_eq!(explained["status"], status, "{explained}");
        let step = &explained["steps"][1];
        assert_eq!(step["what"], "visitor", "{explained}");
        let found = step["found"].as_str().unwrap();
        assert!(found.contains("owner@example.com is disabled"), "{found}");
    }
    let unknown = [("url", "/open"), ("user", "nobody@example.com")];
    ask(&server, OPERATOR, &unknown)
        .await
        .assert_error(400, "USER_UNKNOWN");
}

#[tokio::test]
async fn the_explanation_of_a_secure_link_reveals_no_more_than_a_visit() {
    let server = TestServer::closed().await;
    let (owner, stranger) = (
        server.member("owner").await,
        server.member("stranger").await,
    );
    let samples = Samples::new(1);
    let secure = samples.link_with(
        "secret",
        LinkDetails {
            visibility: Visibility::Secure,
            ..LinkDetails::default()
        },
    );
    let store = server.store.memory();
    store.insert_link(&secure, Some(owner.id)).await.unwrap();
    let seen = async |token: &str, query: &[(&str, &str)]| {
        let explained = explain(&server, token, query).await;
        (
            explained["status"].as_i64().unwrap(),
            explained["target"].is_null(),
        )
    };
    let as_oneself = [("url", "/secret")];
    assert_eq!(seen(&owner.token, &as_oneself).await, (302, false));
    assert_eq!(seen(&stranger.token, &as_oneself).await, (403, true));
    let as_nobody = [("url", "/secret"), ("user", "anonymous")];
    assert_eq!(seen(&owner.token, &as_nobody).await, (401, true));
    let as_owner = [("url", "/secret"), ("user", "owner@example.com")];
    assert_eq!(seen(OPERATOR, &as_owner).await, (302, false));
    let explained = explain(&server, OPERATOR, &as_owner).await;
    let because = explained["counted_because"].as_str().unwrap();
    assert!(because.contains("the user, if signed in"), "{because}");
    let refused = ask(&server, &stranger.token, &as_owner).await;
    refused.assert_error(403, "FORBIDDEN");
}

#[tokio::test]
async fn explaining_counts_nothing_and_tells_the_client_address() {
    let server = TestServer::closed().await;
    add_links(&server).await;
    for _ in 0..3 {
        let explained = explain(&server, OPERATOR, &[("url", "/wiki"), ("ip", "192.0.2.7")]).await;
        assert_eq!(explained["client_address"], "192.0.2.7");
        let because = explained["client_address_because"].as_str().unwrap();
        assert!(because.contains("WAYPOST_TRUSTED_PROXIES"), "{because}");
        assert_eq!(explained["rule"], "code");
        assert_eq!(explained["cache_control"], "private, no-store");
    }
    let links = server
        .read(OPERATOR, "/api/v1/admin/links?q=wiki")
        .await
        .json();
    assert_eq!(links["links"][0]["clicks"], 0);
    for (query, message) in [
        ([("url", "")], "`url` must have"),
        ([("uri", "/wiki")], "unknown field"),
    ] {
        let refused = ask(&server, OPERATOR, &query).await;
        refused.assert_error(400, "BAD_REQUEST");
        assert!(refused.body.contains(message), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_stranger_learns_no_more_of_a_link_than_by_visiting_it() {
    let server = TestServer::closed().await;
    let (owner, stranger) = (
        server.member("owner").await,
        server.member("stranger").await,
    );
    let admin = server.admin("admin").await;
    let samples = Samples::new(1);
    let store = server.store.memory();
    let mut ids = Vec::new();
    for (code, visibility) in [
        ("secret", Visibility::Secure),
        ("secret/deeper", Visibility::Secure),
        ("quiet", Visibility::Private),
        ("open", Visibility::Public),
        ("open/hidden/deeper", Visibility::Secure),
    ] {
        let details = LinkDetails {
            visibility,
            ..LinkDetails::default()
        };
        let link = samples.link_with(code, details);
        store.insert_link(&link, Some(owner.id)).await.unwrap();
        ids.push(link.id.to_string());
    }
    let of = async |who: &str, path: &str| explain(&server, who, &[("url", path)]).await;
    // Which code of a secure link matches, and its ID, are for those who may follow it.
    let [one, other] = [
        of(&stranger.token, "/secret/deeper").await,
        of(&stranger.token, "/secret/nothing").await,
    ];
    for explained in [&one, &other] {
        assert_eq!(explained["status"], 403, "{explained}");
        assert_eq!(explained["link_id"], Value::Null, "{explained}");
        assert_eq!(explained["rule"], Value::Null, "{explained}");
    }
    let text = |explained: &Value| explained.to_string().replace("nothing", "deeper");
    assert_eq!(text(&one), text(&other));
    let seen = of(&owner.token, "/secret/deeper").await;
    assert_eq!(
        (&seen["link_id"], &seen["rule"]),
        (&ids[1].as_str().into(), &"code".into())
    );
    let as_anonymous = [("url", "/secret"), ("user", "anonymous")];
    for (who, id) in [(&stranger.token, None), (&owner.token, Some(&ids[0]))] {
        let explained = explain(&server, who, &as_anonymous).await;
        assert_eq!(explained["status"], 401, "{explained}");
        assert_eq!(explained["link_id"].as_str(), id.map(String::as_str));
    }
    // Anyone with the code follows a private link; its ID is for those who find it in lists.
    let quiet = of(&stranger.token, "/quiet").await;
    assert_eq!(
        (&quiet["status"], &quiet["link_id"]),
        (&302.into(), &Value::Null)
    );
    let open = of(&stranger.token, "/open").await;
    assert_eq!(open["link_id"].as_str(), Some(ids[3].as_str()), "{open}");
    // Whether there are longer codes is for admins.
    let steps = |explained: &Value, path: &str| {
        explained["steps"]
            .to_string()
            .replace(path, "")
            .replace("quiet", "open")
    };
    for rest in ["/x/y", "/hidden", "/a%20b", "//"] {
        let with = of(&stranger.token, &format!("/open{rest}")).await;
        let without = of(&stranger.token, &format!("/quiet{rest}")).await;
        assert_eq!(steps(&with, rest), steps(&without, rest), "{rest}");
        let with = of(&admin.token, &format!("/open{rest}")).await;
        let without = of(&admin.token, &format!("/quiet{rest}")).await;
        assert_ne!(steps(&with, rest), steps(&without, rest), "{rest}");
    }
}

#[tokio::test]
async fn the_explanation_names_what_is_stored_of_the_visit() {
    let server = TestServer::closed().await;
    add_links(&server).await;
    let because = async |headers: &[(&str, &str)]| {
        let mut request = server.by(OPERATOR, Method::GET, "/api/v1/explain?url=/wiki");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let explained = send(request).await.json();
        explained["counted_because"].as_str().unwrap().to_owned()
    };
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
    let firefox = ("user-agent", firefox);
    let discord = "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)";
    let referrer = ("referer", "https://news.example/?q=1");
    for (headers, stored) in [
        (
            &[firefox, referrer][..],
            "stored: the link, the time, the click type `human`, the browser `Firefox`, the operating \
             system `Linux`, the device `desktop`, the user agent, the referrer without its query, a \
             hash of the IP address",
        ),
        (
            &[("user-agent", "curl/8.15.0")],
            "stored: the link, the time, the click type `bot`, the user agent, a hash",
        ),
        (
            &[("user-agent", discord), referrer, ("dnt", "1")],
            "stored: the link, the time and the click type `preview`, and nothing else, because",
        ),
        (
            &[firefox, ("sec-gpc", "1")],
            "stored: the link, the time and the click type `human`, and nothing else, because",
        ),
        (
            &[firefox, ("x-purpose", "preview")],
            "stored: the link, the time, the click type `preview`, the browser `Firefox`",
        ),
        (
            &[firefox, ("purpose", "preview")],
            "GET is counted once, as a preview, and redirected",
        ),
        (
            &[firefox, ("sec-purpose", "prefetch"), ("dnt", "1")],
            "stored: the link, the time and the click type `prefetch`, and nothing else",
        ),
    ] {
        let because = because(headers).await;
        assert!(because.contains(stored), "{stored} in {because}");
    }
}

#[tokio::test]
async fn previews_files_and_refused_requests_are_explained_as_they_are_answered() {
    let server = TestServer::closed().await;
    add_links(&server).await;
    for path in [
        "/wiki+",
        "/wiki+.",
        "/wiki+/",
        "/docs/api/v1+",
        "/nothing+",
        "/robots.txt",
        "/opensearch.xml",
        "/gh+/org",
    ] {
        let explained = explain(&server, OPERATOR, &[("url", path)]).await;
        let answer = server.get(path).await;
        assert_eq!(explained["status"], answer.status.as_u16(), "{explained}");
        assert_eq!(explained["counted"], false, "{explained}");
    }
    for (url, status) in [
        ("http://a b/wiki", 400),
        ("http://gh:99999/wiki", 400),
        ("http://ada:secret@gh/org/repo", 302),
    ] {
        let explained = explain(&server, OPERATOR, &[("url", url)]).await;
        assert_eq!(explained["status"], status, "{explained}");
    }
}
