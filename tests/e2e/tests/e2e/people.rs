//! Owners, shares and deletion of links on each database.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_e2e::{FRESH_WITHIN, Kept, Visitor, cut_while_cached, on_each_database};
use waypost_test_harness::{DatabaseProxy, Kind, ServerProcess, TestDatabase, wait_until};

on_each_database!(
    a_link_belongs_to_its_owners_and_is_seen_by_those_it_is_shared_with,
    an_old_code_goes_on_counting_and_a_deleted_link_can_be_restored,
    a_user_is_deleted_and_their_links_are_given_away_or_deleted,
    a_token_that_is_revoked_while_in_use_is_refused_by_every_server,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_link_redirects_without_postgres_whatever_is_sent() {
    a_public_link_redirects_without_its_database(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_link_redirects_without_mariadb_whatever_is_sent() {
    a_public_link_redirects_without_its_database(Kind::MariaDb).await;
}

fn id(record: &Value) -> &str {
    record["id"].as_str().expect("an id")
}

fn owners(record: &Value) -> Vec<(&str, bool)> {
    let owners = record["owners"].as_array().expect("owners").iter();
    owners
        .map(|owner| {
            let email = owner["email"].as_str().expect("an address");
            (email, owner["is_primary"] == true)
        })
        .collect()
}

async fn a_link_belongs_to_its_owners_and_is_seen_by_those_it_is_shared_with(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, closed());
    let add = |email| Member::add(&server, &database, email);
    let (ada, grace) = (add("ada@example.com"), add("grace@example.com"));
    let (alan, eve) = (add("alan@example.com"), add("eve@example.com"));
    let link = ada
        .make(json!({
            "url": "https://example.com/secret", "code": "Plan", "visibility": "secure",
            "title": "The plan", "tags": ["Plans", "2026"],
        }))
        .await;
    let path = format!("/api/v1/links/{}", id(&link));
    assert_eq!(owners(&link), [("ada@example.com", true)]);
    assert_eq!(link["tags"], json!(["2026", "plans"]));

    // Two owners, a share, a stranger.
    let owners_path = format!("{path}/owners");
    let body = json!({ "email": "grace@example.com" });
    let operator = Member::with_token(&server, OPERATOR);
    operator
        .call(Method::POST, &owners_path, body, StatusCode::CREATED)
        .await;
    let body = json!({ "email": "alan@example.com" });
    let shared = format!("{path}/shares");
    ada.call(Method::POST, &shared, body, StatusCode::CREATED)
        .await;
    for (who, sees, follows) in [
        (&ada, StatusCode::OK, StatusCode::FOUND),
        (&grace, StatusCode::OK, StatusCode::FOUND),
        (&alan, StatusCode::OK, StatusCode::FOUND),
        (&eve, StatusCode::NOT_FOUND, StatusCode::FORBIDDEN),
    ] {
        assert_eq!(who.status(&path).await, sees);
        assert_eq!(who.follow("plan").await, follows);
        let listed = who.get("/api/v1/links?q=plan").await;
        let found = listed["links"].as_array().expect("links").len();
        assert_eq!(found == 1, sees == StatusCode::OK, "{listed}");
    }
    let nobody = Visitor::of(&server).get("/plan").await;
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    assert!(!nobody.text().await.expect("a body").contains("secret"));
    assert_eq!(ada.get(&path).await["clicks"], 3);
    assert_eq!(alan.get(&path).await["clicks"], Value::Null);
    let edit = json!({ "title": "Mine" });
    alan.call(Method::PATCH, &path, edit, StatusCode::FORBIDDEN)
        .await;

    // The primary owner transfers the link, the receiver accepts, and a co-owner leaves it.
    let body = json!({ "email": "grace@example.com" });
    let transfer = format!("{path}/transfer");
    ada.call(Method::POST, &transfer, body, StatusCode::CREATED)
        .await;
    assert_eq!(
        owners(&grace.get(&path).await)[0],
        ("ada@example.com", true)
    );
    let offers = grace.get("/api/v1/offers").await;
    assert_eq!(offers["offers"][0]["id"], link["id"], "{offers}");
    let accept = format!("/api/v1/offers/{}/accept", id(&link));
    grace
        .call(Method::POST, &accept, json!({}), StatusCode::OK)
        .await;
    let me = ada.get("/api/v1/users/me").await;
    ada.delete(&format!("{owners_path}/{}", id(&me))).await;
    assert_eq!(ada.status(&path).await, StatusCode::NOT_FOUND);
    assert_eq!(
        owners(&grace.get(&path).await),
        [("grace@example.com", true)]
    );

    let history = grace.get(&format!("{path}/history")).await;
    let versions = history["versions"].as_array().expect("versions");
    let actions: Vec<_> = versions.iter().map(|version| &version["action"]).collect();
    let access = "access_changed";
    assert_eq!(actions, [access, access, access, access, access, "created"]);
    assert_eq!(versions[0]["changed_by"]["email"], "ada@example.com");
    assert_eq!(Kept::of(&database, "plan").await, Kept::thrice(3));
}

async fn an_old_code_goes_on_counting_and_a_deleted_link_can_be_restored(kind: Kind) {
    let database = TestDatabase::new(kind);
    let first = ServerProcess::start(&database, closed());
    let second = ServerProcess::start(&database, closed());
    let ada = Member::add(&first, &database, "ada@example.com");
    let link = ada
        .make(json!({ "url": "https://example.com/", "code": "old" }))
        .await;
    let path = format!("/api/v1/links/{}", id(&link));
    let elsewhere = ada.on(&second);
    assert_eq!(elsewhere.follow("old").await, StatusCode::FOUND);
    assert_eq!(elsewhere.follow("new").await, StatusCode::NOT_FOUND);
    let rename = json!({ "code": "New" });
    ada.call(Method::PATCH, &path, rename, StatusCode::OK).await;
    wait_until("both servers know the new code", FRESH_WITHIN, async || {
        elsewhere.follow("new").await == StatusCode::FOUND
    })
    .await;
    assert_eq!(ada.follow("OLD").await, StatusCode::FOUND);
    assert_eq!(ada.follow("new").await, StatusCode::FOUND);
    let body = json!({ "url": "https://example.com/", "code": "old" });
    let taken = ada
        .call(Method::POST, "/api/v1/links", body, StatusCode::CONFLICT)
        .await;
    assert_eq!(taken["code"], "CODE_TAKEN");

    ada.delete(&path).await;
    wait_until("both servers know the deletion", FRESH_WITHIN, async || {
        elsewhere.follow("new").await == StatusCode::NOT_FOUND
            && elsewhere.follow("old").await == StatusCode::NOT_FOUND
    })
    .await;
    for code in ["old", "new"] {
        assert_eq!(ada.follow(code).await, StatusCode::NOT_FOUND);
    }
    let deleted = ada.get("/api/v1/links?deleted=true").await;
    assert_eq!(deleted["links"][0]["id"], link["id"]);
    // Deleted less than 30 days ago.
    let purged = linkctl(&database, &["purge", "--yes"]).assert_success();
    assert_eq!(purged.stdout, "purged 0 deleted links\n");
    let restored = ada
        .send(Method::POST, &format!("{path}/restore"), None)
        .await;
    assert_eq!(restored.status(), StatusCode::OK);
    let back = json!({ "version": 1 });
    let restore = format!("{path}/restore");
    let back = ada.call(Method::POST, &restore, back, StatusCode::OK).await;
    assert_eq!(back["code"], "old");
    assert_eq!(ada.follow("new").await, StatusCode::FOUND);
    let clicks = ada.get(&path).await["clicks"].as_i64().expect("a number");
    // The clicks on the second server, and the three on the first.
    assert!(clicks >= 5, "{clicks}");
    wait_until("all clicks are stored", FRESH_WITHIN, async || {
        let settled = elsewhere.get(&path).await["clicks"]
            .as_i64()
            .expect("a number");
        Kept::of(&database, "old").await == Kept::thrice(settled)
    })
    .await;

    ada.delete(&path).await;
    let long_ago = match kind {
        Kind::MariaDb => "2020-01-01 00:00:00",
        Kind::Sqlite | Kind::Postgres => "2020-01-01 00:00:00+00:00",
    };
    let age = format!("update links set deleted_at = '{long_ago}'");
    database.execute(&age).await;
    let purged = linkctl(&database, &["purge", "--yes"]).assert_success();
    assert_eq!(purged.stdout, "purged 1 deleted link\n");
    for table in [
        "links",
        "link_codes",
        "link_clicks",
        "link_versions",
        "link_owners",
        "link_invitations",
    ] {
        let sql = format!("select count(*) from {table}");
        assert_eq!(database.number(&sql).await, 0, "{table}");
    }
    ada.make(json!({ "url": "https://example.com/", "code": "old" }))
        .await;
}

async fn a_user_is_deleted_and_their_links_are_given_away_or_deleted(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, closed());
    let add = |email| Member::add(&server, &database, email);
    let (ada, grace) = (add("ada@example.com"), add("grace@example.com"));
    let operator = Member::with_token(&server, OPERATOR);
    let make = async |who: &Member, code: &str| {
        who.make(json!({ "url": "https://example.com/", "code": code }))
            .await
    };
    let given = make(&ada, "given").await;
    let keep = ["user", "delete", "ada@example.com", "--links"];
    let unconfirmed = linkctl(&database, &[&keep[..], &["delete"]].concat());
    assert_eq!(unconfirmed.status.code(), Some(4), "{unconfirmed:?}");
    let reassign = "reassign:grace@example.com";
    linkctl(&database, &[&keep[..], &[reassign, "--yes"]].concat()).assert_success();
    assert_eq!(
        ada.status("/api/v1/users/me").await,
        StatusCode::UNAUTHORIZED
    );
    let path = format!("/api/v1/links/{}", id(&given));
    assert_eq!(
        owners(&grace.get(&path).await),
        [("grace@example.com", true)]
    );
    assert_eq!(grace.follow("given").await, StatusCode::FOUND);

    let alan = add("alan@example.com");
    make(&grace, "alone").await;
    let both = make(&grace, "both").await;
    let body = json!({ "email": "alan@example.com" });
    let path = format!("/api/v1/links/{}", id(&both));
    let add_owner = format!("{path}/owners");
    operator
        .call(Method::POST, &add_owner, body, StatusCode::CREATED)
        .await;
    let me = grace.get("/api/v1/users/me").await;
    let user = format!("/api/v1/admin/users/{}", id(&me));
    let refused = alan
        .send(Method::DELETE, &format!("{user}?links=delete"), None)
        .await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    operator.delete(&format!("{user}?links=delete")).await;
    assert_eq!(
        grace.status("/api/v1/users/me").await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(owners(&alan.get(&path).await), [("alan@example.com", true)]);
    wait_until("the server knows", FRESH_WITHIN, async || {
        alan.follow("alone").await == StatusCode::NOT_FOUND
    })
    .await;
    assert_eq!(alan.follow("both").await, StatusCode::FOUND);
    let all = operator
        .get("/api/v1/admin/links?deleted=true&sort=code")
        .await;
    let codes: Vec<_> = all["links"].as_array().expect("links").iter().collect();
    let codes: Vec<_> = codes.iter().map(|link| &link["code"]).collect();
    assert_eq!(codes, ["alone", "given"]);
}

async fn a_token_that_is_revoked_while_in_use_is_refused_by_every_server(kind: Kind) {
    let database = TestDatabase::new(kind);
    let first = ServerProcess::start(&database, closed());
    let second = ServerProcess::start(&database, closed());
    let ada = Member::add(&first, &database, "ada@example.com");
    let tokens = ada.get("/api/v1/tokens").await;
    let token = id(&tokens["tokens"][0]);
    let elsewhere = ada.on(&second);
    assert_eq!(elsewhere.status("/api/v1/users/me").await, StatusCode::OK);
    let path = format!("/api/v1/tokens/{token}");
    let refused = ada.send(Method::DELETE, &path, None).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    linkctl(&database, &["token", "revoke", token]).assert_success();
    for who in [&ada, &elsewhere] {
        let refused = who.send(Method::GET, "/api/v1/users/me", None).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert!(refused.headers().contains_key("www-authenticate"));
    }

    let again = [
        "token",
        "create",
        "--user",
        "ada@example.com",
        "--name",
        "again",
    ];
    let made = linkctl(&database, &again).assert_success();
    let ada = Member::with_token(&second, made.stdout.trim());
    assert_eq!(ada.status("/api/v1/users/me").await, StatusCode::OK);
    linkctl(&database, &["user", "disable", "ada@example.com"]).assert_success();
    for server in [&first, &second] {
        let status = ada.on(server).status("/api/v1/users/me").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    linkctl(&database, &["user", "enable", "ada@example.com"]).assert_success();
    assert_eq!(ada.status("/api/v1/users/me").await, StatusCode::OK);
    let secret = made.stdout.trim();
    for output in [first.output(), second.output()] {
        assert!(!output.contains(secret) && !output.contains(OPERATOR));
    }
}

async fn a_public_link_redirects_without_its_database(kind: Kind) {
    let database = TestDatabase::new(kind);
    let proxy = DatabaseProxy::before(&database).await;
    let options = closed().env("WAYPOST_DATABASE_URL", proxy.url());
    let server = ServerProcess::start(&database, options);
    let ada = Member::add(&server, &database, "ada@example.com");
    for visibility in ["public", "private"] {
        ada.make(json!({
            "url": "https://example.com/", "code": visibility, "visibility": visibility,
        }))
        .await;
    }
    let visitor = Visitor::of(&server);
    cut_while_cached(&proxy, &visitor, &["public", "private"]).await;
    for token in [ada.token.as_str(), OPERATOR, "wp_unknown", "x"] {
        let who = Member::with_token(&server, token);
        assert_eq!(who.follow("public").await, StatusCode::FOUND);
        assert_eq!(who.follow("private").await, StatusCode::FOUND);
    }
}
