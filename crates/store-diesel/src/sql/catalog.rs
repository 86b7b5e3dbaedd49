//! Finding links by what they are: which ids a query finds, as one statement that enters by an index
//! and looks at little more than what it gives back.
//!
//! A filter is a *set* of links, and each set can be entered by an index or asked about one link. Where
//! one of them is known to be small, the query goes through it, asks the others about each link, and
//! sorts what remains. Where all are large, or there are none, it follows an index in the order of the
//! list until the page is full; there is one for what everybody sees, one for a user's own links, and one
//! for what is shared with them, and the list is merged of the three.

use waypost_core::{
    Link, LinkOrder, LinkPlace, SearchWord, Tag, TargetUrl, UserId, Visibility, micros,
};
use waypost_store::{LinkQuery, LinkReader};

use super::statement::Statement;
use super::transaction::WorkError;
use super::{Connection, JOIN_IN_ORDER, findable};

/// A set of more links than this is large. So many can be looked at, one by one, while somebody waits
/// for a page.
const SMALL: u64 = 2_000;
/// So often a list is read again because links of it went away meanwhile.
const TRIES: u32 = 3;

pub(super) async fn list(
    connection: &mut Connection,
    query: &LinkQuery,
) -> Result<Vec<Link>, WorkError> {
    let mut tries = 1;
    loop {
        let parts = parts(connection, query).await?;
        let ids = merged(query, &parts).ids(connection).await?;
        let mut links = super::links::by_ids(connection, &ids).await?;
        links.retain(|link| link.is_deleted() == query.deleted);
        // A page that is not full would be taken for the last one.
        if links.len() == ids.len() || tries == TRIES {
            return Ok(links);
        }
        tries += 1;
    }
}

