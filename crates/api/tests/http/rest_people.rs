//! REST API: owners and shares of a link.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{Somebody, each, path_of};
use crate::setup::{Answer, OPERATOR, TestServer};

const TARGET: &str = "https://example.com/page";

/// A server and a link of one of its users.
struct Stage {
    server: TestServer,
    ada: Somebody,
    bob: Somebody,
    eve: Somebody,
    link: Value,
}

impl Stage {
    async fn set(visibility: &str) -> Self {
        let server = TestServer::closed().await;
        let [ada, bob, eve] = [
            server.member("ada").await,
            server.member("bob").await,
            server.member("eve").await,
        ];
        let fields = json!({ "url": TARGET, "code": "wiki", "visibility": visibility });
        let link = server.made(&ada.token, &fields).await;
        Self {
            server,
            ada,
            bob,
            eve,
            link,
        }
    }

    fn path(&self, below: &str) -> String {
        format!("{}{below}", path_of(&self.link))
    }

    async fn read(&self, who: &Somebody, below: &str) -> Answer {
        self.server.read(&who.token, &self.path(below)).await
    }

    async fn add(&self, who: &Somebody, below: &str, body: &Value) -> Answer {
        let path = self.path(below);
        self.server
            .tell(&who.token, Method::POST, &path, body)
            .await
    }

    async fn remove(&self, who: &Somebody, below: &str, whom: &Somebody) -> Answer {
        let path = self.path(&format!("{below}/{}", whom.id));
        self.server.ask(&who.token, Method::DELETE, &path).await
    }

    async fn owners(&self) -> Vec<String> {
        let path = self.path("/owners");
        let owners = self.server.read(OPERATOR, &path).await.json();
        let primary: Vec<_> = owners["owners"].as_array().unwrap().iter().collect();
        for (number, owner) in primary.iter().enumerate() {
            assert_eq!(owner["is_primary"], number == 0, "{owners}");
        }
        each(&owners["owners"], "email")
    }
}

#[tokio::test]
async fn an_owner_adds_owners_and_makes_another_one_primary() {
    let stage = Stage::set("private").await;
    let Stage { ada, bob, eve, .. } = &stage;
    let added = stage
        .add(ada, "/owners", &json!({ "email": " BOB@example.com" }))
        .await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let expected = json!({
        "id": bob.id.to_string(), "email": "bob@example.com", "display_name": "", "is_primary": false,
    });
    assert_eq!(added.json(), expected);
    // Adding the owner again changes nothing.
    let again = stage
        .add(ada, "/owners", &json!({ "email": bob.email }))
        .await;
    assert_eq!(
        (again.status, again.json()),
        (StatusCode::CREATED, expected)
    );
    let read = stage.read(bob, "").await;
    assert_eq!(
        (read.header("etag"), &read.json()["clicks"]),
        ("\"2\"", &json!(0))
    );
    // A co-owner has the same rights.
    let primary = json!({ "email": eve.email, "is_primary": true });
    let made = stage.add(bob, "/owners", &primary).await;
    assert_eq!(made.json()["is_primary"], true, "{made:?}");
    let emails = |people: [&Somebody; 3]| people.map(|person| person.email.clone());
    assert_eq!(stage.owners().await, emails([eve, ada, bob]));
    // An owner becomes the primary owner, and stays it when added again.
    let primary = json!({ "email": bob.email, "is_primary": true });
    assert_eq!(
        stage.add(eve, "/owners", &primary).await.status,
        StatusCode::CREATED
    );
    stage
        .add(
            eve,
            "/owners",
            &json!({ "email": bob.email, "is_primary": false }),
        )
        .await;
    assert_eq!(stage.owners().await, emails([bob, ada, eve]));
    for (email, status, code) in [
        ("nobody@example.com", 400, "USER_UNKNOWN"),
        ("nobody", 400, "BAD_REQUEST"),
        ("", 400, "BAD_REQUEST"),
    ] {
        for below in ["/owners", "/shares"] {
            let refused = stage.add(ada, below, &json!({ "email": email })).await;
            refused.assert_error(status, code);
        }
    }
}

