//! The page of a link: its form, the check of its code, and what all its pages have in common.
//! Access and history are in `link_people_pages`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use waypost_core::{DisplayName, Role, UserId};
use waypost_store::{UserChange, UserStore as _};

use crate::browser::{Browser, PASSWORD, add, signed_in};
use crate::pages::POLICY;
use crate::people::{LINKS, text};
use crate::setup::{Answer, TestServer};

pub(crate) const TARGET: &str = "https://example.com/page";

/// Starts a server with the users Ada, Bob and Eve. Ada is signed in.
pub(crate) async fn server() -> TestServer {
    let server = TestServer::closed().await;
    for name in ["ada", "bob", "eve"] {
        add(&server, name).await;
    }
    server
}

pub(crate) async fn browser_of<'a>(server: &'a TestServer, name: &str) -> Browser<'a> {
    let browser = Browser::of(server);
    let email = format!("{name}@example.com");
    let answer = browser.sign_in(&email, PASSWORD, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    browser
}

/// Returns a browser of a user who became an admin.
pub(crate) async fn admin<'a>(server: &'a TestServer, name: &str) -> Browser<'a> {
    let user = add(server, name).await;
    let change = UserChange {
        role: Some(Role::Admin),
        ..UserChange::default()
    };
    let store = server.store.memory();
    store.change_user(user.id, &change).await.unwrap();
    browser_of(server, name).await
}

pub(crate) async fn api(browser: &Browser<'_>, method: Method, path: &str, body: Value) -> Value {
    let request = browser.request(method, path);
    let request = request.header("Sec-Fetch-Site", "same-origin");
    let request = if body.is_null() {
        request
    } else {
        request.json(&body)
    };
    let answer = browser.send(request).await;
    assert!(answer.status.is_success(), "{answer:?}");
    if answer.body.is_empty() {
        return Value::Null;
    }
    answer.json()
}

/// Creates a link, and returns its ID and the path of its page.
pub(crate) async fn made(browser: &Browser<'_>, fields: Value) -> (String, String) {
    let link = api(browser, Method::POST, LINKS, fields).await;
    let id = text(&link["id"]).to_owned();
    let page = format!("/dashboard/links/{id}");
    (id, page)
}

pub(crate) async fn stored(browser: &Browser<'_>, id: &str) -> Value {
    api(browser, Method::GET, &format!("{LINKS}/{id}"), Value::Null).await
}

pub(crate) async fn page(browser: &Browser<'_>, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body
}

/// Unescapes HTML.
fn unescaped(html: &str) -> String {
    let entities = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
    ];
    let mut text = html.to_owned();
    for (entity, character) in entities {
        text = text.replace(entity, character);
    }
    text.replace("&#38;", "&")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split_once('"')?.0))
}

/// Returns the fields of the form with this action, as a browser without JavaScript sends them.
#[track_caller]
fn fields(page: &str, path: &str) -> Vec<(String, String)> {
    let (_, form) = page
        .split_once(&format!("<form method=\"post\" action=\"{path}\""))
        .unwrap_or_else(|| panic!("no form to {path} in {page}"));
    let (form, _) = form.split_once("</form>").unwrap();
    let mut fields = Vec::new();
    for tag in form.split("<input ").skip(1) {
        let tag = format!(" {}", tag.split_once('>').unwrap().0);
        let kind = attribute(&tag, "type").unwrap_or_default();
        if matches!(kind.as_str(), "checkbox" | "radio") && !tag.contains(" checked") {
            continue;
        }
        let name = attribute(&tag, "name").unwrap();
        fields.push((name, attribute(&tag, "value").unwrap_or_default()));
    }
    for area in form.split("<textarea ").skip(1) {
        let (tag, rest) = area.split_once('>').unwrap();
        let (value, _) = rest.split_once("</textarea>").unwrap();
        // The line break after the tag is ignored, and line breaks are sent as CRLF.
        let value = unescaped(value.strip_prefix('\n').unwrap()).replace('\n', "\r\n");
        fields.push((attribute(&format!(" {tag}"), "name").unwrap(), value));
    }
    fields
}