/// Links that have something in common.
#[derive(Clone, Copy)]
enum Set<'a> {
    /// Those with a word that begins so.
    Word(&'a SearchWord),
    /// Those with this tag.
    Tag(&'a Tag),
    /// Those with this tag that are public and not deleted.
    Listed(&'a Tag),
    /// Those of this user.
    Owner(UserId),
    /// Those that are shared with this user.
    Share(UserId),
    /// Those that lead there.
    Target(&'a TargetUrl),
    /// Those that are for these.
    Visibility(Visibility),
    /// Those that are deleted.
    Deleted,
}

/// Where the members of a set are.
enum Rows {
    /// In a table by `link_id`, in the order of the list or in none.
    Beside { table: &'static str, ordered: bool },
    /// In `links` itself.
    Links,
}

impl Set<'_> {
    const fn rows(self) -> Rows {
        let (table, ordered) = match self {
            Self::Word(_) => ("link_words", false),
            Self::Tag(_) | Self::Listed(_) => ("link_tags", true),
            Self::Owner(_) => ("link_owners", true),
            Self::Share(_) => ("link_shares", true),
            Self::Target(_) | Self::Visibility(_) | Self::Deleted => return Rows::Links,
        };
        Rows::Beside { table, ordered }
    }

    /// The condition for a row of its table, which is called `d`, or of `links`, which is called `l`.
    fn condition(self, out: &mut Statement) {
        match self {
            Self::Word(word) => {
                let end = format!("{}{}", word.as_str(), char::MAX);
                out.sql("d.word >= ").text(word.as_str());
                out.sql(" AND d.word < ").text(end)
            }
            Self::Tag(tag) => out.sql("d.tag = ").text(tag.as_str()),
            Self::Listed(tag) => {
                let tag = out.sql("d.tag = ").text(tag.as_str());
                tag.sql(" AND d.listed = TRUE")
            }
            Self::Owner(user) | Self::Share(user) => out.sql("d.user_id = ").id(user.as_uuid()),
            Self::Target(target) => {
                out.sql("l.target_hash = ").bytes(&findable::hash(target));
                out.sql(" AND l.target_url = ").text(target.as_str())
            }
            Self::Visibility(visibility) => out.sql("l.visibility = ").text(visibility.as_str()),
            Self::Deleted => out.sql("l.deleted_at IS NOT NULL"),
        };
    }

    /// The condition for a row of `links`.
    fn probe(self, out: &mut Statement) {
        if let Rows::Beside { table, .. } = self.rows() {
            out.sql("EXISTS (SELECT 1 FROM ").sql(table);
            out.sql(" AS d WHERE d.link_id = l.id AND ");
            self.condition(out);
            out.sql(")");
        } else {
            self.condition(out);
        }
    }

    /// How many it has, counted to a little more than [`SMALL`].
    fn count(self, out: &mut Statement) {
        out.sql("(SELECT 1 AS one FROM ");
        match self.rows() {
            Rows::Beside { table, .. } => out.sql(table).sql(" AS d"),
            Rows::Links => out.sql("links AS l"),
        };
        out.sql(" WHERE ");
        self.condition(out);
        out.sql(" LIMIT ");
        out.number(i64::try_from(SMALL).unwrap_or(i64::MAX).saturating_add(1));
        out.sql(")");
    }
}

/// How a part of a list is found: through a set or through all links, those of them that are in each of
/// the other sets.
struct Part<'a> {
    /// What it goes through, and whether all of that is looked at and sorted.
    through: Option<(Set<'a>, IsSmall)>,
    others: Vec<Set<'a>>,
    /// Only what this user may see.
    seen_by: Option<UserId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct IsSmall(bool);

/// How large sets are; as large as any that are not small.
async fn counted(connection: &mut Connection, sets: &[Set<'_>]) -> Result<Vec<u64>, WorkError> {
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
        set.count(&mut statement);
        statement.sql(" AS x");
    }
    statement.sql(") AS c ORDER BY c.place");
    Ok(statement.numbers(connection).await?)
}

/// The sets that the query names.
fn filters(query: &LinkQuery) -> Vec<Set<'_>> {
    let mut sets: Vec<Set<'_>> = query.words.iter().map(Set::Word).collect();
    sets.extend(query.target.as_ref().map(Set::Target));
    sets.extend(query.owner.map(Set::Owner));
    sets.extend(query.tag.as_ref().map(Set::Tag));
    sets.extend(query.deleted.then_some(Set::Deleted));
    sets
}

async fn parts<'a>(
    connection: &mut Connection,
    query: &'a LinkQuery,
) -> Result<Vec<Part<'a>>, WorkError> {
    let filters = filters(query);
    let reader = match query.reader {
        LinkReader::All => None,
        // They see what they own.
        LinkReader::User(user) => Some(user).filter(|user| query.owner != Some(*user)),
    };
    let sizes = counted(connection, &filters).await?;
    let smallest = filters.iter().zip(sizes).enumerate();
    let smallest = smallest.min_by_key(|(_, (_, size))| *size);
    if let Some((place, (set, size))) = smallest
        && size <= SMALL
    {
        let others = filters.iter().enumerate();
        let others = others.filter(|(other, _)| *other != place);
        let visibility = query.visibility.map(Set::Visibility);
        return Ok(vec![Part {
            through: Some((*set, IsSmall(true))),
            others: others.map(|(_, set)| *set).chain(visibility).collect(),
            seen_by: reader,
        }]);
    }
    let Some(reader) = reader else {
        let visibility = query.visibility.map(Set::Visibility);
        return Ok(vec![large(query, filters, visibility)]);
    };
    let own = [Set::Owner(reader), Set::Share(reader)];
    let public = Set::Visibility(Visibility::Public);
    let mut sees = Vec::new();
    match query.visibility {
        Some(Visibility::Public) => sees.push(public),
        Some(_) => sees.extend(own),
        None => sees.extend([public, own[0], own[1]]),
    }
    let mut parts = Vec::new();
    let by_code = matches!(query.order, LinkOrder::Code | LinkOrder::CodeReversed);
    let sizes = if by_code {
        counted(connection, &sees).await?
    } else {
        // Each is followed in the order of the list, however large it is.
        vec![u64::MAX; sees.len()]
    };
    for (set, size) in sees.into_iter().zip(sizes) {
        let mut others = filters.clone();
        let is_own = !matches!(set, Set::Visibility(_));
        if is_own {
            others.extend(query.visibility.map(Set::Visibility));
        }
        parts.push(if size <= SMALL || (is_own && !by_code) {
            Part {
                through: Some((set, IsSmall(size <= SMALL))),
                others,
                seen_by: None,
            }
        } else if is_own {
            others.push(set);
            large(query, others, None)
        } else {
            large(query, others, Some(set))
        });
    }
    Ok(parts)
}

/// A part of which every set is large: through the first that is in the order of the list.
fn large<'a>(query: &LinkQuery, mut sets: Vec<Set<'a>>, visibility: Option<Set<'a>>) -> Part<'a> {
    let is_public = matches!(visibility, Some(Set::Visibility(Visibility::Public)));
    let by_date = matches!(query.order, LinkOrder::NewestFirst | LinkOrder::OldestFirst);
    let through = sets.iter().position(|set| {
        let in_order = matches!(
            set,
            Set::Target(_) | Set::Owner(_) | Set::Share(_) | Set::Tag(_)
        );
        in_order && by_date
    });
    let mut through = through.map(|place| sets.remove(place));
    let mut others = sets;
    match (through, visibility) {
        (Some(Set::Tag(tag)), Some(_)) if is_public && !query.deleted => {
            through = Some(Set::Listed(tag));
        }
        (None, Some(set)) if by_date => through = Some(set),
        (_, visibility) => others.extend(visibility),
    }
    Part {
        through: through.map(|set| (set, IsSmall(false))),
        others,
        seen_by: None,
    }
}

/// What of the links stands where in a list.
struct Columns {
    created_at: &'static str,
    id: &'static str,
}

impl Part<'_> {
    /// The ids that it finds, with what they are sorted by.
    fn write(&self, query: &LinkQuery, out: &mut Statement) {
        out.sql("SELECT l.id AS id, l.created_at AS created_at, l.code AS code FROM ");
        let mut columns = Columns {
            created_at: "l.created_at",
            id: "l.id",
        };
        match self
            .through
            .map(|(set, is_small)| (set, set.rows(), is_small))
        {
            Some((set, Rows::Beside { table, ordered }, IsSmall(is_small))) => {
                if ordered {
                    out.sql(table).sql(" AS d ");
                } else {
                    out.sql("(SELECT DISTINCT d.link_id FROM ").sql(table);
                    out.sql(" AS d WHERE ");
                    set.condition(out);
                    out.sql(") AS d ");
                }
                out.sql(JOIN_IN_ORDER)
                    .sql(" links AS l ON l.id = d.link_id WHERE ");
                if ordered {
                    set.condition(out);
                    out.sql(" AND ");
                }
                if ordered && !is_small {
                    columns = Columns {
                        created_at: "d.link_created_at",
                        id: "d.link_id",
                    };
                }
            }
            Some((set, Rows::Links, _)) => {
                out.sql("links AS l WHERE ");
                set.condition(out);
                out.sql(" AND ");
            }
            None => {
                out.sql("links AS l WHERE ");
            }
        }
        out.sql(if query.deleted {
            "l.deleted_at IS NOT NULL"
        } else {
            "l.deleted_at IS NULL"
        });
        for set in &self.others {
            out.sql(" AND ");
            set.probe(out);
        }
        if let Some(user) = self.seen_by {
            out.sql(" AND (l.visibility = 'public' OR ");
            Set::Owner(user).probe(out);
            out.sql(" OR ");
            Set::Share(user).probe(out);
            out.sql(")");
        }
        if let Some(place) = &query.after {
            behind(query.order, place, &columns, out);
        }
        in_order(query, &columns, "l.code", out);
    }
}

