//! `GET /admin/system`: the configuration and state of this server. Nothing in it is secret.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use waypost_analytics::Waiting;
use waypost_store::Counts;

use super::SYSTEM;
use crate::installation::Installation;
use crate::oidc::Oidc;
use crate::pages::problem::sentence;
use crate::pages::text::{grouped, many};
use crate::pages::{Frame, Moment, PageResult, VERSION};
use crate::state::State;

const KIB: u64 = 1_024;

/// The page.
#[derive(Template)]
#[template(path = "admin/system.html")]
struct SystemPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    version: &'static str,
    base_url: &'a str,
    provider: Option<&'a str>,
    /// What is wrong with the provider.
    notices: Vec<ProviderNotice>,
    installation: &'a Installation,
    /// `None` while the database is unavailable.
    counts: Option<Counts>,
    waiting: Waiting,
    /// Present size of the journal; `max_size` is the maximum.
    size: String,
    max_size: String,
    durability: &'static str,
    zone: &'a str,
    knows_countries: bool,
    cached_links: usize,
    cached_unknown: usize,
    is_following: bool,
    salts: Option<Salts>,
}

/// Something that is wrong with the OpenID provider or its settings.
struct ProviderNotice {
    text: String,
    last_at: Moment,
    times: u64,
}

/// What is known about the traces of destroyed salts.
struct Salts {
    destroyed_at: Moment,
    erased_at: Option<Moment>,
}

/// Shows the page.
pub(crate) async fn show(state: web::Data<State>, frame: Frame) -> PageResult {
    let counts = state.counts().await;
    let salts = match &counts {
        Ok(_) => state.salt_traces().await.unwrap_or_default(),
        Err(_) => None,
    };
    let (recorder, resolver) = (state.recorder(), state.resolver());
    let (cached_links, cached_unknown) = resolver.entries();
    let waiting = recorder.waiting();
    let page = SystemPage {
        frame: &frame,
        tab: SYSTEM,
        is_tab: true,
        version: VERSION,
        base_url: state.base_url().as_str(),
        provider: state.oidc().map(Oidc::host),
        notices: notices(&state),
        installation: state.installation(),
        counts: counts.ok(),
        waiting,
        size: size(waiting.bytes),
        max_size: size(waiting.max_bytes),
        durability: recorder.durability().as_str(),
        zone: recorder.zone().name(),
        knows_countries: recorder.knows_countries(),
        cached_links,
        cached_unknown,
        is_following: resolver.is_following(),
        salts: salts.map(|traces| Salts {
            destroyed_at: traces.destroyed_at.into(),
            erased_at: traces.erased_at.map(Moment::from),
        }),
    };
    frame.page(StatusCode::OK, &page)
}

/// Returns what is wrong with the OpenID provider, as sentences.
fn notices(state: &State) -> Vec<ProviderNotice> {
    let all = state.oidc().map(Oidc::notices).unwrap_or_default();
    let all = all.into_iter().map(|notice| ProviderNotice {
        text: sentence(&notice.text),
        last_at: notice.last_at.into(),
        times: notice.times,
    });
    all.collect()
}

/// Formats a size.
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..KIB => return many(bytes, "byte"),
        bytes if bytes < KIB * KIB => (KIB, "KiB"),
        _ => (KIB * KIB, "MiB"),
    };
    // Rounded up, to show no size above zero as zero.
    format!("{} {name}", grouped(bytes.div_ceil(unit)))
}

#[cfg(test)]
mod tests {
    use waypost_analytics::Durability;

    use super::*;
    use crate::site::Site;

    #[test]
    fn sizes_are_readable() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1_023, "1,023 bytes"),
            (1_024, "1 KiB"),
            (1_025, "2 KiB"),
            (1_073_741_824, "1,024 MiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn the_page_says_what_each_durability_does_without_a_database() {
        let site = Site::of(&"http://localhost".parse().unwrap());
        let page = |durability: Durability| {
            let page = SystemPage {
                frame: &Frame::bare(&site),
                tab: SYSTEM,
                is_tab: true,
                version: VERSION,
                base_url: "http://localhost",
                provider: None,
                installation: &Installation::default(),
                counts: None,
                waiting: Waiting {
                    clicks: 0,
                    lag: time::Duration::ZERO,
                    bytes: 0,
                    max_bytes: KIB,
                },
                size: size(0),
                max_size: size(KIB),
                durability: durability.as_str(),
                zone: "UTC",
                knows_countries: false,
                cached_links: 0,
                cached_unknown: 0,
                is_following: true,
                salts: None,
                notices: Vec::new(),
            };
            page.render().unwrap()
        };
        let refused = "Redirects are answered with 503 until it is back.";
        let kept = "their clicks stay in the journal until it is back.";
        let page_of_commit = page(Durability::Commit);
        assert!(page_of_commit.contains(refused) && !page_of_commit.contains(kept));
        let page_of_journal = page(Durability::Journal);
        assert!(page_of_journal.contains(kept) && !page_of_journal.contains(refused));
        let page_of_memory = page(Durability::Memory);
        assert!(!page_of_memory.contains(kept) && !page_of_memory.contains(refused));
    }
}
