//! A store in which another change comes first.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use time::{Date, OffsetDateTime};
use waypost_core::{Click, LinkId, LinkVersion, Salt, Title};
use waypost_store::{
    Counts, LinkChange, LinkEdit, LinkLedger, LinkStore as _, LinkUpdate, MemoryStore, PurgeScope,
    Recorded, StoreError, Updated,
};

/// A store in memory in which another change comes first, or whose history is younger than its
/// links.
#[derive(Default)]
pub(super) struct Busy {
    memory: MemoryStore,
    /// Before each of this many changes to come, another caller changes the title of the link.
    pub(super) quicker: AtomicUsize,
    pub(super) updates: AtomicUsize,
    pub(super) without_first_versions: AtomicBool,
}

impl Deref for Busy {
    type Target = MemoryStore;

    fn deref(&self) -> &MemoryStore {
        &self.memory
    }
}

impl Busy {
    async fn update_link(&self, update: &LinkUpdate) -> Result<Updated, StoreError> {
        self.updates.fetch_add(1, Ordering::SeqCst);
        let left = |left: usize| left.checked_sub(1);
        let quicker = self
            .quicker
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        if let Ok(number) = quicker {
            let link = self.memory.link(update.link).await?.unwrap();
            let mut content = link.content();
            content.details.title = Title::parse(&format!("Quicker {number}")).unwrap();
            let edit = LinkEdit::Content(content);
            let theirs = LinkUpdate {
                version: link.version,
                edit,
                ..update.clone()
            };
            let done = self.memory.update_link(&theirs).await?;
            assert!(matches!(done, Updated::Done(_)), "{done:?}");
        }
        self.memory.update_link(update).await
    }

    async fn link_versions(
        &self,
        id: LinkId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<LinkVersion>, StoreError> {
        let mut versions = self.memory.link_versions(id, before, limit).await?;
        if self.without_first_versions.load(Ordering::SeqCst) {
            versions.retain(|version| version.number > 1);
        }
        Ok(versions)
    }
}

/// [`Busy`] as a store.
#[derive(Default)]
pub(super) struct BusyStore(pub(super) Busy);

waypost_store_testkit::forward!(links: BusyStore, self => self.0);
waypost_store_testkit::forward!(people: BusyStore, self => self.0);
waypost_store_testkit::forward!(stats: BusyStore, self => self.0);
waypost_store_testkit::forward!(leases: BusyStore, self => self.0);
waypost_store_testkit::forward!(time: BusyStore, self => self.0);
waypost_store_testkit::forward! { @ BusyStore, self => self.0, waypost_store::ChangeStore {
    changes_after(seq: u64, limit: u32) -> Vec<LinkChange>;
    last_change() -> u64;
    purge_changes(before: OffsetDateTime, limit: u32) -> u64;
} }
waypost_store_testkit::forward! { @ BusyStore, self => self.0, waypost_store::ClickStore {
    record_clicks(clicks: &[Click]) -> Recorded;
    clicks_before(scope: PurgeScope) -> u64;
    has_clicks(number: u64) -> bool;
    purge_clicks(scope: PurgeScope, limit: u32) -> u64;
    ledger(after: Option<LinkId>, limit: u32) -> Vec<LinkLedger>;
} }
waypost_store_testkit::forward!(journals: BusyStore, self => self.0);
waypost_store_testkit::forward! { @ BusyStore, self => self.0, waypost_store::SaltStore {
    salt(day: Date, candidate: &Salt) -> Salt;
    destroy_salts_before(day: Date) -> u64;
} }
waypost_store_testkit::forward! { @ BusyStore, self => self.0, waypost_store::Store {
    ping() -> ();
    counts() -> Counts;
} }
