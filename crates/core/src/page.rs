//! Lists: numbered pages, and cursors that stay valid while rows are added and deleted.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::ids::Id;
use crate::{
    ApiToken, AuditEntry, AuditId, Link, LinkId, Session, SessionId, ShortCode, TokenId, User,
    UserId,
};

/// A request for a page: its number, from 1, and its size, from 1 to 100 items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    number: u32,
    limit: u32,
}

impl PageRequest {
    /// Maximum number of items of a page.
    pub const MAX_LIMIT: u32 = 100;
    /// Default number of items of a page.
    pub const DEFAULT_LIMIT: u32 = 20;

    /// Creates a request for page `number` with pages of `limit` items.
    ///
    /// # Errors
    /// [`PageError`] if one of the two is out of range.
    pub const fn new(number: u32, limit: u32) -> Result<Self, PageError> {
        if number == 0 {
            return Err(PageError::Number);
        }
        if limit == 0 || limit > Self::MAX_LIMIT {
            return Err(PageError::Limit);
        }
        Ok(Self { number, limit })
    }

    /// Returns the number of the page, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// Returns the maximum number of items of the page.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// Returns the number of items before the page.
    #[must_use]
    pub fn offset(self) -> u64 {
        u64::from(self.number.saturating_sub(1)) * u64::from(self.limit)
    }
}

/// Why a request for a page is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The number is 0.
    #[error("`page` must be a whole number from 1")]
    Number,
    /// The size is outside 1 to [`PageRequest::MAX_LIMIT`].
    #[error("`limit` must be a whole number from 1 to 100")]
    Limit,
}

/// A page of a list, with the total number of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// The number of items of all pages.
    pub total: u64,
}

/// A place in a list sorted newest first: after the item it was created from.
///
/// Its text is opaque; it stays valid when that item is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor<I> {
    /// When the last item was created.
    pub created_at: OffsetDateTime,
    /// The ID of the last item, which orders items of the same microsecond.
    pub id: I,
}

/// A place in the audit trail.
pub type AuditCursor = Cursor<AuditId>;
/// A place in the list of links.
pub type LinkCursor = Cursor<LinkId>;
/// A place in the list of users.
pub type UserCursor = Cursor<UserId>;
/// A place in the list of the API tokens of a user.
pub type TokenCursor = Cursor<TokenId>;
/// A place in the list of the sessions of a user.
pub type SessionCursor = Cursor<SessionId>;

macro_rules! of_item {
    ($($item:ident => $id:ident),*) => {$(
        impl From<&$item> for Cursor<$id> {
            fn from(item: &$item) -> Self {
                Self {
                    created_at: item.created_at,
                    id: item.id,
                }
            }
        }
    )*};
}

of_item!(AuditEntry => AuditId, Link => LinkId, User => UserId, ApiToken => TokenId, Session => SessionId);

impl<I: Id> fmt::Display for Cursor<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.created_at.unix_timestamp_nanos() / 1_000;
        write!(f, "{micros:x}.{}", self.id.as_uuid().simple())
    }
}

impl<I: Id> FromStr for Cursor<I> {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (micros, id) = text.split_once('.').ok_or(CursorError)?;
        let nanos = i128::from_str_radix(micros, 16)
            .ok()
            .and_then(|micros| micros.checked_mul(1_000))
            .ok_or(CursorError)?;
        Ok(Self {
            created_at: OffsetDateTime::from_unix_timestamp_nanos(nanos)
                .map_err(|_| CursorError)?,
            id: I::from_uuid(Uuid::try_parse(id).map_err(|_| CursorError)?),
        })
    }
}

/// The order of a list of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum LinkOrder {
    /// Newest first.
    #[default]
    NewestFirst,
    /// Oldest first.
    OldestFirst,
    /// By code, from `0` to `z`.
    Code,
    /// By code, from `z` to `0`.
    CodeReversed,
}

impl LinkOrder {
    /// All values.
    pub const ALL: [Self; 4] = [
        Self::NewestFirst,
        Self::OldestFirst,
        Self::Code,
        Self::CodeReversed,
    ];

