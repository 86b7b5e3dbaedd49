//! REST API: owners and shares of a link.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{Somebody, each, path_of, text};
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

    /// Makes users owners at once, as only an admin can.
    async fn own(&self, people: &[&Somebody]) {
        for person in people {
            let path = self.path("/owners");
            let owner = json!({ "email": person.email });
            let added = self
                .server
                .tell(OPERATOR, Method::POST, &path, &owner)
                .await;
            assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
        }
    }

    /// Hands over the link.
    async fn hand_over(&self, from: &Somebody, to: &Somebody) {
        let receiver = json!({ "email": to.email });
        let offered = self.add(from, "/transfer", &receiver).await;
        assert_eq!(offered.status, StatusCode::CREATED, "{offered:?}");
        let accepted = self.answer(to, "accept").await;
        assert_eq!(accepted.status, StatusCode::OK, "{accepted:?}");
    }

    /// Accepts or declines the link.
    async fn answer(&self, who: &Somebody, answer: &str) -> Answer {
        let id = text(&self.link["id"]);
        let path = format!("/api/v1/offers/{id}/{answer}");
        self.server.ask(&who.token, Method::POST, &path).await
    }

    async fn remove_named(&self, who: &Somebody, below: &str, name: &str) -> Answer {
        let path = self.path(&format!("{below}/{name}"));
        self.server.ask(&who.token, Method::DELETE, &path).await
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
async fn a_person_owns_a_link_when_they_accept_and_an_admin_adds_owners_at_once() {
    let stage = Stage::set("private").await;
    let Stage { ada, bob, eve, .. } = &stage;
    let owner = json!({ "email": " BOB@example.com" });
    let invited = stage.add(ada, "/owners", &owner).await;
    assert_eq!(invited.status, StatusCode::CREATED, "{invited:?}");
    let invited = invited.json();
    let expected = json!({
        "id": null, "email": "bob@example.com", "display_name": "", "is_primary": false,
        "invited_at": invited["invited_at"],
    });
    assert_eq!(invited, expected);
    assert!(invited["invited_at"].is_string(), "{invited}");
    stage.read(bob, "").await.assert_error(404, "NOT_FOUND");
    let again = stage
        .add(ada, "/owners", &json!({ "email": bob.email }))
        .await;
    assert_eq!(again.json(), expected);
    assert_eq!(stage.read(ada, "").await.header("etag"), "\"2\"");
    let pending = stage.read(ada, "/invitations").await.json();
    let pending = &pending["invitations"];
    assert_eq!(each(pending, "email"), [bob.email.as_str()]);
    assert_eq!(pending[0]["role"], "owner");

    let offers = stage.server.read(&bob.token, "/api/v1/offers").await.json();
    let offer = &offers["offers"][0];
    assert_eq!(
        (&offer["code"], &offer["url"]),
        (&stage.link["code"], &stage.link["url"])
    );
    assert_eq!(
        (&offer["role"], &offer["from"]["email"]),
        (&json!("owner"), &json!(ada.email))
    );
    stage
        .answer(eve, "accept")
        .await
        .assert_error(404, "NOT_FOUND");
    let accepted = stage.answer(bob, "accept").await;
    assert_eq!(accepted.status, StatusCode::OK, "{accepted:?}");
    assert_eq!(accepted.json()["clicks"], 0, "{accepted:?}");
    stage
        .answer(bob, "accept")
        .await
        .assert_error(404, "NOT_FOUND");
    let emails = |people: &[&Somebody]| -> Vec<String> {
        people.iter().map(|person| person.email.clone()).collect()
    };
    assert_eq!(stage.owners().await, emails(&[ada, bob]));
    // Adding an owner again changes nothing.
    let there = stage
        .add(eve, "/owners", &json!({ "email": bob.email }))
        .await;
    there.assert_error(404, "NOT_FOUND");
    let there = stage
        .add(bob, "/owners", &json!({ "email": bob.email }))
        .await;
    assert_eq!(there.json()["id"], json!(bob.id.to_string()));
    stage.own(&[eve]).await;
    assert_eq!(stage.owners().await, emails(&[ada, bob, eve]));
    // Only admins learn that nobody has an address.
    let path = stage.path("/owners");
    let nobody = json!({ "email": "nobody@example.com" });
    let refused = stage
        .server
        .tell(OPERATOR, Method::POST, &path, &nobody)
        .await;
    refused.assert_error(400, "USER_UNKNOWN");
    for below in ["/owners", "/shares", "/transfer"] {
        for email in ["nobody", ""] {
            let refused = stage.add(ada, below, &json!({ "email": email })).await;
            refused.assert_error(400, "BAD_REQUEST");
        }
    }
    // The primary owner changes only by a transfer, not even by an admin.
    let primary = json!({ "email": bob.email, "is_primary": true });
    for token in [&ada.token, &bob.token, OPERATOR] {
        let refused = stage
            .server
            .tell(token, Method::POST, &path, &primary)
            .await;
        refused.assert_error(409, "CONFLICT");
    }
    let already = json!({ "email": ada.email, "is_primary": true });
    let there = stage.add(bob, "/owners", &already).await;
    assert_eq!(there.json()["is_primary"], true, "{there:?}");
}

#[tokio::test]
async fn an_answer_does_not_tell_whether_an_address_has_an_account() {
    let stage = Stage::set("secure").await;
    let Stage { ada, bob, .. } = &stage;
    let neutral = |answer: Answer, email: &str| {
        let body = answer.body.replace(email, "somebody");
        (answer.status, body)
    };
    for below in ["/owners", "/shares", "/transfer"] {
        let mut seen = Vec::new();
        for email in [bob.email.as_str(), "nobody@example.com"] {
            let mut of_this = Vec::new();
            let tag = stage.read(ada, "").await.header("etag").to_owned();
            let answer = stage.add(ada, below, &json!({ "email": email })).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
            of_this.push(neutral(answer, email));
            let changed = stage.read(ada, "").await;
            assert_ne!(changed.header("etag"), tag);
            for list in ["/owners", "/shares", "/invitations"] {
                of_this.push(neutral(stage.read(ada, list).await, email));
            }
            let history = stage.read(ada, "/history?limit=1").await.json();
            let version = &history["versions"][0];
            let changes = format!("{} {}", version["before"], version["after"]);
            of_this.push((StatusCode::OK, changes.replace(email, "somebody")));
            let path = match below {
                "/transfer" => "/transfer".to_owned(),
                _ => format!("{below}/{email}"),
            };
            let ended = stage
                .server
                .ask(&ada.token, Method::DELETE, &stage.path(&path))
                .await;
            assert_eq!(ended.status, StatusCode::NO_CONTENT, "{ended:?}");
            seen.push(of_this);
        }
        assert_eq!(seen[0], seen[1], "{below}");
    }
}

#[tokio::test]
async fn the_primary_owner_hands_over_and_a_co_owner_only_leaves() {
    let stage = Stage::set("private").await;
    let Stage {
        server,
        ada,
        bob,
        eve,
        ..
    } = &stage;
    let admin = server.admin("grace").await;
    stage.own(&[bob, eve]).await;
    for (who, whom) in [(bob, ada), (bob, eve)] {
        let refused = stage.remove(who, "/owners", whom).await;
        refused.assert_error(403, "FORBIDDEN");
        let message = refused.json()["message"].to_string();
        assert!(message.contains("primary owner"), "{message}");
    }
    for who in [ada, &admin] {
        let refused = stage.remove(who, "/owners", ada).await;
        refused.assert_error(409, "CONFLICT");
    }
    let receiver = json!({ "email": bob.email });
    let refused = stage.add(eve, "/transfer", &receiver).await;
    refused.assert_error(403, "FORBIDDEN");
    stage
        .add(ada, "/transfer", &json!({ "email": ada.email }))
        .await
        .assert_error(409, "CONFLICT");
    let none = stage.read(ada, "/transfer").await;
    none.assert_error(404, "NOT_FOUND");
    let offered = stage.add(ada, "/transfer", &receiver).await;
    assert_eq!(offered.json()["email"], json!(bob.email), "{offered:?}");
    let twice = stage.add(ada, "/transfer", &receiver).await;
    twice.assert_error(409, "CONFLICT");
    let seen = stage.read(eve, "/transfer").await;
    assert_eq!(seen.json(), offered.json());
    for who in [eve, bob] {
        let path = stage.path("/transfer");
        let refused = server.ask(&who.token, Method::DELETE, &path).await;
        refused.assert_error(403, "FORBIDDEN");
    }
    let declined = stage.answer(bob, "decline").await;
    assert_eq!(declined.status, StatusCode::NO_CONTENT, "{declined:?}");
    stage
        .answer(bob, "accept")
        .await
        .assert_error(404, "NOT_FOUND");
    // An admin takes back what the owner offered, and offers for the owner.
    stage.add(ada, "/transfer", &receiver).await;
    let path = stage.path("/transfer");
    let taken = server.ask(&admin.token, Method::DELETE, &path).await;
    assert_eq!(taken.status, StatusCode::NO_CONTENT, "{taken:?}");
    server
        .ask(&ada.token, Method::DELETE, &path)
        .await
        .assert_error(404, "NOT_FOUND");
    stage.hand_over(&admin, bob).await;
    let emails = |people: [&Somebody; 3]| people.map(|person| person.email.clone());
    assert_eq!(stage.owners().await, emails([bob, ada, eve]));
    let history = stage.read(ada, "/history?limit=2").await.json();
    let versions = &history["versions"];
    assert_eq!(versions[0]["changed_by"]["email"], json!(bob.email));
    assert_eq!(versions[1]["changed_by"]["email"], json!(admin.email));
    let invited = json!([{ "role": "primary_owner", "email": bob.email }]);
    assert_eq!(versions[1]["after"]["invited"], invited, "{versions}");
    // The former primary owner may leave.
    let left = stage.remove(ada, "/owners", ada).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT, "{left:?}");
    stage
        .remove(bob, "/owners", ada)
        .await
        .assert_error(404, "NOT_FOUND");
    let no_id = stage.path("/owners/bob");
    let refused = server.ask(&bob.token, Method::DELETE, &no_id).await;
    refused.assert_error(404, "NOT_FOUND");
    let removed = stage.remove(bob, "/owners", eve).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{removed:?}");
    stage.read(eve, "").await.assert_error(404, "NOT_FOUND");
    // A transfer of a link that is deleted meanwhile ends.
    stage
        .add(bob, "/transfer", &json!({ "email": eve.email }))
        .await;
    let deleted = server
        .ask(&bob.token, Method::DELETE, &stage.path(""))
        .await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{deleted:?}");
    stage
        .answer(eve, "accept")
        .await
        .assert_error(404, "NOT_FOUND");
    stage
        .add(bob, "/transfer", &json!({ "email": eve.email }))
        .await
        .assert_error(409, "CONFLICT");
}

