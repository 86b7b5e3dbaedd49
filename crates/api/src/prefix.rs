//! The path of the base URL, if it has one: `/go` of `https://example.com/go`.
//!
//! A proxy removes it from the paths of requests, or passes it on: both are served.
//!
//! | path of the request | is read as |
//! | --- | --- |
//! | `/go/docs` | `/docs`; if that is nothing, the code `go/docs`, or `go` with placeholders |
//! | `/go` | the code `go`; if that is nothing, the browser is redirected to `/go/` |
//! | `/docs`, `/gopher` | as it is |
//!
//! If the host is a keyword, all of the path belongs to it.
//!
//! [`left_out`] wraps an application only if the base URL has a path. Otherwise nothing looks at
//! it.

use std::rc::Rc;

use actix_http::Request;
use actix_service::{Service, ServiceFactory, fn_factory, fn_service};
use actix_web::http::header;
use actix_web::http::uri::{PathAndQuery, Uri};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use waypost_service::Routed;

use crate::request::access::RequestId;
use crate::site::see_other;
use crate::state::State;

/// The path of a request as it was sent, if the path of the base URL was left out.
struct WholePath(String);

/// Wraps the application of a listener: leaves the path of the base URL out of the paths of
/// requests.
pub(crate) fn left_out<App>(
    app: App,
    state: web::Data<State>,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = App::Response,
    Error = App::Error,
    InitError = App::InitError,
    Service: Service<Request, Future: 'static>,
    Future: 'static,
>
where
    App: ServiceFactory<Request, Config = ()> + 'static,
    App::Service: 'static,
    App::Future: 'static,
{
    fn_factory(move || {
        let (app, state) = (app.new_service(()), state.clone());
        async move {
            let app = Rc::new(app.await?);
            Ok(fn_service(move |mut request: Request| {
                let (app, state) = (app.clone(), state.clone());
                async move {
                    leave_out(&mut request, &state).await;
                    app.call(request).await
                }
            }))
        }
    })
}

async fn leave_out(request: &mut Request, state: &State) {
    let uri = request.uri();
    let Some(rest) = state.base_url().below(uri.path()) else {
        return;
    };
    let host = uri
        .host()
        .or_else(|| request.headers().get(header::HOST)?.to_str().ok());
    // While the database is unavailable, the host is not treated as a keyword.
    if let Ok(Some(_)) = state.router().keyword_of(host).await {
        return;
    }
    if let Some(below) = with_path(uri, rest) {
        let whole = WholePath(uri.path().to_owned());
        request.extensions_mut().insert(whole);
        request.head_mut().uri = below;
    }
}

/// Returns a URI with another path.
fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let mut target = path.to_owned();
    if let Some(query) = uri.query() {
        target.push('?');
        target.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

/// Returns the path of a request as it was sent, if the path of the base URL was left out.
pub(crate) fn whole_path(request: &HttpRequest) -> Option<String> {
    let extensions = request.extensions();
    extensions
        .get::<WholePath>()
        .map(|WholePath(path)| path.clone())
}

/// Whether a link for the whole path can be what a visitor asked for. A link without placeholders
/// drops the rest of the path: it would take every unknown path.
pub(crate) fn is_meant(routed: &Routed<'_>) -> bool {
    routed.rest.is_empty() || routed.destination.template.is_some()
}

/// Returns the response to a request for the path of the base URL itself, which has no slash at its
/// end; `None` for any other path.
pub(crate) fn home(request: &HttpRequest, state: &State) -> Option<HttpResponse> {
    if !is_home(request, state) {
        return None;
    }
    let mut response = see_other(&format!("{}/", state.base_url().path()));
    RequestId::of(request.headers(), state.random()).complete(&mut response);
    Some(response)
}

/// Whether a request is for the path of the base URL itself, as it was sent.
pub(crate) fn is_home(request: &HttpRequest, state: &State) -> bool {
    let path = state.base_url().path();
    let is_home = !path.is_empty() && request.uri().path() == path;
    is_home && !request.extensions().contains::<WholePath>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_of_a_uri_changes() {
        for (uri, path, expected) in [
            ("/go/docs?a=b&c=/go/", "/docs", "/docs?a=b&c=/go/"),
            ("/go/", "/", "/"),
            ("/go/?", "/", "/?"),
            ("/go//x", "//x", "//x"),
            ("/go/%2Fx", "/%2Fx", "/%2Fx"),
            ("http://a.example/go/x?y", "/x", "http://a.example/x?y"),
        ] {
            let uri: Uri = uri.parse().unwrap();
            let changed = with_path(&uri, path).unwrap();
            assert_eq!(changed.to_string(), expected);
        }
    }
}
