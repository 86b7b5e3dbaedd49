//! A store in memory: the shortest correct implementation of the port.

mod audit;
mod blocklist;
mod catalog;
mod journals;
mod kept;
mod leases;
mod links;
mod orphans;
mod paths;
mod people;
mod sign_in;
mod stats;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{
    AcceptedLossId, AuditEntry, AuditId, Click, ClickId, Clock, Cursor, HostPattern, JournalId,
    LinkId, Salt, ServerKey, SessionId, SetupHash, ShortCode, SystemClock, TokenId, UserId, micros,
};

use crate::{
    AcceptedLoss, BlockedHost, ChangeStore, ClickStore, Counts, JournalRecord, KeptRecords,
    LeaseName, LinkChange, LinkDay, LinkLedger, Ownership, PurgeScope, Recorded, SaltStore,
    SaltTraces, Space, SpaceStore, Store, StoreError, TimeStore,
};

/// Keeps everything in memory, for tests and for embedding without a database. Each operation holds
/// one lock, so each is atomic.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Clone, Default)]
struct State {
    links: BTreeMap<LinkId, kept::Kept>,
    ids: BTreeMap<ShortCode, LinkId>,
    clicks: BTreeMap<ClickId, Click>,
    /// The IDs of clicks beyond the budget of records.
    click_ids: BTreeSet<ClickId>,
    journals: BTreeMap<JournalId, JournalRecord>,
    journal_owners: BTreeMap<JournalId, Vec<Ownership>>,
    accepted_losses: BTreeMap<AcceptedLossId, AcceptedLoss>,
    leases: BTreeMap<LeaseName, leases::Held>,
    /// The changes by number. The last one is kept forever.
    changes: BTreeMap<u64, Changed>,
    audit: BTreeMap<AuditId, AuditEntry>,
    blocked: BTreeMap<HostPattern, BlockedHost>,
    orphans: BTreeMap<Date, orphans::OrphanDay>,
    salts: BTreeMap<Date, Salt>,
    salt_traces: Option<SaltTraces>,
    users: BTreeMap<UserId, people::KeptUser>,
    tokens: BTreeMap<TokenId, people::KeptToken>,
    sessions: BTreeMap<SessionId, sign_in::KeptSession>,
    setup_tokens: BTreeMap<SetupHash, OffsetDateTime>,
    identities: BTreeMap<[u8; 32], sign_in::KeptIdentity>,
    /// The sign-ins that were answered, and when they expire.
    used_sign_ins: BTreeMap<[u8; 32], OffsetDateTime>,
    browser_key: Option<ServerKey>,
    clock: OwnClock,
}

/// The clock of the database that this store represents.
#[derive(Clone)]
struct OwnClock(Arc<dyn Clock>);

impl Default for OwnClock {
    fn default() -> Self {
        Self(Arc::new(SystemClock))
    }
}

impl fmt::Debug for OwnClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnClock")
    }
}

#[derive(Debug, Clone)]
struct Changed {
    /// `None`: all links may have changed.
    code: Option<ShortCode>,
    at: OffsetDateTime,
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a copy of the present contents, as a backup.
    #[must_use]
    pub fn backup(&self) -> Self {
        Self(Mutex::new(self.state().clone()))
    }

    /// Restores the contents of a backup.
    pub fn restore(&self, backup: &Self) {
        let state = backup.state().clone();
        *self.state() = state;
    }

