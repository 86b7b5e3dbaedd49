//! A store in which another change comes first.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use waypost_core::{LinkId, LinkVersion, Title};
use waypost_store::{LinkEdit, LinkStore as _, LinkUpdate, MemoryStore, StoreError, Updated};

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

waypost_store_testkit::forward!(all: BusyStore, self => self.0);
