//! Leftovers in a database that was restored or repaired by hand do not prevent clicks from being
//! stored.

use time::macros::date;
use waypost_core::Click;
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_store_testkit::samples::Samples;
use waypost_test_harness::{Kind, TestDatabase};

async fn visitors_of_a_day_that_is_not_there(kind: Kind) {
    let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind))
        .await
        .unwrap();
    let settings = DatabaseSettings::for_url(database.url()).unwrap();
    let opened = Database::connect(&settings).await.unwrap();
    opened.prepare_schema(true).await.unwrap();
    let store = opened.store();
    let samples = Samples::new(1);
    let (wiki, docs) = (samples.link("wiki"), samples.link("docs"));
    for link in [&wiki, &docs] {
        store.insert_link(link, None).await.unwrap();
    }
    let on = |link, day| Click {
        day,
        ..samples.click(link)
    };
    let (first, second) = (date!(2026 - 03 - 01), date!(2026 - 03 - 02));
    let before = [on(&wiki, first), on(&wiki, first), on(&docs, first)];
    store.record_clicks(&before).await.unwrap();
    database.execute("delete from link_days").await;

    // The same visitors come again, one of them on a day without visitors.
    let mut again: Vec<Click> = before
        .iter()
        .map(|click| Click {
            ip_hash: click.ip_hash,
            day: click.day,
            ..samples.click(if click.link_id == wiki.id {
                &wiki
            } else {
                &docs
            })
        })
        .collect();
    again.push(on(&wiki, first));
    again.push(on(&docs, second));
    store.record_clicks(&again).await.unwrap();
    let numbers = async |link| {
        let days = store.link_days(link, first, second).await.unwrap();
        let numbers = days
            .iter()
            .map(|day| (day.day, day.counted.clicks, day.visitors));
        numbers.collect::<Vec<_>>()
    };
    let of_wiki = numbers(wiki.id).await;
    assert!(
        matches!(*of_wiki, [(day, 3, _)] if day == first),
        "{of_wiki:?}"
    );
    let of_docs = numbers(docs.id).await;
    assert!(
        matches!(*of_docs, [(_, 1, _), (day, 1, 1)] if day == second),
        "{of_docs:?}"
    );
    for (link, total) in [(&wiki, 5), (&docs, 3)] {
        let kept = store.link(link.id).await.unwrap().unwrap();
        assert_eq!(kept.clicks, total);
    }
    opened.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_of_a_day_that_is_not_there_sqlite() {
    visitors_of_a_day_that_is_not_there(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_of_a_day_that_is_not_there_postgres() {
    visitors_of_a_day_that_is_not_there(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_of_a_day_that_is_not_there_mariadb() {
    visitors_of_a_day_that_is_not_there(Kind::MariaDb).await;
}
