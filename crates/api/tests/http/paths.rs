//! Codes below the codes of other links: who creates them, and who sees them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use waypost_core::Actor;
use waypost_service::{Availability, LinkError};

use crate::people::{LINKS, Somebody, each, path_of, text};
use crate::setup::{Answer, OPERATOR, TestServer};

const URL: &str = "https://example.com/";

fn link(code: &str) -> Value {
    json!({ "url": URL, "code": code })
}

/// Asserts that a code is refused because of the link above it, whose owners are not named.
#[track_caller]
fn assert_owned(refused: &Answer, above: &str) {
    refused.assert_error(403, "PATH_OWNED");
    let message = refused.json()["message"].to_string();
    assert!(message.contains(&format!("`{above}`")), "{message}");
    assert!(!message.contains('@'), "{message}");
}

async fn create(server: &TestServer, token: &str, code: &str) -> Answer {
    server.tell(token, Method::POST, LINKS, &link(code)).await
}

/// A server, the owner of links, another owner of them, and somebody else.
struct Stage {
    server: TestServer,
    ada: Somebody,
    co_owner: Somebody,
    eve: Somebody,
}

impl Stage {
    async fn set() -> Self {
        let server = TestServer::closed().await;
        let [ada, co_owner, eve] = [
            server.member("ada").await,
            server.member("bob").await,
            server.member("eve").await,
        ];
        Self {
            server,
            ada,
            co_owner,
            eve,
        }
    }

    /// Creates a link of Ada with a co-owner.
    async fn upper(&self, code: &str, visibility: &str) -> Value {
        let fields = json!({ "url": URL, "code": code, "visibility": visibility });
        let link = self.server.made(&self.ada.token, &fields).await;
        let path = format!("{}/owners", path_of(&link));
        let owner = json!({ "email": self.co_owner.email });
        let added = self
            .server
            .tell(OPERATOR, Method::POST, &path, &owner)
            .await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
        link
    }
}

#[tokio::test]
async fn a_code_below_a_link_is_for_its_owners_and_admins() {
    let stage = Stage::set().await;
    let server = &stage.server;
    let admin = server.admin("grace").await;
    let lacking = server.token(admin.id, "read,write").await;
    for (visibility, upper) in [("public", "Jira"), ("private", "team"), ("secure", "hr")] {
        stage.upper(upper, visibility).await;
        let lower = upper.to_lowercase();
        for token in [&stage.eve.token, &lacking] {
            for code in ["abc-1", "ABC/1/2"] {
                let refused = create(server, token, &format!("{upper}/{code}")).await;
                assert_owned(&refused, &lower);
            }
        }
        for (number, token) in [
            &stage.ada.token,
            &stage.co_owner.token,
            &admin.token,
            OPERATOR,
        ]
        .into_iter()
        .enumerate()
        {
            let made = create(server, token, &format!("{lower}/own-{number}")).await;
            assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        }
        // An existing code below does not tell more.
        let refused = create(server, &stage.eve.token, &format!("{lower}/own-1")).await;
        assert_owned(&refused, &lower);
    }
    // What is beside a link is free, and so is what is above existing codes.
    for code in ["jira-x/abc", "other/abc", "jir", "other"] {
        let made = create(server, &stage.eve.token, code).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    }
}

