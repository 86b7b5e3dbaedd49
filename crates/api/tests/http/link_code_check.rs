//! The check of a code while it is typed.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::browser::{Browser, signed_in};
use crate::link_pages::{TARGET, admin, api, browser_of, made, page, send, server};

async fn checked(browser: &Browser<'_>, query: &str) -> String {
    let path = format!("/dashboard/codes/check?{query}");
    let request = browser.request(Method::GET, &path);
    let answer = browser.send(request.header("HX-Request", "true")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(!answer.body.contains("<html"), "{answer:?}");
    answer.body
}

#[tokio::test]
async fn the_availability_of_a_code_is_shown_while_it_is_typed() {
    let server = server().await;
    let (ada, bob) = (signed_in(&server).await, browser_of(&server, "bob").await);
    let root = admin(&server, "root").await;
    let secret = json!({ "url": TARGET, "code": "secret", "visibility": "secure" });
    let (id, path) = made(&ada, secret).await;
    let form = page(&ada, &path).await;
    send(&ada, &form, &path, &[("code", "renamed")]).await;
    let (_, gone) = made(&ada, json!({ "url": TARGET, "code": "gone" })).await;
    let form = page(&ada, &gone).await;
    send(&ada, &form, &format!("{gone}/delete"), &[]).await;
    let keyword = json!({ "keyword": "gh", "url": "https://example.com/{slug}" });
    api(&root, Method::POST, "/api/v1/keywords", keyword).await;
    assert_eq!(checked(&bob, "code=").await.trim(), "");
    for free in ["code=new", "code=NEW", "code=a%2Fb", "code=+new+"] {
        let said = checked(&bob, free).await;
        assert!(said.contains("is available."), "{free}: {said}");
    }
    for taken in ["code=secret", "code=Renamed", "code=gone", "code=gh"] {
        let said = checked(&bob, taken).await;
        assert!(said.contains("is in use"), "{taken}: {said}");
    }
    for below in ["code=gh%2Fx", "code=secret%2Fx", "code=gone%2Fx"] {
        let said = checked(&bob, below).await;
        assert!(said.contains("only by the owners of the link"), "{said}");
    }
    let said = checked(&bob, "code=API").await;
    assert!(said.contains("reserved for Waypost itself"), "{said}");
    let said = checked(&bob, "code=%3Cscript%3E").await;
    assert!(
        said.contains("class=\"error\"") && !said.contains("<script>"),
        "{said}"
    );
    // The code of the link itself, for users who can edit it; others learn nothing about it.
    for own in ["secret", "renamed"] {
        let query = format!("code={own}&link={id}");
        let said = checked(&ada, &query).await;
        assert!(said.contains("already goes to this link"), "{said}");
        let said = checked(&bob, &query).await;
        assert!(said.contains("is in use"), "{said}");
    }
    let said = checked(&ada, &format!("code=&link={id}")).await;
    assert!(
        said.contains("A code must have at least one character."),
        "{said}"
    );
    // The field checks after a pause in typing.
    let form = page(&ada, &path).await;
    let asks = format!("hx-get=\"/dashboard/codes/check?link={id}\"");
    assert!(
        form.contains(&asks) && form.contains("delay:300ms"),
        "{form}"
    );
}
