//! Embeds the shortener without HTTP: a database, a link, a redirect that counts.
//!
//! ```sh
//! cargo run -p waypost-store-diesel --example embed -- sqlite:///tmp/embed.db
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::sync::Arc;

use waypost_core::{Click, ClickId, Clock, Random, ReservedWords, SystemClock, SystemRandom, Zone};
use waypost_service::{Shortener, ShortenerParts};
use waypost_store_diesel::{Database, DatabaseSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "sqlite://embed.db".to_owned());
    let database = Database::connect(&DatabaseSettings::for_url(&url)?).await?;
    database.prepare_schema(true).await?;

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let shortener = Shortener::new(ShortenerParts {
        store: database.store(),
        clock: Arc::clone(&clock),
        random: Arc::clone(&random),
        reserved: ["admin"].into_iter().collect::<ReservedWords>(),
        base_url: "https://go.example".parse()?,
        resolver: None,
    });

    let link = shortener
        .shorten("https://example.com/a/long/path", None)
        .await?;
    println!("{} leads to {}", shortener.short_url(&link), link.target);

    let found = shortener
        .find(link.code.as_str())
        .await?
        .ok_or("it was just made")?;
    let now = clock.now();
    let click = Click {
        id: ClickId::new(now, &*random),
        link_id: found.id,
        user_id: None,
        ip_hash: None,
        user_agent: None,
        referrer: None,
        clicked_at: now,
        day: Zone::utc().day_of(now),
        facts: waypost_core::ClickFacts::default(),
    };
    database.store().record_clicks(&[click]).await?;

    let seen = shortener
        .find(link.code.as_str())
        .await?
        .ok_or("it was just made")?;
    println!("{} click(s)", seen.clicks);
    database.close();
    Ok(())
}
