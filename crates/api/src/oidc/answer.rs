//! Errors shown to people who could not be signed in with the provider. The cause goes to the log
//! only.
//!
//! `forget` is the header that removes the sign-in cookie of the browser: a pending sign-in is
//! answered once, whatever the outcome. The page of each error leads on ([`steps`]).

use actix_web::http::header::HeaderValue;
use waypost_service::IdentityError;

use super::error::OidcError;
use crate::errors::{ApiError, ErrorCode};
use crate::pages::problem::{Step, Suggestions};
use crate::site::Site;

/// Maximum length of a text of the provider that is passed on, in characters.
const MAX_WORD_CHARS: usize = 300;

/// This browser has no sign-in that could be completed.
pub(crate) fn not_begun() -> ApiError {
    ApiError::new(
        ErrorCode::OidcFailed,
        "this sign-in was started in another browser, took longer than 10 minutes or is already complete; \
         allow cookies and sign in again",
    )
}

/// This sign-in was completed before, and the browser is signed in.
pub(crate) fn already_complete() -> ApiError {
    ApiError::new(
        ErrorCode::OidcFailed,
        "this sign-in is already complete or took longer than 10 minutes, but you are signed in; \
         continue below",
    )
}

/// Returns how a person continues after an error: to `path`, which they wanted to see, if they are
/// signed in, or to signing in for it again.
pub(crate) fn steps(site: &Site, path: &str, is_signed_in: bool) -> Suggestions {
    let query: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    let again = Step {
        href: format!("{}/auth/oidc/login?redirect={query}", site.base()),
        label: "Sign in again",
    };
    let steps = if is_signed_in {
        let href = site.local(path);
        let label = "Continue";
        vec![Step { href, label }, again]
    } else {
        let href = site.sign_in(path);
        let label = "Other ways to sign in";
        vec![again, Step { href, label }]
    };
    Suggestions {
        steps,
        ..Suggestions::default()
    }
}

/// The provider did not sign the user in.
pub(crate) fn failed(error: OidcError, forget: Option<HeaderValue>) -> ApiError {
    let answer = match &error {
        OidcError::NotBegun => return not_begun(),
        OidcError::Unavailable(_) => ApiError::new(
            ErrorCode::OidcUnavailable,
            "the sign-in provider is unavailable; sign in again in a moment or with a password",
        )
        .setting(forget),
        OidcError::Misconfigured(other) => {
            let message = format!("{other}; {}", other.advice());
            ApiError::new(ErrorCode::OidcMisconfigured, message).setting(forget)
        }
        OidcError::Declined { error, description } => {
            let message = declined(error, description.as_deref());
            ApiError::new(ErrorCode::OidcRefused, message).setting(forget)
        }
        OidcError::Refused(_) => ApiError::new(
            ErrorCode::OidcFailed,
            "the sign-in provider sent an invalid response; sign in again and, if it persists, report \
             the X-Request-Id of this response to the operator",
        )
        .setting(forget),
    };
    answer.because(error)
}

/// The user of the provider may not sign in on this server.
pub(crate) fn refused(error: IdentityError, forget: Option<HeaderValue>) -> ApiError {
    let advice = match error {
        IdentityError::Store(error) => return error.into(),
        IdentityError::NoEmail => "add one there, and sign in again",
        IdentityError::OtherAccount => "ask an admin of this server to unlink it",
        IdentityError::EmailNotVerified => "verify it there, and sign in again",
        IdentityError::EmailVerificationUnknown => {
            "ask the operator of this server to look at its log and at WAYPOST_OIDC_TRUST_EMAILS"
        }
        IdentityError::DomainNotAllowed => "sign in with another account",
        IdentityError::InvalidEmail(_) | IdentityError::Disabled => "ask an admin of this server",
    };
    let message = format!("{error}; {advice}");
    ApiError::new(ErrorCode::OidcRefused, message)
        .setting(forget)
        .because(error)
}

/// Returns the error of the provider in its own words, shortened.
fn declined(error: &str, description: Option<&str>) -> String {
    let plain = |text: &str| {
        let characters = text.chars().filter(|character| !character.is_control());
        characters.take(MAX_WORD_CHARS).collect::<String>()
    };
    let description = description.map(plain).unwrap_or_default();
    let separator = if description.is_empty() { "" } else { ": " };
    let error = plain(error);
    format!("the sign-in provider responded with `{error}`{separator}{description}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_providers_words_are_passed_on_in_one_short_line() {
        let text = declined("access_denied", Some("no\r\nway"));
        assert_eq!(
            text,
            "the sign-in provider responded with `access_denied`: noway"
        );
        let text = declined(&"x".repeat(10_000), None);
        assert!(text.len() < 400, "{text}");
    }
}
