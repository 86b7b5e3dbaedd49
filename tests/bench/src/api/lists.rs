//! The lists that are measured.

use time::OffsetDateTime;
use waypost_core::{Link, LinkId, LinkOrder, LinkPlace};

use super::data::{Data, Made, chinese, email, tag, word};

/// A list to request.
pub(super) struct List {
    pub(super) name: String,
    /// Path and query.
    pub(super) path: String,
    /// The field of the response that contains the items.
    pub(super) items: &'static str,
    pub(super) as_operator: bool,
}

/// Searches of titles without spaces.
fn in_chinese() -> [(&'static str, String); 4] {
    let searches = [
        ("of a common word in Chinese", chinese(0)),
        ("of a rare word in Chinese", chinese(2_990)),
        ("of an ideograph", "\u{4e00}".to_owned()),
        ("of two words in Chinese", chinese(0) + &chinese(1)),
    ];
    searches.map(|(name, text)| (name, format!("&q={}", url_encoded(&text))))
}

/// Returns all of them.
pub(super) fn lists(data: &Data) -> Vec<List> {
    let mut lists = Vec::new();
    let mut add = |name: &str, path: String, items, as_operator| {
        lists.push(List {
            name: name.to_owned(),
            path,
            items,
            as_operator,
        });
    };
    let (common, rare) = (word(0), word(2_990));
    let (common_tag, rare_tag) = (tag(0), tag(290));
    let target = data.link(data.links / 2).content.target;
    let target: String = url_encoded(target.as_str());
    let other = email(data.users / 3);
    let filters = [
        ("all", String::new()),
        ("of a common word", format!("&q={common}")),
        ("of a rare word", format!("&q={rare}")),
        ("of the beginning of words", "&q=b".to_owned()),
        ("of two common words", format!("&q={common}+{}", word(1))),
        ("of a word without links", "&q=nothing".to_owned()),
        ("of a common tag", format!("&tag={common_tag}")),
        ("of a rare tag", format!("&tag={rare_tag}")),
        ("of the user", "&owner=me".to_owned()),
        ("of another user", format!("&owner={other}")),
        ("to a URL", format!("&url={target}")),
        ("public", "&visibility=public".to_owned()),
        ("private", "&visibility=private".to_owned()),
        ("secure", "&visibility=secure".to_owned()),
        (
            "of a common word and a common tag",
            format!("&q={common}&tag={common_tag}"),
        ),
        (
            "of a common word and another user",
            format!("&q={common}&owner={other}"),
        ),
        ("deleted", "&deleted=true".to_owned()),
    ];
    let filters: Vec<_> = filters.into_iter().chain(in_chinese()).collect();
    for (path, who) in [("links", "a user"), ("admin/links", "an admin")] {
        let as_operator = path != "links";
        for (filter, query) in &filters {
            for order in LinkOrder::ALL {
                let is_plain = filter == &"all";
                let sort = order.as_str();
                // Every filter in the default order, and the more common ones in all orders.
                if order != LinkOrder::NewestFirst && !is_plain && !filter.contains("common") {
                    continue;
                }
                let path = format!("/api/v1/{path}?sort={sort}{query}");
                let name = format!("links, {filter}, {sort}, for {who}");
                add(
                    &format!("{name}: first page"),
                    path.clone(),
                    "links",
                    as_operator,
                );
                let cursor = url_encoded(&last_page(data, order));
                let path = format!("{path}&cursor={cursor}");
                add(&format!("{name}: last page"), path, "links", as_operator);
            }
        }
    }
    add("tags: first page", "/api/v1/tags".to_owned(), "tags", false);
    let cursor = tag(TAGS_BEFORE_THE_LAST_PAGE);
    add(
        "tags: last page",
        format!("/api/v1/tags?cursor={cursor}"),
        "tags",
        false,
    );
    let tagged = format!("/api/v1/tags/{common_tag}/links");
    add("links of a tag", tagged, "links", false);
    add(
        "tags, for an admin",
        "/api/v1/tags".to_owned(),
        "tags",
        true,
    );
    add(
        "users, for an admin",
        "/api/v1/admin/users".to_owned(),
        "users",
        true,
    );
    add("tokens", "/api/v1/tokens".to_owned(), "tokens", false);
    // The link whose owners or shares are requested.
    let link = data.link(0).id;
    for (name, items) in [
        ("history", "versions"),
        ("owners", "owners"),
        ("shares", "shares"),
    ] {
        let path = format!("/api/v1/links/{link}/{name}");
        add(&format!("{name} of a link"), path, items, true);
    }
    lists
}

/// In the order of tags as texts, after which some 50 are left.
const TAGS_BEFORE_THE_LAST_PAGE: u32 = 60;

/// Returns the cursor before the last page.
fn last_page(data: &Data, order: LinkOrder) -> String {
    let place_from_the_end = 120;
    let number = match order {
        LinkOrder::NewestFirst => place_from_the_end,
        LinkOrder::OldestFirst => data.links - place_from_the_end,
        LinkOrder::Code | LinkOrder::CodeReversed => {
            let mut codes: Vec<(String, u32)> = (0..data.links)
                .map(|number| (crate::links::code(number), number))
                .collect();
            codes.sort_unstable();
            let place = usize::try_from(place_from_the_end).expect("is small");
            let place = match order {
                LinkOrder::Code => codes.len() - place,
                _ => place,
            };
            codes[place].1
        }
    };
    behind(&data.link(number), order)
}

/// Returns the cursor after a link.
pub(super) fn behind(made: &Made, order: LinkOrder) -> String {
    let created_at = OffsetDateTime::from_unix_timestamp(made.created_s).expect("is a time");
    let content = made.content.clone();
    let link = Link::of(LinkId::from_uuid(made.id), content, created_at);
    LinkPlace::behind(&link, order).to_string()
}

/// Encodes a value of a query (RFC 3986 §2.1).
pub(super) fn url_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