#[tokio::test]
async fn the_nearest_link_above_a_code_decides() {
    let stage = Stage::set().await;
    let (server, ada, eve) = (&stage.server, &stage.ada, &stage.eve);
    stage.upper("jira", "public").await;
    let admin = server.admin("grace").await;
    let abc = server.made(&admin.token, &link("jira/abc")).await;
    assert_owned(&create(server, &ada.token, "jira/abc/x").await, "jira/abc");
    let made = create(server, &admin.token, "jira/abc/x").await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let made = create(server, &ada.token, "jira/abcd/x").await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    // A deleted link still decides, and a former code as well.
    let deleted = server
        .ask(&admin.token, Method::DELETE, &path_of(&abc))
        .await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{deleted:?}");
    assert_owned(&create(server, &ada.token, "jira/abc/y").await, "jira/abc");
    let old = server.made(&ada.token, &link("old")).await;
    server.changed(&ada.token, &old, &link("new")).await;
    for below in ["old/x", "new/x"] {
        let above = below.strip_suffix("/x").unwrap();
        assert_owned(&create(server, &eve.token, below).await, above);
    }
    // Above a link without an owner and above a keyword, only admins decide.
    server.made(OPERATOR, &link("ours")).await;
    assert_owned(&create(server, &ada.token, "ours/x").await, "ours");
    let keyword = json!({ "keyword": "gh", "url": "https://example.com/{slug}" });
    let made = server
        .tell(&admin.token, Method::POST, "/api/v1/keywords", &keyword)
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_owned(&create(server, &eve.token, "gh/org").await, "gh");
    let taken = create(server, &admin.token, "gh/org").await;
    taken.assert_error(409, "CODE_TAKEN");
}

#[tokio::test]
async fn every_way_to_a_code_below_a_link_is_checked() {
    let stage = Stage::set().await;
    let (server, eve) = (&stage.server, &stage.eve);
    let own = server.made(&eve.token, &link("mine/payroll")).await;
    let renamed = server.changed(&eve.token, &own, &link("other")).await;
    assert_eq!(renamed["code"], "other");
    stage.upper("mine", "secure").await;
    stage.upper("hr", "secure").await;
    let path = path_of(&own);
    for method in [Method::PATCH, Method::PUT] {
        let refused = server
            .tell(&eve.token, method, &path, &link("hr/payroll"))
            .await;
        assert_owned(&refused, "hr");
    }
    let restore = format!("{path}/restore");
    let refused = server
        .tell(&eve.token, Method::POST, &restore, &json!({ "version": 1 }))
        .await;
    assert_owned(&refused, "mine");
    let bulk = json!({ "links": [link("hr/a"), link("free/a"), link("hr/b")] });
    let path = format!("{LINKS}/bulk");
    let results = server.tell(&eve.token, Method::POST, &path, &bulk).await;
    let results = results.json()["results"].take();
    let codes: Vec<&Value> = (0..3).map(|at| &results[at]["error"]["code"]).collect();
    let owned = json!("PATH_OWNED");
    assert_eq!(codes, [&owned, &Value::Null, &owned], "{results}");
    assert_eq!(results[0]["status"], 403, "{results}");
    let refused = server
        .tell(&eve.token, Method::POST, "/shorten", &link("hr/c"))
        .await;
    assert_owned(&refused, "hr");
    // The former code still leads to its link, whose owner did not lose it.
    let followed = server.get("/mine/payroll").await;
    assert_eq!(followed.status, StatusCode::FOUND, "{followed:?}");
    // Changing anything else does not need the link above.
    let nested = server.made(&eve.token, &link("deep/x")).await;
    stage.upper("deep", "public").await;
    let fields = json!({ "title": "New", "code": "Deep/X" });
    server.changed(&eve.token, &nested, &fields).await;
}

#[tokio::test]
async fn anonymous_callers_create_no_codes_below_a_link() {
    let server = TestServer::start().await;
    let ada = server.member("ada").await;
    server.made(&ada.token, &link("jira")).await;
    server.link("nobody").await;
    for above in ["jira", "nobody"] {
        let refused = server.shorten(URL, &format!("{above}/abc")).await;
        assert_owned(&refused, above);
    }
    server.link("free/abc").await;
}