    /// Creates an empty store whose database time comes from `clock`, not from the system.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self(Mutex::new(State {
            clock: OwnClock(clock),
            ..State::default()
        }))
    }

    /// Returns all clicks, in the order of their IDs.
    #[must_use]
    pub fn all_clicks(&self) -> Vec<Click> {
        self.state().clicks.values().cloned().collect()
    }

    /// Returns the rollup of all links and days.
    #[must_use]
    pub fn all_days(&self) -> Vec<(LinkId, LinkDay)> {
        let state = self.state();
        let days = state.links.values().flat_map(|kept| {
            kept.days.iter().map(|(day, kept_day)| {
                let day = LinkDay {
                    day: *day,
                    counted: kept_day.counted,
                    visitors: kept_day.visitors,
                };
                (kept.link.id, day)
            })
        });
        days.collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn last_change(&self) -> u64 {
        self.changes.last_key_value().map_or(0, |(seq, _)| *seq)
    }

    /// Adds to the change feed. The age of a change is measured by the clock of the database.
    fn note_change(&mut self, code: &ShortCode) {
        // The code in its normal form, as a database keeps it.
        let code = ShortCode::parse(code.as_str()).unwrap_or_else(|_| code.clone());
        self.note(Some(code));
    }

    fn note_change_of_everything(&mut self) {
        self.note(None);
    }

    fn note(&mut self, code: Option<ShortCode>) {
        let at = self.clock.0.now();
        let changed = Changed { code, at };
        self.changes.insert(self.last_change() + 1, changed);
    }

    /// Returns the clicks within a scope, oldest first.
    fn clicks_within(&self, scope: PurgeScope) -> impl Iterator<Item = &Click> {
        let before = micros(scope.before);
        self.clicks.values().filter(move |click| {
            click.clicked_at < before && scope.link.is_none_or(|link| click.link_id == link)
        })
    }

    /// Whether a click is stored and has a record or a kept ID.
    fn has_click(&self, id: &ClickId) -> bool {
        self.clicks.contains_key(id) || self.click_ids.contains(id)
    }

    /// Stores all of the clicks or, on a conflict, none.
    fn record(&mut self, clicks: &[Click], records: KeptRecords) -> Result<Recorded, StoreError> {
        let mut ids = HashSet::new();
        if clicks
            .iter()
            .filter(|click| self.links.contains_key(&click.link_id))
            .any(|click| self.has_click(&click.id) || !ids.insert(click.id))
        {
            return Err(StoreError::Conflict);
        }
        let is_known = |click: &Click| click.user_id.is_none_or(|id| self.users.contains_key(&id));
        if !clicks.iter().all(is_known) {
            return Err(StoreError::refused("a click of a user who does not exist"));
        }
        let mut recorded = Recorded::default();
        for click in clicks {
            let Some(kept) = self.links.get_mut(&click.link_id) else {
                recorded.link_gone += 1;
                continue;
            };
            let click = Click {
                clicked_at: micros(click.clicked_at),
                ..click.clone()
            };
            let before = kept.count(&click);
            recorded.stored += 1;
            if records.among(before, 1) > 0 {
                self.clicks.insert(click.id, click);
                continue;
            }
            kept.purged += 1;
            if matches!(records, KeptRecords::UpTo(_)) {
                recorded.without_record += 1;
                self.click_ids.insert(click.id);
            }
            if records.are_used_up(before, 1) {
                recorded.used_up.push((click.link_id, click.day));
            }
        }
        Ok(recorded)
    }
}

#[async_trait]
impl ChangeStore for MemoryStore {
    async fn changes_after(&self, seq: u64, limit: u32) -> Result<Vec<LinkChange>, StoreError> {
        let state = self.state();
        Ok(state
            .changes
            .range(seq.saturating_add(1)..)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(seq, changed)| LinkChange {
                seq: *seq,
                code: changed.code.clone(),
            })
            .collect())
    }

    async fn last_change(&self) -> Result<u64, StoreError> {
        Ok(self.state().last_change())
    }

    async fn purge_changes(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.state();
        let last = state.last_change();
        let old: Vec<u64> = state
            .changes
            .iter()
            .filter(|(seq, changed)| **seq != last && changed.at < before)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(seq, _)| *seq)
            .collect();
        for seq in &old {
            state.changes.remove(seq);
        }
        Ok(count(old.len()))
    }
}

#[async_trait]
impl ClickStore for MemoryStore {
    async fn record_clicks(&self, clicks: &[Click]) -> Result<Recorded, StoreError> {
        self.state().record(clicks, KeptRecords::All)
    }

    async fn clicks_before(&self, scope: PurgeScope) -> Result<u64, StoreError> {
        Ok(count(self.state().clicks_within(scope).count()))
    }

    async fn has_clicks(&self, number: u64) -> Result<bool, StoreError> {
        Ok(count(self.state().clicks.len()) >= number)
    }

