//! The list of the links that somebody has a part in: what is asked for, and what is shown of each.

use serde::Deserialize;
use time::OffsetDateTime;
use url::form_urlencoded;
use waypost_core::{LinkPlace, UserId};
use waypost_service::OwnedLink;

use super::spark::Spark;
use crate::errors::ApiError;
use crate::handlers::v1::links::LinksQuery;
use crate::pages::Frame;
use crate::request::caller::Caller;
use crate::request::paging::Slice;
use crate::state::State;
use crate::views::links::LinkView;

/// So many links are on a page.
const LINKS: &str = "25";

/// The orders that the store offers, and what they are called.
const ORDERS: [(&str, &str); 4] = [
    ("-created_at", "Newest first"),
    ("created_at", "Oldest first"),
    ("code", "Code, A to Z"),
    ("-code", "Code, Z to A"),
];

/// Which links; what is empty does not matter.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ListQuery {
    /// Found by these words.
    #[serde(default)]
    pub(super) q: String,
    /// With this tag.
    #[serde(default)]
    pub(super) tag: String,
    #[serde(default)]
    pub(super) sort: String,
    #[serde(default)]
    pub(super) cursor: String,
    /// The link that was just made.
    #[serde(default)]
    pub(super) created: String,
}

/// A part of the list.
pub(super) struct Links {
    pub(super) query: ListQuery,
    pub(super) rows: Vec<Row>,
    pub(super) next: Option<String>,
}

/// A link of the list.
pub(super) struct Row {
    pub(super) link: LinkView,
    /// The short link without its scheme, and the code at its end.
    pub(super) before_code: String,
    /// Whether it is shared with whoever looks.
    pub(super) is_shared: bool,
    pub(super) is_expired: bool,
    /// For those who may see the clicks.
    pub(super) spark: Option<Spark>,
}

impl ListQuery {
    /// The path of the page with these links: the first of them, or from a tag on.
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

    /// Reads what it asks for.
    ///
    /// # Errors
    /// What is not acceptable of it, or that they may not, or what the store said.
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
    /// The path of this part of the list, without the cursor.
    pub(super) fn path(&self) -> String {
        self.query.path()
    }

    /// The same as an address.
    pub(super) fn address(&self, frame: &Frame) -> String {
        format!("{}{}", frame.base(), self.path())
    }

    /// The path of the list with a tag and nothing else.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn tagged(&self, tag: &str) -> String {
        let query = ListQuery {
            tag: tag.to_owned(),
            ..ListQuery::default()
        };
        query.path()
    }

    /// The path of the same list whatever its tags.
    pub(super) fn untagged(&self) -> String {
        let query = ListQuery {
            tag: String::new(),
            ..self.query.clone()
        };
        query.path()
    }

    /// The orders: the value of each, what it is called, and whether the list has it.
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

    /// Whether everything that there is would be in the list.
    pub(super) fn is_unfiltered(&self) -> bool {
        self.query.q.trim().is_empty() && self.query.tag.is_empty()
    }

    /// Whether it is the first part.
    pub(super) fn is_first(&self) -> bool {
        self.query.cursor.is_empty()
    }

    /// How many links are shown, in words.
    pub(super) fn count(&self) -> String {
        match (self.rows.len(), &self.next, self.is_first()) {
            (0, ..) => String::from("No links"),
            (1, None, true) => String::from("1 link"),
            (count, None, true) => format!("{count} links"),
            (count, Some(_), true) => format!("The first {count} links"),
            (count, _, false) => format!("{count} more links"),
        }
    }
}
