//! The OpenAPI document and its page.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};
use waypost_api::routes;

use crate::setup::{TestServer, send};

#[tokio::test]
async fn every_documented_route_is_in_the_document_and_nothing_else() {
    let server = TestServer::start().await;
    let document = server.get("/api/openapi.json").await.json();
    let mut in_document = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            in_document.insert((method.to_uppercase(), path.clone()));
        }
    }
    let in_table: BTreeSet<_> = routes()
        .filter(|route| route.documented)
        .map(|route| {
            let method = route.methods.split(", ").next().unwrap();
            (method.to_owned(), route.path.to_owned())
        })
        .collect();
    assert_eq!(in_document, in_table);
}

#[tokio::test]
async fn every_error_is_documented_with_its_body() {
    let server = TestServer::start().await;
    let document = server.get("/api/openapi.json").await.json();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses {
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                if status.as_str() >= "400" {
                    let at = format!("{method} {path} {status}: {response}");
                    assert_eq!(schema, "#/components/schemas/ErrorBody", "{at}");
                }
            }
            let fails = |status| responses.contains_key(status);
            let asks_the_store = path != "/health";
            assert_eq!(fails("503"), asks_the_store, "{method} {path}");
            assert_eq!(fails("500"), asks_the_store, "{method} {path}");
        }
    }
    let error = &document["components"]["schemas"]["ErrorBody"];
    let required = error["required"].to_string();
    assert_eq!(required, r#"["error","code","message"]"#);
}

#[tokio::test]
async fn operations_that_require_a_token_document_it_and_their_errors() {
    let server = TestServer::start().await;
    let document = server.get("/api/openapi.json").await.json();
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!(
        (&scheme["type"], &scheme["scheme"]),
        (&json!("http"), &json!("bearer"))
    );
    let closed = closed_operations().await;
    let mut count = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let at = format!("{method} {path}");
            let responses = &operation["responses"];
            let security = &operation["security"];
            let denied = ["401", "403"].map(|status| responses.get(status).is_some());
            if matches!(path.as_str(), "/health" | "/health/ready") {
                assert_eq!((security, denied), (&Value::Null, [false; 2]), "{at}");
                continue;
            }
            count += 1;
            assert_eq!(denied, [true; 2], "{at}");
            let challenge = &responses["401"]["headers"]["WWW-Authenticate"];
            assert_eq!(challenge["schema"]["type"], "string", "{at}");
            // The empty requirement allows requests without a token.
            let expected = if closed.contains(&(method.to_uppercase(), path.clone())) {
                json!([{ "token": [] }])
            } else {
                json!([{}, { "token": [] }])
            };
            assert_eq!(*security, expected, "{at}");
            if path.contains("{id}") || path.contains("{user}") {
                assert!(responses.get("404").is_some(), "{at}");
            }
            if operation.get("requestBody").is_some() {
                for status in ["400", "408", "413", "415"] {
                    assert!(responses.get(status).is_some(), "{at} {status}");
                }
            }
        }
    }
    assert!(count > closed.len(), "{count}");
}

/// Returns the operations that require a token even with `WAYPOST_ANONYMOUS_LINKS`, found by
/// calling them.
async fn closed_operations() -> BTreeSet<(String, String)> {
    let server = TestServer::start().await;
    let mut closed = BTreeSet::new();
    for route in routes().filter(|route| route.documented) {
        let method = route.methods.split(", ").next().unwrap();
        let path = route.path.replace(['{', '}'], "");
        let request = server.request(method.parse().unwrap(), &path);
        if send(request).await.status == StatusCode::UNAUTHORIZED {
            closed.insert((method.to_owned(), route.path.to_owned()));
        }
    }
    assert!(closed.len() >= 26, "{closed:?}");
    closed
}

#[tokio::test]
async fn the_limits_are_in_the_document() {
    let server = TestServer::start().await;
    let document = server.get("/api/openapi.json").await.json();
    let schemas = &document["components"]["schemas"];
    let request = &schemas["ShortenRequest"];
    assert_eq!(request["properties"]["url"]["maxLength"], 2_048);
    assert_eq!(request["properties"]["code"]["maxLength"], 64);
    assert_eq!(request["required"], serde_json::json!(["url"]));
    assert_eq!(request["additionalProperties"], Value::Bool(false));
    let parameters = document["paths"]["/urls"]["get"]["parameters"].as_array();
    let limit = parameters
        .unwrap()
        .iter()
        .find(|p| p["name"] == "limit")
        .unwrap();
    let (schema, required) = (&limit["schema"], &limit["required"]);
    assert_eq!(
        (&schema["minimum"], &schema["maximum"]),
        (&1.into(), &100.into())
    );
    assert_eq!(
        (&schema["default"], required),
        (&20.into(), &Value::Bool(false))
    );
    for (field, limit) in [
        ("url", 2_048),
        ("code", 64),
        ("title", 200),
        ("description", 2_000),
    ] {
        let fields = &schemas["LinkFields"]["properties"];
        assert_eq!(fields[field]["maxLength"], limit, "{field}");
    }
    assert_eq!(schemas["LinkFields"]["properties"]["tags"]["maxItems"], 20);
    assert_eq!(
        schemas["BulkRequest"]["properties"]["links"]["maxItems"],
        1_000
    );
    let created_at = &schemas["Link"]["properties"]["createdAt"];
    assert_eq!(created_at["format"], "date-time");
}

#[tokio::test]
async fn the_page_loads_nothing_from_other_servers() {
    let server = TestServer::start().await;
    let entrance = server.get("/api/docs").await;
    assert_eq!(entrance.status, StatusCode::FOUND);
    assert_eq!(entrance.header("location"), "docs/");
    let page = server.get("/api/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/html");
    assert!(!page.body.contains("//"), "something comes from elsewhere");
    let files: Vec<&str> = ["href=\"", "src=\""]
        .into_iter()
        .flat_map(|link| page.body.split(link).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let path = format!("/api/docs/{}", file.trim_start_matches("./"));
        let answer = server.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.body.is_empty());
    }
    let initializer = server.get("/api/docs/swagger-initializer.js").await;
    assert!(
        initializer.body.contains("../openapi.json"),
        "{initializer:?}"
    );
    let missing = server.get("/api/docs/missing.js").await;
    missing.assert_error(404, "NOT_FOUND");
}