    async fn purge_clicks(&self, scope: PurgeScope, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.state();
        let old: Vec<(ClickId, LinkId)> = state
            .clicks_within(scope)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|click| (click.id, click.link_id))
            .collect();
        for (click, link) in &old {
            state.clicks.remove(click);
            if let Some(kept) = state.links.get_mut(link) {
                kept.purged += 1;
            }
        }
        Ok(count(old.len()))
    }

    async fn purge_click_ids(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.state();
        let old: Vec<ClickId> = state
            .click_ids
            .range(..ClickId::floor(before))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .copied()
            .collect();
        for id in &old {
            state.click_ids.remove(id);
        }
        Ok(count(old.len()))
    }

    async fn ledger(
        &self,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<LinkLedger>, StoreError> {
        let state = self.state();
        Ok(state
            .links
            .values()
            .filter(|kept| after.is_none_or(|after| kept.link.id > after))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|kept| LinkLedger {
                link_id: kept.link.id,
                code: kept.link.code.clone(),
                total: kept.link.clicks,
                rollup: kept.days.values().map(|day| day.counted.clicks).sum(),
                humans: kept.link.humans,
                rollup_humans: kept.days.values().map(|day| day.counted.humans).sum(),
                rows: count(
                    state
                        .clicks
                        .values()
                        .filter(|click| click.link_id == kept.link.id)
                        .count(),
                ),
                purged: kept.purged,
            })
            .collect())
    }
}

#[async_trait]
impl SaltStore for MemoryStore {
    async fn salt(&self, day: Date, candidate: &Salt) -> Result<Salt, StoreError> {
        let mut state = self.state();
        Ok(state
            .salts
            .entry(day)
            .or_insert_with(|| candidate.clone())
            .clone())
    }

    async fn destroy_salts_before(&self, day: Date) -> Result<u64, StoreError> {
        let mut state = self.state();
        let kept = state.salts.split_off(&day);
        let destroyed = std::mem::replace(&mut state.salts, kept);
        if !destroyed.is_empty() {
            state.salt_traces = Some(SaltTraces {
                destroyed_at: micros(state.clock.0.now()),
                erased_at: None,
            });
        }
        Ok(count(destroyed.len()))
    }

    async fn erase_salts(&self) -> Result<Option<SaltTraces>, StoreError> {
        let mut state = self.state();
        let now = micros(state.clock.0.now());
        if let Some(traces) = &mut state.salt_traces {
            traces.erased_at.get_or_insert(now);
        }
        Ok(state.salt_traces)
    }

    async fn salt_traces(&self) -> Result<Option<SaltTraces>, StoreError> {
        Ok(self.state().salt_traces)
    }
}

#[async_trait]
impl SpaceStore for MemoryStore {
    async fn space(&self) -> Result<Option<Space>, StoreError> {
        Ok(None)
    }

    async fn release_space(&self, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[async_trait]
impl TimeStore for MemoryStore {
    async fn database_time(&self) -> Result<OffsetDateTime, StoreError> {
        Ok(self.state().clock.0.now())
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let state = self.state();
        let kept = state.links.values();
        Ok(Counts {
            links: count(kept.filter(|kept| !kept.link.is_deleted()).count()),
            users: count(state.users.len()),
        })
    }
}

/// Returns the newest items after a cursor.
fn behind<'a, T, I>(
    items: impl Iterator<Item = &'a T>,
    cursor: Option<Cursor<I>>,
    limit: u32,
) -> Vec<T>
where
    T: Clone + 'a,
    I: Ord,
    Cursor<I>: From<&'a T>,
{
    let place = |cursor: Cursor<I>| (micros(cursor.created_at), cursor.id);
    let behind = cursor.map(place);
    let mut places: Vec<_> = items
        .map(|item| (place(Cursor::from(item)), item))
        .filter(|(place, _)| behind.as_ref().is_none_or(|behind| place < behind))
        .collect();
    places.sort_by(|(a, _), (b, _)| b.cmp(a));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    places
        .into_iter()
        .take(limit)
        .map(|(_, item)| item.clone())
        .collect()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
