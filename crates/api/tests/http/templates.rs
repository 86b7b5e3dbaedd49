//! The switch of templates: what `$name` in a destination means is what the owner says.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::signed_in;
use crate::link_pages::{made, page, send, server, stored};
use crate::people::{LINKS, path_of};
use crate::setup::TestServer;

/// Destinations with dollar signs that nobody means as placeholders, as they are stored.
const ORDINARY: [&str; 4] = [
    "https://kibana.example/app#/v?_a=(filters:!(('$state':(store:appState))))",
    "https://services.example/People?$filter=Name%20eq%20%27x%27&$top=5",
    "https://domino.example/db.nsf/0/1/$FILE/doc.pdf",
    "https://a.example/%24name/$1/$",
];
const TEMPLATE: &str = "https://jira.example/$project/browse/$ticket?of=$project";

async fn location(server: &TestServer, path: &str) -> String {
    let answer = server.get(path).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{path}: {answer:?}");
    answer.header("location").to_owned()
}

#[tokio::test]
async fn a_dollar_sign_is_an_ordinary_character_unless_the_owner_asks_for_a_template() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    for (number, url) in ORDINARY.iter().enumerate() {
        let code = format!("l{number}");
        let fields = json!({ "url": url, "code": code });
        let link = server.made(&ada.token, &fields).await;
        assert_eq!(
            (&link["url"], &link["template"]),
            (&json!(url), &json!(false))
        );
        for path in [
            format!("/{code}"),
            format!("/{code}/x/y"),
            format!("/{code}."),
        ] {
            assert_eq!(location(&server, &path).await, *url, "{path}");
        }
    }
    let fields = json!({ "url": TEMPLATE, "code": "jira", "template": true });
    let link = server.made(&ada.token, &fields).await;
    assert_eq!(
        (&link["template"], &link["placeholders"]),
        (&json!(true), &json!(["project", "ticket"]))
    );
    assert_eq!(
        location(&server, "/jira/web/ABC-1").await,
        "https://jira.example/web/browse/ABC-1?of=web"
    );
    server.get("/jira/web").await.assert_error(404, "NOT_FOUND");

    // Off and on again.
    let link = server
        .changed(&ada.token, &link, &json!({ "template": false }))
        .await;
    assert_eq!(link["placeholders"], json!(["project", "ticket"]));
    assert_eq!(location(&server, "/jira/web").await, TEMPLATE);
    let link = server
        .changed(&ada.token, &link, &json!({ "template": true }))
        .await;
    server.get("/jira/web").await.assert_error(404, "NOT_FOUND");

    // A list, the history and the export of a link say it too.
    let list = server
        .read(&ada.token, &format!("{LINKS}?q=jira"))
        .await
        .json();
    assert_eq!(list["links"][0]["template"], true);
    let path = format!("{}/history", path_of(&link));
    let history = server.read(&ada.token, &path).await.json();
    let switched = history["versions"].as_array().unwrap().iter();
    let switched: Vec<&Value> = switched.map(|one| &one["after"]["template"]).collect();
    assert_eq!(switched, [&json!(true), &json!(false), &json!(true)]);
    let restore = format!("{}/restore", path_of(&link));
    let second = json!({ "version": 2 });
    let restored = server.tell(&ada.token, Method::POST, &restore, &second);
    assert_eq!(restored.await.json()["template"], false);
    assert_eq!(location(&server, "/jira/web").await, TEMPLATE);
}

