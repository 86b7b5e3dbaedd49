//! Queries on the tags that somebody may see.

use waypost_core::{Tag, UserId};
use waypost_store::{LinkReader, StoreError};

use super::Connection;
use super::statement::Statement;
use super::transaction::WorkError;

pub(super) async fn seen(
    connection: &mut Connection,
    reader: LinkReader,
    after: Option<&Tag>,
    limit: u32,
) -> Result<Vec<Tag>, WorkError> {
    let after = after.map_or("", Tag::as_str);
    let mut out = Statement::of("SELECT t.name AS name FROM tags AS t WHERE t.name > ");
    out.text(after).sql(
        " AND (EXISTS (SELECT 1 FROM link_tags AS d WHERE d.tag = t.name AND d.listed = TRUE) \
         OR ",
    );
    match reader {
        LinkReader::All => {
            out.sql(
                "EXISTS (SELECT 1 FROM link_tags AS d JOIN links AS l ON l.id = d.link_id \
                 WHERE d.tag = t.name AND l.deleted_at IS NULL)",
            );
        }
        LinkReader::User(user) => own(user, &mut out),
    }
    out.sql(") ORDER BY t.name LIMIT ").number(i64::from(limit));
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

/// Those of links that are not listed, and that the user owns or that are shared with them.
fn own(user: UserId, out: &mut Statement) {
    out.sql("t.name IN (");
    for (place, table) in ["link_owners", "link_shares"].into_iter().enumerate() {
        if place > 0 {
            out.sql(" UNION ");
        }
        out.sql("SELECT d.tag FROM ").sql(table);
        out.sql(
            " AS o JOIN link_tags AS d ON d.link_id = o.link_id AND d.listed = FALSE \
             JOIN links AS l ON l.id = o.link_id \
             WHERE l.deleted_at IS NULL AND o.user_id = ",
        );
        out.id(user.as_uuid());
    }
    out.sql(")");
}
