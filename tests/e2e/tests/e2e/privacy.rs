//! What is stored of a visitor, and what is not.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, redirect};
use sha2::{Digest as _, Sha256};
use time::macros::date;
use waypost_core::{Clock as _, Salt, SystemClock};
use waypost_e2e::{Kept, Visitor, cut_while_cached, on_each_database};
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_test_harness::{
    DatabaseProxy, Kind, ServerOptions, ServerProcess, TestDatabase, wait_until,
};

use crate::traces::{Trace, contains, from_hex, in_database, in_files, octets, spellings, to_hex};

on_each_database!(
    only_a_hash_is_kept_of_an_address,
    no_spelling_of_an_address_is_found_anywhere,
    without_its_salt_no_hash_leads_back_to_an_address,
);

/// Storing the first visit takes the ingester longer than a reader waits.
const STORED_WITHIN: Duration = waypost_test_harness::PATIENCE;

/// The test connects from 127.0.0.1 as a trusted proxy, and forwards invented visitors.
fn options() -> ServerOptions {
    ServerOptions::new()
        .env("WAYPOST_TRUSTED_PROXIES", "127.0.0.0/8")
        .env("WAYPOST_LOG", "trace")
}

async fn visit(server: &ServerProcess, code: &str, address: &str) {
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let response = client
        .get(server.url(&format!("/{code}")))
        .header("x-forwarded-for", format!("198.51.100.66, {address}"))
        .header("user-agent", "Example/1.0 (\u{1F980} \"quoted\")")
        .header("referer", "https://referrer.example/page?token=secret#part")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 302);
}

async fn stored(database: &TestDatabase, code: &str, clicks: i64) {
    wait_until("the clicks are stored", STORED_WITHIN, async || {
        Kept::of(database, code).await == Kept::thrice(clicks)
    })
    .await;
}

async fn only_a_hash_is_kept_of_an_address(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, options());
    let code = Visitor::of(&server).shorten("https://example.com/").await;
    for address in ["203.0.113.7", "203.0.113.7", "203.0.113.8", "2001:db8::7"] {
        visit(&server, &code, address).await;
    }
    stored(&database, &code, 4).await;
    let rows = database
        .rows("select ip_hash, user_agent, referrer, user_id from link_clicks order by clicked_at")
        .await;
    let hashes: Vec<&str> = rows.iter().map(|row| row[0].as_deref().unwrap()).collect();
    assert!(hashes.iter().all(|hash| hash.len() == 64), "{hashes:?}");
    assert_eq!(hashes[0], hashes[1], "the same visitor on the same day");
    assert_ne!(hashes[0], hashes[2]);
    assert_ne!(hashes[0], hashes[3]);
    for row in &rows {
        assert_eq!(
            row[1].as_deref(),
            Some("Example/1.0 (\u{1F980} \"quoted\")")
        );
        assert_eq!(row[2].as_deref(), Some("https://referrer.example/page"));
        assert_eq!(row[3], None);
    }
    // The salt of today, and that of tomorrow for the time right after midnight.
    assert_eq!(database.number("select count(*) from daily_salts").await, 2);
    assert!(!server.output().contains("token=secret"));
}

/// The IP addresses of the visitors and of a trusted proxy.
const ADDRESSES: [&str; 5] = [
    "203.0.113.7",
    "198.51.100.66",
    "192.0.2.254",
    "2001:db8::7",
    "2001:db8:85a3:8d3:1319:8a2e:370:7348",
];

/// Returns every place that contains an IP address in any spelling, or the content of a query.
async fn found(server: &ServerProcess, database: &TestDatabase) -> Vec<String> {
    let mut traces = in_database(database).await;
    assert!(traces.iter().any(|it| it.place == "link_days"));
    traces.extend(in_files(server, database));
    assert!(traces.iter().any(|it| it.place.contains("/journal/")));
    let kept = b"Example/1.0".as_slice();
    assert!(traces.iter().any(|it| contains(&it.bytes, kept)));
    traces.push(Trace {
        place: "the log".to_owned(),
        bytes: server.output().into_bytes(),
    });
    let today = SystemClock.now().date().to_string();
    let mut parts = vec![("query".to_owned(), b"token=secret".to_vec())];
    for address in ADDRESSES {
        let parsed: IpAddr = address.parse().unwrap();
        let spellings = spellings(parsed, &today).into_iter();
        parts.extend(spellings.map(|(name, bytes)| (format!("{name} of {address}"), bytes)));
    }
    let mut found = Vec::new();
    for trace in &traces {
        let here = parts
            .iter()
            .filter(|(_, part)| contains(&trace.bytes, part));
        found.extend(here.map(|(name, _)| format!("{name} in {}", trace.place)));
    }
    found
}

async fn assert_no_trace(server: &ServerProcess, database: &TestDatabase) {
    let found = found(server, database).await;
    assert!(found.is_empty(), "{found:#?}");
}