#[tokio::test]
async fn a_template_has_a_placeholder() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    for url in [
        "https://a.example/",
        "https://a.example/$5/%24x",
        "https://a.example/{slug}",
    ] {
        let fields = json!({ "url": url, "template": true });
        let refused = server.tell(&ada.token, Method::POST, LINKS, &fields).await;
        refused.assert_error(400, "URL_INVALID");
        assert!(refused.body.contains("no placeholder"), "{}", refused.body);
    }
    let plain = server
        .made(&ada.token, &json!({ "url": "https://a.example/" }))
        .await;
    let on = json!({ "template": true });
    let refused = server
        .tell(&ada.token, Method::PATCH, &path_of(&plain), &on)
        .await;
    refused.assert_error(400, "URL_INVALID");

    // The switch goes off with the last placeholder, unless it is asked for.
    let template = server
        .made(&ada.token, &json!({ "url": TEMPLATE, "template": true }))
        .await;
    let asks = json!({ "url": ORDINARY[3], "template": true });
    let refused = server
        .tell(&ada.token, Method::PATCH, &path_of(&template), &asks)
        .await;
    refused.assert_error(400, "URL_INVALID");
    let other = json!({ "url": "https://a.example/$other" });
    let other = server.changed(&ada.token, &template, &other).await;
    assert_eq!(
        (&other["template"], &other["placeholders"]),
        (&json!(true), &json!(["other"]))
    );
    let plain = server
        .changed(&ada.token, &other, &json!({ "url": ORDINARY[3] }))
        .await;
    assert_eq!(plain["template"], false);
    let again = server
        .changed(&ada.token, &plain, &json!({ "url": ORDINARY[1] }))
        .await;
    assert_eq!(again["template"], false, "it stays off");

    // A keyword has its own placeholder.
    let admin = server.admin("admin").await;
    let keyword = json!({ "keyword": "gh", "url": "https://a.example/{slug}?$top=5" });
    server
        .tell(&admin.token, Method::POST, "/api/v1/keywords", &keyword)
        .await;
    assert_eq!(
        location(&server, "/gh/x").await,
        "https://a.example/x?$top=5"
    );
    let list = server
        .read(&admin.token, "/api/v1/admin/links?q=gh")
        .await
        .json();
    let keyword = &list["links"][0];
    assert_eq!(
        (&keyword["keyword"], &keyword["placeholders"]),
        (&json!(true), &json!([]))
    );
    let refused = server
        .tell(&admin.token, Method::PATCH, &path_of(keyword), &on)
        .await;
    refused.assert_error(400, "URL_INVALID");
    assert!(refused.body.contains("{slug}"), "{}", refused.body);
}

#[tokio::test]
async fn bulk_requests_replacements_and_the_simple_api_have_the_switch() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let links = json!({ "links": [
        { "url": TEMPLATE, "code": "on", "template": true },
        { "url": TEMPLATE, "code": "off" },
        { "url": "https://a.example/", "template": true },
    ] });
    let path = format!("{LINKS}/bulk");
    let made = server
        .tell(&ada.token, Method::POST, &path, &links)
        .await
        .json();
    let results = &made["results"];
    assert_eq!(results[0]["link"]["template"], true);
    assert_eq!(results[1]["link"]["template"], false);
    assert_eq!(results[2]["error"]["code"], "URL_INVALID");

    // A replacement has all fields, and so its default.
    let path = path_of(&results[0]["link"]);
    let all = json!({ "url": TEMPLATE, "code": "on" });
    let replaced = server.tell(&ada.token, Method::PUT, &path, &all);
    assert_eq!(replaced.await.json()["template"], false);

    let short = json!({ "url": TEMPLATE, "code": "a/b", "template": true });
    let made = server
        .tell(&ada.token, Method::POST, "/shorten", &short)
        .await
        .json();
    assert_eq!(
        (&made["shortCode"], &made["template"]),
        (&json!("a/b"), &json!(true))
    );
    assert_eq!(made["placeholders"], json!(["project", "ticket"]));
    let listed = server.read(&ada.token, "/urls").await.json();
    let of = |code: &str| {
        let urls = listed["data"].as_array().unwrap();
        let found = urls.iter().find(|url| url["shortCode"] == code);
        found.unwrap()["template"].clone()
    };
    assert_eq!((of("a/b"), of("off")), (json!(true), json!(false)));
}

