//! Recounting: verifies for each link that totals, daily totals and click records agree, and for
//! each journal (`journals.rs`) that every accepted click is accounted for.

mod forgotten;
mod journals;

pub(crate) use forgotten::forget_settled;
pub(crate) use journals::retried;
pub use journals::{JournalLedger, JournalLedgerError, JournalProblem, journals};
use waypost_store::{LinkLedger, Store, StoreError};

/// Number of links recounted by one query, which bounds the memory of a recount.
const PAGE: u32 = 500;

/// The sums of a recount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verification {
    /// Number of links.
    pub links: u64,
    /// Sum of their totals.
    pub clicks: u64,
    /// Number of their click records.
    pub rows: u64,
    /// Number of their purged click records.
    pub purged: u64,
    /// Number of links whose total, daily totals and click records do not agree.
    pub differences: u64,
}

impl Verification {
    /// Whether the numbers of all links agree.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        self.differences == 0
    }

    fn add(&mut self, link: &LinkLedger) {
        self.links = self.links.saturating_add(1);
        self.clicks = self.clicks.saturating_add(link.total);
        self.rows = self.rows.saturating_add(link.rows);
        self.purged = self.purged.saturating_add(link.purged);
        if !link.agrees() {
            self.differences = self.differences.saturating_add(1);
        }
    }
}

/// Recounts every link, in the order of IDs, one page at a time.
///
/// `on_difference` receives each link whose numbers do not agree, `on_progress` the sums after each
/// page. May run while clicks are recorded, because each link is read consistently. Links created
/// in the meantime may or may not be included.
///
/// # Errors
/// [`StoreError`] of the first page that could not be read. What the callbacks received before is
/// valid.
pub async fn verify(
    store: &dyn Store,
    mut on_progress: impl FnMut(&Verification),
    mut on_difference: impl FnMut(&LinkLedger),
) -> Result<Verification, StoreError> {
    let mut verification = Verification::default();
    let mut after = None;
    loop {
        let page = store.ledger(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(verification);
        };
        after = Some(last.link_id);
        for link in &page {
            verification.add(link);
            if !link.agrees() {
                on_difference(link);
            }
        }
        on_progress(&verification);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::witness::{NEWEST, Witness};

    #[tokio::test]
    async fn an_empty_store_agrees() {
        let store = Witness::default();
        let verification = verify(&store, |_| (), |_| ()).await.unwrap();
        assert_eq!(verification, Verification::default());
        assert!(verification.agrees());
    }

    #[tokio::test]
    async fn every_link_is_counted_once_in_bounded_pages() {
        let (store, _) = Witness::with_clicks(10).await;
        for link in 1..1_001 {
            store.add_link(&format!("link{link}")).await;
        }
        crate::retention::purge(
            &*store,
            (NEWEST - time::Duration::days(5)).into(),
            100,
            |_| (),
        )
        .await
        .unwrap();
        let mut told = Vec::new();
        let verification = verify(&*store, |sums| told.push(sums.links), |_| ());
        assert_eq!(
            verification.await.unwrap(),
            Verification {
                links: 1_001,
                clicks: 10,
                rows: 6,
                purged: 4,
                differences: 0
            }
        );
        assert_eq!(told, [500, 1_000, 1_001]);
        assert!(store.seen().pages.iter().all(|limit| *limit == PAGE));
    }

    #[tokio::test]
    async fn a_link_whose_numbers_disagree_is_shown() {
        let (store, link) = Witness::with_clicks(3).await;
        store.add_link("other").await;
        store.seen().miscounted = Some(link.id);
        let mut shown = Vec::new();
        let verification = verify(&*store, |_| (), |link| shown.push(link.clone())).await;
        let verification = verification.unwrap();
        assert_eq!(verification.differences, 1);
        assert!(!verification.agrees());
        assert_eq!(shown.len(), 1);
        assert_eq!((shown[0].total, shown[0].rollup, shown[0].rows), (4, 3, 3));
    }

    #[tokio::test]
    async fn a_store_that_becomes_unavailable_is_an_error() {
        let (store, _) = Witness::with_clicks(1).await;
        store.seen().away_after = Some(1);
        let error = verify(&*store, |_| (), |_| ()).await;
        assert!(matches!(error, Err(StoreError::Unavailable { .. })));
    }
}