#[tokio::test]
async fn the_check_of_a_code_says_that_it_is_below_a_link() {
    let stage = Stage::set().await;
    stage.upper("hr", "secure").await;
    let links = waypost_service::Links::new(waypost_service::Shortener::new(
        waypost_service::ShortenerParts {
            store: stage.server.store.clone(),
            clock: stage.server.clock.clone(),
            random: std::sync::Arc::new(waypost_core::SystemRandom),
            reserved: waypost_api::reserved_words(),
            base_url: "https://go.example".parse().unwrap(),
            resolver: None,
        },
    ));
    let actor = |who: &Somebody| Actor::User {
        id: who.id,
        role: waypost_core::Role::Member,
        scopes: "read,write".parse().unwrap(),
        credential: waypost_core::Credential::Token,
    };
    let of = async |who, code| links.availability(&actor(who), code, None).await;
    let owned = of(&stage.eve, "HR/x").await;
    assert!(matches!(owned, Err(LinkError::PathOwned(above)) if above == "hr"));
    let free = of(&stage.ada, "hr/x").await;
    assert!(matches!(free, Ok(Availability::Free)));
}

#[tokio::test]
async fn owners_of_a_link_see_the_codes_below_it() {
    let stage = Stage::set().await;
    let (server, ada, eve) = (&stage.server, &stage.ada, &stage.eve);
    for (code, visibility) in [
        ("jira/public", "public"),
        ("jira/secret", "secure"),
        ("jira/gone", "public"),
    ] {
        let fields = json!({ "url": URL, "code": code, "visibility": visibility });
        let made = server.made(&eve.token, &fields).await;
        if code == "jira/gone" {
            server
                .ask(&eve.token, Method::DELETE, &path_of(&made))
                .await;
        }
    }
    let upper = stage.upper("jira", "public").await;
    server.made(&ada.token, &link("jira/own")).await;
    let path = format!("{}/below", path_of(&upper));
    let codes = ["jira/gone", "jira/own", "jira/public", "jira/secret"];
    for (who, seen) in [
        (&ada.token, [false, true, true, false]),
        (&stage.co_owner.token, [false, false, true, false]),
    ] {
        let below = server.read(who, &path).await.json();
        assert_eq!(each(&below["codes"], "code"), codes, "{below}");
        // Ada's own link is public by default.
        let shown = below["codes"].as_array().unwrap().iter();
        let shown: Vec<bool> = shown.map(|item| item["link"].is_object()).collect();
        assert_eq!((shown[0], shown[2], shown[3]), (seen[0], seen[2], seen[3]));
    }
    let refused = server.read(&eve.token, &path).await;
    refused.assert_error(403, "FORBIDDEN");
    let page = server.read(&ada.token, &format!("{path}?limit=3")).await;
    let page = page.json();
    assert_eq!(each(&page["codes"], "code"), codes[..3], "{page}");
    let cursor = text(&page["next_cursor"]).replace('/', "%2F");
    let next = server
        .read(&ada.token, &format!("{path}?cursor={cursor}"))
        .await;
    assert_eq!(each(&next.json()["codes"], "code"), codes[3..]);
}

#[tokio::test]
async fn admins_see_the_codes_below_links_of_other_owners() {
    let stage = Stage::set().await;
    let (server, eve) = (&stage.server, &stage.eve);
    let admin = server.admin("grace").await;
    server.made(&eve.token, &link("jira/eve")).await;
    server.made(&eve.token, &link("free/eve")).await;
    stage.upper("jira", "secure").await;
    server.made(&stage.ada.token, &link("jira/ada")).await;
    let path = "/api/v1/admin/foreign-codes";
    let foreign = server.read(&admin.token, path).await.json();
    assert_eq!(each(&foreign["codes"], "code"), ["jira/eve"], "{foreign}");
    let item = &foreign["codes"][0];
    assert_eq!(item["above"], "jira");
    assert_eq!(each(&item["link"]["owners"], "email"), [eve.email.as_str()]);
    assert_eq!(
        each(&item["link_above"]["owners"], "email"),
        [stage.ada.email.as_str(), stage.co_owner.email.as_str()]
    );
    let refused = server.read(&eve.token, path).await;
    refused.assert_error(403, "FORBIDDEN");
}
