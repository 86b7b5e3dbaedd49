//! The plan of a query for links: which index is followed, and which conditions are checked for
//! each link.
//!
//! Filters are sets of links. A list goes *through* one of them, or through all links in its order,
//! and checks the others for each link. Through a set that an index has in the order of the list,
//! or through all links, it goes until the page is full. It reads any other set to its end and
//! sorts the result. The numbers of links in the sets decide which plan is cheapest.
//!
//! A user can see public links, their own, and those shared with them: three sets. The list is
//! merged from them if that is faster than checking each link. The last two sets are the links the
//! user is involved in.

use waypost_core::{LinkOrder, UserId, Visibility};
use waypost_store::{LinkQuery, LinkReader};

use super::Connection;
use super::sets::{COUNTED, Set, counted};
use super::transaction::WorkError;

/// Number of links that can be examined while a user waits for a page.
const FEW: u64 = 2_000;
/// Assumed number of links. A plan that suits this many is not wrong for fewer.
const LINKS: u64 = 100_000;
/// Assumed size of a set that was not counted to its end.
const MANY: u64 = 20_000;

/// A part of a list: the links of a set, or all links, that are in each of the other sets.
pub(super) struct Part<'a> {
    pub(super) through: Option<Set<'a>>,
    pub(super) others: Vec<Set<'a>>,
    /// Only links that this user can see.
    pub(super) seen_by: Option<Eyes>,
}

/// The user for whom each link must be checked.
#[derive(Clone, Copy)]
pub(super) struct Eyes {
    pub(super) user: UserId,
    /// Whether public links are visible, too.
    pub(super) public: bool,
}

impl Eyes {
    /// Returns `None` for a reader who sees everything.
    pub(super) const fn of(reader: LinkReader) -> Option<Self> {
        let (user, public) = match reader {
            LinkReader::All => return None,
            LinkReader::User(user) => (user, true),
            LinkReader::Involved(user) => (user, false),
        };
        Some(Self { user, public })
    }
}

/// A set, and the approximate number of links in it.
#[derive(Clone, Copy)]
struct Counted<'a> {
    set: Set<'a>,
    size: u64,
}

impl<'a> Part<'a> {
    /// Goes through the set at this place, or through all links.
    fn of(sets: &[Counted<'a>], place: Option<usize>, seen_by: Option<Eyes>) -> Self {
        let others = sets.iter().enumerate();
        let others = others.filter(|(other, _)| Some(*other) != place);
        Self {
            through: place.and_then(|place| sets.get(place)).map(|of| of.set),
            others: others.map(|(_, of)| of.set).collect(),
            seen_by,
        }
    }
}

/// Returns the parts from which the list is to be merged.
pub(super) async fn parts<'a>(
    connection: &mut Connection,
    query: &'a LinkQuery,
) -> Result<Vec<Part<'a>>, WorkError> {
    let reader = reader(query);
    let filters = filters(query, query.visibility);
    let sets = sized(connection, query, reader, &filters).await?;
    let place = cheapest(query, &sets);
    let Some(reader) = reader else {
        return Ok(vec![Part::of(&sets, place, None)]);
    };
    let through = place.and_then(|place| sets.get(place));
    if through.is_some_and(|of| of.size <= FEW || !is_in_order(query, of.set)) {
        return Ok(vec![Part::of(&sets, place, Some(reader))]);
    }
    if is_by_date(query) {
        Ok(by_date(query, &sets, reader))
    } else {
        by_code(connection, query, &sets, reader).await
    }
}

/// Returns the reader for whom each link must be checked. Returns `None` if no check is needed,
/// because the reader sees everything, or the query asks only for their own or for public links.
fn reader(query: &LinkQuery) -> Option<Eyes> {
    let eyes = Eyes::of(query.reader)?;
    let Eyes { user, public } = eyes;
    let all = query.owner == Some(user) || public && query.visibility == Some(Visibility::Public);
    (!all).then_some(eyes)
}