    /// Returns its name in requests: a field, with `-` before it for descending order.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewestFirst => "-created_at",
            Self::OldestFirst => "created_at",
            Self::Code => "code",
            Self::CodeReversed => "-code",
        }
    }
}

impl FromStr for LinkOrder {
    type Err = LinkOrderError;

    fn from_str(text: &str) -> Result<Self, LinkOrderError> {
        Self::ALL
            .into_iter()
            .find(|order| order.as_str() == text)
            .ok_or(LinkOrderError)
    }
}

/// The text is not an order of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`sort` must be `-created_at`, `created_at`, `code` or `-code`")]
pub struct LinkOrderError;

/// A place in an ordered list of links: after the link it was created from. Its text is opaque, and
/// is rejected by a list in another order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPlace {
    /// The order of the list.
    pub order: LinkOrder,
    /// The last link.
    pub after: LinkCursor,
    /// The code of the last link.
    pub code: ShortCode,
}

impl LinkPlace {
    /// Returns the place after a link.
    #[must_use]
    pub fn behind(link: &Link, order: LinkOrder) -> Self {
        Self {
            order,
            after: link.into(),
            code: link.code.clone(),
        }
    }

    /// Parses the text of a place.
    ///
    /// # Errors
    /// [`CursorError`] if the text is not a place, or is one of another order.
    pub fn parse(text: &str, order: LinkOrder) -> Result<Self, CursorError> {
        let mut parts = text.splitn(3, '~');
        let (Some(name), Some(after), Some(code)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(CursorError);
        };
        if name != order.as_str() {
            return Err(CursorError);
        }
        Ok(Self {
            order,
            after: after.parse()?,
            code: ShortCode::parse(code).map_err(|_| CursorError)?,
        })
    }
}

impl fmt::Display for LinkPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (order, after, code) = (self.order.as_str(), self.after, self.code.as_str());
        write!(f, "{order}~{after}~{code}")
    }
}

/// The text is not a cursor of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown cursor; start again without it")]
pub struct CursorError;

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::SeededRandom;

    #[test]
    fn pages_are_counted_from_one_and_hold_at_most_100() {
        assert_eq!(PageRequest::new(0, 20), Err(PageError::Number));
        assert_eq!(PageRequest::new(1, 0), Err(PageError::Limit));
        assert_eq!(PageRequest::new(1, 101), Err(PageError::Limit));
        assert_eq!(PageRequest::new(1, 100).unwrap().offset(), 0);
        assert_eq!(
            PageRequest::new(u32::MAX, 100).unwrap().offset(),
            429_496_729_400
        );
    }

    #[test]
    fn a_cursor_survives_being_written_and_a_bad_one_is_refused() {
        let at = datetime!(2026-03-01 12:00:00.123_456 UTC);
        let cursor = LinkCursor {
            created_at: at,
            id: LinkId::new(at, &SeededRandom::new(1)),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in [
            "",
            ".",
            "zz.00",
            "7fffffffffffffffffffffffffffffff.0",
            &format!("{cursor}0"),
        ] {
            assert_eq!(text.parse::<LinkCursor>(), Err(CursorError), "{text}");
        }
    }

    #[test]
    fn a_place_is_for_lists_of_its_order() {
        let at = datetime!(2026-03-01 12:00:00.123_456 UTC);
        let link = Link::new(
            LinkId::new(at, &SeededRandom::new(1)),
            ShortCode::parse("team-wiki").unwrap(),
            crate::TargetUrl::from_stored("https://example.com/".to_owned()).unwrap(),
            at,
        );
        for order in LinkOrder::ALL {
            assert_eq!(order.as_str().parse(), Ok(order));
            let place = LinkPlace::behind(&link, order);
            let text = place.to_string();
            for other in LinkOrder::ALL {
                let read = LinkPlace::parse(&text, other);
                assert_eq!(read.is_ok(), other == order, "{text}");
            }
            assert_eq!(LinkPlace::parse(&text, order), Ok(place));
            assert!(LinkPlace::parse(&format!("{text}~"), order).is_err());
        }
        assert_eq!("clicks".parse::<LinkOrder>(), Err(LinkOrderError));
    }
}
