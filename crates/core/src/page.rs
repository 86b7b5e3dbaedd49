//! Lists: pages by number, and cursors that stay true while rows come and go.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::ids::Id;
use crate::{ApiToken, Link, LinkId, Session, SessionId, ShortCode, TokenId, User, UserId};

/// A page by number, from 1, of 1 to 100 items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    number: u32,
    limit: u32,
}

impl PageRequest {
    /// The most items of one page.
    pub const MAX_LIMIT: u32 = 100;
    /// The items of a page when nothing else is asked for.
    pub const DEFAULT_LIMIT: u32 = 20;

    /// The page `number` of pages of `limit` items.
    ///
    /// # Errors
    /// [`PageError`] when one of the two is out of range.
    pub const fn new(number: u32, limit: u32) -> Result<Self, PageError> {
        if number == 0 {
            return Err(PageError::Number);
        }
        if limit == 0 || limit > Self::MAX_LIMIT {
            return Err(PageError::Limit);
        }
        Ok(Self { number, limit })
    }

    /// The number of the page, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How many items it has at the most.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// How many items come before it.
    #[must_use]
    pub fn offset(self) -> u64 {
        u64::from(self.number.saturating_sub(1)) * u64::from(self.limit)
    }
}

/// Why a page cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Pages are counted from 1.
    #[error("`page` must be a whole number from 1")]
    Number,
    /// Outside of 1 to [`PageRequest::MAX_LIMIT`].
    #[error("`limit` must be a whole number from 1 to 100")]
    Limit,
}

/// Some items of a list, and how many the whole list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// The items of all pages.
    pub total: u64,
}

/// A place in a list, newest first: behind the item it was made of.
///
/// Its text is opaque; it stays valid when that item is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor<I> {
    /// When the last item shown was made.
    pub created_at: OffsetDateTime,
    /// Its id, which breaks the tie between items of one microsecond.
    pub id: I,
}

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

of_item!(Link => LinkId, User => UserId, ApiToken => TokenId, Session => SessionId);

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
    /// The newest first.
    #[default]
    NewestFirst,
    /// The oldest first.
    OldestFirst,
    /// By code, from `0` to `z`.
    Code,
    /// By code, from `z` to `0`.
    CodeReversed,
}

impl LinkOrder {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::NewestFirst,
        Self::OldestFirst,
        Self::Code,
        Self::CodeReversed,
    ];

    /// Its name, as clients give it: a field, with `-` before it for the other direction.
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

/// A text is not an order of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`sort` must be `-created_at`, `created_at`, `code` or `-code`")]
pub struct LinkOrderError;

/// A place in an ordered list of links: behind the link it was made of. Its text is opaque, and tells a
/// list in another order that it is not for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPlace {
    /// The order of the list.
    pub order: LinkOrder,
    /// The last link that was shown.
    pub after: LinkCursor,
    /// Its code.
    pub code: ShortCode,
}

impl LinkPlace {
    /// The place behind a link.
    #[must_use]
    pub fn behind(link: &Link, order: LinkOrder) -> Self {
        Self {
            order,
            after: link.into(),
            code: link.code.clone(),
        }
    }

    /// Reads the text of a place.
    ///
    /// # Errors
    /// [`CursorError`] for what is none, and for that of another order.
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

/// A text is not a cursor that this server gave out.
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