/// No traces in the database or the journal, neither while clicks are pending nor afterwards.
async fn no_spelling_of_an_address_is_found_anywhere(kind: Kind) {
    let database = TestDatabase::new(kind);
    let is_file = kind == Kind::Sqlite;
    let proxy = match is_file {
        true => None,
        false => Some(DatabaseProxy::before(&database).await),
    };
    let options = match &proxy {
        Some(proxy) => options().env("WAYPOST_DATABASE_URL", proxy.url()),
        None => options(),
    };
    let mut server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let visitor = Visitor::of(&server);
    let code = visitor.shorten("https://example.com/").await;
    let visitors = [ADDRESSES[0], ADDRESSES[2], ADDRESSES[3], ADDRESSES[4]];
    for address in visitors {
        visit(&server, &code, address).await;
    }
    stored(&database, &code, 4).await;
    assert_no_trace(&server, &database).await;

    let lock = match &proxy {
        Some(proxy) => {
            cut_while_cached(proxy, &visitor, &[&code]).await;
            None
        }
        None => Some(database.lock().await),
    };
    for address in visitors {
        visit(&server, &code, address).await;
    }
    let metrics = visitor.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("waypost_clicks_pending 4"), "{metrics}");
    assert_no_trace(&server, &database).await;
    drop(lock);
    if let Some(proxy) = &proxy {
        proxy.restore();
    }
    stored(&database, &code, 8).await;
    assert!(server.terminate().success());
    assert_no_trace(&server, &database).await;

    // The search finds traces in a table, as bytes in a table, and in a file.
    let planted = server.data_dir().path().join("journal").join("planted");
    std::fs::write(planted, b"MjAzLjAuMTEzLjc=").unwrap();
    database
        .execute("update links set title = 'from 2001:db8::7'; delete from daily_salts")
        .await;
    let settings = DatabaseSettings::for_url(database.url()).unwrap();
    let opened = Database::connect(&settings).await.unwrap();
    let mut salt = [0xee; 32];
    salt[9..13].copy_from_slice(&[192, 0, 2, 254]);
    let salt = Salt::from_bytes(salt);
    let day = date!(2026 - 03 - 01);
    opened.store().salt(day, &salt).await.unwrap();
    opened.close();
    let found = found(&server, &database).await;
    for there in [
        "base64 of 203.0.113.7 in ",
        "text of 2001:db8::7 in links",
        "octets of 192.0.2.254 in daily_salts",
    ] {
        let is_found = found.iter().any(|found| found.contains(there));
        assert!(is_found, "{there}: {found:#?}");
    }
}

/// Returns the number of stored visitor hashes that result from hashing the IP addresses of a
/// network with each of these values, in any order.
fn led_back(kept: &BTreeSet<Vec<u8>>, salts: &BTreeSet<Vec<u8>>) -> usize {
    let mut found: BTreeSet<&Vec<u8>> = BTreeSet::new();
    for salt in salts {
        for last in 0..=u8::MAX {
            let address = IpAddr::from([198, 51, 100, last]);
            for input in [octets(address), address.to_string().into_bytes()] {
                for (one, other) in [(&input, salt), (salt, &input)] {
                    let digest = Sha256::new_with_prefix(one).chain_update(other);
                    let digest = digest.finalize();
                    // Visitor hashes are cut to half.
                    found.extend(kept.get(digest.as_slice()));
                    found.extend(kept.get(&digest[..16]));
                }
            }
        }
    }
    found.len()
}

/// Returns every value of 32 bytes in the database, any of which could be a salt.
async fn possible_salts(database: &TestDatabase) -> BTreeSet<Vec<u8>> {
    let traces = in_database(database).await.into_iter();
    let bytes = traces.map(|trace| trace.bytes);
    bytes.filter(|bytes| bytes.len() == 32).collect()
}

/// An attacker with the database and all files who knows the small network of the visitors cannot
/// tell which IP addresses they had. With the salt they could.
async fn without_its_salt_no_hash_leads_back_to_an_address(kind: Kind) {
    let database = TestDatabase::new(kind);
    let mut server = ServerProcess::start(&database, options());
    let code = Visitor::of(&server).shorten("https://example.com/").await;
    for last in [1, 66, 200] {
        visit(&server, &code, &format!("198.51.100.{last}")).await;
    }
    stored(&database, &code, 3).await;
    assert!(server.terminate().success());
    let values = async |sql: &str| -> BTreeSet<Vec<u8>> {
        let rows = database.rows(sql).await.into_iter().flatten().flatten();
        rows.map(|value| from_hex(&value).unwrap()).collect()
    };
    let mut kept = values("select ip_hash from link_clicks").await;
    kept.extend(values("select visitor from link_visitors").await);
    assert_eq!(kept.len(), 6);
    let salts = values("select salt from daily_salts").await;
    assert_eq!(salts.len(), 2);
    assert_eq!(led_back(&kept, &salts), 6, "with the salt it works");
    assert_eq!(led_back(&kept, &possible_salts(&database).await), 6);

    let settings = DatabaseSettings::for_url(database.url()).unwrap();
    let opened = Database::connect(&settings).await.unwrap();
    let store = opened.store();
    let destroyed = store.destroy_salts_before(date!(9999 - 12 - 31)).await;
    assert_eq!(destroyed.unwrap(), 2);
    opened.close();

    let left = possible_salts(&database).await;
    assert!(!left.is_empty(), "the hashes themselves are there");
    assert_eq!(led_back(&kept, &left), 0);
    let mut traces = in_files(&server, &database);
    traces.extend(in_database(&database).await);
    for salt in &salts {
        for bytes in [salt.clone(), to_hex(salt).into_bytes()] {
            for trace in &traces {
                let is_there = contains(&trace.bytes, &bytes);
                assert!(!is_there, "a salt is in {}", trace.place);
            }
        }
    }
}
