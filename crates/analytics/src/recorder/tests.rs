//! Tests of what a recorder writes, waits for and reports.

use metrics_exporter_prometheus::PrometheusBuilder;
use time::Duration;
use time::macros::{date, datetime};
use waypost_core::{Click, ClickFacts, Link};
use waypost_store::LinkStore as _;

use super::*;
use crate::JournalSettings;
use crate::rig::{Rig, Running, SETTINGS};
use crate::visit::HeaderList;
use crate::witness::Witness;

struct Setup {
    store: Arc<Witness>,
    rig: Rig,
    recorder: Recorder,
    salts: Arc<DailySalts>,
    link: Link,
}

async fn setup(zone: &str) -> Setup {
    setup_with(zone, Durability::Journal).await
}

async fn setup_with(zone: &str, durability: Durability) -> Setup {
    let (store, link) = Witness::with_clicks(0).await;
    let settings = JournalSettings {
        durability,
        ..SETTINGS
    };
    let rig = Rig::with(store.clone(), settings);
    let (recorder, salts) = rig.recorder(zone).await;
    Setup {
        store,
        rig,
        recorder,
        salts,
        link,
    }
}

impl Setup {
    async fn run(&self) -> Running {
        self.rig.run().await
    }

    async fn record(&self) -> Result<Outcome, StoreError> {
        let headers = HeaderList::default();
        let recorded = self
            .recorder
            .record(self.link.id, &headers.visit("192.0.2.1"));
        recorded.await
    }

