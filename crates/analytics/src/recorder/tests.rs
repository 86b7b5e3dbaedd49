//! What a recorder stores, counts and reports.

use metrics_exporter_prometheus::PrometheusBuilder;
use time::Duration;
use time::macros::{date, datetime};
use waypost_core::{Link, ManualClock, SeededRandom};
use waypost_store::LinkStore as _;

use super::*;
use crate::visit::HeaderList;
use crate::witness::{NEWEST, Witness};

struct Setup {
    store: Arc<Witness>,
    clock: Arc<ManualClock>,
    recorder: Recorder,
    link: Link,
}

async fn setup(zone: &str) -> Setup {
    let (store, link) = Witness::with_clicks(0).await;
    let clock = Arc::new(ManualClock::new(NEWEST));
    let recorder = Recorder::new(RecorderParts {
        store: store.clone(),
        clock: clock.clone(),
        random: Arc::new(SeededRandom::new(1)),
        zone: zone.parse().unwrap(),
        trusted_proxies: "10.0.0.0/8".parse().unwrap(),
    });
    Setup {
        store,
        clock,
        recorder,
        link,
    }
}

impl Setup {
    async fn click(&self, peer: &str, headers: &[(&'static str, &str)]) -> Click {
        let headers = HeaderList::new(headers);
        let outcome = self.recorder.record(self.link.id, &headers.visit(peer));
        assert_eq!(outcome.await.unwrap(), Outcome::Counted);
        self.store.seen().clicks.last().unwrap().clone()
    }

    async fn total(&self) -> u64 {
        self.store.total(&self.link).await
    }
}

#[tokio::test]
async fn a_click_is_stored_with_what_is_known_of_the_visitor_and_counted() {
    let setup = setup("UTC").await;
    let headers = [
        ("user-agent", "Mozilla/5.0"),
        ("referer", "https://example.org/page?secret=1"),
    ];
    let click = setup.click("192.0.2.1", &headers).await;
    let salt = setup
        .recorder
        .salts()
        .of(date!(2026 - 03 - 01))
        .await
        .unwrap();
    assert_eq!(click.link_id, setup.link.id);
    assert_eq!(click.user_id, None);
    assert_eq!(
        click.ip_hash,
        Some(ip_hash("192.0.2.1".parse().unwrap(), &salt))
    );
    assert_eq!(click.user_agent.unwrap().as_str(), "Mozilla/5.0");
    assert_eq!(click.referrer.unwrap().as_str(), "https://example.org/page");
    assert_eq!(click.clicked_at, datetime!(2026-03-01 23:30 UTC));
    assert!(ClickId::floor(click.clicked_at) <= click.id);
    assert_eq!(click.day, date!(2026 - 03 - 01));
    assert_eq!(setup.total().await, 1);
}

#[tokio::test]
async fn the_day_of_a_click_is_the_day_in_the_servers_zone() {
    let setup = setup("Europe/Berlin").await;
    let click = setup.click("192.0.2.1", &[]).await;
    assert_eq!(click.day, date!(2026 - 03 - 02));
    assert_eq!((click.user_agent, click.referrer), (None, None));
}

#[tokio::test]
async fn a_visitor_is_recognised_within_a_day_and_not_after_it() {
    let setup = setup("UTC").await;
    let direct = setup.click("192.0.2.1", &[]).await.ip_hash;
    let behind = [("x-forwarded-for", "198.51.100.66, 192.0.2.1")];
    assert_eq!(setup.click("10.0.0.1", &behind).await.ip_hash, direct);
    assert_ne!(setup.click("192.0.2.2", &[]).await.ip_hash, direct);
    // The same header from somebody who is not trusted is nothing.
    assert_ne!(setup.click("11.0.0.1", &behind).await.ip_hash, direct);
    setup.clock.advance(Duration::hours(1));
    assert_ne!(setup.click("192.0.2.1", &[]).await.ip_hash, direct);
}

#[tokio::test]
async fn a_visitor_without_an_address_is_counted_without_a_hash() {
    let setup = setup("UTC").await;
    let headers = HeaderList::default();
    let visit = Visit {
        peer: None,
        headers: &headers,
    };
    setup.recorder.record(setup.link.id, &visit).await.unwrap();
    assert_eq!(setup.store.seen().clicks[0].ip_hash, None);
    assert_eq!(setup.total().await, 1);
}

#[tokio::test]
async fn concurrent_clicks_are_all_counted() {
    let setup = setup("UTC").await;
    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let headers = HeaderList::default();
        clicks.spawn(
            setup
                .recorder
                .record(setup.link.id, &headers.visit("192.0.2.1")),
        );
    }
    while let Some(outcome) = clicks.join_next().await {
        assert_eq!(outcome.unwrap().unwrap(), Outcome::Counted);
    }
    assert_eq!(setup.total().await, 64);
}

#[tokio::test]
async fn what_becomes_of_clicks_shows_in_the_metrics() {
    let prometheus = PrometheusBuilder::new().build_recorder();
    let _installed = ::metrics::set_default_local_recorder(&prometheus);
    metrics::describe();
    let setup = setup("UTC").await;
    let headers = HeaderList::default();
    let visit = headers.visit("192.0.2.1");
    let record = || setup.recorder.record(setup.link.id, &visit);

    // Nothing works without the salt, and nothing is counted without the row.
    setup.store.seen().away_after = Some(0);
    assert!(matches!(
        record().await,
        Err(StoreError::Unavailable { .. })
    ));
    setup.store.seen().away_after = None;
    assert_eq!(record().await.unwrap(), Outcome::Counted);
    assert_eq!(record().await.unwrap(), Outcome::Counted);
    setup.store.seen().away_after = Some(0);
    assert!(matches!(
        record().await,
        Err(StoreError::Unavailable { .. })
    ));
    setup.store.seen().away_after = None;
    assert_eq!(setup.total().await, 2);
    setup.store.delete_link(setup.link.id).await.unwrap();
    assert_eq!(record().await.unwrap(), Outcome::LinkGone);

    let text = prometheus.handle().render();
    for line in [
        "waypost_clicks_recorded_total 2",
        "waypost_clicks_record_errors_total 2",
        "waypost_clicks_dropped_total{reason=\"link_deleted\"} 1",
    ] {
        assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
    }
}
