//! Why an operation on a link failed.

use waypost_core::{CodeError, HostPattern, Scope, ShortCode, TargetUrlError};
use waypost_store::StoreError;

use crate::ShortenError;

/// Why an operation on a link failed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The caller is not authenticated.
    #[error("send an API token in the header `Authorization: Bearer …`")]
    Unauthenticated,
    /// The token lacks a scope.
    #[error("this requires a token with the scope `{}`", .0.as_str())]
    ScopeMissing(Scope),
    /// API tokens may not do this.
    #[error("this requires a session")]
    SessionRequired,
    /// The caller may not do this.
    #[error("this requires an owner of the link or an admin")]
    Forbidden,
    /// The link does not exist, or the caller cannot see it.
    #[error("no link found")]
    NotFound,
    /// The link has another version than the caller expects.
    #[error("the link has changed in the meantime; reload it and try again")]
    PreconditionFailed,
    /// Other changes of the link came first each time.
    #[error("the link is being changed at the same time; try again")]
    Contended,
    /// The destination is invalid.
    #[error(transparent)]
    Url(#[from] TargetUrlError),
    /// The code is invalid.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The host of the destination is on the blocklist.
    #[error("the destination is blocked on this server (`{0}` is on the blocklist)")]
    Blocked(HostPattern),
    /// Another link has the code, or had it.
    #[error("the code `{0}` is in use; choose another one")]
    Taken(ShortCode),
    /// The code is below that of a link of other owners.
    #[error(
        "codes below `{0}` can be created only by the owners of the link `{0}` and by admins; choose \
         another code, or ask one of them"
    )]
    PathOwned(String),
    /// No user has this email address.
    #[error("no user has this email address")]
    NoSuchUser,
    /// The user with this email address is disabled.
    #[error("the user with this email address is disabled; enable the user first")]
    UserDisabled,
    /// The primary owner can only be replaced, not removed.
    #[error("the primary owner cannot be removed; hand over the link to another user first")]
    PrimaryOwner,
    /// This is for the primary owner and admins.
    #[error("this requires the primary owner of the link or an admin")]
    NotPrimary,
    /// The primary owner changes only by a transfer.
    #[error(
        "the primary owner changes only by a transfer, which the receiver accepts; hand over the \
         link instead"
    )]
    OnlyByTransfer,
    /// The receiver of a transfer is the primary owner.
    #[error("this user is the primary owner already")]
    AlreadyPrimary,
    /// The link has a pending transfer.
    #[error("the link has a pending transfer; take it back first")]
    TransferPending,
    /// The link has no pending transfer.
    #[error("the link has no pending transfer")]
    NoTransfer,
    /// The link is deleted.
    #[error("the link is deleted; restore it first")]
    Deleted,
    /// The link does not have this version.
    #[error("the link does not have this version")]
    NoSuchVersion,
    /// The link would have too many owners or shares.
    #[error("a link can have at most {0} owners, and be shared with at most as many people")]
    TooManyPeople(usize),
    /// Every generated code was in use.
    #[error("no unused code could be generated; try again")]
    Exhausted,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ShortenError> for LinkError {
    fn from(error: ShortenError) -> Self {
        match error {
            ShortenError::Url(error) => error.into(),
            ShortenError::Code(error) => error.into(),
            ShortenError::Blocked(pattern) => Self::Blocked(pattern),
            ShortenError::Taken(code) => Self::Taken(code),
            ShortenError::Exhausted => Self::Exhausted,
            ShortenError::Store(error) => error.into(),
        }
    }
}
