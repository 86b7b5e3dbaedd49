//! What is kept of a visitor, and what is not.

use reqwest::{Client, redirect};
use waypost_e2e::{Visitor, on_each_database};
use waypost_test_harness::{Kind, ServerOptions, ServerProcess, TestDatabase};

on_each_database!(only_a_hash_is_kept_of_an_address);

/// The test comes from 127.0.0.1, which it makes a trusted proxy, and forwards invented visitors.
async fn only_a_hash_is_kept_of_an_address(kind: Kind) {
    let database = TestDatabase::new(kind);
    let options = ServerOptions::new()
        .env("WAYPOST_TRUSTED_PROXIES", "127.0.0.0/8")
        .env("WAYPOST_LOG", "trace");
    let server = ServerProcess::start(&database, options);
    let code = Visitor::of(&server).shorten("https://example.com/").await;
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let visitors = ["203.0.113.7", "203.0.113.7", "203.0.113.8", "2001:db8::7"];
    for address in visitors {
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

    assert_eq!(Visitor::of(&server).clicks(&code).await, 4);
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
    // Today's, and tomorrow's for the moment after midnight.
    assert_eq!(database.number("select count(*) from daily_salts").await, 2);
    for address in visitors
        .into_iter()
        .chain(["198.51.100.66", "token=secret"])
    {
        assert!(
            !server.output().contains(address),
            "{address} is in the log"
        );
        for file in journal(&server) {
            assert!(!contains(&file, address), "{address} is in the journal");
        }
    }
    let kept = journal(&server);
    assert!(kept.iter().any(|file| contains(file, "Example/1.0")));
}

/// The files of the journal.
fn journal(server: &ServerProcess) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(server.data_dir().path().join("journal")).unwrap();
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect()
}

fn contains(file: &[u8], text: &str) -> bool {
    file.windows(text.len())
        .any(|found| found == text.as_bytes())
}
