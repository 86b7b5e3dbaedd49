//! The data kept of a link: the link, its owners and shares, its versions and its days. It needs no
//! other part of the state.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use time::{Date, OffsetDateTime};
use waypost_core::{
    Click, Email, Invitation, InvitedAs, IpHash, Link, LinkAction, LinkContent, LinkSnapshot,
    Standing, UserId, VisitClass, micros,
};

use crate::rollup::{Counted, DayFacts};
use crate::{
    ClickSpan, FactsChange, Invitations, LinkEdit, VERSIONS_THINNED, newest_thinned, superseded,
};

/// A link, its owners and shares, its history and its days.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) link: Link,
    /// The owners in the order in which they were added.
    pub(super) owners: Vec<UserId>,
    /// The primary owner, if there are owners.
    pub(super) primary: Option<UserId>,
    pub(super) shares: BTreeSet<UserId>,
    pub(super) invitations: Invitations,
    pub(super) versions: Vec<KeptVersion>,
    pub(super) purged: u64,
    pub(super) days: BTreeMap<Date, KeptDay>,
}

/// A version of a link.
#[derive(Debug, Clone)]
pub(super) struct KeptVersion {
    pub(super) number: u32,
    pub(super) action: LinkAction,
    pub(super) at: OffsetDateTime,
    pub(super) by: Option<UserId>,
    pub(super) before: Option<LinkSnapshot>,
    pub(super) after: LinkSnapshot,
}

/// A day of the rollup.
#[derive(Debug, Clone, Default)]
pub(super) struct KeptDay {
    pub(super) counted: Counted,
    pub(super) visitors: u64,
    /// The visitors that were counted; empty after a purge.
    pub(super) seen: HashSet<IpHash>,
    pub(super) span: Option<ClickSpan>,
    pub(super) facts: DayFacts<'static>,
}

impl Kept {
    /// Drops old versions that a later one of the same day supersedes.
    pub(super) fn thin(&mut self) {
        let Some(newest) = newest_thinned(self.link.version) else {
            return;
        };
        let newest_first = self.versions.iter().rev();
        let examined: Vec<_> = newest_first
            .filter(|version| version.number <= newest.saturating_add(1))
            .take(usize::try_from(VERSIONS_THINNED).unwrap_or(usize::MAX))
            .map(|version| (version.number, version.at))
            .collect();
        let dropped = superseded(&examined);
        self.versions
            .retain(|version| !dropped.contains(&version.number));
    }

    pub(super) fn snapshot(&self) -> LinkSnapshot {
        LinkSnapshot {
            content: self.link.content(),
            owners: self.primary_first(),
            shares: (self.shares.iter().copied())
                .filter(|user| !self.invitations.has_viewer(*user))
                .collect(),
            invited: self.invitations.keys(),
            deleted: self.link.is_deleted(),
        }
    }

    pub(super) fn primary_first(&self) -> Vec<UserId> {
        let owners = self.owners.iter();
        let others = owners.filter(|owner| Some(**owner) != self.primary);
        self.primary.iter().chain(others).copied().collect()
    }

    pub(super) fn standing(&self, user: UserId) -> Standing {
        if self.primary == Some(user) {
            Standing::PrimaryOwner
        } else if self.owners.contains(&user) {
            Standing::CoOwner
        } else if self.shares.contains(&user) {
            Standing::Recipient
        } else {
            Standing::Stranger
        }
    }

    pub(super) fn set_content(&mut self, content: LinkContent) {
        self.link.code = content.code;
        self.link.target = content.target;
        self.link.details = content.details;
        self.link.details.expires_at = self.link.details.expires_at.map(micros);
    }

    /// Applies an edit to the link, its owners, its shares and its invitations. `invitee` is the
    /// user with the email address that is invited.
    pub(super) fn edit(
        &mut self,
        edit: LinkEdit,
        by: Option<UserId>,
        at: OffsetDateTime,
        invitee: Option<UserId>,
    ) -> LinkAction {
        if let LinkEdit::Invite(role, email) = &edit {
            self.invitations.add(Invitation {
                role: *role,
                email: email.clone(),
                user: invitee,
                from: Invitations::giver(*role, by, &self.primary_first()),
                at,
            });
        }
        let action = self.apply(edit, at, invitee);
        let owners = self.primary_first();
        self.invitations.settle(&owners, self.link.is_deleted());
        action
    }

