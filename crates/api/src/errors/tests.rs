use utoipa::PartialSchema;
use waypost_store::StoreError;

use super::*;

const ALL: [ErrorCode; 35] = [
    ErrorCode::BadRequest,
    ErrorCode::UrlInvalid,
    ErrorCode::TargetBlocked,
    ErrorCode::CodeInvalid,
    ErrorCode::CodeReserved,
    ErrorCode::DetailInvalid,
    ErrorCode::UserUnknown,
    ErrorCode::Unauthorized,
    ErrorCode::ScopeMissing,
    ErrorCode::SessionRequired,
    ErrorCode::Forbidden,
    ErrorCode::PathOwned,
    ErrorCode::Csrf,
    ErrorCode::CodeTaken,
    ErrorCode::Conflict,
    ErrorCode::NotFound,
    ErrorCode::Gone,
    ErrorCode::PreconditionFailed,
    ErrorCode::MethodNotAllowed,
    ErrorCode::RequestTimeout,
    ErrorCode::BodyTooLarge,
    ErrorCode::UriTooLong,
    ErrorCode::UnsupportedMediaType,
    ErrorCode::TooManyRequests,
    ErrorCode::HeadTooLarge,
    ErrorCode::OidcFailed,
    ErrorCode::OidcRefused,
    ErrorCode::OidcUnavailable,
    ErrorCode::OidcMisconfigured,
    ErrorCode::Internal,
    ErrorCode::Busy,
    ErrorCode::Unavailable,
    ErrorCode::CodingUnsupported,
    ErrorCode::VersionUnsupported,
    ErrorCode::DiskFull,
];

#[test]
fn the_documented_codes_are_the_ones_that_are_sent() {
    let documented = serde_json::to_value(ErrorCode::schema()).unwrap();
    let sent: Vec<_> = ALL.iter().map(|code| code.name()).collect();
    assert_eq!(documented["enum"], serde_json::json!(sent));
}

#[test]
fn the_cause_of_an_error_is_logged_and_never_sent() {
    let error = ApiError::from(StoreError::internal("relation links is missing"));
    assert_eq!(
        error.chain(),
        "the database refused the operation: relation links is missing"
    );
    let body = serde_json::to_string(&error.body()).unwrap();
    assert!(!body.contains("database"), "{body}");
}

#[test]
fn only_an_unavailable_database_asks_to_try_again() {
    let retry = |error: StoreError| {
        ApiError::from(error)
            .error_response()
            .headers()
            .contains_key(header::RETRY_AFTER)
    };
    assert!(retry(StoreError::unavailable("away")));
    assert!(!retry(StoreError::internal("broken")));
    assert!(!retry(StoreError::Conflict));
}
