//! Generated clicks, as realistic as those of the load.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use waypost_core::{
    Click, ClickFacts, ClickId, DeviceClass, Family, IpHash, LinkId, Referrer, UserAgent,
    VisitClass,
};

use crate::links;

/// The time of the first click.
pub(crate) const BEGIN: OffsetDateTime = datetime!(2025-01-02 00:00 UTC);
const BEGIN_MS: u128 = 1_735_776_000_000;
/// 100,000 clicks per second.
const APART: Duration = Duration::microseconds(10);
const PER_MS: u32 = 100;
const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36";
const REFERRER: &str = "https://news.example/item/4711";

/// Generates clicks on links drawn at random from those with these numbers, in the order of time.
pub(crate) fn make(count: u32, links: &[u32]) -> Vec<Click> {
    let mut random = StdRng::seed_from_u64(0);
    (0..count)
        .map(|index| {
            let link = links[random.next_u32() as usize % links.len()];
            let mut hash = [0; 32];
            random.fill_bytes(&mut hash);
            Click {
                id: ClickId::from_uuid(id(index, random.next_u64())),
                link_id: LinkId::from_uuid(links::id(link)),
                user_id: None,
                ip_hash: Some(IpHash::from_bytes(hash)),
                user_agent: Some(UserAgent::from_stored(USER_AGENT.to_owned())),
                referrer: Referrer::from_header(REFERRER.as_bytes()),
                clicked_at: BEGIN + APART * index,
                day: BEGIN.date(),
                facts: facts(),
            }
        })
        .collect()
}

/// Returns the facts of the user agent above.
fn facts() -> ClickFacts {
    ClickFacts {
        class: Some(VisitClass::Human),
        browser: Family::of("Chrome"),
        os: Family::of("Windows"),
        device: Some(DeviceClass::Desktop),
        country: None,
    }
}

/// Returns a UUIDv7 at the time of the click.
fn id(index: u32, random: u64) -> Uuid {
    let ms = BEGIN_MS + u128::from(index / PER_MS);
    let rest = u128::from(random >> 2);
    Uuid::from_u128(ms << 80 | 0x7 << 76 | 0x2 << 62 | rest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{BEGIN, BEGIN_MS, make};

    #[test]
    fn clicks_are_all_different_and_have_everything() {
        assert_eq!(BEGIN.unix_timestamp() as u128 * 1_000, BEGIN_MS);
        let clicks = make(1_000, &[1, 2, 3]);
        let ids: BTreeSet<_> = clicks.iter().map(|click| click.id).collect();
        let links: BTreeSet<_> = clicks.iter().map(|click| click.link_id).collect();
        assert_eq!((ids.len(), links.len()), (1_000, 3));
        for click in clicks {
            let user_agent = click.user_agent.expect("is there");
            let referrer = click.referrer.expect("is there");
            assert!((105..115).contains(&user_agent.as_str().len()));
            assert_eq!(referrer.as_str().len(), 30);
        }
    }
}
