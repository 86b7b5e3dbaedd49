//! The changes of a link as pages list them.

use std::collections::{BTreeMap, BTreeSet};

use waypost_core::{
    Actor, InvitedAs, Link, LinkAction, LinkOwner, LinkSnapshot, LinkVersion, Person, UserId,
    Visibility, Zone,
};
use waypost_service::OwnedLink;

use super::form::{Change, LinkForm};
use super::rows::name_of;
use crate::errors::ApiError;
use crate::pages::Moment;
use crate::state::State;

/// Maximum length of a text in characters, which is enough to recognise it.
const MAX_CHARS: usize = 300;

/// A page of the changes of a link, newest first.
pub(super) struct History {
    pub(super) entries: Vec<Entry>,
    /// The number of the last version on the page, if there are older ones.
    pub(super) older: Option<u32>,
}

/// A change.
pub(super) struct Entry {
    pub(super) number: u32,
    /// The action, in the past tense.
    pub(super) action: &'static str,
    /// The name of the user who made the change, if known.
    pub(super) by: Option<String>,
    pub(super) at: Moment,
    pub(super) changes: Vec<Change>,
    /// Whether the link has a different content now.
    pub(super) is_other: bool,
}

impl History {
    /// Reads at most `limit` changes of a link that are older than the version `before`.
    pub(super) async fn read(
        state: &State,
        actor: &Actor,
        owned: &OwnedLink,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Self, ApiError> {
        let (links, id) = (state.links(), owned.link.id);
        let one_more = limit.saturating_add(1);
        let mut versions = links.history(actor, id, before, one_more).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = versions.len() > limit;
        versions.truncate(limit);
        let last = versions.last();
        let older = last.filter(|_| has_more).map(|last| last.number);
        let mut names = Names::of(&owned.owners, &versions);
        let missing = names.missing(&versions);
        names.add(&links.people(actor, id, missing).await?);
        let zone = state.recorder().zone();
        let entry = |version| Entry::of(version, &owned.link, &names, zone);
        Ok(Self {
            entries: versions.iter().map(entry).collect(),
            older,
        })
    }
}

impl Entry {
    fn of(version: &LinkVersion, now: &Link, names: &Names, zone: &Zone) -> Self {
        let after = LinkForm::of(&version.after.content, version.number, zone);
        let before = version.before.as_ref().map_or_else(
            // The first version shows all that is not the default.
            || LinkForm {
                visibility: Visibility::default().as_str().to_owned(),
                ..LinkForm::default()
            },
            |before| LinkForm::of(&before.content, version.number, zone),
        );
        let mut changes = before.changes(&after, zone);
        for change in &mut changes {
            cut(&mut change.old);
            cut(&mut change.new);
        }
        if let Some(before) = &version.before {
            changes.extend(names.changes(before, &version.after));
        }
        Self {
            number: version.number,
            action: match version.action {
                LinkAction::Created => "Created",
                LinkAction::Changed => "Changed",
                LinkAction::AccessChanged => "Access changed",
                LinkAction::Deleted => "Deleted",
                LinkAction::Restored => "Restored",
            },
            by: version.by.as_ref().map(name_of),
            at: Moment::from(version.at),
            changes,
            is_other: !version.after.content.is_same_as(&now.content()),
        }
    }
}

/// The names of the users in a history.
struct Names(BTreeMap<UserId, String>);

impl Names {
    /// Collects the names that are already loaded.
    fn of(owners: &[LinkOwner], versions: &[LinkVersion]) -> Self {
        let mut names = Self(BTreeMap::new());
        names.add(owners.iter().map(|owner| &owner.person));
        names.add(versions.iter().filter_map(|version| version.by.as_ref()));
        names
    }

    fn add<'a>(&mut self, people: impl IntoIterator<Item = &'a Person>) {
        let named = people
            .into_iter()
            .map(|person| (person.id, name_of(person)));
        self.0.extend(named);
    }

    /// Returns the users in these changes whose names are not loaded yet.
    fn missing(&self, versions: &[LinkVersion]) -> BTreeSet<UserId> {
        let pairs = versions
            .iter()
            .filter_map(|version| Some((version.before.as_ref()?, &version.after)));
        let differing = pairs.flat_map(|(before, after)| {
            let owners = difference(&before.owners, &after.owners);
            let shares = difference(&before.shares, &after.shares);
            owners
                .into_iter()
                .chain(shares)
                .chain(primary(before, after))
        });
        let is_unknown = |user: &UserId| !self.0.contains_key(user);
        differing.filter(is_unknown).collect()
    }

    fn name(&self, user: UserId) -> String {
        let name = self.0.get(&user).cloned();
        name.unwrap_or_else(|| "a deleted user".to_owned())
    }

    /// Returns the changes of owners and shares.
    fn changes(&self, before: &LinkSnapshot, after: &LinkSnapshot) -> Vec<Change> {
        let mut changes = Vec::new();
        for (label, was, is) in [
            ("Owner", &before.owners, &after.owners),
            ("Shared with", &before.shares, &after.shares),
        ] {
            let gone = was.iter().filter(|user| !is.contains(user));
            changes.extend(gone.map(|user| Change {
                label,
                old: self.name(*user),
                new: String::new(),
            }));
            let come = is.iter().filter(|user| !was.contains(user));
            changes.extend(come.map(|user| Change {
                label,
                old: String::new(),
                new: self.name(*user),
            }));
        }
        changes.extend(invitations(before, after));
        if let [was, is] = primary(before, after).as_slice() {
            changes.push(Change {
                label: "Primary owner",
                old: self.name(*was),
                new: self.name(*is),
            });
        }
        changes
    }
}

/// Returns the changes of invitations. They are named by email address.
fn invitations(before: &LinkSnapshot, after: &LinkSnapshot) -> Vec<Change> {
    let label = |role| match role {
        InvitedAs::Viewer => "Shared with",
        InvitedAs::Owner => "Invited owner",
        InvitedAs::PrimaryOwner => "Transfer to",
    };
    let gone = before.invited.iter();
    let gone = gone.filter(|invited| !after.invited.contains(invited));
    let gone = gone.map(|(role, email)| Change {
        label: label(*role),
        old: email.as_str().to_owned(),
        new: String::new(),
    });
    let come = after.invited.iter();
    let come = come.filter(|invited| !before.invited.contains(invited));
    let come = come.map(|(role, email)| Change {
        label: label(*role),
        old: String::new(),
        new: email.as_str().to_owned(),
    });
    gone.chain(come).collect()
}

/// Returns the users who are in only one of the lists.
fn difference(one: &[UserId], other: &[UserId]) -> Vec<UserId> {
    let gone = one.iter().filter(|user| !other.contains(user));
    let come = other.iter().filter(|user| !one.contains(user));
    gone.chain(come).copied().collect()
}

/// Returns the former and the new primary owner, if they differ.
fn primary(before: &LinkSnapshot, after: &LinkSnapshot) -> Vec<UserId> {
    match (before.owners.first(), after.owners.first()) {
        (Some(was), Some(is)) if was != is => vec![*was, *is],
        _ => Vec::new(),
    }
}

/// Cuts a text that is too long for a list of changes.
fn cut(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(at);
        text.push('…');
    }
}
