//! Admin pages: users, all links, keywords, orphan paths, the blocklist and the system.

use reqwest::header::USER_AGENT;
use reqwest::{Method, StatusCode};
use waypost_core::{DisplayName, Email, LinkDetails, Password, Role, ShortCode, Title, User};
use waypost_service::NewUser;
use waypost_store::{LinkStore as _, UserStore as _};
use waypost_store_testkit::samples::Samples;

use crate::browser::{Browser, PASSWORD, add, signed_in};
use crate::pages::POLICY;
use crate::settings_pages::{assert_problem, send_form};
use crate::setup::{Answer, TestServer, send};

pub(crate) const HOSTILE: &str = "\"><script>alert(1)</script>";
pub(crate) const ESCAPED: &str = "&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;";

/// Starts a server with an admin, and a browser in which she is signed in.
pub(crate) async fn rooted(server: &TestServer) -> (User, Browser<'_>) {
    let new = NewUser {
        email: Email::parse("root@example.com").unwrap(),
        display_name: DisplayName::default(),
        role: Role::Admin,
        password: Some(Password::parse(PASSWORD).unwrap()),
    };
    let admin = server.accounts.add_user(new).await.unwrap();
    let browser = Browser::of(server);
    let answer = browser.sign_in("root@example.com", PASSWORD, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    (admin, browser)
}

/// Creates a link that a user owns.
pub(crate) async fn link_of(server: &TestServer, owner: &User, code: &str) -> waypost_core::Link {
    let seed = code.bytes().fold(1, |seed: u64, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let link = Samples::new(seed).link(code);
    let store = server.store.memory();
    store.insert_link(&link, Some(owner.id)).await.unwrap();
    link
}

pub(crate) async fn find(server: &TestServer, email: &str) -> Option<User> {
    let email = Email::parse(email).unwrap();
    server.store.memory().user_by_email(&email).await.unwrap()
}

#[track_caller]
pub(crate) fn assert_led(answer: &Answer, path: &str) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(answer.header("location"), path);
}

const PAGES: [(&str, &str); 6] = [
    ("/admin", "Users"),
    ("/admin/links", "All links"),
    ("/admin/keywords", "Keywords"),
    ("/admin/orphans", "Orphan paths"),
    ("/admin/blocklist", "Blocklist"),
    ("/admin/system", "System"),
];

#[tokio::test]
async fn each_page_marks_its_tab_and_links_to_the_others() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    for (path, label) in PAGES {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {page:?}");
        assert_eq!(page.header("content-security-policy"), POLICY, "{path}");
        let body = page.body;
        assert_eq!(body.matches("<h1>").count(), 1, "{path}: {body}");
        let current = format!("<a href=\"{path}\" aria-current=\"page\">{label}</a>");
        assert!(body.contains(&current), "{path}: {body}");
        for (other, _) in PAGES {
            assert!(
                body.contains(&format!("<a href=\"{other}\"")),
                "{path}: {other}"
            );
        }
        assert!(
            !body.contains(" style=") && !body.contains("<style"),
            "{path}"
        );
        assert!(
            !body.contains("<script>") && !body.contains(" onclick"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_admins_see_the_pages() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    for (path, _) in PAGES {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}: {page:?}");
        assert!(
            page.body.contains("This requires an admin."),
            "{path}: {page:?}"
        );
    }
    let fields = [("csrf", "guessed"), ("email", "eve@example.com")];
    let sent = browser.form("/admin", &fields);
    let sent = browser
        .send(sent.header("Sec-Fetch-Site", "same-origin"))
        .await;
    assert_eq!(sent.status, StatusCode::FORBIDDEN, "{sent:?}");
    let dashboard = browser.get("/dashboard").await.body;
    assert!(!dashboard.contains("href=\"/admin\""), "{dashboard}");
}

#[tokio::test]
async fn all_links_are_found_by_word_owner_and_visibility() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let ada = add(&server, "ada").await;
    let mut link = Samples::new(7).link("hostile");
    link.details = LinkDetails {
        title: Title::parse(HOSTILE).unwrap(),
        visibility: "secure".parse().unwrap(),
        ..LinkDetails::default()
    };
    let store = server.store.memory();
    store.insert_link(&link, Some(ada.id)).await.unwrap();
    link_of(&server, &ada, "plain").await;
    let nobodys = Samples::new(8).link("nobodys");
    store.insert_link(&nobodys, None).await.unwrap();
    let listed = async |query: &str| {
        let page = browser.get(&format!("/admin/links{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let codes = ["hostile", "plain", "nobodys"].into_iter();
        let found = codes.filter(|code| page.body.contains(&format!(">{code}</a>")));
        found.collect::<Vec<_>>()
    };
    let all = browser.get("/admin/links").await.body;
    assert!(all.contains(ESCAPED) && !all.contains("<script>"), "{all}");
    let edit = format!("href=\"/dashboard/links/{}\"", link.id);
    assert!(
        all.contains(&edit) && all.contains("ada@example.com"),
        "{all}"
    );
    assert_eq!(listed("").await, ["hostile", "plain", "nobodys"]);
    assert_eq!(
        listed("?q=&owner=ada%40example.com").await,
        ["hostile", "plain"]
    );
    assert_eq!(listed("?visibility=secure").await, ["hostile"]);
    assert_eq!(listed("?q=plain").await, ["plain"]);
    assert_eq!(listed("?owner=nobody@example.com").await, [""; 0]);
    let wrong = browser.get("/admin/links?owner=%22%3E").await;
    assert_problem(&wrong, "owner", "Enter the email address of a user");
    assert!(wrong.body.contains("value=\"&#34;&#62;\""), "{wrong:?}");
}

#[tokio::test]
async fn the_next_page_of_a_list_keeps_the_filters() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let ada = add(&server, "ada").await;
    for number in 0..51 {
        link_of(&server, &ada, &format!("link-{number:02}")).await;
    }
    let page = browser
        .get("/admin/links?sort=code&owner=ada@example.com")
        .await
        .body;
    assert!(
        page.contains(">link-49</a>") && !page.contains(">link-50</a>"),
        "{page}"
    );
    let (_, rest) = page.split_once("<nav class=\"pager\"").unwrap();
    let (_, rest) = rest.split_once("href=\"").unwrap();
    let (next, _) = rest.split_once('"').unwrap();
    let next = next.replace("&#38;", "&").replace("&amp;", "&");
    assert!(next.contains("owner=ada%40example.com"), "{next}");
    let page = browser.get(&next).await.body;
    assert!(
        page.contains(">link-50</a>") && !page.contains(">link-49</a>"),
        "{page}"
    );
    assert!(page.contains("First page"), "{page}");
}

#[tokio::test]
async fn a_keyword_is_created_changed_removed_and_restored() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let page = browser.get("/admin/keywords").await.body;
    assert!(page.contains("No keywords yet."), "{page}");
    let fields = [
        ("code", "GH"),
        ("target", "https://github.com/{slug}"),
        ("title", HOSTILE),
        ("forward_query", "on"),
    ];
    let made = browser.fill("/admin/keywords", &fields).await;
    assert_led(&made, "/admin/keywords");
    let page = browser.get("/admin/keywords").await.body;
    assert!(page.contains(">GH</a>"), "{page}");
    assert!(
        page.contains(ESCAPED) && !page.contains("<script>"),
        "{page}"
    );
    let followed = server.get("/gh/org/repo").await;
    assert_eq!(followed.header("location"), "https://github.com/org/repo");
    for (code, target, field) in [
        ("GH", "https://example.com/{slug}", "code"),
        ("a/b", "https://example.com/{slug}", "code"),
        ("x", "https://example.com/", "target"),
        ("x", "javascript:alert({slug})", "target"),
    ] {
        let fields = [("code", code), ("target", target)];
        let refused = browser.fill("/admin/keywords", &fields).await;
        assert_problem(&refused, field, "");
        assert!(refused.body.contains(&format!("value=\"{target}\"")));
    }
    let (_, rest) = page.split_once("href=\"/admin/keywords/").unwrap();
    let (id, _) = rest.split_once('"').unwrap();
    let path = format!("/admin/keywords/{id}");
    let change = [
        ("code", "gh"),
        ("target", "https://example.com/{slug}"),
        ("description", "one\r\n<two>"),
    ];
    assert_led(&browser.fill(&path, &change).await, "/admin/keywords");
    let page = browser.get(&path).await.body;
    assert!(page.contains(">\none\n&#60;two&#62;</textarea>"), "{page}");
    let followed = server.get("/gh/org?x=1").await;
    assert_eq!(followed.header("location"), "https://example.com/org");
    let wrong = [("code", "gh"), ("target", "nowhere")];
    assert_problem(&browser.fill(&path, &wrong).await, "target", "");
    let remove = format!("{path}/remove");
    let removed = send_form(&browser, &path, &remove, &[]).await;
    assert_led(&removed, "/admin/keywords");
    assert_eq!(server.get("/gh/org").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
    let back = browser.fill("/admin/keywords", &change).await;
    assert_led(&back, "/admin/keywords");
    assert_eq!(server.get("/gh/org").await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn an_orphan_path_becomes_a_link_or_is_dismissed() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    for path in ["/team/wiki", "/team/wiki", "/menu"] {
        let tried = server.request(Method::GET, path);
        let tried = tried
            .header("Accept", "text/html")
            .header(USER_AGENT, "person");
        let tried = tried.header("X-Forwarded-For", "192.0.2.1");
        assert_eq!(send(tried).await.status, StatusCode::NOT_FOUND);
    }
    let page = browser.get("/admin/orphans").await.body;
    let make = "href=\"/dashboard?code=team%2Fwiki&#38;from=orphan\"";
    assert!(page.contains(make), "{page}");
    assert!(
        page.contains("<td class=\"number\" data-label=\"Requests\">2</td>"),
        "{page}"
    );
    assert!(page.contains("value=\"2026-03-01\""), "{page}");
    let form = [("path", "menu")];
    let forgotten = send_form(&browser, "/admin/orphans", "/admin/orphans", &form).await;
    assert_led(&forgotten, "/admin/orphans");
    let page = browser.get("/admin/orphans").await.body;
    assert!(page.contains("Path dismissed."), "{page}");
    assert!(!page.contains("/menu<"), "{page}");
    let other = browser
        .get("/admin/orphans?from=2026-02-01&to=2026-02-02")
        .await;
    assert!(other.body.contains("No orphan paths"), "{other:?}");
    for (query, field, message) in [
        (
            "from=tomorrow",
            "from",
            "The first day must be a date such as",
        ),
        ("to=%22", "to", "The last day must be a date such as"),
        (
            "from=2026-03-01&to=2026-02-01",
            "to",
            "The last day must not be before",
        ),
    ] {
        let wrong = browser.get(&format!("/admin/orphans?{query}")).await;
        assert_problem(&wrong, field, message);
    }
}

#[tokio::test]
async fn a_host_is_blocked_and_unblocked() {
    let server = TestServer::closed().await;
    let (root, browser) = rooted(&server).await;
    let code = ShortCode::parse("bad").unwrap();
    let target = "https://evil.example/";
    let fields = [("target", target), ("code", code.as_str())];
    browser.fill("/dashboard", &fields).await;
    assert_eq!(server.get("/bad").await.status, StatusCode::FOUND);
    let page = browser.get("/admin/blocklist").await.body;
    assert!(page.contains("No blocked hosts yet."), "{page}");
    let fields = [("pattern", "Evil.example"), ("reason", HOSTILE)];
    let blocked = browser.fill("/admin/blocklist", &fields).await;
    assert_led(&blocked, "/admin/blocklist");
    assert_eq!(server.get("/bad").await.status, StatusCode::GONE);
    let page = browser.get("/admin/blocklist").await.body;
    assert!(page.contains("evil.example"), "{page}");
    assert!(
        page.contains(ESCAPED) && !page.contains("<script>"),
        "{page}"
    );
    let again = browser.fill("/admin/blocklist", &fields).await;
    assert_problem(
        &again,
        "pattern",
        "This pattern is already on the blocklist",
    );
    let wrong = [("pattern", "https://evil.example/x")];
    assert_problem(
        &browser.fill("/admin/blocklist", &wrong).await,
        "pattern",
        "The host",
    );
    let remove = "/admin/blocklist/remove";
    let form = [("pattern", "evil.example")];
    let unblocked = send_form(&browser, "/admin/blocklist", remove, &form).await;
    assert_led(&unblocked, "/admin/blocklist");
    assert_eq!(server.get("/bad").await.status, StatusCode::FOUND);
    assert!(find(&server, root.email.as_str()).await.is_some());
}

#[tokio::test]
async fn the_system_page_shows_no_secret() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    browser
        .fill(
            "/dashboard",
            &[("target", "https://example.com/"), ("code", "wiki")],
        )
        .await;
    server.store.hold_recordings();
    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    let page = browser.get("/admin/system").await.body;
    for text in [
        concat!("Waypost ", env!("CARGO_PKG_VERSION")),
        "https://go.example",
        "<dd>SQLite 3.50.4</dd>",
        "0003_users",
        "after 90 days",
        "<b>1</b><span>link</span>",
        "<b>1</b><span>user</span>",
        "<b>1</b><span>pending click</span>",
        " of 1,000 links",
        "of 1 MiB",
        "<dd>UTC</dd>",
        "<dd>full</dd>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains(crate::setup::OPERATOR), "{page}");
}
