//! The places of live streams: a maximum for the server, for each user and for each link. A user's
//! newest stream takes the place of their oldest one, so that nobody has to find the page that they
//! left open.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
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
    /// Maximum number of streams of the server.
    pub all: usize,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            per_user: 10,
            per_link: 50,
            all: STREAMS,
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
            all: STREAMS,
        })
    }

    /// Leaves half of the connections of a server to others: a stream is never idle.
    #[must_use]
    pub const fn within(self, connections: usize) -> Self {
        let half = connections.div_ceil(2);
        let all = if half < STREAMS { half } else { STREAMS };
        Self { all, ..self }
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
    /// The streams of each user, oldest first, with their links.
    users: HashMap<UserId, VecDeque<(CancellationToken, LinkId)>>,
    links: HashMap<LinkId, usize>,
}

/// The place of a stream, which is free again when this is dropped.
pub(crate) struct Place {
    streams: Streams,
    user: Option<UserId>,
    link: LinkId,
    /// Cancelled when another stream takes the place.
    taken: CancellationToken,
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

    /// Takes a place, that of the oldest stream of a user who has no place left. `user` is `None`
    /// for the operator.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS` if the server or the link has no place left.
    pub(crate) fn take(&self, user: Option<UserId>, link: LinkId) -> Result<Place, ApiError> {
        let mut taken = self.taken();
        if let Some(user) = user
            && let Some(of_user) = taken.users.get_mut(&user)
            && of_user.len() >= self.limits.per_user
            && let Some((oldest, of_link)) = of_user.pop_front()
        {
            oldest.cancel();
            taken.leave(of_link);
            self.metrics.stream_refused(StreamLimit::User);
        }
        let limit = if taken.all >= self.limits.all {
            Some(StreamLimit::Server)
        } else if taken.links.get(&link) >= Some(&self.limits.per_link) {
            Some(StreamLimit::Link)
        } else {
            None
        };
        if let Some(limit) = limit {
            self.metrics.stream_refused(limit);
            return Err(limit.error());
        }
        taken.all += 1;
        *taken.links.entry(link).or_default() += 1;
        let own = CancellationToken::new();
        if let Some(user) = user {
            let of_user = taken.users.entry(user).or_default();
            of_user.push_back((own.clone(), link));
        }
        self.metrics.streams(taken.all);
        let streams = self.clone();
        Ok(Place {
            streams,
            user,
            link,
            taken: own,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.streams.taken();
        // Another stream took the place, which was free again then.
        if self.taken.is_cancelled() {
            return;
        }
        // The token marks the place in the list.
        self.taken.cancel();
        taken.leave(self.link);
        if let Some(user) = self.user
            && let Some(of_user) = taken.users.get_mut(&user)
        {
            of_user.retain(|(place, _)| !place.is_cancelled());
            if of_user.is_empty() {
                taken.users.remove(&user);
            }
        }
        self.streams.metrics.streams(taken.all);
    }
}

impl Taken {
    /// Frees the place of a stream of a link.
    fn leave(&mut self, link: LinkId) {
        self.all = self.all.saturating_sub(1);
        if let Some(number) = self.links.get_mut(&link) {
            *number = number.saturating_sub(1);
            if *number == 0 {
                self.links.remove(&link);
            }
        }
    }
}

impl Place {
    /// Waits until another stream of the user takes the place. Returns the error that says so.
    pub(crate) async fn lost(&self) -> ApiError {
        self.taken.cancelled().await;
        StreamLimit::User.error()
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
            all: STREAMS,
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
        let second = take(Some(ada), docs).unwrap();
        let third = take(Some(ada), docs).unwrap();
        let lost = |place: &Place| place.taken.is_cancelled();
        assert_eq!([&first, &second, &third].map(lost), [true, false, false]);
        assert_eq!(streams.taken().users[&ada].len(), 2);
        let _of_bob = take(Some(bob), wiki).unwrap();
        let _of_operator = take(None, wiki).unwrap();
        let of_bob = take(Some(bob), wiki).unwrap();
        let eve = UserId::new(now, &random);
        let refused = take(Some(eve), wiki).err().unwrap().to_string();
        assert!(refused.contains("of this link"), "{refused}");
        drop(of_bob);
        assert!(take(Some(eve), wiki).is_ok());
        drop(first);
        drop(second);
        assert_eq!(streams.taken().users[&ada].len(), 1);
        drop(third);
        assert!(!streams.taken().users.contains_key(&ada));
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
