//! Forms of pages: read after the check that a page of this server sent them, and shown again with
//! their errors.

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

/// Maximum size of a form in bytes: a character of a long description can take twelve.
const MAX_BYTES: usize = 64 * 1_024;
/// Name of the hidden field with the CSRF token.
const TOKEN: &str = "csrf";

/// The body of a form (`application/x-www-form-urlencoded`) that a page of this server sent, as
/// [`csrf::check_form`] verifies. The fields are strings: the handler parses numbers and reports
/// invalid ones.
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
            csrf::check_form(&request, state, token)?;
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

/// The error of a form, if it has one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The name of the field; empty for the form as a whole; `None` if there is no error.
    field: Option<&'static str>,
    message: String,
}

impl Problem {
    /// No error.
    pub(crate) const NONE: Self = Self {
        field: None,
        message: String::new(),
    };

    /// Creates an error of a field, or of the whole form if the name is empty. `message` is written
    /// as the messages of the API are.
    pub(crate) fn new(field: &'static str, message: &str) -> Self {
        Self {
            field: Some(field),
            message: sentence(message),
        }
    }

    /// Creates the error of a link form from an error of the domain, with the message of the API.
    ///
    /// # Errors
    /// Returns the error itself if it is not about an entry of the form.
    pub(crate) fn of_link(error: ApiError) -> Result<Self, ApiError> {
        let field = match error.code() {
            ErrorCode::UrlInvalid | ErrorCode::TargetBlocked => "target",
            ErrorCode::CodeInvalid
            | ErrorCode::CodeReserved
            | ErrorCode::CodeTaken
            | ErrorCode::PathOwned => "code",
            ErrorCode::UserUnknown => "email",
            ErrorCode::DetailInvalid | ErrorCode::BadRequest | ErrorCode::Conflict => "",
            _ => return Err(error),
        };
        Ok(Self::new(field, &error.body().message))
    }

    /// Returns the message if it is about this field.
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
