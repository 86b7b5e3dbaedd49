//! Queries of pages: what is added to links, and what is mistyped.

use reqwest::StatusCode;

use crate::admin_pages::{link_of, rooted};
use crate::setup::TestServer;

/// Pages with a query, and fields that can be invalid.
const PAGES: [(&str, &[&str]); 17] = [
    ("/links", &["cursor", "sort"]),
    ("/auth/login", &["next"]),
    ("/dashboard", &["cursor", "sort", "tag"]),
    ("/dashboard/deleted", &["cursor"]),
    ("/dashboard/tools", &[]),
    ("/dashboard/stats", &["days", "from", "to", "class"]),
    (
        "/dashboard/links/{link}/stats",
        &["days", "from", "to", "class"],
    ),
    ("/dashboard/links/{link}/history", &["cursor"]),
    ("/dashboard/links/{link}/below", &["cursor", "limit"]),
    ("/settings/sessions", &["cursor", "limit"]),
    ("/settings/tokens", &["cursor", "limit"]),
    ("/admin", &["cursor"]),
    (
        "/admin/links",
        &["cursor", "sort", "owner", "visibility", "deleted"],
    ),
    ("/admin/keywords", &["cursor", "limit"]),
    ("/admin/orphans", &["cursor", "from", "to"]),
    ("/admin/blocklist", &["cursor", "limit"]),
    ("/admin/audit", &["cursor", "event", "user"]),
];

/// The beginning of a name of the API or a library in an error.
const FOREIGN: [&str; 7] = [
    "`",
    "deserialize",
    "Deserialize",
    "expected",
    "invalid digit",
    "missing field",
    "query:",
];

#[tokio::test]
async fn what_other_programs_add_to_the_link_of_a_page_is_ignored() {
    let server = TestServer::closed().await;
    let (root, browser) = rooted(&server).await;
    let link = link_of(&server, &root, "wiki").await.id.to_string();
    for (path, _) in PAGES {
        let path = path.replace("{link}", &link);
        let plain = browser.get(&path).await.status;
        for added in [
            "fbclid=IwAR0&utm_source=news",
            "_=1&_=2",
            "gclid",
            "%C3%A9=%FF",
            "a[]=1&a[]=2",
        ] {
            let page = browser.get(&format!("{path}?{added}")).await;
            assert_eq!(page.status, plain, "{path}?{added}: {page:?}");
        }
    }
}

#[tokio::test]
async fn a_page_names_a_wrong_field_as_it_is_labelled() {
    let server = TestServer::closed().await;
    let (root, browser) = rooted(&server).await;
    let link = link_of(&server, &root, "wiki").await.id.to_string();
    for (path, fields) in PAGES {
        let path = path.replace("{link}", &link);
        for field in fields {
            for value in ["x", "-1", "0", "99999999999999999999", "%FF", "2026-13-01"] {
                let page = browser.get(&format!("{path}?{field}={value}")).await;
                let status = page.status;
                assert!(
                    !status.is_server_error(),
                    "{path} {field}={value}: {page:?}"
                );
                if status == StatusCode::OK || status == StatusCode::SEE_OTHER {
                    continue;
                }
                for foreign in FOREIGN {
                    let (_, main) = page.body.split_once("<main").unwrap();
                    assert!(
                        !main.contains(foreign),
                        "{path}?{field}={value} says {foreign}: {main}"
                    );
                }
            }
        }
    }
}
