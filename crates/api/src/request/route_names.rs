//! The names of routes in the log.

use actix_web::HttpRequest;

/// The preview of a link. No code contains a `+`.
pub(crate) const PREVIEW: &str = "/{code}+";
/// The redirects: by a code, and by a code with the rest of the path.
pub(crate) const CODE: &str = "/{code}";
pub(crate) const CODE_AND_REST: &str = "/{code}/{rest}";

/// Returns the name of the route of a request.
pub(crate) fn name_of(request: &HttpRequest) -> String {
    request.match_pattern().unwrap_or_else(|| {
        let path = request.uri().path();
        let segments = path
            .strip_prefix('/')
            .filter(|segments| !segments.is_empty());
        let route = segments.map_or("none", |segments| match segments.split_once('/') {
            None | Some((_, "")) if path.trim_end_matches('/').ends_with('+') => PREVIEW,
            None | Some((_, "")) => CODE,
            Some(_) => CODE_AND_REST,
        });
        route.to_owned()
    })
}
