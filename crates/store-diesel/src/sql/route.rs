//! How the links that a query finds are come by: which index is followed, and which questions are asked
//! about each link.
//!
//! Filters are sets of links. A list goes *through* one of them, or through all links in its order, and
//! asks the others about each link. Through a set that an index has in the order of the list, or through
//! all links, it goes until the page is full; through any other set to its end, and sorts what it found.
//! What is cheapest follows from how many links are in each set.
//!
//! What a user may see is public, their own, or shared with them: three sets, and the list is merged of
//! them where that is quicker than asking about each link. What they have a part in are the last two.

use waypost_core::{LinkOrder, UserId, Visibility};
use waypost_store::{LinkQuery, LinkReader};

use super::Connection;
use super::sets::{COUNTED, Set, counted};
use super::transaction::WorkError;

/// So many links can be looked at while somebody waits for a page.
const FEW: u64 = 2_000;
/// How many links there may be. What is right for so many is not wrong for fewer.
const LINKS: u64 = 100_000;
/// How many links a set may have that was not counted to its end.
const MANY: u64 = 20_000;

/// A part of a list: the links of a set, or all, that are in each of the other sets.
pub(super) struct Part<'a> {
    pub(super) through: Option<Set<'a>>,
    pub(super) others: Vec<Set<'a>>,
    /// Only what these see.
    pub(super) seen_by: Option<Eyes>,
}

/// Whose eyes a list is for, where each link has to be asked.
#[derive(Clone, Copy)]
pub(super) struct Eyes {
    pub(super) user: UserId,
    /// What is public is seen, too.
    pub(super) public: bool,
}

impl Eyes {
    /// `None` for those that see everything.
    pub(super) const fn of(reader: LinkReader) -> Option<Self> {
        let (user, public) = match reader {
            LinkReader::All => return None,
            LinkReader::User(user) => (user, true),
            LinkReader::Involved(user) => (user, false),
        };
        Some(Self { user, public })
    }
}

/// A set, and about how many links are in it.
#[derive(Clone, Copy)]
struct Counted<'a> {
    set: Set<'a>,
    size: u64,
}

impl<'a> Part<'a> {
    /// Through the set at this place, or through all links.
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

/// The parts of which the list is to be merged.
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

/// Whom it has to be asked for what they may see: nobody sees less than their own, or what is public where
/// that is what they look for.
fn reader(query: &LinkQuery) -> Option<Eyes> {
    let eyes = Eyes::of(query.reader)?;
    let Eyes { user, public } = eyes;
    let all = query.owner == Some(user) || public && query.visibility == Some(Visibility::Public);
    (!all).then_some(eyes)
}

/// The sets that a query names, with this visibility.
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

/// Whether an index has the set in the order of the list.
fn is_in_order(query: &LinkQuery, set: Set<'_>) -> bool {
    is_by_date(query) && set.is_by_date()
}

/// Through which set to go so that the fewest links are looked at; `None`: through all links.
fn cheapest(query: &LinkQuery, sets: &[Counted<'_>]) -> Option<usize> {
    // How far to go until the page is full, of what is in all sets but one.
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

/// What is public, the reader's own, and shared with them, each in the order of the list.
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

/// By code, each link is asked whether the reader may see it, unless they may see so few that these are
/// soon sorted.
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