#[tokio::test]
async fn an_invitation_becomes_access_with_the_account() {
    let stage = Stage::set("secure").await;
    let Stage { server, ada, .. } = &stage;
    for below in ["/shares", "/owners"] {
        let invited = stage
            .add(ada, below, &json!({ "email": "new@example.com" }))
            .await;
        assert_eq!(invited.status, StatusCode::CREATED, "{invited:?}");
    }
    let new = server.member("new").await;
    let followed = server.read(&new.token, "/wiki").await;
    assert_eq!(followed.status, StatusCode::FOUND, "{followed:?}");
    // The owner of the link sees what they saw before, and an admin who it is.
    let shares = stage.read(ada, "/shares").await.json();
    assert_eq!(shares["shares"][0]["id"], Value::Null, "{shares}");
    let path = stage.path("/shares");
    let to_admins = server.read(OPERATOR, &path).await.json();
    assert_eq!(to_admins["shares"][0]["id"], json!(new.id.to_string()));
    stage
        .remove(ada, "/shares", &new)
        .await
        .assert_error(404, "NOT_FOUND");
    let ended = stage.remove_named(ada, "/shares", &new.email).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{ended:?}");
    let refused = server.read(&new.token, "/wiki").await;
    refused.assert_error(403, "FORBIDDEN");
    let accepted = stage.answer(&new, "accept").await;
    assert_eq!(accepted.status, StatusCode::OK, "{accepted:?}");
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
        "id": null, "email": bob.email, "display_name": "",
        "invited_at": shared.json()["invited_at"],
    });
    assert_eq!(shared.json(), person);
    let of_bob = json!({ "email": bob.email });
    let again = stage.add(ada, "/shares", &of_bob).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.json(), person);
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
    let of_eve = json!({ "email": eve.email });
    for refused in [
        stage.add(bob, "/shares", &of_eve).await,
        stage.add(bob, "/owners", &of_bob).await,
        stage.remove(bob, "/shares", bob).await,
    ] {
        refused.assert_error(403, "FORBIDDEN");
    }
    // An owner needs no share.
    let of_ada = json!({ "email": ada.email });
    let owner = stage.add(ada, "/shares", &of_ada).await;
    assert_eq!(owner.status, StatusCode::CREATED);
    assert_eq!(owner.json()["email"], json!(ada.email));
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
        stage.remove_named(ada, "/shares", &bob.email).await.status,
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
    stage.own(&[bob]).await;
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
    stage.own(&[bob, eve, &dan]).await;
    let sixth = server.member("sixth").await;
    let fifth = server.member("fifth").await;
    for person in [&sixth, &fifth] {
        stage
            .add(ada, "/shares", &json!({ "email": person.email }))
            .await;
    }
    let expected = [ada, bob, eve, &dan].map(|person| person.email.clone());
    let shares = [&fifth, &sixth].map(|person| person.email.clone());
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
