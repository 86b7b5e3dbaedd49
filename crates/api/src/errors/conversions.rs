//! Conversions of the errors of the domain, and of reading a request.

use actix_web::error::{JsonPayloadError, UrlencodedError};
use waypost_analytics::statistics::DaysError;
use waypost_core::{CodeError, CursorError, DetailError, FillError, PageError};
use waypost_service::{AccountError, BlocklistError, LinkError, ShortenError};
use waypost_store::StoreError;

use super::{ApiError, ErrorCode};

/// Maximum length of the message about an invalid body, in characters: it may quote the body.
const MAX_DETAIL_CHARS: usize = 300;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::unavailable(error),
            // Operations that expect a conflict or a missing row handle it themselves; here it is
            // an internal error.
            StoreError::Conflict
            | StoreError::NotFound
            | StoreError::Corrupt { .. }
            | StoreError::Refused { .. }
            | StoreError::Internal { .. } => Self::internal(error),
        }
    }
}

impl From<ShortenError> for ApiError {
    fn from(error: ShortenError) -> Self {
        let code = match error {
            ShortenError::Store(error) => return error.into(),
            ShortenError::Exhausted => return Self::internal(error),
            ShortenError::Url(_) => ErrorCode::UrlInvalid,
            ShortenError::Code(CodeError::Reserved { .. }) => ErrorCode::CodeReserved,
            ShortenError::Code(_) => ErrorCode::CodeInvalid,
            ShortenError::Blocked(_) => ErrorCode::TargetBlocked,
            ShortenError::Taken(_) => ErrorCode::CodeTaken,
        };
        Self::new(code, error.to_string())
    }
}

impl From<LinkError> for ApiError {
    fn from(error: LinkError) -> Self {
        let code = match error {
            LinkError::Unauthenticated => return Self::unauthorized(false),
            LinkError::ScopeMissing(scope) => return Self::scope_missing(scope),
            LinkError::SessionRequired => return Self::session_required(),
            LinkError::Store(error) => return error.into(),
            LinkError::Exhausted => return Self::internal(error),
            LinkError::NotFound => return Self::no_such_thing(),
            LinkError::NoTransfer => ErrorCode::NotFound,
            LinkError::Forbidden | LinkError::NotPrimary => ErrorCode::Forbidden,
            LinkError::PreconditionFailed => ErrorCode::PreconditionFailed,
            LinkError::Url(_) => ErrorCode::UrlInvalid,
            LinkError::Code(CodeError::Reserved { .. }) => ErrorCode::CodeReserved,
            LinkError::Code(_) => ErrorCode::CodeInvalid,
            LinkError::Blocked(_) => ErrorCode::TargetBlocked,
            LinkError::Taken(_) => ErrorCode::CodeTaken,
            LinkError::PathOwned(_) => ErrorCode::PathOwned,
            LinkError::NoSuchUser | LinkError::UserDisabled => ErrorCode::UserUnknown,
            LinkError::NoSuchVersion => ErrorCode::BadRequest,
            LinkError::Contended
            | LinkError::PrimaryOwner
            | LinkError::OnlyByTransfer
            | LinkError::AlreadyPrimary
            | LinkError::TransferPending
            | LinkError::Deleted
            | LinkError::TooManyPeople(_) => ErrorCode::Conflict,
        };
        Self::new(code, error.to_string())
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Store(error) => error.into(),
            AccountError::Password(_) => Self::internal(error),
            AccountError::WrongPassword => Self::forbidden("the current password is wrong"),
            AccountError::Busy => Self::new(ErrorCode::Busy, error.to_string()),
            AccountError::NoUser | AccountError::NoHeir => {
                Self::new(ErrorCode::UserUnknown, error.to_string())
            }
            AccountError::EmailTaken(_)
            | AccountError::AddressInUse
            | AccountError::Oneself
            | AccountError::TooManyTokens => Self::new(ErrorCode::Conflict, error.to_string()),
            AccountError::ActorGone => Self::unauthorized(true),
            AccountError::SessionRequired => Self::session_required(),
            AccountError::NotAnAdmin => Self::forbidden("this requires an admin"),
            AccountError::ExpiresInThePast => Self::bad_request(error.to_string()),
        }
    }
}

impl From<BlocklistError> for ApiError {
    fn from(error: BlocklistError) -> Self {
        match error {
            BlocklistError::BlockedAlready => Self::new(ErrorCode::Conflict, error.to_string()),
            BlocklistError::NotBlocked => Self::no_such_thing(),
            BlocklistError::ActorGone => Self::unauthorized(true),
            BlocklistError::Store(error) => error.into(),
        }
    }
}

/// A path that does not fill the placeholders of a link does not match it: 404.
impl From<FillError> for ApiError {
    fn from(error: FillError) -> Self {
        Self::new(ErrorCode::NotFound, error.to_string())
    }
}

impl From<DetailError> for ApiError {
    fn from(error: DetailError) -> Self {
        Self::new(ErrorCode::DetailInvalid, error.to_string())
    }
}

impl From<DaysError> for ApiError {
    fn from(error: DaysError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<CursorError> for ApiError {
    fn from(error: CursorError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<PageError> for ApiError {
    fn from(error: PageError) -> Self {
        Self::new(ErrorCode::BadRequest, error.to_string())
    }
}

impl From<UrlencodedError> for ApiError {
    fn from(error: UrlencodedError) -> Self {
        let code = match error {
            UrlencodedError::Overflow { .. } => ErrorCode::BodyTooLarge,
            UrlencodedError::ContentType => ErrorCode::UnsupportedMediaType,
            _ => ErrorCode::BadRequest,
        };
        Self::new(code, "the form could not be read; reload the page")
    }
}

impl From<JsonPayloadError> for ApiError {
    fn from(error: JsonPayloadError) -> Self {
        match error {
            JsonPayloadError::OverflowKnownLength { limit, .. }
            | JsonPayloadError::Overflow { limit } => Self::new(
                ErrorCode::BodyTooLarge,
                format!("the body must have at most {limit} bytes"),
            ),
            JsonPayloadError::ContentType => Self::new(
                ErrorCode::UnsupportedMediaType,
                "send JSON, with the header `Content-Type: application/json`",
            ),
            JsonPayloadError::Deserialize(error) => Self::new(
                ErrorCode::BadRequest,
                cut(&format!("invalid body: {error}")),
            ),
            // The remaining errors occur while the body is received.
            _ => Self::new(
                ErrorCode::BadRequest,
                "the body is incomplete; send it again",
            ),
        }
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_DETAIL_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_DETAIL_CHARS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_body_is_cut() {
        let error = serde_json::from_str::<u8>(&format!("\"{}\"", "ä".repeat(10_000))).unwrap_err();
        let error = ApiError::from(JsonPayloadError::Deserialize(error));
        assert_eq!(error.to_string().chars().count(), MAX_DETAIL_CHARS + 1);
    }
}