/// Returns the sets that a query names, with this visibility.
fn filters(query: &LinkQuery, visibility: Option<Visibility>) -> Vec<Set<'_>> {
    let mut sets: Vec<Set<'_>> = query.words.iter().map(Set::Word).collect();
    sets.extend(query.target.as_ref().map(Set::Target));
    sets.extend(query.owner.map(Set::Owner));
    match (&query.tag, visibility) {
        (Some(tag), Some(Visibility::Public)) if !query.deleted => sets.push(Set::Listed(tag)),
        (tag, visibility) => {
            sets.extend(tag.as_ref().map(Set::Tag));
            sets.extend(visibility.map(Set::Visibility));
        }
    }
    sets.extend(query.deleted.then_some(Set::Deleted));
    sets
}

async fn sized<'a>(
    connection: &mut Connection,
    query: &LinkQuery,
    reader: Option<Eyes>,
    sets: &[Set<'a>],
) -> Result<Vec<Counted<'a>>, WorkError> {
    let sizes = match sets {
        // There is no choice.
        [set] if reader.is_none() && is_in_order(query, *set) => vec![0],
        sets => counted(connection, sets).await?,
    };
    let sized = sets.iter().zip(sizes).map(|(set, size)| Counted {
        set: *set,
        size: if size > COUNTED { MANY } else { size },
    });
    Ok(sized.collect())
}

fn is_by_date(query: &LinkQuery) -> bool {
    matches!(query.order, LinkOrder::NewestFirst | LinkOrder::OldestFirst)
}

/// Returns whether an index has the set in the order of the list.
fn is_in_order(query: &LinkQuery, set: Set<'_>) -> bool {
    is_by_date(query) && set.is_by_date()
}

/// Returns the set to go through so that the fewest links are examined; `None`: through all links.
fn cheapest(query: &LinkQuery, sets: &[Counted<'_>]) -> Option<usize> {
    // The number of links to read until the page is full, for links that are in all sets but one.
    let far = |except: Option<usize>| {
        let others = sets.iter().enumerate();
        let others = others.filter(|(other, _)| Some(*other) != except);
        others.fold(u64::from(query.limit).min(LINKS), |far, (_, of)| {
            (far * LINKS / of.size.max(1)).min(LINKS)
        })
    };
    let through = sets.iter().enumerate().map(|(place, of)| {
        let cost = if is_in_order(query, of.set) {
            far(Some(place)).min(of.size)
        } else {
            of.size
        };
        (place, cost)
    });
    let cheapest = through.min_by_key(|(_, cost)| *cost);
    let cheapest = cheapest.filter(|(_, cost)| *cost <= far(None));
    cheapest.map(|(place, _)| place)
}

/// Returns public links, the reader's own, and those shared with them, each in the order of the
/// list.
fn by_date<'a>(query: &'a LinkQuery, sets: &[Counted<'a>], reader: Eyes) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    if reader.public && query.visibility.is_none() {
        let public = filters(query, Some(Visibility::Public));
        let sets: Vec<Counted<'a>> = public
            .into_iter()
            .map(|set| Counted { set, size: MANY })
            .collect();
        let place = sets.iter().position(|of| is_in_order(query, of.set));
        parts.push(Part::of(&sets, place, None));
    }
    for own in [Set::Owner(reader.user), Set::Share(reader.user)] {
        parts.push(Part {
            through: Some(own),
            others: sets.iter().map(|of| of.set).collect(),
            seen_by: None,
        });
    }
    parts
}

/// For the order by code, each link is checked for the reader, unless they can see so few that
/// sorting these is fast.
async fn by_code<'a>(
    connection: &mut Connection,
    query: &LinkQuery,
    sets: &[Counted<'a>],
    reader: Eyes,
) -> Result<Vec<Part<'a>>, WorkError> {
    let mut sees = vec![Set::Owner(reader.user), Set::Share(reader.user)];
    if reader.public && query.visibility.is_none() {
        sees.push(Set::Visibility(Visibility::Public));
    }
    let sizes = counted(connection, &sees).await?;
    if sizes.iter().sum::<u64>() > COUNTED {
        return Ok(vec![Part::of(sets, None, Some(reader))]);
    }
    let parts = sees.into_iter().map(|set| Part {
        through: Some(set),
        others: sets.iter().map(|of| of.set).collect(),
        seen_by: None,
    });
    Ok(parts.collect())
}
