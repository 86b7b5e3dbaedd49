//! The list of links that a user owns or that are shared with them: its query and its rows.

use serde::Deserialize;
use time::OffsetDateTime;
use url::form_urlencoded;
use waypost_core::{Count, LinkPlace, UserId};
use waypost_service::OwnedLink;

use super::spark::Spark;
use crate::errors::ApiError;
use crate::handlers::v1::links::LinksQuery;
use crate::pages::Frame;
use crate::request::caller::Caller;
use crate::request::paging::Slice;
use crate::state::State;
use crate::views::links::LinkView;

/// Number of links on a page.
const LINKS: &str = "25";

/// The orders that the store supports, with their labels.
const ORDERS: [(&str, &str); 4] = [
    ("-created_at", "Newest first"),
    ("created_at", "Oldest first"),
    ("code", "Code, A to Z"),
    ("-code", "Code, Z to A"),
];

/// The query of the list. Empty fields do not filter.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ListQuery {
    /// Words that must all match.
    #[serde(default)]
    pub(super) q: String,
    /// A tag that links must have.
    #[serde(default)]
    pub(super) tag: String,
    #[serde(default)]
    pub(super) sort: String,
    #[serde(default)]
    pub(super) cursor: String,
    /// The ID of the link that was just created.
    #[serde(default)]
    pub(super) created: String,
}

/// A page of the list.
pub(super) struct Links {
    pub(super) query: ListQuery,
    pub(super) rows: Vec<Row>,
    pub(super) next: Option<String>,
}

/// A link in the list.
pub(super) struct Row {
    pub(super) link: LinkView,
    /// The short link without its scheme and without the code at its end.
    pub(super) before_code: String,
    /// Whether it is shared with the reader, who does not own it.
    pub(super) is_shared: bool,
    pub(super) is_expired: bool,
    /// The chart, if the reader can see the clicks.
    pub(super) spark: Option<Spark>,
}

impl ListQuery {
    /// Returns the path of the first page of this list.
    fn path(&self) -> String {
        let given = [("q", &self.q), ("tag", &self.tag), ("sort", &self.sort)];
        let given = given.into_iter().filter(|(_, value)| !value.is_empty());
        let mut pairs = given.peekable();
        if pairs.peek().is_none() {
            return String::from("/dashboard");
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        format!("/dashboard?{query}")
    }

    /// Finds the links.
    ///
    /// # Errors
    /// Fails if the query is invalid, the caller may not list links, or the store fails.
    pub(super) async fn find(self, caller: &Caller, state: &State) -> Result<Links, ApiError> {
        let given = |text: &String| (!text.trim().is_empty()).then(|| text.clone());
        let asked = LinksQuery {
            q: given(&self.q),
            tag: given(&self.tag),
            sort: given(&self.sort),
            cursor: given(&self.cursor),
            limit: Some(LINKS.to_owned()),
            ..LinksQuery::default()
        };
        let Some(asked) = asked.read(caller, state).await? else {
            return Ok(Links {
                query: self,
                rows: Vec::new(),
                next: None,
            });
        };
        state.recorder().settle().await;
        let order = asked.query.order;
        let links = state.links().list_involved(&caller.0, asked.query).await?;
        let place = |owned: &OwnedLink| LinkPlace::behind(&owned.link, order);
        let slice = Slice::of(links, asked.limit, place);
        Ok(Links {
            query: self,
            rows: rows(&slice.items, caller, state).await?,
            next: slice.next_cursor,
        })
    }
}

async fn rows(links: &[OwnedLink], caller: &Caller, state: &State) -> Result<Vec<Row>, ApiError> {
    let shown = links
        .iter()
        .filter(|owned| owned.shows_clicks_to(&caller.0));
    let shown: Vec<_> = shown.map(|owned| owned.link.id).collect();
    let days = state.statistics().lately(&shown).await?;
    let days: std::collections::BTreeMap<_, _> = shown.iter().zip(days).collect();
    let (now, reader) = (state.clock().now(), caller.0.user_id());
    let row = |owned: &OwnedLink| {
        let spark = days.get(&owned.link.id).map(|days| Spark::of(days));
        let link = LinkView::new(owned, &caller.0, state.shortener());
        Row::of(owned, link, spark, reader, now)
    };
    Ok(links.iter().map(row).collect())
}

impl Row {
    fn of(
        owned: &OwnedLink,
        link: LinkView,
        spark: Option<Spark>,
        reader: Option<UserId>,
        now: OffsetDateTime,
    ) -> Self {
        let owns = |user| owned.owners.iter().any(|owner| owner.person.id == user);
        let short = link.short_url.as_str();
        let short = short.split_once("://").map_or(short, |(_, short)| short);
        let before_code = short.strip_suffix(&link.code).unwrap_or_default();
        Self {
            before_code: before_code.to_owned(),
            is_shared: !reader.is_some_and(owns),
            is_expired: link.content.expires_at.is_some_and(|at| at <= now),
            spark,
            link,
        }
    }
}

impl Links {
    /// Returns the path of this list without the cursor.
    pub(super) fn path(&self) -> String {
        self.query.path()
    }

    /// Returns the path of this list with the path prefix of the server.
    pub(super) fn address(&self, frame: &Frame) -> String {
        format!("{}{}", frame.base(), self.path())
    }

    /// Returns the path of the list that is filtered by this tag only.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn tagged(&self, tag: &str) -> String {
        let query = ListQuery {
            tag: tag.to_owned(),
            ..ListQuery::default()
        };
        query.path()
    }

    /// Returns the path of this list without the filter by tag.
    pub(super) fn untagged(&self) -> String {
        let query = ListQuery {
            tag: String::new(),
            ..self.query.clone()
        };
        query.path()
    }

    /// Returns the orders: value, label, and whether the list has this order.
    pub(super) fn orders(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let chosen = self.query.sort.as_str();
        let chosen = if chosen.is_empty() {
            "-created_at"
        } else {
            chosen
        };
        ORDERS
            .map(|(value, label)| (value, label, value == chosen))
            .into_iter()
    }

    /// Whether the list has no filter.
    pub(super) fn is_unfiltered(&self) -> bool {
        self.query.q.trim().is_empty() && self.query.tag.is_empty()
    }

    /// Whether this is the first page.
    pub(super) fn is_first(&self) -> bool {
        self.query.cursor.is_empty()
    }

    /// Returns the number of links on this page in words.
    pub(super) fn count(&self) -> String {
        let count = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let noun = Count::of(count, "link").noun();
        match (count, &self.next, self.is_first()) {
            (0, ..) => format!("No {noun}"),
            (_, None, true) => format!("{count} {noun}"),
            (_, Some(_), true) => format!("First {count} {noun}"),
            (_, _, false) => format!("{count} more {noun}"),
        }
    }
}
