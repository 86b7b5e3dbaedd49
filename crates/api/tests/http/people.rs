//! Users with API tokens, and requests with these tokens.

use reqwest::header::{AUTHORIZATION, COOKIE};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use waypost_core::{DisplayName, Email, Role, SessionSecret, TokenId, TokenName, UserId};
use waypost_service::{NewToken, NewUser};
use waypost_store::UserStore as _;

use crate::setup::{Answer, OPERATOR, TestServer, send};

/// The path of links.
pub(crate) const LINKS: &str = "/api/v1/links";

/// A user, and the secret of a token with all their rights.
#[derive(Debug, Clone)]
pub(crate) struct Somebody {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) token: String,
}

impl TestServer {
    /// Adds a user `NAME@example.com` whose token has the scopes `read` and `write`.
    pub(crate) async fn member(&self, name: &str) -> Somebody {
        self.somebody(name, Role::Member, "read,write").await
    }

    /// Adds an admin `NAME@example.com` whose token has every scope.
    pub(crate) async fn admin(&self, name: &str) -> Somebody {
        self.somebody(name, Role::Admin, "read,write,admin").await
    }

    async fn somebody(&self, name: &str, role: Role, scopes: &str) -> Somebody {
        let email = format!("{name}@example.com");
        let new = NewUser {
            email: Email::parse(&email).unwrap(),
            display_name: DisplayName::default(),
            role,
            password: None,
        };
        let id = self.accounts.add_user(new).await.unwrap().id;
        let token = self.token(id, scopes).await;
        Somebody { id, email, token }
    }

    /// Creates another token of a user, and returns its secret.
    pub(crate) async fn token(&self, user: UserId, scopes: &str) -> String {
        self.token_with_id(user, scopes).await.1
    }

    pub(crate) async fn token_with_id(&self, user: UserId, scopes: &str) -> (TokenId, String) {
        let user = self.store.memory().user(user).await.unwrap().unwrap();
        let new = NewToken {
            name: TokenName::parse("test").unwrap(),
            scopes: scopes.parse().unwrap(),
            expires_at: None,
        };
        let (token, secret) = self.accounts.create_token(&user, new).await.unwrap();
        (token.id, secret.reveal().to_owned())
    }

    /// Signs in a user and returns the secret of the session.
    pub(crate) async fn session(&self, user: UserId) -> String {
        let user = self.store.memory().user(user).await.unwrap().unwrap();
        let opened = self.accounts.open_session(user, None).await.unwrap();
        opened.secret.reveal().to_owned()
    }

    /// Returns a request with this token or session, or without credentials if it is empty.
    pub(crate) fn by(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        let request = self.request(method, path);
        if token.is_empty() {
            return request;
        }
        if token.starts_with(SessionSecret::PREFIX) {
            let cookie = format!("__Host-waypost_session={token}");
            return request
                .header(COOKIE, cookie)
                .header("Sec-Fetch-Site", "same-origin");
        }
        request.header(AUTHORIZATION, format!("Bearer {token}"))
    }

    /// Sends a request with this token and without a body.
    pub(crate) async fn ask(&self, token: &str, method: Method, path: &str) -> Answer {
        send(self.by(token, method, path)).await
    }

    /// Sends `GET` with this token.
    pub(crate) async fn read(&self, token: &str, path: &str) -> Answer {
        self.ask(token, Method::GET, path).await
    }

    /// Sends JSON with this token.
    pub(crate) async fn tell(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Answer {
        send(self.by(token, method, path).json(body)).await
    }

    /// Sends JSON with this token and with `tags` as `If-Match`.
    pub(crate) async fn tell_if(
        &self,
        token: &str,
        (method, path): (Method, &str),
        tags: &str,
        body: &Value,
    ) -> Answer {
        let request = self.by(token, method, path).header("If-Match", tags);
        send(request.json(body)).await
    }

    /// Creates a link with this token.
    pub(crate) async fn made(&self, token: &str, fields: &Value) -> Value {
        let made = self.tell(token, Method::POST, LINKS, fields).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        made.json()
    }

    /// Makes a user an owner of a link at once, as only an admin can.
    pub(crate) async fn own(&self, link: &Value, who: &str) {
        let path = format!("{}/owners", path_of(link));
        let owner = json!({ "email": who });
        let added = self.tell(OPERATOR, Method::POST, &path, &owner).await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    }

    /// Hands over a link as the operator, and accepts it.
    pub(crate) async fn hand_over(&self, link: &Value, to: &Somebody) {
        let path = format!("{}/transfer", path_of(link));
        let receiver = json!({ "email": to.email });
        let offered = self.tell(OPERATOR, Method::POST, &path, &receiver).await;
        assert_eq!(offered.status, StatusCode::CREATED, "{offered:?}");
        let path = format!("/api/v1/offers/{}/accept", text(&link["id"]));
        let accepted = self.ask(&to.token, Method::POST, &path).await;
        assert_eq!(accepted.status, StatusCode::OK, "{accepted:?}");
    }

    /// Changes a link and asserts success.
    pub(crate) async fn changed(&self, token: &str, link: &Value, fields: &Value) -> Value {
        let path = path_of(link);
        let changed = self.tell(token, Method::PATCH, &path, fields).await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
        changed.json()
    }
}

/// Returns the path of a link.
pub(crate) fn path_of(link: &Value) -> String {
    format!("{LINKS}/{}", text(&link["id"]))
}

/// Returns the string in a JSON value.
#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Returns one field of each item of a list.
pub(crate) fn each(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| text(&item[field]).to_owned()).collect()
}