#[tokio::test]
async fn an_owner_leaves_and_the_primary_owner_only_after_a_transfer() {
    let stage = Stage::set("private").await;
    let Stage { ada, bob, eve, .. } = &stage;
    let refused = stage.remove(ada, "/owners", ada).await;
    refused.assert_error(409, "CONFLICT");
    for person in [bob, eve] {
        stage
            .add(ada, "/owners", &json!({ "email": person.email }))
            .await;
    }
    for who in [ada, bob] {
        stage
            .remove(who, "/owners", ada)
            .await
            .assert_error(409, "CONFLICT");
    }
    let left = stage.remove(bob, "/owners", bob).await;
    assert_eq!(
        (left.status, left.body.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    stage.read(bob, "").await.assert_error(404, "NOT_FOUND");
    stage
        .remove(ada, "/owners", bob)
        .await
        .assert_error(404, "NOT_FOUND");
    let no_id = stage.path("/owners/bob");
    let refused = stage.server.ask(&ada.token, Method::DELETE, &no_id).await;
    refused.assert_error(404, "NOT_FOUND");
    stage
        .add(
            ada,
            "/owners",
            &json!({ "email": eve.email, "is_primary": true }),
        )
        .await;
    assert_eq!(
        stage.remove(ada, "/owners", ada).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(stage.owners().await, [eve.email.as_str()]);
}

#[tokio::test]
async fn a_viewer_sees_a_link_without_the_details_for_owners() {
    let stage = Stage::set("secure").await;
    let Stage {
        server,
        ada,
        bob,
        eve,
        link,
    } = &stage;
    server.read(&ada.token, "/wiki").await;
    stage.read(bob, "").await.assert_error(404, "NOT_FOUND");
    let shared = stage
        .add(ada, "/shares", &json!({ "email": bob.email }))
        .await;
    assert_eq!(shared.status, StatusCode::CREATED, "{shared:?}");
    let person = json!({
        "id": bob.id.to_string(), "email": bob.email, "display_name": "",
    });
    assert_eq!(shared.json(), person);
    let again = stage
        .add(ada, "/shares", &json!({ "email": bob.email }))
        .await;
    assert_eq!(
        (again.status, again.json()),
        (StatusCode::CREATED, person.clone())
    );
    assert_eq!(stage.read(ada, "").await.header("etag"), "\"2\"");
    let shares = stage.read(ada, "/shares").await.json();
    assert_eq!(shares, json!({ "shares": [person], "next_cursor": null }));

    let seen = stage.read(bob, "").await.json();
    assert_eq!(seen["clicks"], Value::Null);
    assert_eq!(seen["url"], link["url"]);
    assert_eq!(stage.read(ada, "").await.json()["clicks"], 1);
    assert_eq!(
        each(&stage.read(bob, "/owners").await.json()["owners"], "email"),
        [ada.email.as_str()]
    );
    for below in ["/history", "/shares"] {
        stage.read(bob, below).await.assert_error(403, "FORBIDDEN");
    }
    for refused in [
        stage
            .add(bob, "/shares", &json!({ "email": eve.email }))
            .await,
        stage
            .add(bob, "/owners", &json!({ "email": bob.email }))
            .await,
        stage.remove(bob, "/shares", bob).await,
    ] {
        refused.assert_error(403, "FORBIDDEN");
    }
    // An owner needs no share.
    let owner = stage
        .add(ada, "/shares", &json!({ "email": ada.email }))
        .await;
    assert_eq!(
        (owner.status, &owner.json()["email"]),
        (StatusCode::CREATED, &json!(ada.email))
    );
    let shares = stage.read(ada, "/shares").await.json();
    assert_eq!(each(&shares["shares"], "email"), [bob.email.as_str()]);

    stage
        .remove(ada, "/shares", eve)
        .await
        .assert_error(404, "NOT_FOUND");
    stage
        .remove(ada, "/shares", ada)
        .await
        .assert_error(404, "NOT_FOUND");
    assert_eq!(
        stage.remove(ada, "/shares", bob).await.status,
        StatusCode::NO_CONTENT
    );
    stage.read(bob, "").await.assert_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn clicks_are_shown_to_owners_and_admins_only() {
    let stage = Stage::set("public").await;
    let Stage {
        server,
        ada,
        bob,
        eve,
        ..
    } = &stage;
    let admin = server.admin("grace").await;
    stage
        .add(ada, "/owners", &json!({ "email": bob.email }))
        .await;
    server.get("/wiki").await;
    for (who, clicks) in [
        (ada, json!(1)),
        (bob, json!(1)),
        (eve, json!(null)),
        (&admin, json!(1)),
    ] {
        let read = stage.read(who, "").await.json();
        assert_eq!(read["clicks"], clicks, "{}", who.email);
        let list = server.read(&who.token, "/api/v1/links").await.json();
        assert_eq!(list["links"][0]["clicks"], clicks, "{}", who.email);
    }
}

#[tokio::test]
async fn owners_and_shares_are_listed_in_pages() {
    let stage = Stage::set("private").await;
    let Stage {
        server,
        ada,
        bob,
        eve,
        ..
    } = &stage;
    let dan = server.member("dan").await;
    for person in [bob, eve, &dan] {
        stage
            .add(ada, "/owners", &json!({ "email": person.email }))
            .await;
    }
    let sixth = server.member("sixth").await;
    let fifth = server.member("fifth").await;
    for person in [&sixth, &fifth] {
        stage
            .add(ada, "/shares", &json!({ "email": person.email }))
            .await;
    }
    let expected = [ada, bob, eve, &dan].map(|person| person.email.clone());
    let mut by_id = [&sixth, &fifth];
    by_id.sort_by_key(|person| person.id);
    let shares = by_id.map(|person| person.email.clone());
    for (what, expected) in [("owners", expected.as_slice()), ("shares", &shares)] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = stage
                .read(ada, &format!("/{what}?limit=1{cursor}"))
                .await
                .json();
            let people = each(&page[what], "email");
            assert_eq!(people.len(), 1);
            found.extend(people);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, expected, "{what}");
    }
}