/// Sends the form of a page with this action and with some fields changed; `"-"` unticks a box.
pub(crate) async fn send(
    browser: &Browser<'_>,
    page: &str,
    path: &str,
    typed: &[(&str, &str)],
) -> Answer {
    let mut fields = fields(page, path);
    for (name, value) in typed {
        fields.retain(|(field, _)| field != name);
        if *value != "-" {
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let form = browser.form(path, &fields);
    browser
        .send(form.header("Sec-Fetch-Site", "same-origin"))
        .await
}

/// Returns the value of a field of a form.
#[track_caller]
fn shown(page: &str, path: &str, name: &str) -> String {
    let fields = fields(page, path);
    let field = fields.into_iter().find(|(field, _)| field == name);
    field.unwrap_or_else(|| panic!("no {name} in {page}")).1
}

pub(crate) async fn share(browser: &Browser<'_>, path: &str, email: &str, role: &str) -> Answer {
    let page = page(browser, path).await;
    let typed = [("email", email), ("role", role)];
    send(browser, &page, &format!("{path}/people"), &typed).await
}

#[tokio::test]
async fn every_field_of_a_link_is_changed_on_its_page() {
    let server = server().await;
    let ada = signed_in(&server).await;
    let (id, path) = made(&ada, json!({ "url": TARGET, "code": "wiki" })).await;
    let before = page(&ada, &path).await;
    assert!(before.contains("<h1>wiki</h1>"), "{before}");
    assert!(before.contains("https://go.example/wiki"), "{before}");
    let typed = [
        ("target", " https://example.com/$name "),
        ("code", "Team/Wiki"),
        ("title", "The wiki"),
        ("description", "one\r\ntwo"),
        ("tags", "Docs, team  docs"),
        ("visibility", "secure"),
        ("expires", "2027-01-02T03:04"),
        ("disabled", "true"),
        ("forward_query", "true"),
    ];
    let saved = send(&ada, &before, &path, &typed).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{saved:?}");
    assert_eq!(saved.header("location"), path);
    let link = stored(&ada, &id).await;
    for (field, value) in [
        ("url", json!("https://example.com/$name")),
        ("code", json!("Team/Wiki")),
        ("title", json!("The wiki")),
        ("description", json!("one\ntwo")),
        ("tags", json!(["docs", "team"])),
        ("visibility", json!("secure")),
        ("expires_at", json!("2027-01-02T03:04:00Z")),
        ("disabled", json!(true)),
        ("forward_query", json!(true)),
    ] {
        assert_eq!(link[field], value, "{field}");
    }
    let after = page(&ada, &path).await;
    assert!(
        after.contains("Saved.") && after.contains("Team/Wiki"),
        "{after}"
    );
    assert!(
        after.contains("This link is disabled") && after.contains(">UTC<"),
        "{after}"
    );
    assert_eq!(shown(&after, &path, "expires"), "2027-01-02T03:04");
    let typed = [
        ("expires", ""),
        ("disabled", "-"),
        ("forward_query", "-"),
        ("tags", ""),
    ];
    send(&ada, &after, &path, &typed).await;
    let link = stored(&ada, &id).await;
    assert_eq!(link["expires_at"], Value::Null);
    assert_eq!(
        (&link["disabled"], &link["tags"]),
        (&json!(false), &json!([]))
    );
    // A script sends the instant.
    let typed = [
        ("expires", "2027-07-01T09:00"),
        ("expires_at", "2027-07-01T16:00:00.000Z"),
    ];
    let now = page(&ada, &path).await;
    send(&ada, &now, &path, &typed).await;
    let link = stored(&ada, &id).await;
    assert_eq!(link["expires_at"], "2027-07-01T16:00:00Z");
}

#[tokio::test]
async fn a_form_that_is_sent_unchanged_changes_nothing() {
    let server = server().await;
    let ada = signed_in(&server).await;
    let fields = json!({
        "url": "https://example.com/?q='\"<&>",
        "code": "Wiki",
        "title": "A \"title\" & more",
        "description": "\"><script>\r\nand\r\n\r\nmore",
        "tags": ["b", "a"],
        "expires_at": "2027-01-02T03:04:05.678901Z",
    });
    let (id, path) = made(&ada, fields).await;
    let before = stored(&ada, &id).await;
    let shown = page(&ada, &path).await;
    let saved = send(&ada, &shown, &path, &[]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{saved:?}");
    assert_eq!(stored(&ada, &id).await, before);
    let history = page(&ada, &format!("{path}/history")).await;
    assert_eq!(
        history.matches("<li class=\"row\">").count(),
        1,
        "{history}"
    );
}

#[tokio::test]
async fn an_error_is_shown_beside_its_field_and_nothing_is_saved() {
    let server = server().await;
    let ada = signed_in(&server).await;
    made(&ada, json!({ "url": TARGET, "code": "other" })).await;
    let (id, path) = made(&ada, json!({ "url": TARGET, "code": "wiki" })).await;
    let before = stored(&ada, &id).await;
    let form = page(&ada, &path).await;
    let long = "x".repeat(201);
    for (field, value, message) in [
        ("target", "javascript:alert(1)", "http"),
        ("target", "https://go.example/x", "points to this server"),
        ("code", "-x-", "must begin and end with a letter or digit"),
        ("code", "API", "reserved"),
        ("code", "Other", "is in use"),
        ("title", long.as_str(), "at most 200 characters"),
        ("tags", "<b>", "A tag must have 1 to 64 letters"),
        ("visibility", "hidden", "A visibility must be"),
        ("expires", "tomorrow", "such as 2026-12-31 18:00"),
        ("expires", "1969-01-01T00:00", "from 1970 to 9999"),
    ] {
        let typed = [("description", "\"><i>typed</i>"), (field, value)];
        let answer = send(&ada, &form, &path, &typed).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        let (_, rest) = answer
            .body
            .split_once("<p class=\"error\"")
            .unwrap_or_else(|| panic!("{field}: {}", answer.body));
        let (said, _) = rest.split_once("</p>").unwrap();
        assert!(unescaped(said).contains(message), "{field}: {said}");
        let kept = shown(&answer.body, &path, "description");
        assert_eq!(kept, "\"><i>typed</i>", "{field}");
        if field != "visibility" {
            assert_eq!(shown(&answer.body, &path, field), value, "{field}");
        }
        assert!(!answer.body.contains("<i>"), "{field}");
    }
    assert_eq!(stored(&ada, &id).await, before);
}

#[tokio::test]
async fn an_outdated_form_loses_nothing_and_overwrites_nothing() {
    let server = server().await;
    let (ada, bob) = (signed_in(&server).await, browser_of(&server, "bob").await);
    let (id, path) = made(&ada, json!({ "url": TARGET, "code": "wiki" })).await;
    server.own(&json!({ "id": id }), "bob@example.com").await;
    let old = page(&ada, &path).await;
    let bobs = page(&bob, &path).await;
    let typed = [("title", "Bob's title"), ("tags", "bob")];
    assert_eq!(send(&bob, &bobs, &path, &typed).await.status, 303);
    let typed = [("tags", "ada"), ("description", "hers")];
    let refused = send(&ada, &old, &path, &typed).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let body = refused.body;
    assert!(body.contains("Not saved: "), "{body}");
    assert!(body.contains("bob@example.com changed it"), "{body}");
    let (_, differences) = body.split_once("Saving now changes:").unwrap();
    let (differences, _) = differences.split_once("</dl>").unwrap();
    assert!(
        differences.contains("<span class=\"old\">bob</span>"),
        "{body}"
    );
    assert!(
        differences.contains("<span class=\"new\">ada</span>"),
        "{body}"
    );
    assert!(!differences.contains("Title"), "{body}");
    assert_eq!(shown(&body, &path, "title"), "Bob's title");
    assert_eq!(shown(&body, &path, "tags"), "ada");
    assert_eq!(shown(&body, &path, "description"), "hers");
    assert_eq!(stored(&ada, &id).await["tags"], json!(["bob"]));
    // Sent again with the present version.
    assert_eq!(send(&ada, &body, &path, &[]).await.status, 303);
    let link = stored(&ada, &id).await;
    assert_eq!(
        (&link["title"], &link["tags"], &link["description"]),
        (&json!("Bob's title"), &json!(["ada"]), &json!("hers"))
    );
    // A form without a version is outdated.
    let answer = send(&ada, &body, &path, &[("version", "x"), ("title", "Typed")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(shown(&answer.body, &path, "title"), "Typed");
}

#[tokio::test]
async fn entries_for_a_link_deleted_in_the_meantime_are_shown() {
    let server = server().await;
    let ada = signed_in(&server).await;
    let (_, path) = made(&ada, json!({ "url": TARGET, "code": "wiki" })).await;
    let form = page(&ada, &path).await;
    send(&ada, &form, &format!("{path}/delete"), &[]).await;
    let answer = send(&ada, &form, &path, &[("title", "<b>Typed</b>")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
    assert!(answer.body.contains("Not saved."), "{answer:?}");
    assert!(
        answer.body.contains("&#60;b&#62;Typed&#60;/b&#62;"),
        "{answer:?}"
    );
    assert!(answer.body.contains("Restore link"), "{answer:?}");
}

#[tokio::test]
async fn the_pages_of_a_link_escape_hostile_texts() {
    let server = server().await;
    let ada = signed_in(&server).await;
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(2)>";
    let store = server.store.memory();
    let change = UserChange {
        display_name: Some(DisplayName::parse(hostile).unwrap()),
        ..UserChange::default()
    };
    let me = api(&ada, Method::GET, "/api/v1/users/me", Value::Null).await;
    let me = text(&me["id"]).parse().unwrap();
    store
        .change_user(UserId::from_uuid(me), &change)
        .await
        .unwrap();
    let fields = json!({
        "url": "https://example.com/?q=%3Cscript%3E'\"&a=<b>",
        "code": "hostile",
        "title": hostile,
        "description": format!("{hostile}\n</textarea><script>alert(3)</script>"),
        "tags": ["a"],
    });
    let (id, path) = made(&ada, fields).await;
    share(&ada, &path, "bob@example.com", "viewer").await;
    let changed = json!({ "title": "Other", "description": "</dd></dl><script>alert(4)</script>" });
    api(&ada, Method::PATCH, &format!("{LINKS}/{id}"), changed).await;
    let bob = browser_of(&server, "bob").await;
    let mut bodies = vec![
        page(&ada, &path).await,
        page(&ada, &format!("{path}/history")).await,
        page(&bob, &path).await,
    ];
    let typed = [("title", hostile), ("version", "1"), ("tags", hostile)];
    bodies.push(send(&ada, &bodies[0], &path, &typed).await.body);
    api(&ada, Method::DELETE, &format!("{LINKS}/{id}"), Value::Null).await;
    bodies.push(send(&ada, &bodies[0], &path, &typed).await.body);
    bodies.push(page(&ada, "/dashboard/deleted").await);
    for body in bodies {
        assert!(
            !body.contains("<script>") && !body.contains("<img src=x"),
            "{body}"
        );
        assert!(!body.contains("?q=%3Cscript%3E'"), "{body}");
    }
}

#[tokio::test]
async fn the_pages_of_a_link_have_the_headers_of_all_pages() {
    let server = server().await;
    let ada = signed_in(&server).await;
    let (id, path) = made(&ada, json!({ "url": TARGET, "code": "wiki" })).await;
    for path in [
        path.clone(),
        format!("{path}/history"),
        "/dashboard/deleted".to_owned(),
    ] {
        let answer = ada.get(&path).await;
        assert_eq!(answer.header("content-security-policy"), POLICY);
        let body = answer.body;
        assert_eq!(body.matches("<h1>").count(), 1, "{path}");
        assert!(
            !body.contains(" style=") && !body.contains(" onclick"),
            "{path}"
        );
        let mut ids: Vec<&str> = body
            .split(" id=\"")
            .skip(1)
            .map(|rest| rest.split_once('"').unwrap().0)
            .collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id is there twice: {body}");
    }
    let body = page(&ada, &path).await;
    for part in ["qr.svg", "qr.png", "stats"] {
        assert!(body.contains(&format!("{path}/{part}\"")), "{body}");
    }
    api(&ada, Method::DELETE, &format!("{LINKS}/{id}"), Value::Null).await;
    let body = page(&ada, &path).await;
    assert_eq!(body.matches("<h1>").count(), 1, "{body}");
    for nothing in ["00000000-0000-7000-8000-000000000000", "x"] {
        let answer = ada.get(&format!("/dashboard/links/{nothing}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
        assert!(answer.body.contains("<h1>"), "{answer:?}");
    }
}
