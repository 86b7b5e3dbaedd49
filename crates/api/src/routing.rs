//! Configures actix with the rows of [`crate::routes`].
//!
//! - A `GET` route also answers `HEAD`, with the same headers (RFC 9110 §9.3.2).
//! - A slash at the end of a path is ignored: some programs turn `/{code}` into `/{code}/`, and
//!   both mean the same link.
//! - Paths are case-sensitive, except codes.
//! - The rows are grouped by the first word of their path, so that a request is compared only with
//!   these words at first. A path that begins with none of them is a redirect, and no pattern is
//!   matched for it.
//! - If the host is a keyword, all paths are redirects.
//! - Requests that stand for invalid ones are answered where no route matches.

use std::collections::BTreeMap;
use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method as HttpMethod;
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpRequest, HttpResponse, Resource, Route, Scope, guard, web};

use crate::connection::Fault;
use crate::error_page;
use crate::errors::ApiError;
use crate::handlers::redirect;
use crate::pages;
use crate::request::access::{observe, observe_quietly};
use crate::request::caller::{Access, authorise, authorise_page};
use crate::request::client::host_of;
use crate::routes::{Kind, METRICS, Method, ROUTES, Row};
use crate::state::State;

/// Which routes a listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// All of them; the metrics only to admins and the operator.
    Whole,
    /// All of them; the metrics to everyone.
    WithPublicMetrics,
    /// All except the metrics, which have their own listener.
    WithoutMetrics,
    /// Only the metrics.
    MetricsOnly,
}

impl Listener {
    fn answers(self, row: &Row) -> bool {
        match self {
            Self::Whole | Self::WithPublicMetrics => true,
            Self::WithoutMetrics => row.path != METRICS,
            Self::MetricsOnly => row.path == METRICS,
        }
    }

    /// Returns who has access to a route.
    fn access(self, row: &Row) -> Access {
        let shows_metrics = matches!(self, Self::WithPublicMetrics | Self::MetricsOnly);
        if shows_metrics && row.path == METRICS {
            Access::Open
        } else {
            row.access
        }
    }
}

/// Adds the routes of a listener to an application, whose data must contain the [`State`].
#[expect(
    clippy::disallowed_methods,
    reason = "this is the only place that adds routes, from the table"
)]
pub(crate) fn configure(config: &mut web::ServiceConfig, listener: Listener) {
    // The rows by the first word of their path, and by what follows it.
    let mut words: BTreeMap<&str, BTreeMap<&str, Vec<&Row>>> = BTreeMap::new();
    for row in ROUTES.iter().filter(|row| listener.answers(row)) {
        if row.handler.is_some() {
            let (word, rest) = first_word(&row.path);
            let paths = words.entry(word).or_default();
            paths.entry(rest).or_default().push(row);
        }
    }
    for (word, paths) in words {
        let scope = paths
            .into_iter()
            .fold(scope_for(word), |scope, (rest, rows)| {
                let scope = scope.service(resource(rest, &rows, listener));
                // The page of the API reference is a directory, where the slash makes a difference.
                if rows.iter().all(|row| row.kind == Kind::Documentation) {
                    scope
                } else {
                    scope.service(resource(&format!("{rest}/"), &rows, listener))
                }
            });
        config.service(scope);
    }
    config.default_service(if listener == Listener::MetricsOnly {
        web::to(nothing_here)
    } else {
        web::to(redirect)
    });
}

/// Returns the scope of a first word, without its resources.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the only place that adds routes, from the table"
)]
fn scope_for(
    word: &str,
) -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = Error,
        InitError = (),
    >,
> {
    web::scope(word)
        .default_service(web::to(nothing_here))
        .wrap(from_fn(keyword_host_first))
}

