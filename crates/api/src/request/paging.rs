//! Pages of lists: a number of items after a cursor.

use std::fmt;
use std::str::FromStr;

use actix_web::HttpRequest;
use serde::Deserialize;
use utoipa::IntoParams;
use waypost_core::CursorError;

use crate::errors::ApiError;
use crate::request::input;

/// Default number of items per page.
const DEFAULT_LIMIT: u32 = 50;
/// Maximum number of items per page.
const MAX_LIMIT: u32 = 200;

/// Parses the maximum number of items.
///
/// # Errors
/// `BAD_REQUEST` unless it is a whole number from 1 to 200.
pub(crate) fn limit(given: Option<&str>) -> Result<u32, ApiError> {
    let Some(text) = given else {
        return Ok(DEFAULT_LIMIT);
    };
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| ApiError::bad_request("`limit` must be a whole number from 1 to 200"))
}

/// A page of a list, and the cursor of the next page.
#[derive(Debug)]
pub(crate) struct Slice<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

impl<T> Slice<T> {
    /// Takes the first `limit` items of a list that was read with one more, which shows whether
    /// there is another page. The place of the last item becomes its cursor.
    pub(crate) fn of<P: fmt::Display>(
        mut items: Vec<T>,
        limit: u32,
        place: impl FnOnce(&T) -> P,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| place(last).to_string());
        Self { items, next_cursor }
    }

    /// Takes the items of a whole list after the item at the cursor.
    ///
    /// # Errors
    /// `BAD_REQUEST` if no item is at the cursor.
    fn of_all<P: fmt::Display>(
        all: Vec<T>,
        limit: u32,
        cursor: Option<&str>,
        place: impl Fn(&T) -> P,
    ) -> Result<Self, ApiError> {
        let mut items = all.into_iter();
        if let Some(cursor) = cursor {
            let found = items.find(|item| place(item).to_string() == cursor);
            found.ok_or(CursorError)?;
        }
        Ok(Self::of(items.collect(), limit, place))
    }
}

/// Selects a page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PartQuery {
    /// Maximum number of items.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<String>,
    /// The `next_cursor` of the previous page.
    pub(crate) cursor: Option<String>,
}

impl PartQuery {
    /// Reads the query of a page, in which unknown fields are ignored.
    ///
    /// # Errors
    /// `BAD_REQUEST` for an invalid field.
    pub(crate) fn of_page(request: &HttpRequest) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct Lenient {
            limit: Option<String>,
            cursor: Option<String>,
        }
        let Lenient { limit, cursor } = input::page_query(request)?;
        Ok(Self { limit, cursor })
    }

    /// Reads the page from `list`, which takes a cursor and the maximum number of items. `place`
    /// returns the place of an item, which becomes the cursor of the next page.
    ///
    /// # Errors
    /// `BAD_REQUEST` for an invalid limit or cursor, and the errors of `list`.
    pub(crate) async fn read<C, T, E, P>(
        &self,
        list: impl AsyncFnOnce(Option<C>, u32) -> Result<Vec<T>, E>,
        place: impl FnOnce(&T) -> P,
    ) -> Result<Slice<T>, ApiError>
    where
        C: FromStr,
        ApiError: From<E>,
        P: fmt::Display,
    {
        let limit = limit(self.limit.as_deref())?;
        let after = self.cursor.as_deref().map(str::parse).transpose();
        // One more item shows whether there is another page.
        let one_more = limit.saturating_add(1);
        let items = list(after.map_err(|_| CursorError)?, one_more).await?;
        Ok(Slice::of(items, limit, place))
    }

    /// Takes the page from a whole list.
    ///
    /// # Errors
    /// `BAD_REQUEST` for an invalid limit, or if no item is at the cursor.
    pub(crate) fn cut<T, P: fmt::Display>(
        &self,
        all: Vec<T>,
        place: impl Fn(&T) -> P,
    ) -> Result<Slice<T>, ApiError> {
        let limit = limit(self.limit.as_deref())?;
        Slice::of_all(all, limit, self.cursor.as_deref(), place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorCode;

    #[test]
    fn a_limit_is_from_1_to_200_and_50_by_default() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some("1")).unwrap(), 1);
        assert_eq!(limit(Some("200")).unwrap(), 200);
        for text in ["0", "201", "-1", "", "ten", "1.0", "4294967297"] {
            let refused = limit(Some(text)).map_err(|error| error.code());
            assert_eq!(refused, Err(ErrorCode::BadRequest), "{text}");
        }
    }

    #[test]
    fn the_last_slice_has_no_cursor() {
        let place = |number: &u32| *number;
        let slice = Slice::of(vec![1, 2, 3], 2, place);
        assert_eq!(
            (slice.items, slice.next_cursor.as_deref()),
            (vec![1, 2], Some("2"))
        );
        let slice = Slice::of(vec![3], 2, place);
        assert_eq!((slice.items, slice.next_cursor), (vec![3], None));
        let slice = Slice::of_all(vec![1, 2, 3], 1, Some("1"), place).unwrap();
        assert_eq!(
            (slice.items, slice.next_cursor.as_deref()),
            (vec![2], Some("2"))
        );
        assert!(Slice::of_all(vec![1, 2, 3], 1, Some("4"), place).is_err());
    }
}
