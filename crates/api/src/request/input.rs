//! JSON bodies, queries and IDs in paths, read strictly. Forms are in [`crate::pages`].
//!
//! Unknown fields, duplicate fields and lists in place of objects are rejected, so that a mistyped
//! name is an error and not silently ignored.

use std::borrow::Cow;
use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::{JsonBody as RawBody, Payload};
use actix_web::error::QueryPayloadError;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, Visitor};
use url::form_urlencoded;
use utoipa::IntoParams;
use uuid::Uuid;
use waypost_core::{Id, LinkId};

use crate::errors::{ApiError, ErrorCode};

/// Default maximum length of a body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1_024;
/// Time limit for a body, against clients that hold connections open.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A body that is a JSON object, declared as such (`Content-Type: application/json`, or another
/// type that ends in `+json`).
///
/// A body without a declared type is rejected, too: browsers let any site send such a request to
/// any server, but one with a JSON type only if the server agreed.
pub(crate) struct JsonObject<T, const LIMIT: usize = MAX_BODY_BYTES>(pub(crate) T);

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for JsonObject<T, LIMIT> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = RawBody::<Object<T>>::new(request, payload, None, true).limit(LIMIT);
        Box::pin(async {
            match tokio::time::timeout(BODY_TIMEOUT, body).await {
                Ok(body) => Ok(Self(body?.0)),
                Err(_) => Err(late()),
            }
        })
    }
}

/// Creates the error for a body that did not arrive in time.
pub(crate) fn late() -> ApiError {
    ApiError::new(
        ErrorCode::RequestTimeout,
        "the body did not arrive within 10 seconds; send it again",
    )
}

/// A [`JsonObject`], or no body at all.
pub(crate) struct OptionalJson<T, const LIMIT: usize = MAX_BODY_BYTES>(pub(crate) Option<T>);

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for OptionalJson<T, LIMIT> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // RFC 9112 §6.3: without either header there is no body.
        let length = request.headers().get(CONTENT_LENGTH);
        let is_empty = length.map_or_else(
            || !request.headers().contains_key(TRANSFER_ENCODING),
            |length| length.as_bytes() == b"0",
        );
        if is_empty {
            return Box::pin(async { Ok(Self(None)) });
        }
        let body = JsonObject::<T, LIMIT>::from_request(request, payload);
        Box::pin(async { Ok(Self(Some(body.await?.0))) })
    }
}

/// A JSON object as a `T`. Without this type, serde would also read the fields of a struct from a
/// list.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                serde_path_to_error::deserialize(MapAccessDeserializer::new(map)).map_err(|error| {
                    let path = error.path().to_string();
                    let inner = error.into_inner();
                    match path.as_str() {
                        "." | "?" => inner,
                        path => de::Error::custom(format!("`{path}`: {inner}")),
                    }
                })
            }
        }

        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Object)
    }
}

/// Reads the query of a request.
///
/// # Errors
/// `BAD_REQUEST` for an invalid, unknown or duplicate field.
pub(crate) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, ApiError> {
    read(request.query_string())
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    actix_web::web::Query::from_query(query)
        .map(actix_web::web::Query::into_inner)
        .map_err(|error| {
            let reason = reason(error);
            ApiError::new(ErrorCode::BadRequest, format!("invalid query: {reason}"))
        })
}

/// Reads the query of a page. Ignores unknown fields, which other programs add to links
/// (`fbclid=…`), and all but the first value of a field.
///
/// # Errors
/// `BAD_REQUEST` for an invalid field.
pub(crate) fn page_query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, ApiError> {
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()) {
        if pairs.iter().all(|(known, _)| *known != name) {
            pairs.push((name, value));
        }
    }
    let first = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    read(&first)
}

/// Returns why a query or a form could not be read, without the prefix of the library.
pub(crate) fn reason(error: QueryPayloadError) -> String {
    match error {
        QueryPayloadError::Deserialize(reason) => reason.to_string(),
        other => other.to_string(),
    }
}

/// The ID of the link in the path of a request.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, names("id"))]
pub(crate) struct LinkPath(
    /// The ID of the link
    #[param(value_type = String, format = "uuid")]
    pub(crate) LinkId,
);

impl FromRequest for LinkPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id_of(request, "id").map(Self))
    }
}

/// Parses an ID in the path of a request.
///
/// # Errors
/// `NOT_FOUND` for an invalid ID.
pub(crate) fn id_of<I: Id>(request: &HttpRequest, name: &str) -> Result<I, ApiError> {
    let text = request.match_info().get(name).unwrap_or_default();
    let id = Uuid::try_parse(text).map_err(|_| ApiError::no_such_thing())?;
    Ok(I::from_uuid(id))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use actix_web::http::header::CONTENT_TYPE;
    use actix_web::test::TestRequest;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Anything {}

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_given_up() {
        assert_given_up::<JsonObject<Anything>>("application/json").await;
    }

    async fn assert_given_up<T: FromRequest<Error = ApiError>>(media_type: &str) {
        let request = TestRequest::default().insert_header((CONTENT_TYPE, media_type));
        let mut payload: Payload = Payload::Stream {
            payload: Box::pin(futures_util::stream::pending()),
        };
        let started = Instant::now();
        let body = T::from_request(&request.to_http_request(), &mut payload).await;
        let code = body.map(|_| ()).map_err(|error| error.code());
        assert_eq!(code, Err(ErrorCode::RequestTimeout), "{media_type}");
        assert!(started.elapsed() < BODY_TIMEOUT, "the clock stood still");
    }
}