    /// Records a click and returns it as stored.
    async fn click(&self, peer: &str, headers: &[(&'static str, &str)]) -> Click {
        let headers = HeaderList::new(headers);
        let outcome = self.recorder.record(self.link.id, &headers.visit(peer));
        assert_eq!(outcome.await.unwrap(), Outcome::Accepted);
        self.recorder.settle().await;
        self.store.seen().clicks.last().unwrap().clone()
    }

    async fn total(&self) -> u64 {
        self.store.total(&self.link).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_click_is_stored_with_what_is_known_of_the_visitor_and_counted() {
    let setup = setup("UTC").await;
    let _running = setup.run().await;
    let headers = [
        ("user-agent", "Mozilla/5.0"),
        ("referer", "https://example.org/page?secret=1"),
    ];
    let click = setup.click("192.0.2.1", &headers).await;
    let salt = setup.salts.of(date!(2026 - 03 - 01)).await.unwrap();
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

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";
const DISCORD: &str = "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)";

#[tokio::test(start_paused = true)]
async fn of_a_visitor_who_asks_not_to_be_tracked_the_class_is_told_and_nothing_else_is_kept() {
    let setup = setup("UTC").await;
    let _running = setup.run().await;
    let referrer = ("referer", "https://example.org/");
    for (user_agent, purpose, class) in [
        (Some(FIREFOX), None, VisitClass::Human),
        (Some(DISCORD), None, VisitClass::Preview),
        (Some("curl/8.15.0"), None, VisitClass::Bot),
        (Some(""), None, VisitClass::Bot),
        (None, None, VisitClass::Bot),
        (Some(" \u{1} "), None, VisitClass::Bot),
        (
            Some("Slackbot-LinkExpanding 1.0"),
            None,
            VisitClass::Preview,
        ),
        (Some("Dalvik"), None, VisitClass::Bot),
        (Some(FIREFOX), Some("prefetch"), VisitClass::Prefetch),
        (Some(FIREFOX), Some("preview"), VisitClass::Preview),
        (Some("curl/8.15.0"), Some("prefetch"), VisitClass::Prefetch),
    ] {
        for signal in [("dnt", "1"), ("sec-gpc", "1")] {
            let mut headers = vec![referrer, signal];
            headers.extend(user_agent.map(|value| ("user-agent", value)));
            headers.extend(purpose.map(|value| ("x-purpose", value)));
            let click = setup.click("192.0.2.1", &headers).await;
            let only_class = ClickFacts {
                class: Some(class),
                ..ClickFacts::default()
            };
            assert_eq!(click.facts, only_class, "{headers:?}");
            assert_eq!(click.ip_hash, None);
            assert_eq!((click.user_agent, click.referrer), (None, None));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_preview_that_a_browser_announces_is_not_a_person() {
    let setup = setup("UTC").await;
    let _running = setup.run().await;
    let announced = [("user-agent", FIREFOX), ("x-purpose", "preview")];
    let click = setup.click("192.0.2.1", &announced).await;
    assert_eq!(click.facts.class, Some(VisitClass::Preview));
    assert_eq!(click.facts.browser, waypost_core::Family::of("Firefox"));
    let other = [("user-agent", FIREFOX), ("sec-purpose", "prefetchable")];
    let click = setup.click("192.0.2.1", &other).await;
    assert_eq!(click.facts.class, Some(VisitClass::Human));
}

#[tokio::test(start_paused = true)]
async fn a_referrer_that_is_not_utf_8_is_kept_with_its_host() {
    let setup = setup("UTC").await;
    let _running = setup.run().await;
    let headers = HeaderList(vec![(
        "referer",
        b"https://example.de/caf\xe9?q=1".to_vec(),
    )]);
    let recorded = setup
        .recorder
        .record(setup.link.id, &headers.visit("192.0.2.1"));
    recorded.await.unwrap();
    setup.recorder.settle().await;
    let click = setup.store.seen().clicks.last().unwrap().clone();
    let referrer = click.referrer.unwrap();
    assert_eq!(referrer.as_str(), "https://example.de/caf%EF%BF%BD");
    assert_eq!(referrer.host(), "example.de");
}

#[tokio::test(start_paused = true)]
async fn the_day_of_a_click_is_the_day_in_the_servers_zone() {
    let setup = setup("Europe/Berlin").await;
    let _running = setup.run().await;
    let click = setup.click("192.0.2.1", &[]).await;
    assert_eq!(click.day, date!(2026 - 03 - 02));
    assert_eq!((click.user_agent, click.referrer), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_visitor_is_recognised_within_a_day_and_not_after_it() {
    let setup = setup("UTC").await;
    let _running = setup.run().await;
    let direct = setup.click("192.0.2.1", &[]).await.ip_hash;
    let behind = [("x-forwarded-for", "198.51.100.66, 192.0.2.1")];
    assert_eq!(setup.click("10.0.0.1", &behind).await.ip_hash, direct);
    assert_ne!(setup.click("192.0.2.2", &[]).await.ip_hash, direct);
    // The same header from a peer that is not trusted is ignored.
    assert_ne!(setup.click("11.0.0.1", &behind).await.ip_hash, direct);
    // The salt of the next day is already loaded.
    setup.rig.clock.advance(Duration::hours(1));
    let tomorrow = setup.click("192.0.2.1", &[]).await.ip_hash;
    assert!(tomorrow.is_some());
    assert_ne!(tomorrow, direct);
}

#[tokio::test(start_paused = true)]
async fn a_visitor_without_an_address_or_a_salt_is_counted_without_a_hash() {
    let setup = setup("UTC").await;
    let _running = setup.run().await;
    let headers = HeaderList::default();
    let visit = Visit {
        session: None,
        peer: None,
        headers: &headers,
    };
    setup.recorder.record(setup.link.id, &visit).await.unwrap();
    setup.recorder.settle().await;
    assert_eq!(setup.store.seen().clicks[0].ip_hash, None);
    setup.rig.clock.advance(Duration::days(3));
    assert_eq!(setup.click("192.0.2.1", &[]).await.ip_hash, None);
    assert_eq!(setup.total().await, 2);
}

#[tokio::test(start_paused = true)]
async fn concurrent_clicks_are_all_counted() {
    for durability in Durability::ALL {
        let setup = setup_with("UTC", durability).await;
        let _running = setup.run().await;
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
            assert_eq!(outcome.unwrap().unwrap(), Outcome::Accepted);
        }
        setup.recorder.settle().await;
        assert_eq!(setup.total().await, 64, "{durability}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_click_is_accepted_without_the_database_and_counted_when_it_is_back() {
    let setup = setup("UTC").await;
    let _running = setup.run().await;
    setup.store.seen().away_after = Some(0);
    assert_eq!(setup.record().await.unwrap(), Outcome::Accepted);
    setup.recorder.settle().await;
    assert_eq!(setup.total().await, 0);
    setup.store.seen().away_after = None;
    assert_eq!(setup.recorder.drain(std::time::Duration::MAX).await, 0);
    assert_eq!(setup.total().await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_becomes_of_clicks_shows_in_the_metrics() {
    let prometheus = PrometheusBuilder::new().build_recorder();
    let _installed = ::metrics::set_default_local_recorder(&prometheus);
    metrics::describe();
    let setup = setup("UTC").await;
    let _running = setup.run().await;
    let shows = |line: &str| {
        setup.recorder.observe();
        let text = prometheus.handle().render();
        assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
    };

    assert_eq!(setup.record().await.unwrap(), Outcome::Accepted);
    assert_eq!(setup.record().await.unwrap(), Outcome::Accepted);
    setup.recorder.settle().await;
    shows("waypost_clicks_recorded_total 2");
    shows("waypost_clicks_record_errors_total 0");
    shows("waypost_clicks_pending 0");
    shows("waypost_click_lag_seconds 0");

    setup.store.seen().away_after = Some(0);
    setup.record().await.unwrap();
    tokio::task::yield_now().await;
    setup.rig.clock.advance(Duration::seconds(3));
    shows("waypost_clicks_record_errors_total 1");
    shows("waypost_clicks_pending 1");
    shows("waypost_click_lag_seconds 3");

    setup.store.delete_link(setup.link.id).await.unwrap();
    setup.store.seen().away_after = None;
    setup.recorder.settle().await;
    shows("waypost_clicks_recorded_total 2");
    shows("waypost_clicks_dropped_total{reason=\"link_deleted\"} 1");
    shows("waypost_clicks_pending 0");
}

/// Longer than any time limit of the recorder.
const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn with_durability_commit_a_click_is_accepted_when_it_is_stored() {
    let setup = setup_with("UTC", Durability::Commit).await;
    let mut ingester = setup.rig.ingester().await;
    let mut recorded = Box::pin(setup.record());
    let early = tokio::time::timeout(std::time::Duration::from_secs(4), &mut recorded);
    assert!(early.await.is_err(), "no click is stored yet");
    let (outcome, ()) = tokio::join!(recorded, ingester.step());
    assert_eq!(outcome.unwrap(), Outcome::Accepted);
    assert_eq!(setup.total().await, 1);
}

#[tokio::test(start_paused = true)]
async fn with_durability_commit_a_click_that_is_not_stored_in_time_is_unavailable_and_stored_later()
{
    let setup = setup_with("UTC", Durability::Commit).await;
    let mut ingester = setup.rig.ingester().await;
    let refused = setup.record().await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    ingester.step().await;
    assert_eq!(setup.total().await, 1);
}

#[tokio::test(start_paused = true)]
async fn with_durability_commit_no_click_is_accepted_while_the_database_is_known_to_be_unavailable()
{
    let setup = setup_with("UTC", Durability::Commit).await;
    let _running = setup.run().await;
    setup.store.seen().away_after = Some(0);
    assert!(setup.record().await.is_err());
    let began = tokio::time::Instant::now();
    assert!(setup.record().await.is_err());
    assert_eq!(began.elapsed(), std::time::Duration::ZERO);
    assert_eq!(setup.rig.journal.pending(), 1);
    setup.store.seen().away_after = None;
    assert_eq!(setup.recorder.drain(MINUTE).await, 0);
    assert_eq!(setup.record().await.unwrap(), Outcome::Accepted);
    assert_eq!(setup.total().await, 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_clicks_and_then_looks_sees_the_click_in_every_durability() {
    for durability in Durability::ALL {
        let setup = setup_with("UTC", durability).await;
        let _running = setup.run().await;
        for clicks in 1..20 {
            setup.record().await.unwrap();
            let complete_until = setup.recorder.settle().await;
            assert_eq!(setup.total().await, clicks, "{durability}");
            assert_eq!(complete_until, setup.rig.clock.now());
            setup.rig.clock.advance(Duration::seconds(1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_looks_while_clicks_wait_is_told_since_when_and_waits_a_second() {
    let mut setup = setup("UTC").await;
    let ingester = setup.rig.ingester().await;
    let clicked_at = setup.rig.clock.now();
    setup.record().await.unwrap();
    setup.rig.clock.advance(Duration::minutes(1));
    setup.record().await.unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(setup.recorder.settle().await, clicked_at);
    assert_eq!(began.elapsed(), std::time::Duration::from_secs(1));
    // The same holds after a restart.
    drop((ingester, setup.recorder));
    setup.rig = setup.rig.restart();
    let _ingester = setup.rig.ingester().await;
    let (recorder, _) = setup.rig.recorder("UTC").await;
    assert_eq!(recorder.settle().await, clicked_at);
}

#[tokio::test(start_paused = true)]
async fn draining_tells_how_many_clicks_are_not_stored() {
    let setup = setup("UTC").await;
    let _running = setup.run().await;
    setup.store.seen().away_after = Some(0);
    for _ in 0..3 {
        setup.record().await.unwrap();
    }
    assert_eq!(setup.recorder.drain(MINUTE).await, 3);
    setup.store.seen().away_after = None;
    assert_eq!(setup.recorder.drain(MINUTE).await, 0);
    assert_eq!(setup.total().await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_click_that_does_not_fit_into_the_journal_is_dropped_with_its_reason() {
    let (store, link) = Witness::with_clicks(0).await;
    let settings = JournalSettings {
        max_bytes: 50,
        ..SETTINGS
    };
    let rig = Rig::with(store, settings);
    let (recorder, _) = rig.recorder("UTC").await;
    let headers = HeaderList::default();
    let outcome = recorder.record(link.id, &headers.visit("192.0.2.1"));
    let dropped = Outcome::Dropped(DropReason::JournalFull);
    assert_eq!(outcome.await.unwrap(), dropped);
}