#[tokio::test]
async fn the_pages_show_which_placeholders_they_found_and_offer_the_switch() {
    let server = server().await;
    let ada = signed_in(&server).await;
    let home = page(&ada, "/dashboard").await;
    assert!(home.contains("name=\"template\""), "{home}");
    let typed = [("target", TEMPLATE), ("code", "jira"), ("template", "true")];
    let created = send(&ada, &home, "/dashboard", &typed).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{created:?}");
    let said = page(&ada, created.header("location")).await;
    assert!(
        said.contains("<code>$project</code>, <code>$ticket</code> to the path"),
        "{said}"
    );
    let typed = [
        ("target", "https://a.example/"),
        ("code", "x"),
        ("template", "true"),
    ];
    let refused = send(&ada, &home, "/dashboard", &typed).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("no placeholder"), "{refused:?}");

    let (id, path) = made(&ada, json!({ "url": ORDINARY[1], "code": "odata" })).await;
    let form = page(&ada, &path).await;
    let offer = "<code>$filter</code>, <code>$top</code> in the destination are ordinary parts";
    assert!(form.contains(offer), "{form}");
    assert!(form.contains("/dashboard/placeholders"), "{form}");
    let saved = send(&ada, &form, &path, &[("template", "true")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{saved:?}");
    assert_eq!(stored(&ada, &id).await["template"], true);
    let form = page(&ada, &path).await;
    assert!(
        !form.contains(offer) && form.contains("Fills placeholders"),
        "{form}"
    );
    // A box that was not touched follows the destination.
    let saved = send(&ada, &form, &path, &[("target", "https://a.example/")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{saved:?}");
    assert_eq!(stored(&ada, &id).await["template"], false);

    for (typed, said) in [
        (
            "https%3A%2F%2Fa.example%2F%24b%2F%24a",
            "Found: <code>$b</code>, <code>$a</code>.",
        ),
        (
            "%3Chttps%3A%2F%2Fa.example%2F%24x%3E",
            "Found: <code>$x</code>.",
        ),
        ("https%3A%2F%2Fa.example%2F%245", "No name such as $ticket"),
        ("nonsense%24x", "No name such as $ticket"),
        ("", "No name such as $ticket"),
    ] {
        let part = page(&ada, &format!("/dashboard/placeholders?target={typed}")).await;
        assert!(part.contains(said), "{typed}: {part}");
    }
}

#[tokio::test]
async fn those_who_read_a_template_see_what_the_path_fills() {
    let server = server().await;
    let (ada, bob) = (
        signed_in(&server).await,
        crate::link_pages::browser_of(&server, "bob").await,
    );
    let (_, path) = made(&ada, json!({ "url": TEMPLATE, "template": true })).await;
    let read = page(&bob, &path).await;
    let fills = "The path after the code fills <code>$project</code>, <code>$ticket</code>.";
    assert!(read.contains(fills), "{read}");
    let (_, path) = made(&ada, json!({ "url": ORDINARY[1] })).await;
    let read = page(&bob, &path).await;
    assert!(!read.contains("<dt>Template</dt>"), "{read}");
}

#[tokio::test]
async fn an_explanation_says_whether_the_link_is_a_template() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let made = async |fields: Value| server.made(&ada.token, &fields).await;
    made(json!({ "url": TEMPLATE, "code": "on", "template": true })).await;
    made(json!({ "url": ORDINARY[1], "code": "off" })).await;
    made(json!({ "url": "https://a.example/", "code": "plain" })).await;
    for (path, said) in [
        ("/on/a/b", "the link is a template: `$project`, `$ticket`"),
        ("/off", "the link is not a template: `$filter`, `$top`"),
        ("/plain", "the destination has no placeholders"),
        (
            "/plain).",
            "without the punctuation and hidden characters of `plain).`",
        ),
    ] {
        let path = format!("/api/v1/explain?url={path}");
        let explained = server.read(&ada.token, &path).await.json();
        assert_eq!(explained["status"], 302, "{explained}");
        assert!(explained["steps"].to_string().contains(said), "{explained}");
    }
}

#[tokio::test]
async fn the_addresses_on_which_the_server_listens_are_no_destinations() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let port = server.address().port();
    for host in [
        "0.0.0.0",
        "[::]",
        "[::ffff:127.0.0.1]",
        "localhost.",
        "2130706433",
        "0177.1",
    ] {
        let fields = json!({ "url": format!("http://{host}:{port}/x") });
        let refused = server.tell(&ada.token, Method::POST, LINKS, &fields).await;
        refused.assert_error(400, "URL_INVALID");
        assert!(
            refused.body.contains("points to this server"),
            "{host}: {}",
            refused.body
        );
    }
}

#[tokio::test]
async fn a_pasted_url_is_stored_as_it_was_meant() {
    let server = server().await;
    let ada = signed_in(&server).await;
    let meant = "https://example.com/a?b=c";
    for pasted in [
        format!("\u{feff}{meant}"),
        format!("{meant}\u{200b}"),
        format!("<{meant}>"),
        format!("“URL:{meant}”\r\n"),
        "<https://example.com/\r\n  a?b=c>".to_owned(),
    ] {
        let (id, _) = made(&ada, json!({ "url": pasted })).await;
        assert_eq!(stored(&ada, &id).await["url"], meant, "{pasted:?}");
        let home = page(&ada, "/dashboard").await;
        let created = send(&ada, &home, "/dashboard", &[("target", &pasted)]).await;
        let (_, id) = created.header("location").split_once("created=").unwrap();
        assert_eq!(stored(&ada, id).await["url"], meant, "{pasted:?}");
    }
}
