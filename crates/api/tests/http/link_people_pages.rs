//! The page of a link: owners and shares, history, and deletion.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::browser::{hidden, signed_in};
use crate::link_pages::{TARGET, admin, api, browser_of, made, page, send, server, share, stored};
use crate::people::{LINKS, text};

#[tokio::test]
async fn only_users_who_do_not_own_a_link_are_added_to_it() {
    let server = server().await;
    let (ada, bob) = (signed_in(&server).await, browser_of(&server, "bob").await);
    let fields = json!({ "url": TARGET, "code": "wiki", "visibility": "private" });
    let (_, path) = made(&ada, fields).await;
    for (email, said) in [
        ("no address", "address"),
        ("ada@example.com", "This user already owns the link."),
    ] {
        let refused = share(&ada, &path, email, "viewer").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
        assert!(refused.body.contains(said), "{email}: {}", refused.body);
        assert!(
            refused.body.contains(&format!("value=\"{email}\"")),
            "{email}"
        );
    }
    assert_eq!(bob.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_viewer_reads_a_link_and_cannot_change_it() {
    let server = server().await;
    let (ada, bob) = (signed_in(&server).await, browser_of(&server, "bob").await);
    let fields = json!({ "url": TARGET, "code": "wiki", "visibility": "private" });
    let (_, path) = made(&ada, fields).await;
    assert_eq!(
        share(&ada, &path, "bob@example.com", "viewer").await.status,
        303
    );
    let seen = page(&bob, &path).await;
    assert!(
        seen.contains(TARGET) && seen.contains("ada@example.com"),
        "{seen}"
    );
    // The page has no form except the one that signs out.
    assert_eq!(seen.matches("<form").count(), 1, "{seen}");
    assert!(
        !seen.contains("/history") && !seen.contains(&format!("{path}/stats")),
        "{seen}"
    );
    for (what, typed) in [
        ("", "version=1&code=x&target=https://example.com/"),
        ("/people", "email=eve@example.com&role=owner"),
        ("/people/change", "remove_viewer=x"),
        ("/delete", "version=1"),
        ("/restore", "version=1&to=1"),
        ("/destroy", "version=1"),
    ] {
        let csrf = hidden(&seen, "csrf");
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(typed.split('&').map(|pair| pair.split_once('=').unwrap()));
        let form = bob.form(&format!("{path}{what}"), &all);
        let form = form.header("Sec-Fetch-Site", "same-origin");
        assert_eq!(bob.send(form).await.status, StatusCode::FORBIDDEN, "{what}");
    }
    assert_eq!(
        bob.get(&format!("{path}/history")).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn an_invited_address_looks_the_same_with_an_account_and_without() {
    let server = server().await;
    let (ada, bob) = (signed_in(&server).await, browser_of(&server, "bob").await);
    let fields = json!({ "url": TARGET, "code": "wiki", "visibility": "secure" });
    let (id, path) = made(&ada, fields).await;
    let without_name = |page: &str, name: &str| {
        let page = page.replace(&format!("{name}@example.com"), "SOMEBODY");
        let (before, csrf) = page.split_once("name=\"csrf\" value=\"").unwrap();
        let (token, _) = csrf.split_once('"').unwrap();
        let version = |page: &str| page.split("name=\"version\"").count();
        let access = page.split_once("id=\"people-title\"").unwrap().1;
        let access = access.split_once("id=\"qr-title\"").unwrap().0;
        (version(before), access.replace(token, ""))
    };
    for role in ["viewer", "owner"] {
        let mut seen = Vec::new();
        for name in ["bob", "nobody"] {
            let email = format!("{name}@example.com");
            let shared = share(&ada, &path, &email, role).await;
            assert_eq!(shared.status, 303, "{shared:?}");
            let form = page(&ada, &path).await;
            seen.push(without_name(&form, name));
            let field = match role {
                "viewer" => "remove_viewer",
                _ => "withdraw",
            };
            let change = format!("{path}/people/change");
            let ended = send(&ada, &form, &change, &[(field, &email)]).await;
            assert_eq!(ended.status, 303, "{ended:?}");
        }
        assert!(seen[0].1.contains("invited"), "{seen:?}");
        assert_eq!(seen[0], seen[1], "{role}");
    }
    assert_eq!(bob.get(&path).await.status, StatusCode::NOT_FOUND);
    let link = stored(&ada, &id).await;
    assert_eq!(link["owners"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_owner_hands_a_link_over_and_leaves_it() {
    let server = server().await;
    let (ada, bob) = (signed_in(&server).await, browser_of(&server, "bob").await);
    let eve = browser_of(&server, "eve").await;
    let fields = json!({ "url": TARGET, "code": "wiki", "visibility": "private" });
    let (id, path) = made(&ada, fields).await;
    assert_eq!(
        share(&ada, &path, "bob@example.com", "owner").await.status,
        303
    );
    // Bob sees the invitation when he signs in, and accepts it.
    let answer = [("link", id.as_str()), ("answer", "accept")];
    let form = page(&bob, "/dashboard").await;
    assert!(form.contains("invites you to own this link"), "{form}");
    let accepted = send(&bob, &form, "/dashboard/offers", &answer).await;
    assert_eq!(
        (accepted.status.as_u16(), accepted.header("location")),
        (303, path.as_str())
    );
    assert_eq!(
        share(&bob, &path, "eve@example.com", "viewer").await.status,
        303
    );
    let seen = page(&bob, &path).await;
    assert!(seen.contains("Leave link"), "{seen}");
    assert!(!seen.contains("Hand over this link"), "{seen}");
    // The primary owner has no button, and a forged form is rejected.
    let change = format!("{path}/people/change");
    let owners = api(
        &ada,
        Method::GET,
        &format!("{LINKS}/{id}/owners"),
        Value::Null,
    )
    .await;
    let ids: Vec<&str> = owners["owners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|owner| text(&owner["id"]))
        .collect();
    assert!(!seen.contains(&format!("value=\"{}\"", ids[0])), "{seen}");
    let refused = send(&bob, &seen, &change, &[("remove_owner", ids[0])]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let transfer = format!("{path}/transfer");
    let to_bob = [("email", "bob@example.com")];
    let forged = seen.replace(&change, &transfer);
    let refused = send(&bob, &forged, &transfer, &to_bob).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let form = page(&ada, &path).await;
    for (email, said) in [
        ("ada@example.com", "This user is the primary owner already."),
        ("no address", "address"),
    ] {
        let refused = send(&ada, &form, &transfer, &[("email", email)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
        assert!(refused.body.contains(said), "{}", refused.body);
    }
    // Taken back once, declined once, then accepted.
    for how in ["take_back", "decline", "accept"] {
        let form = page(&ada, &path).await;
        let moved = send(&ada, &form, &transfer, &to_bob).await;
        assert_eq!(moved.status, 303, "{moved:?}");
        let form = page(&ada, &path).await;
        assert!(form.contains("is pending"), "{form}");
        let offered = page(&bob, "/dashboard").await;
        assert!(offered.contains("hands over this link to you"), "{offered}");
        let answer = [("link", id.as_str()), ("answer", how)];
        let done = match how {
            "take_back" => send(&ada, &form, &change, &[("take_back", "true")]).await,
            _ => send(&bob, &offered, "/dashboard/offers", &answer).await,
        };
        assert_eq!(done.status, 303, "{how}: {done:?}");
        let offered = page(&bob, "/dashboard").await;
        assert!(!offered.contains("Offered to you"), "{offered}");
    }
    // Ada leaves the link and no longer sees it.
    let left = send(
        &ada,
        &page(&ada, &path).await,
        &change,
        &[("remove_owner", ids[0])],
    )
    .await;
    assert_eq!(
        (left.status.as_u16(), left.header("location")),
        (303, "/dashboard")
    );
    assert_eq!(ada.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(eve.get(&path).await.status, StatusCode::OK);
    let form = page(&bob, &path).await;
    for _ in 0..2 {
        // The second time it has already been done.
        let gone = send(
            &bob,
            &form,
            &change,
            &[("remove_viewer", "eve@example.com")],
        )
        .await;
        assert_eq!(gone.status, 303, "{gone:?}");
    }
    assert_eq!(eve.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_history_shows_changes_and_restores_versions() {
    let server = server().await;
    let ada = signed_in(&server).await;
    let (id, path) = made(
        &ada,
        json!({ "url": TARGET, "code": "wiki", "title": "First" }),
    )
    .await;
    server.clock.advance(Duration::HOUR);
    let form = page(&ada, &path).await;
    let typed = [
        ("title", "Second"),
        ("target", "https://example.com/2"),
        ("code", "handbook"),
    ];
    send(&ada, &form, &path, &typed).await;
    server.clock.advance(Duration::HOUR);
    let bob = browser_of(&server, "bob").await;
    share(&ada, &path, "bob@example.com", "owner").await;
    let answer = [("link", id.as_str()), ("answer", "accept")];
    let form = page(&bob, "/dashboard").await;
    send(&bob, &form, "/dashboard/offers", &answer).await;
    let history = page(&ada, &format!("{path}/history")).await;
    for said in [
        "<time datetime=\"2026-03-01T13:00:00.25Z\" data-local>1 Mar 2026, 13:00 UTC</time> by ada@example.com",
        "<dt>Title</dt>\n<dd><span class=\"old\">First</span> <span class=\"quiet\">→</span> <span class=\"new\">Second</span></dd>",
        "<dt>Code</dt>\n<dd><span class=\"old\">wiki</span>",
        "<dt>Owner</dt>\n<dd><span class=\"quiet\">empty</span> <span class=\"quiet\">→</span> <span class=\"new\">bob@example.com</span></dd>",
        "<dt>Invited owner</dt>\n<dd><span class=\"old\">bob@example.com</span>",
        "Access changed",
        "Created",
    ] {
        assert!(history.contains(said), "no {said} in {history}");
    }
    // Only a version with a different content can be restored: the first of three.
    let restore = format!("{path}/restore");
    assert_eq!(history.matches(&restore).count(), 1, "{history}");
    let restored = send(&ada, &history, &restore, &[]).await;
    assert_eq!(restored.status, StatusCode::SEE_OTHER, "{restored:?}");
    let link = stored(&ada, &id).await;
    assert_eq!(
        (&link["title"], &link["code"]),
        (&json!("First"), &json!("wiki"))
    );
    assert_eq!(link["owners"].as_array().unwrap().len(), 2);
    let now = page(&ada, &path).await;
    assert!(now.contains("Link restored."), "{now}");
    // The same button again: the page shows an outdated version.
    let refused = send(&ada, &history, &restore, &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert!(
        refused
            .body
            .contains("Not restored: the link has changed in the meantime")
    );
    let refused = send(&ada, &now, &restore, &[("to", "99")]).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_long_history_has_several_pages() {
    let server = server().await;
    let ada = signed_in(&server).await;
    let (id, path) = made(&ada, json!({ "url": TARGET, "code": "wiki" })).await;
    let description = "\"<>&".repeat(500);
    for number in 0..30 {
        let fields = json!({ "title": format!("Title {number}"), "description": format!("{number} {}", &description[..1_990]) });
        api(&ada, Method::PATCH, &format!("{LINKS}/{id}"), fields).await;
    }
    let history = format!("{path}/history");
    let first = page(&ada, &history).await;
    assert_eq!(first.matches("<li class=\"row\">").count(), 20);
    assert!(first.len() < 100_000, "{}", first.len());
    assert!(first.contains("Title 29") && !first.contains("Title 5<"));
    let second = page(&ada, &format!("{history}?cursor=12")).await;
    assert!(first.contains("/history?cursor=12"), "{first}");
    assert_eq!(second.matches("<li class=\"row\">").count(), 11);
    assert!(second.contains("Newest changes") && !second.contains("Older changes"));
    assert!(page(&ada, &path).await.contains("All changes"));
    assert_eq!(
        ada.get(&format!("{history}?cursor=x")).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_deleted_link_can_be_restored() {
    let server = server().await;
    let (ada, bob) = (signed_in(&server).await, browser_of(&server, "bob").await);
    let (id, path) = made(&ada, json!({ "url": TARGET, "code": "wiki", "title": "W" })).await;
    let form = page(&ada, &path).await;
    api(
        &ada,
        Method::PATCH,
        &format!("{LINKS}/{id}"),
        json!({ "title": "V" }),
    )
    .await;
    let delete = format!("{path}/delete");
    let refused = send(&ada, &form, &delete, &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert!(refused.body.contains("Not deleted"), "{refused:?}");
    let deleted = send(&ada, &refused.body, &delete, &[]).await;
    assert_eq!(
        (deleted.status.as_u16(), deleted.header("location")),
        (303, path.as_str())
    );
    let gone = page(&ada, &path).await;
    assert!(
        gone.contains("Link deleted.") && gone.contains("Restore link"),
        "{gone}"
    );
    assert!(gone.contains("by ada@example.com"), "{gone}");
    assert!(!gone.contains("ermanently delete"), "{gone}");
    assert_eq!(bob.get(&path).await.status, StatusCode::NOT_FOUND);
    let list = page(&ada, "/dashboard/deleted").await;
    assert!(list.contains(&path) && list.contains(TARGET), "{list}");
    let others = page(&bob, "/dashboard/deleted").await;
    assert!(others.contains("You have no deleted links."), "{others}");
    let history = ada.get(&format!("{path}/history")).await;
    assert_eq!(history.header("location"), path);
    // Deleting it again shows that it is deleted.
    let again = send(&ada, &refused.body, &delete, &[]).await;
    assert_eq!(again.status, StatusCode::OK, "{again:?}");
    let restore = format!("{path}/restore");
    let undone = send(&ada, &gone, &restore, &[]).await;
    assert_eq!(
        (undone.status.as_u16(), undone.header("location")),
        (303, path.as_str())
    );
    assert_eq!(stored(&ada, &id).await["title"], "V");
    assert_eq!(send(&ada, &gone, &restore, &[]).await.status, 303);
    // An admin permanently deletes it.
    let root = admin(&server, "root").await;
    let form = page(&root, &path).await;
    send(&root, &form, &delete, &[]).await;
    let gone = page(&root, &path).await;
    let destroyed = send(&root, &gone, &format!("{path}/destroy"), &[]).await;
    assert_eq!(
        (destroyed.status.as_u16(), destroyed.header("location")),
        (303, "/dashboard")
    );
    assert_eq!(root.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_of_deleted_links_has_several_pages() {
    let server = server().await;
    let ada = signed_in(&server).await;
    for number in 0..27 {
        let fields = json!({ "url": TARGET, "code": format!("link-{number}") });
        let (id, _) = made(&ada, fields).await;
        server.clock.advance(Duration::SECOND);
        api(&ada, Method::DELETE, &format!("{LINKS}/{id}"), Value::Null).await;
    }
    let first = page(&ada, "/dashboard/deleted").await;
    assert_eq!(first.matches("<li class=\"row\">").count(), 25);
    let (_, cursor) = first.split_once("/dashboard/deleted?cursor=").unwrap();
    let (cursor, _) = cursor.split_once('"').unwrap();
    let second = page(&ada, &format!("/dashboard/deleted?cursor={cursor}")).await;
    assert_eq!(second.matches("<li class=\"row\">").count(), 2);
    assert!(second.contains("First page"), "{second}");
}
