//! The longest codes, titles, tags, targets and names without a place to break a line, which must
//! fit the narrowest screen.

use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};
use waypost_e2e::member::{Member, linkctl};
use waypost_test_harness::{ServerProcess, TestDatabase};

/// Maximum number of characters of a code, minus one, so that a mistyped code is one as well.
const CODE: usize = 63;

/// Returns a text of this length that no browser breaks.
fn wide(length: usize) -> String {
    format!("{:W<length$}", "team_onboarding_checklist_2026_")
}

/// Returns the longest host name.
fn host() -> String {
    let label = "w".repeat(60);
    format!("{label}.{label}.{}.example", "w".repeat(59))
}

/// Adds everything that a page may show in its greatest width. Returns the values for placeholders
/// in paths.
pub(crate) async fn fill(
    server: &ServerProcess,
    database: &TestDatabase,
    grace: &Member,
    operator: &Member,
) -> Vec<(&'static str, String)> {
    let email = format!("{}@{}", "w".repeat(64), host());
    let walter = Member::add(server, database, &email);
    let name = json!({ "display_name": "W".repeat(100) });
    for member in [&walter, operator] {
        let path = "/api/v1/users/me";
        if member.status(path).await == StatusCode::OK {
            member
                .call(Method::PATCH, path, name.clone(), StatusCode::OK)
                .await;
        }
    }
    let made = [
        "token",
        "create",
        "--user",
        "grace@example.com",
        "--name",
        &wide(100),
    ];
    linkctl(database, &made).assert_success();
    let link = link(grace, &email).await;
    offered(&walter).await;
    let keyword = of_admins(operator).await;
    visits(server).await;
    let user = walter.get("/api/v1/users/me").await;
    vec![
        ("{wide}", super::data::id(&link)),
        ("{wide-code}", wide(CODE)),
        ("{wide-tag}", "w".repeat(64)),
        ("{wide-user}", super::data::id(&user)),
        ("{wide-keyword}", super::data::id(&keyword)),
    ]
}

/// Creates a link with a history, whose fields all have their maximum length.
async fn link(grace: &Member, email: &str) -> Value {
    let target = format!(
        "https://{}/{}?{}",
        host(),
        "p".repeat(1_500),
        "q=".repeat(150)
    );
    let tags = ["w".repeat(64), "v".repeat(64), "x".repeat(64)];
    let link = grace
        .make(json!({
            "url": target,
            "code": wide(CODE),
            "title": wide(200),
            "description": wide(2_000),
            "tags": tags,
        }))
        .await;
    let path = format!("/api/v1/links/{}", super::data::id(&link));
    for change in [
        json!({ "title": "W".repeat(200) }),
        json!({ "url": "https://example.com/" }),
    ] {
        let url = json!({ "url": target });
        for change in [change, url] {
            grace
                .call(Method::PATCH, &path, change, StatusCode::OK)
                .await;
        }
    }
    for kind in ["owners", "shares"] {
        let other = format!("v{}", email.split_at(1).1);
        for email in [email, &other] {
            let at = format!("{path}/{kind}");
            grace
                .call(
                    Method::POST,
                    &at,
                    json!({ "email": email }),
                    StatusCode::CREATED,
                )
                .await;
        }
    }
    link
}

/// Offers a link to Grace.
async fn offered(walter: &Member) {
    let link = walter
        .make(json!({
            "url": format!("https://{}/", host()),
            "code": "W".repeat(64),
            "title": "W".repeat(200),
        }))
        .await;
    let path = format!("/api/v1/links/{}/transfer", super::data::id(&link));
    let to = json!({ "email": "grace@example.com" });
    walter
        .call(Method::POST, &path, to, StatusCode::CREATED)
        .await;
}

/// Creates a keyword and blocks a host. Returns the keyword.
async fn of_admins(operator: &Member) -> Value {
    let blocked = json!({ "pattern": format!("*.{}", host()), "reason": wide(200) });
    operator
        .call(
            Method::POST,
            "/api/v1/admin/blocklist",
            blocked,
            StatusCode::CREATED,
        )
        .await;
    let keyword = json!({
        "keyword": "k".repeat(64),
        "title": wide(200),
        "description": wide(2_000),
        "url": format!("https://example.com/{}/{{slug}}", "p".repeat(1_900)),
    });
    operator
        .call(
            Method::POST,
            "/api/v1/keywords",
            keyword,
            StatusCode::CREATED,
        )
        .await
}

/// Follows the link from a page with a long host name, and requests a long code in vain.
async fn visits(server: &ServerProcess) {
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy();
    let client = client.build().expect("a client needs nothing");
    for (path, status) in [
        (wide(CODE), StatusCode::FOUND),
        ("W".repeat(63), StatusCode::NOT_FOUND),
    ] {
        let request = client
            .get(server.url(&format!("/{path}")))
            .header("accept", "text/html")
            .header("user-agent", "W".repeat(400))
            .header("referer", format!("https://{}/", host()));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
    }
}