    fn apply(&mut self, edit: LinkEdit, at: OffsetDateTime, invitee: Option<UserId>) -> LinkAction {
        let (owners, shares) = (&mut self.owners, &mut self.shares);
        match edit {
            LinkEdit::Content(content) => {
                self.set_content(content);
                return LinkAction::Changed;
            }
            LinkEdit::Delete => {
                self.link.deleted_at = Some(at);
                return LinkAction::Deleted;
            }
            LinkEdit::Restore(content) => {
                self.link.deleted_at = None;
                self.set_content(content);
                return LinkAction::Restored;
            }
            LinkEdit::AddOwner(user) => {
                if !owners.contains(&user) {
                    owners.push(user);
                }
                self.primary.get_or_insert(user);
                shares.remove(&user);
            }
            LinkEdit::MakePrimary(user) => {
                if !owners.contains(&user) {
                    owners.push(user);
                }
                self.primary = Some(user);
                shares.remove(&user);
            }
            LinkEdit::RemoveOwner(user) => {
                owners.retain(|owner| *owner != user);
                if self.primary == Some(user) {
                    self.primary = owners.first().copied();
                }
            }
            LinkEdit::Share(user) => {
                if !owners.contains(&user) {
                    shares.insert(user);
                }
            }
            LinkEdit::Unshare(user) => {
                shares.remove(&user);
                self.invitations.remove_viewer(user);
            }
            LinkEdit::Invite(role, _) => {
                let viewer = invitee.filter(|user| !owners.contains(user));
                shares.extend(viewer.filter(|_| role == InvitedAs::Viewer));
            }
            LinkEdit::Uninvite(role, email) => {
                let ended = self.invitations.remove(role, &email);
                if let Some(user) = ended.and_then(|ended| ended.user)
                    && role == InvitedAs::Viewer
                {
                    shares.remove(&user);
                }
            }
        }
        LinkAction::AccessChanged
    }

    /// Makes the invitations that wait for an email address those of the user who has it.
    pub(super) fn claim(&mut self, email: &Email, user: UserId) {
        let claimed = self.invitations.claim(email, user);
        if claimed.contains(&InvitedAs::Viewer) && !self.owners.contains(&user) {
            self.shares.insert(user);
        }
        let owners = self.primary_first();
        self.invitations.settle(&owners, self.link.is_deleted());
    }

    /// Counts a click. Returns the number of clicks of its day before.
    pub(super) fn count(&mut self, click: &Click) -> u64 {
        self.link.clicks += 1;
        self.link.humans += u64::from(click.facts.class == Some(VisitClass::Human));
        let day = self.days.entry(click.day).or_default();
        let before = day.counted.clicks;
        day.count(click);
        before
    }

    /// Replaces the counted facts of a click by the new ones.
    pub(super) fn recount(&mut self, change: &FactsChange) {
        let Some(day) = self.days.get_mut(&change.click.day) else {
            return;
        };
        let mut facts = std::mem::take(&mut day.facts);
        facts.uncount(&change.click);
        day.facts = facts.and(&change.changed());
        let human = Some(VisitClass::Human);
        for humans in [&mut self.link.humans, &mut day.counted.humans] {
            *humans -= u64::from(change.click.facts.class == human);
            *humans += u64::from(change.facts.class == human);
        }
    }

    pub(super) fn days_between(
        &self,
        from: Date,
        to: Date,
    ) -> impl Iterator<Item = (&Date, &KeptDay)> {
        let days = (from <= to).then(|| self.days.range(from..=to));
        days.into_iter().flatten()
    }

    pub(super) fn counted_between(&self, from: Date, to: Date) -> Counted {
        let counted = self.days_between(from, to).map(|(_, day)| day.counted);
        counted.fold(Counted::default(), Counted::plus)
    }
}

impl KeptDay {
    fn count(&mut self, click: &Click) {
        let mut facts: DayFacts<'_> = std::mem::take(&mut self.facts);
        facts.count(click);
        self.facts = facts.into_owned();
        self.counted.clicks += 1;
        self.counted.humans += u64::from(click.facts.class == Some(VisitClass::Human));
        self.visitors += u64::from(click.ip_hash.is_some_and(|hash| self.seen.insert(hash)));
        let at = click.clicked_at;
        self.span = Some(self.span.map_or(
            ClickSpan {
                first: at,
                last: at,
            },
            |span| ClickSpan {
                first: span.first.min(at),
                last: span.last.max(at),
            },
        ));
    }
}
