//! The places of live streams: a maximum for the server, for each user and for each link.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use waypost_core::settings::{Invalid, Setting, SettingsReader};
use waypost_core::{LinkId, UserId};

use crate::errors::ApiError;
use crate::metrics::{Metrics, StreamLimit};

const PER_USER: Setting = Setting::new(
    "live_streams_per_user",
    "10",
    "Live streams of a user at a time on this server (1 to 500)",
);
const PER_LINK: Setting = Setting::new(
    "live_streams_per_link",
    "50",
    "Live streams of a link at a time on this server (1 to 500)",
);

/// Maximum number of live streams of this server.
pub(crate) const STREAMS: usize = 500;

/// The limits on live streams. Each server counts for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveSettings {
    /// Maximum number of streams of a user; the operator is not a user.
    pub per_user: usize,
    /// Maximum number of streams of a link.
    pub per_link: usize,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            per_user: 10,
            per_link: 50,
        }
    }
}

impl LiveSettings {
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[PER_USER, PER_LINK];

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] if one of its settings has a problem; the reader has recorded all of them.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let per_user = reader.number(&PER_USER, 10, 1..=500);
        let per_link = reader.number(&PER_LINK, 50, 1..=500);
        let number = |number: u64| usize::try_from(number).unwrap_or(STREAMS);
        Ok(Self {
            per_user: number(per_user?),
            per_link: number(per_link?),
        })
    }
}

/// The places of this server. Clones are cheap.
#[derive(Clone)]
pub(crate) struct Streams {
    limits: LiveSettings,
    metrics: Metrics,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    users: HashMap<UserId, usize>,
    links: HashMap<LinkId, usize>,
}

/// The place of a stream, which is free again when this is dropped.
pub(crate) struct Place {
    streams: Streams,
    user: Option<UserId>,
    link: LinkId,
}

impl Streams {
    pub(crate) fn new(limits: LiveSettings, metrics: Metrics) -> Self {
        Self {
            limits,
            metrics,
            taken: Arc::default(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place. `user` is `None` for the operator.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS` if the server, the user or the link has no place left.
    pub(crate) fn take(&self, user: Option<UserId>, link: LinkId) -> Result<Place, ApiError> {
        let mut taken = self.taken();
        let of_user = user.and_then(|user| taken.users.get(&user));
        let limit = if taken.all >= STREAMS {
            Some(StreamLimit::Server)
        } else if of_user.is_some_and(|number| *number >= self.limits.per_user) {
            Some(StreamLimit::User)
        } else if taken.links.get(&link) >= Some(&self.limits.per_link) {
            Some(StreamLimit::Link)
        } else {
            None
        };
        if let Some(limit) = limit {
            self.metrics.stream_refused(limit);
            return Err(ApiError::too_many_streams(limit.message()));
        }
        taken.all += 1;
        *taken.links.entry(link).or_default() += 1;
        if let Some(user) = user {
            *taken.users.entry(user).or_default() += 1;
        }
        self.metrics.streams(taken.all);
        let streams = self.clone();
        Ok(Place {
            streams,
            user,
            link,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.streams.taken();
        taken.all = taken.all.saturating_sub(1);
        leave(&mut taken.links, &self.link);
        if let Some(user) = self.user {
            leave(&mut taken.users, &user);
        }
        self.streams.metrics.streams(taken.all);
    }
}

/// Removes one from a number, and the number when nothing is left.
fn leave<K: Eq + Hash>(numbers: &mut HashMap<K, usize>, key: &K) {
    if let Some(number) = numbers.get_mut(key) {
        *number = number.saturating_sub(1);
        if *number == 0 {
            numbers.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_core::SeededRandom;

    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_stream_ends() {
        let limits = LiveSettings {
            per_user: 2,
            per_link: 3,
        };
        let streams = Streams::new(limits, Metrics::detached().unwrap());
        let random = SeededRandom::new(1);
        let now = datetime!(2026-03-01 12:00 UTC);
        let [ada, bob] = [UserId::new(now, &random), UserId::new(now, &random)];
        let [wiki, docs] = [LinkId::new(now, &random), LinkId::new(now, &random)];
        let take = |user, link| streams.take(user, link);
        let first = take(Some(ada), wiki).unwrap();
        let _second = take(Some(ada), docs).unwrap();
        let refused = take(Some(ada), docs).err().unwrap().to_string();
        assert!(refused.contains("your"), "{refused}");
        let _of_bob = take(Some(bob), wiki).unwrap();
        let _of_operator = take(None, wiki).unwrap();
        let refused = take(Some(bob), wiki).err().unwrap().to_string();
        assert!(refused.contains("of this link"), "{refused}");
        drop(first);
        assert!(take(Some(ada), wiki).is_ok());
        let mut all = Vec::new();
        while let Ok(place) = take(None, LinkId::new(now, &random)) {
            all.push(place);
        }
        assert_eq!(streams.taken().all, STREAMS);
        let refused = take(Some(bob), docs).err().unwrap().to_string();
        assert!(refused.contains("on this server"), "{refused}");
    }

    #[test]
    fn the_settings_are_read() {
        let read = |variables: &[(&str, &str)]| {
            let mut reader = SettingsReader::of_variables(variables);
            let read = LiveSettings::read(&mut reader);
            reader.finish(read)
        };
        assert_eq!(read(&[]), Ok(LiveSettings::default()));
        let given = read(&[("WAYPOST_LIVE_STREAMS_PER_LINK", "500")]).unwrap();
        assert_eq!((given.per_user, given.per_link), (10, 500));
        assert!(read(&[("WAYPOST_LIVE_STREAMS_PER_USER", "0")]).is_err());
    }
}
