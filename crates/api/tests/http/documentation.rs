//! The OpenAPI document and its page.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::Value;
use waypost_api::routes;

use crate::setup::TestServer;

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
async fn every_error_is_documented_with_the_body_that_it_has() {
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
            let asks_the_store = !matches!(path.as_str(), "/health" | "/metrics");
            assert_eq!(fails("503"), asks_the_store, "{method} {path}");
            assert_eq!(fails("500"), asks_the_store, "{method} {path}");
        }
    }
    let error = &document["components"]["schemas"]["ErrorBody"];
    let required = error["required"].to_string();
    assert_eq!(required, r#"["error","code","message"]"#);
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
    let created_at = &schemas["Link"]["properties"]["createdAt"];
    assert_eq!(created_at["format"], "date-time");
}

#[tokio::test]
async fn the_page_comes_with_the_program() {
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