/// Only what stands behind a place. The first condition is where a database enters its index.
fn behind(order: LinkOrder, place: &LinkPlace, columns: &Columns, out: &mut Statement) {
    let Columns { created_at, id } = columns;
    let at = micros(place.after.created_at);
    let signs = match order {
        LinkOrder::NewestFirst => [" <= ", " < "],
        LinkOrder::OldestFirst => [" >= ", " > "],
        LinkOrder::Code => {
            out.sql(" AND l.code > ").text(place.code.as_str());
            return;
        }
        LinkOrder::CodeReversed => {
            out.sql(" AND l.code < ").text(place.code.as_str());
            return;
        }
    };
    out.sql(" AND ").sql(created_at).sql(signs[0]).instant(at);
    out.sql(" AND (").sql(created_at).sql(signs[1]).instant(at);
    out.sql(" OR ").sql(id).sql(signs[1]);
    out.id(place.after.id.as_uuid()).sql(")");
}

fn in_order(query: &LinkQuery, columns: &Columns, code: &'static str, out: &mut Statement) {
    let Columns { created_at, id } = columns;
    out.sql(" ORDER BY ");
    match query.order {
        LinkOrder::NewestFirst => {
            let newest = out.sql(created_at).sql(" DESC, ");
            newest.sql(id).sql(" DESC")
        }
        LinkOrder::OldestFirst => out.sql(created_at).sql(", ").sql(id),
        LinkOrder::Code => out.sql(code),
        LinkOrder::CodeReversed => out.sql(code).sql(" DESC"),
    };
    out.sql(" LIMIT ").number(i64::from(query.limit));
}

/// The ids of a list of these parts. A link may be in several of them.
fn merged(query: &LinkQuery, parts: &[Part<'_>]) -> Statement {
    let mut out = Statement::default();
    if let [part] = parts {
        part.write(query, &mut out);
        return out;
    }
    out.sql("SELECT u.id AS id FROM (");
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            out.sql(" UNION ");
        }
        out.sql("SELECT * FROM (");
        part.write(query, &mut out);
        out.sql(") AS p");
    }
    out.sql(") AS u");
    let columns = Columns {
        created_at: "u.created_at",
        id: "u.id",
    };
    in_order(query, &columns, "u.code", &mut out);
    out
}
