//! Forms of pages: read from their body when they are known to come from a page of this server, and
//! shown again with what is wrong.

use std::pin::Pin;

use actix_web::dev::{Payload, UrlEncoded};
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::errors::{ApiError, ErrorCode};
use crate::pages::problem::sentence;
use crate::request::csrf;
use crate::request::input;
use crate::state::State;

/// The longest form, in bytes: every character of a long description may take twelve.
const MAX_BYTES: usize = 64 * 1_024;
/// The hidden field with the token.
const TOKEN: &str = "csrf";

/// The body of a form (`application/x-www-form-urlencoded`) that [`csrf::check_form`] found to be sent from a
/// page of this server. The fields are texts: a number that is none gets its message from the handler.
pub(crate) struct PageForm<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for PageForm<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = UrlEncoded::<Vec<(String, String)>>::new(request, payload).limit(MAX_BYTES);
        let request = request.clone();
        Box::pin(async move {
            let Ok(pairs) = tokio::time::timeout(input::BODY_TIMEOUT, body).await else {
                return Err(input::late());
            };
            let mut pairs = pairs?;
            let state = request.app_data::<web::Data<State>>();
            let state = state.ok_or_else(|| ApiError::internal("the server has no state"))?;
            let given = pairs.iter().find(|(name, _)| name == TOKEN);
            let token = given.map_or("", |(_, value)| value);
            csrf::check_form(request.headers(), state.site(), token)?;
            pairs.retain(|(name, _)| name != TOKEN);
            let fields = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&pairs)
                .finish();
            let fields = web::Query::<T>::from_query(&fields);
            let refuse =
                |error| ApiError::bad_request(format!("invalid form: {}", input::reason(error)));
            Ok(Self(fields.map_err(refuse)?.into_inner()))
        })
    }
}

/// What is wrong with a form, if anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The name of the field; empty where it is not about one; `None` where nothing is wrong.
    field: Option<&'static str>,
    message: String,
}

impl Problem {
    /// Nothing is wrong.
    pub(crate) const NONE: Self = Self {
        field: None,
        message: String::new(),
    };

    /// Something that is wrong with a field, or with the form (an empty name): `message` says what to do
    /// about it, as errors of the API do.
    pub(crate) fn new(field: &'static str, message: &str) -> Self {
        Self {
            field: Some(field),
            message: sentence(message),
        }
    }

    /// What is wrong with the form of a link, from the error that the domain gave, with the message that the
    /// API gives.
    ///
    /// # Errors
    /// The error itself, where it is not about what was typed.
    pub(crate) fn of_link(error: ApiError) -> Result<Self, ApiError> {
        let field = match error.code() {
            ErrorCode::UrlInvalid | ErrorCode::TargetBlocked => "target",
            ErrorCode::CodeInvalid | ErrorCode::CodeReserved | ErrorCode::CodeTaken => "code",
            ErrorCode::UserUnknown => "email",
            ErrorCode::DetailInvalid | ErrorCode::BadRequest | ErrorCode::Conflict => "",
            _ => return Err(error),
        };
        Ok(Self::new(field, &error.body().message))
    }

    /// The message, where it is about this field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        (self.field == Some(field)).then_some(self.message.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use actix_web::http::header::CONTENT_TYPE;
    use actix_web::test::TestRequest;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_form_that_never_comes_is_given_up() {
        let media_type = "application/x-www-form-urlencoded";
        let request = TestRequest::default().insert_header((CONTENT_TYPE, media_type));
        let mut payload: Payload = Payload::Stream {
            payload: Box::pin(futures_util::stream::pending()),
        };
        let started = Instant::now();
        let request = request.to_http_request();
        let body = PageForm::<Vec<()>>::from_request(&request, &mut payload).await;
        let code = body.map(|_| ()).map_err(|error| error.code());
        assert_eq!(code, Err(ErrorCode::RequestTimeout));
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "the clock stood still"
        );
    }

    #[test]
    fn what_is_wrong_stands_beside_its_field() {
        let taken = ApiError::new(
            ErrorCode::CodeTaken,
            "the code is in use; choose another one",
        );
        let problem = Problem::of_link(taken).unwrap();
        assert_eq!(
            problem.of("code"),
            Some("The code is in use; choose another one.")
        );
        assert_eq!(problem.of("target"), None);
        assert!(Problem::of_link(ApiError::no_such_thing()).is_err());
    }
}
