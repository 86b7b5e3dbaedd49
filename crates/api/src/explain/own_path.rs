//! The paths of Waypost itself: what they answer, from the table of routes.

use actix_web::http::StatusCode;
use waypost_core::{Actor, Credential, Decision, decide};

use super::ExplainedStep;
use crate::request::caller::Access;
use crate::routes::{Kind, Method, ROUTES, Row};

/// A path whose first segment is that of a route.
pub(super) struct OwnPath<'p>(pub(super) &'p str);

/// What the path answers to `GET`.
pub(super) struct OwnAnswer {
    pub(super) step: ExplainedStep,
    pub(super) status: u16,
    pub(super) message: String,
}

impl OwnPath<'_> {
    /// Returns what the path answers to a visitor.
    pub(super) fn answer(&self, visitor: &Actor) -> OwnAnswer {
        let path = self.0;
        let plain = path.strip_suffix('/').unwrap_or(path);
        // A slash at the end matters only to some routes.
        let is_exact = ROUTES.iter().any(|row| is_of(row, path));
        let path_of_route = if is_exact { path } else { plain };
        let rows = || ROUTES.iter().filter(|row| is_of(row, path_of_route));
        let own = format!("`{path}` is a path of Waypost itself, not a link");
        let (status, found, message) =
            if let Some(row) = rows().find(|row| row.method == Method::Get) {
                let (status, who) = served(row, visitor);
                let kind = match row.kind {
                    Kind::Page => "a page",
                    _ => "a path",
                };
                let purpose = sentence_part(row.purpose());
                let found = format!("`{path}` is {kind} of Waypost itself, not a link: {purpose}");
                let message = format!("{kind} of Waypost itself, to {purpose}; {who}");
                (status, found, message)
            } else if rows().next().is_none() {
                let message = "a path of Waypost itself, at which there is nothing";
                (StatusCode::NOT_FOUND, own, message.to_owned())
            } else {
                let methods: Vec<_> = rows().map(|row| row.method.names()).collect();
                let message = format!("a path of Waypost itself, only for {}", methods.join(", "));
                (StatusCode::METHOD_NOT_ALLOWED, own, message)
            };
        OwnAnswer {
            step: ExplainedStep {
                what: "reserved",
                found,
            },
            status: status.as_u16(),
            message,
        }
    }
}

/// Whether a route answers a path.
fn is_of(row: &Row, path: &str) -> bool {
    if row.handler.is_none() {
        return false;
    }
    let mut segments = path.split('/');
    for pattern in row.path.split('/') {
        if pattern.ends_with(":.*}") {
            return segments.next().is_some();
        }
        match segments.next() {
            Some(segment) if pattern == segment => {}
            Some(segment) if pattern.starts_with('{') && !segment.is_empty() => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// Returns the status that a route answers to a visitor, and for whom it is.
fn served(row: &Row, visitor: &Actor) -> (StatusCode, &'static str) {
    let action = match row.access {
        Access::Open => return (row.success(), "anyone may open it"),
        Access::For(action) | Access::OrAnonymous(action) => action,
    };
    let has_session = matches!(
        visitor,
        Actor::User {
            credential: Credential::Session,
            ..
        }
    );
    // Pages ignore tokens.
    let visitor = match row.kind {
        Kind::Page if !has_session => &Actor::Anonymous,
        _ => visitor,
    };
    match decide(visitor, action, None) {
        Decision::Unauthenticated if row.kind == Kind::Page => (
            StatusCode::SEE_OTHER,
            "the visitor is not signed in, and is redirected to sign in",
        ),
        Decision::Unauthenticated => (
            StatusCode::UNAUTHORIZED,
            "the visitor is not signed in, and it requires a user",
        ),
        Decision::Forbidden | Decision::ScopeMissing(_) | Decision::SessionRequired => {
            (StatusCode::FORBIDDEN, "this visitor may not open it")
        }
        // Which link it is about decides further.
        Decision::Hidden => (
            row.success(),
            "it depends on the link what this visitor sees",
        ),
        Decision::Allowed => (row.success(), "this visitor may open it"),
    }
}

/// Returns a purpose for the middle of a sentence.
fn sentence_part(purpose: &str) -> String {
    let mut letters = purpose.chars();
    let first = letters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use waypost_core::{Role, Scopes, SeededRandom, UserId};

    use super::*;

    fn user(role: Role) -> Actor {
        let at = time::macros::datetime!(2026-03-01 12:00 UTC);
        Actor::User {
            id: UserId::new(at, &SeededRandom::new(1)),
            role,
            scopes: Scopes::all(),
            credential: Credential::Session,
        }
    }

    #[test]
    fn a_path_of_waypost_answers_what_its_route_says() {
        let [member, admin] = [Role::Member, Role::Admin].map(user);
        for (path, visitor, status, words) in [
            (
                "/dashboard",
                &Actor::Anonymous,
                303,
                "redirected to sign in",
            ),
            ("/dashboard/", &member, 200, "to show your links"),
            ("/admin", &member, 403, "may not open it"),
            ("/admin", &admin, 200, "to show all users"),
            ("/health", &Actor::Anonymous, 200, "anyone may open it"),
            ("/api/v1/links", &Actor::Anonymous, 401, "requires a user"),
            ("/api/v1/links", &member, 200, "to list links"),
            ("/shorten", &member, 405, "only for POST"),
            ("/api", &member, 404, "nothing"),
            ("/dashboard/nothing", &member, 404, "nothing"),
            (
                "/static/x.js",
                &Actor::Anonymous,
                200,
                "a file that pages load",
            ),
            (
                "/api/docs/",
                &Actor::Anonymous,
                200,
                "show the API reference",
            ),
            ("/api/docs", &Actor::Anonymous, 200, "API reference"),
            ("/dashboard/go", &Actor::Anonymous, 303, "address bar"),
        ] {
            let answer = OwnPath(path).answer(visitor);
            assert_eq!(answer.status, status, "{path}: {}", answer.message);
            assert!(answer.message.contains(words), "{path}: {}", answer.message);
            assert!(answer.step.found.contains("of Waypost itself"), "{path}");
        }
    }
}
