//! Queries on the tags that a user can see.

use waypost_core::{Tag, UserId};
use waypost_store::{LinkReader, StoreError};

use super::statement::Statement;
use super::transaction::WorkError;
use super::{Connection, WITH_LINKS};

pub(super) async fn seen(
    connection: &mut Connection,
    reader: LinkReader,
    after: Option<&Tag>,
    limit: u32,
) -> Result<Vec<Tag>, WorkError> {
    let after = after.map_or("", Tag::as_str);
    let mut out = Statement::default();
    match reader {
        LinkReader::All => {
            listed(after, &mut out);
            out.sql(
                " OR EXISTS (SELECT 1 FROM link_tags AS d JOIN links AS l ON l.id = d.link_id \
                 WHERE d.tag = t.name AND l.deleted_at IS NULL))",
            );
        }
        LinkReader::User(user) => {
            out.sql("SELECT t.name AS name FROM (SELECT * FROM (");
            listed(after, &mut out);
            out.sql(") ORDER BY t.name LIMIT ").number(i64::from(limit));
            out.sql(") AS p");
            out.sql(" UNION ");
            own("link_owners", user, after, false, &mut out);
            out.sql(" UNION ");
            own("link_shares", user, after, false, &mut out);
            out.sql(") AS t");
        }
        LinkReader::Involved(user) => {
            out.sql("SELECT t.name AS name FROM (");
            own("link_owners", user, after, true, &mut out);
            out.sql(" UNION ");
            own("link_shares", user, after, true, &mut out);
            out.sql(") AS t");
        }
    }
    out.sql(" ORDER BY t.name LIMIT ").number(i64::from(limit));
    let names = out.names(connection).await?;
    let tags = names.iter().map(|name| {
        let tag = Tag::parse(name).ok();
        tag.filter(|tag| tag.as_str() == name)
            .ok_or(StoreError::Corrupt {
                table: "tags",
                column: "name",
            })
    });
    Ok(tags.collect::<Result<_, _>>()?)
}

/// Writes the tags of listed links; more conditions may follow within the bracket.
fn listed(after: &str, out: &mut Statement) {
    out.sql("SELECT t.name AS name FROM tags AS t WHERE t.name > ");
    out.text(after).sql(
        " AND (EXISTS (SELECT 1 FROM link_tags AS d WHERE d.tag = t.name AND d.listed = TRUE)",
    );
}

/// Writes the tags of links that are the user's by this table: of all of them, or only of those
/// that are not listed.
fn own(table: &'static str, user: UserId, after: &str, listed: bool, out: &mut Statement) {
    out.sql("SELECT x.tag AS name FROM ").sql(table);
    out.sql(" AS d JOIN link_tags AS x ON x.link_id = d.link_id");
    if !listed {
        out.sql(" AND x.listed = FALSE");
    }
    out.sql(WITH_LINKS);
    out.sql(" WHERE l.deleted_at IS NULL AND d.user_id = ");
    out.id(user.as_uuid()).sql(" AND x.tag > ").text(after);
}
