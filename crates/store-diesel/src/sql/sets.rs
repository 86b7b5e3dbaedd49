//! Sets of links with a common property. Each can be entered by an index, counted, and checked for
//! one link.

use waypost_core::{SearchWord, Tag, TargetUrl, UserId, Visibility};

use super::statement::Statement;
use super::transaction::WorkError;
use super::{Connection, NO_INDEX, findable};

/// Maximum count of a set: counting takes time, too.
pub(super) const COUNTED: u64 = 5_000;

/// Links with a common property.
#[derive(Clone, Copy)]
pub(super) enum Set<'a> {
    /// Links with a word that begins with this one.
    Word(&'a SearchWord),
    /// Links with this tag.
    Tag(&'a Tag),
    /// Links with this tag that are public and not deleted.
    Listed(&'a Tag),
    /// Links of this owner.
    Owner(UserId),
    /// Links shared with this user.
    Share(UserId),
    /// Links with this destination.
    Target(&'a TargetUrl),
    /// Links with this visibility.
    Visibility(Visibility),
    /// Deleted links.
    Deleted,
}

/// Where the members of a set are stored.
pub(super) enum Rows {
    /// In a table by `link_id`, by date or in no order.
    Beside { table: &'static str, by_date: bool },
    /// In `links` itself.
    Links,
}

impl Set<'_> {
    pub(super) const fn rows(self) -> Rows {
        let (table, by_date) = match self {
            Self::Word(_) => ("link_words", false),
            Self::Tag(_) | Self::Listed(_) => ("link_tags", true),
            Self::Owner(_) => ("link_owners", true),
            Self::Share(_) => ("link_shares", true),
            Self::Target(_) | Self::Visibility(_) | Self::Deleted => return Rows::Links,
        };
        Rows::Beside { table, by_date }
    }

    /// Returns whether an index has it by date.
    pub(super) const fn is_by_date(self) -> bool {
        match self.rows() {
            Rows::Beside { by_date, .. } => by_date,
            Rows::Links => !matches!(self, Self::Deleted),
        }
    }

    /// Writes the condition for a row of its table, under this name.
    pub(super) fn condition(self, row: &'static str, out: &mut Statement) {
        out.sql(row);
        match self {
            Self::Word(word) => {
                let end = format!("{}{}", word.as_str(), char::MAX);
                out.sql(".word >= ").text(word.as_str());
                out.sql(" AND ").sql(row).sql(".word < ").text(end)
            }
            Self::Tag(tag) => out.sql(".tag = ").text(tag.as_str()),
            Self::Listed(tag) => {
                out.sql(".tag = ").text(tag.as_str());
                out.sql(" AND ").sql(row).sql(".listed = TRUE")
            }
            Self::Owner(user) | Self::Share(user) => out.sql(".user_id = ").id(user.as_uuid()),
            Self::Target(target) => {
                out.sql(".target_hash = ").bytes(&findable::hash(target));
                let text = out.sql(" AND ").sql(row).sql(".target_url = ");
                text.text(target.as_str())
            }
            Self::Visibility(visibility) => out.sql(".visibility = ").text(visibility.as_str()),
            Self::Deleted => out.sql(".deleted_at IS NOT NULL"),
        };
    }

    /// Writes the condition for a row of `links` called `l`, whose ID is also in column `id`.
    pub(super) fn probe(self, id: &'static str, out: &mut Statement) {
        if let Rows::Beside { table, .. } = self.rows() {
            out.sql("EXISTS (SELECT 1 FROM ").sql(table);
            out.sql(" AS p WHERE p.link_id = ").sql(id).sql(" AND ");
            self.condition("p", out);
            out.sql(")");
        } else {
            out.sql(NO_INDEX);
            self.condition("l", out);
        }
    }

    /// Writes the selection of its members, at most one more than [`COUNTED`].
    fn members(self, out: &mut Statement) {
        out.sql("(SELECT 1 AS one FROM ");
        let table = match self.rows() {
            Rows::Beside { table, .. } => table,
            Rows::Links => "links",
        };
        out.sql(table).sql(" AS d WHERE ");
        self.condition("d", out);
        out.sql(" LIMIT ");
        out.number(i64::try_from(COUNTED).unwrap_or(i64::MAX).saturating_add(1));
        out.sql(")");
    }
}

/// Returns how many links are in each of these sets; [`COUNTED`] + 1 if there are more.
pub(super) async fn counted(
    connection: &mut Connection,
    sets: &[Set<'_>],
) -> Result<Vec<u64>, WorkError> {
    if sets.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Statement::of("SELECT c.counted AS counted FROM (");
    for (place, set) in sets.iter().enumerate() {
        if place > 0 {
            statement.sql(" UNION ALL ");
        }
        statement.sql("SELECT ");
        statement.number(i64::try_from(place).unwrap_or(i64::MAX));
        statement.sql(" AS place, COUNT(*) AS counted FROM ");
        set.members(&mut statement);
        statement.sql(" AS x");
    }
    statement.sql(") AS c ORDER BY c.place");
    Ok(statement.numbers(connection).await?)
}
