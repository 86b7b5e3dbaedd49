//! The search index of links: their tags, their words, and the hash of their destination.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest as _, Sha256};
use waypost_core::{Link, SearchWord, Tag, TargetUrl, Visibility};
use waypost_store::LeaseName;

use super::id::Id;
use super::links::ToIndex;
use super::schema::{link_tags, link_words, links};
use super::statement::Statement;
use super::transaction::WorkError;
use super::{Connection, INSERT_NEW, INSERT_NEW_END, TO_INDEX};

/// Returns the hash of a destination, because long ones do not fit an index.
pub(super) fn hash(target: &TargetUrl) -> Vec<u8> {
    Sha256::digest(target.as_str().as_bytes()).to_vec()
}

/// Returns whether every user finds the link in lists.
fn is_listed(link: &Link) -> bool {
    link.details.visibility == Visibility::Public && !link.is_deleted()
}

/// Writes what an edit changed of the tags of a link whose row is locked.
pub(super) async fn write_tags(
    connection: &mut Connection,
    before: Option<&Link>,
    after: &Link,
) -> Result<(), WorkError> {
    let id = Id(*after.id.as_uuid());
    let tags = |link: &Link| -> BTreeSet<Tag> { link.details.tags.iter().cloned().collect() };
    let (had, has) = (before.map(tags).unwrap_or_default(), tags(after));
    let gone: Vec<&str> = had.difference(&has).map(Tag::as_str).collect();
    if !gone.is_empty() {
        let rows = link_tags::table.filter(link_tags::link_id.eq(id));
        diesel::delete(rows.filter(link_tags::tag.eq_any(gone)))
            .execute(connection)
            .await?;
    }
    let listed = is_listed(after);
    let stays = had.intersection(&has).next().is_some();
    if stays && before.map(is_listed) != Some(listed) {
        diesel::update(link_tags::table.filter(link_tags::link_id.eq(id)))
            .set(link_tags::listed.eq(listed))
            .execute(connection)
            .await?;
    }
    let new: Vec<&Tag> = has.difference(&had).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut names = Statement::of(INSERT_NEW);
    names.sql(" INTO tags (name) VALUES ");
    let mut rows =
        Statement::of("INSERT INTO link_tags (link_id, tag, listed, link_created_at) VALUES ");
    for (place, tag) in new.into_iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        names.sql(comma).sql("(").text(tag.as_str()).sql(")");
        rows.sql(comma).sql("(").id(after.id.as_uuid());
        rows.sql(", ").text(tag.as_str()).sql(", ").flag(listed);
        rows.sql(", ").instant(after.created_at).sql(")");
    }
    names.sql(INSERT_NEW_END);
    names.run(connection).await?;
    rows.run(connection).await?;
    Ok(())
}

/// Corrects the indexed words of a link whose row is locked.
pub(super) async fn write_words(connection: &mut Connection, link: &Link) -> Result<(), WorkError> {
    let id = Id(*link.id.as_uuid());
    let had: Vec<String> = link_words::table
        .filter(link_words::link_id.eq(id))
        .select(link_words::word)
        .load(connection)
        .await?;
    let words = SearchWord::of_link(&link.content());
    let had: BTreeSet<&str> = had.iter().map(String::as_str).collect();
    let has: BTreeSet<&str> = words.iter().map(SearchWord::as_str).collect();
    let gone: Vec<&str> = had.difference(&has).copied().collect();
    if !gone.is_empty() {
        let rows = link_words::table.filter(link_words::link_id.eq(id));
        diesel::delete(rows.filter(link_words::word.eq_any(gone)))
            .execute(connection)
            .await?;
    }
    let new: Vec<&str> = has.difference(&had).copied().collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut rows = Statement::of("INSERT INTO link_words (link_id, word) VALUES ");
    for (place, word) in new.into_iter().enumerate() {
        rows.sql(if place == 0 { "(" } else { ", (" });
        rows.id(link.id.as_uuid()).sql(", ").text(word).sql(")");
    }
    rows.run(connection).await?;
    Ok(())
}

/// The turn to index links.
const INDEX: LeaseName = LeaseName::new("index-links");

/// Indexes links whose words an earlier release wrote. Locks in the order of the IDs, so that nodes
/// do not deadlock. A concurrent change of a link indexes it, too.
pub(super) async fn index(connection: &mut Connection, limit: u32) -> Result<u64, WorkError> {
    super::turns::take(connection, INDEX).await?;
    let found = super::links::to_index(connection, limit).await?;
    for ToIndex { id, version, link } in &found {
        let here = links::table.find(*id).filter(links::version.eq(*version));
        let hash = link
            .as_ref()
            .map(|link| links::target_hash.eq(hash(&link.target)));
        let taken = diesel::update(here)
            .set((links::search_version.eq(*version), hash))
            .execute(connection)
            .await?;
        if let Some(link) = link
            && taken > 0
        {
            write_words(connection, link).await?;
        }
    }
    Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
}

/// Returns the number of links to index.
pub(super) async fn to_index(connection: &mut Connection) -> Result<u64, WorkError> {
    let mut statement = Statement::of("SELECT COUNT(*) AS counted FROM links WHERE ");
    statement.sql(TO_INDEX);
    Ok(statement.counted(connection).await?)
}