/// Wraps the routes of the server: a host that is a keyword has none of them, and redirects.
async fn keyword_host_first(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let reads = matches!(*request.method(), HttpMethod::GET | HttpMethod::HEAD);
    let host = host_of(request.request());
    // While the database is unavailable, the host is not treated as a keyword.
    if reads && let Ok(Some(_)) = state.router().keyword_of(host).await {
        let answer = redirect::answer(request.request(), &state).await;
        return Ok(request.into_response(answer));
    }
    next.call(request).await
}

/// Splits `/urls/{code}` into `/urls` and `/{code}`.
fn first_word(path: &str) -> (&str, &str) {
    let end = path.get(1..).and_then(|rest| rest.find('/'));
    path.split_at(end.map_or(path.len(), |end| end + 1))
}

/// Returns the resource of one path with all its methods; `rest` is the path after the first word.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the only place that adds routes, from the table"
)]
fn resource(rest: &str, rows: &[&Row], listener: Listener) -> Resource {
    let methods: Vec<_> = rows.iter().map(|row| row.method.names()).collect();
    let allow = methods.join(", ");
    let refuse = move |request: HttpRequest, state: web::Data<State>| {
        let error = ApiError::method_not_allowed(&allow);
        async move { error_page::answer(&request, &state, &error, Instant::now()) }
    };
    rows.iter()
        .filter_map(|row| Some((row, row.handler?)))
        .fold(
            web::resource(rest).default_service(web::to(refuse)),
            |resource, (row, handler)| {
                let route = with_space(row, handler());
                let route = around(row.kind, listener.access(row), route);
                resource.route(guarded(row.method, route))
            },
        )
}

/// Wraps a handler that adds data: it does not run while the disk is almost full.
fn with_space(row: &Row, route: Route) -> Route {
    let adds_data = match row.access {
        Access::Open => false,
        Access::For(action) | Access::OrAnonymous(action) => action.adds_data(),
    };
    if row.method == Method::Get || !adds_data {
        return route;
    }
    route.wrap(from_fn(refuse_without_space))
}

async fn refuse_without_space(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if state.disk_space().is_low() {
        return Ok(request.error_response(ApiError::disk_full()));
    }
    next.call(request).await
}

fn around(kind: Kind, access: Access, route: Route) -> Route {
    if kind == Kind::Page {
        return route
            .wrap(from_fn(move |state: web::Data<State>, request, next| {
                authorise_page(access, state, request, next)
            }))
            .wrap(from_fn(pages::complete))
            .wrap(from_fn(observe));
    }
    let authorised = route.wrap(from_fn(move |state: web::Data<State>, request, next| {
        authorise(access, state, request, next)
    }));
    match kind {
        Kind::Redirect => authorised,
        Kind::Operation | Kind::Page => authorised.wrap(from_fn(observe)),
        Kind::Probe | Kind::Documentation => authorised.wrap(from_fn(observe_quietly)),
    }
}

async fn redirect(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    match *request.method() {
        HttpMethod::GET | HttpMethod::HEAD => redirect::answer(&request, &state).await,
        _ => {
            let error = Fault::of(&request).map_or_else(
                || ApiError::method_not_allowed(Method::Get.names()),
                Fault::error,
            );
            error_page::answer(&request, &state, &error, Instant::now())
        }
    }
}

async fn nothing_here(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let error = Fault::of(&request).map_or_else(ApiError::no_such_path, Fault::error);
    error_page::answer(&request, &state, &error, Instant::now())
}

/// Limits a route to requests with this method.
fn guarded(method: Method, route: Route) -> Route {
    match method {
        Method::Get => route.guard(guard::Any(guard::Get()).or(guard::Head())),
        Method::Post => route.guard(guard::Post()),
        Method::Put => route.guard(guard::Put()),
        Method::Patch => route.guard(guard::Patch()),
        Method::Delete => route.guard(guard::Delete()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_after_its_first_word() {
        assert_eq!(first_word("/urls"), ("/urls", ""));
        assert_eq!(first_word("/urls/{code}/stats"), ("/urls", "/{code}/stats"));
    }
}
