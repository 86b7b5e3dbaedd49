//! Load that knows the correct result: clients request links as fast as they can, whatever happens
//! to the server, and record for each request whether it must be counted.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use waypost_test_harness::{ServerProcess, TestDatabase};

use crate::Kept;

/// How long a client waits after a 503, or when a connection fails or is lost.
const PAUSE: Duration = Duration::from_millis(5);

/// Clients that request several links of one server.
pub struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

struct Shared {
    place: Mutex<Place>,
    codes: Vec<String>,
    tallies: Vec<Tally>,
    latencies: Mutex<Vec<Duration>>,
    unavailable: AtomicU64,
    other: AtomicU64,
    lost: AtomicU64,
    refused: AtomicU64,
    stop: AtomicBool,
}

/// The address of the server, and how often it was restarted.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    address: SocketAddr,
    start: u64,
}

/// The requests to one link, as the clients saw them.
#[derive(Default)]
struct Tally {
    /// Complete 302 responses.
    redirected: AtomicU64,
    /// Requests that were sent and whose result is unknown.
    unknown: AtomicU64,
}

/// The number of clicks that one link must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Minimum: requests that were answered with a 302.
    pub least: i64,
    /// Maximum: also requests whose result is unknown, for example because the server was killed.
    pub most: i64,
}

impl Load {
    /// Starts `clients` clients that request `codes` on this server.
    pub fn start(server: &ServerProcess, codes: &[String], clients: usize) -> Self {
        let shared = Arc::new(Shared {
            place: Mutex::new(Place {
                address: address(server),
                start: 0,
            }),
            codes: codes.to_vec(),
            tallies: codes.iter().map(|_| Tally::default()).collect(),
            latencies: Mutex::default(),
            unavailable: AtomicU64::new(0),
            other: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let mut set = JoinSet::new();
        for client in 0..clients {
            set.spawn(follow(Arc::clone(&shared), client));
        }
        Self {
            shared,
            clients: set,
        }
    }

    /// Sends the clients to the new address of a restarted server.
    pub fn go_to(&self, server: &ServerProcess) {
        let mut place = self.shared.place.lock().expect("no client panics");
        place.address = address(server);
        place.start += 1;
    }

    /// Returns the number of 302 responses so far.
    pub fn redirected(&self) -> u64 {
        let tallies = self.shared.tallies.iter();
        tallies
            .map(|tally| tally.redirected.load(Ordering::SeqCst))
            .sum()
    }

    /// Returns the number of 503 responses so far.
    pub fn unavailable(&self) -> u64 {
        self.shared.unavailable.load(Ordering::SeqCst)
    }

    /// Returns the number of responses so far that are neither 302 nor 503.
    pub fn other(&self) -> u64 {
        self.shared.other.load(Ordering::SeqCst)
    }

    /// Returns the latencies of the 302 responses since the previous call.
    pub fn latencies(&self) -> Latencies {
        let mut taken = std::mem::take(&mut *self.shared.latencies.lock().expect("no panic"));
        taken.sort_unstable();
        Latencies(taken)
    }

    /// Returns the clicks that must be counted by now, for each link.
    pub fn expected(&self) -> BTreeMap<String, Expected> {
        let both = self.shared.codes.iter().zip(&self.shared.tallies);
        let number = |counter: &AtomicU64| {
            i64::try_from(counter.load(Ordering::SeqCst)).expect("so many clicks take years")
        };
        both.map(|(code, tally)| {
            let least = number(&tally.redirected);
            let most = least + number(&tally.unknown);
            (code.clone(), Expected { least, most })
        })
        .collect()
    }

    /// Waits for running requests, and returns the clicks that must be counted.
    pub async fn stop(mut self) -> BTreeMap<String, Expected> {
        self.shared.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("no client panics");
        }
        self.expected()
    }
}

/// Tells what the clients have seen so far.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let unknown = self.shared.tallies.iter();
        let unknown: u64 = unknown.map(|tally| seen(&tally.unknown)).sum();
        write!(
            f,
            "{} redirects, {} responses 503, {} others, {unknown} unknown; \
             {} connections lost, {} refused",
            self.redirected(),
            self.unavailable(),
            self.other(),
            seen(&self.shared.lost),
            seen(&self.shared.refused),
        )
    }
}

impl Shared {
    fn place(&self) -> Place {
        *self.place.lock().expect("no client panics")
    }
}

fn address(server: &ServerProcess) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.port()))
}

async fn follow(shared: Arc<Shared>, client: usize) {
    let mut connection = None;
    let mut refused_at = None;
    let mut turn = client.wrapping_mul(7_919);
    while !shared.stop.load(Ordering::SeqCst) {
        if connection.is_none() {
            let place = shared.place();
            // The server of another test may get the same port: do not connect there again.
            if refused_at == Some(place) {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            match TcpStream::connect(place.address).await {
                Ok(stream) => connection = Some((stream, place)),
                Err(_) => {
                    shared.refused.fetch_add(1, Ordering::SeqCst);
                    refused_at = Some(place);
                }
            }
        }
        let Some((stream, place)) = &mut connection else {
            continue;
        };
        turn = turn.wrapping_mul(6_364_136_223).wrapping_add(1_442_695_041);
        let index = (turn >> 16) % shared.codes.len();
        let (code, tally) = (&shared.codes[index], &shared.tallies[index]);
        // From here on, the click may have been accepted.
        tally.unknown.fetch_add(1, Ordering::SeqCst);
        let began = Instant::now();
        match visit(stream, code).await {
            Some(302) => {
                tally.redirected.fetch_add(1, Ordering::SeqCst);
                tally.unknown.fetch_sub(1, Ordering::SeqCst);
                let mut latencies = shared.latencies.lock().expect("no client panics");
                latencies.push(began.elapsed());
            }
            Some(503) => {
                // With durability `commit`, the click may be in the journal: it stays unknown.
                shared.unavailable.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(PAUSE).await;
            }
            Some(_) => {
                tally.unknown.fetch_sub(1, Ordering::SeqCst);
                shared.other.fetch_add(1, Ordering::SeqCst);
            }
            None => {
                shared.lost.fetch_add(1, Ordering::SeqCst);
                connection = None;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        }
        if *place != shared.place() {
            connection = None;
        }
    }
}

/// Requests a link. Returns the status if the response is complete.
async fn visit(stream: &mut TcpStream, code: &str) -> Option<u16> {
    let request = format!(
        "GET /{code} HTTP/1.1\r\nhost: localhost\r\nuser-agent: load/1.0\r\n\
         referer: https://referrer.example/page\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::with_capacity(512);
    loop {
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
        if let Some(status) = whole(&answer) {
            return Some(status);
        }
    }
}

/// Returns the status of a response once it is complete.
fn whole(answer: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    (body.len() >= length.unwrap_or(0)).then(|| head.get(9..12)?.parse().ok())?
}

/// Sorted latencies.
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Returns the latency within which `part` of 1,000 requests were answered.
    pub fn per_mille(&self, part: usize) -> Duration {
        let index = self.0.len() * part / 1_000;
        let last = self.0.len().saturating_sub(1);
        self.0.get(index.min(last)).copied().unwrap_or_default()
    }

    /// Returns the highest latency.
    pub fn longest(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} redirects, p50 {:?}, p99 {:?}, longest {:?}",
            self.0.len(),
            self.per_mille(500),
            self.per_mille(990),
            self.longest()
        )
    }
}

/// Reads the numbers of clicks of all links from the database, by code.
pub async fn kept(database: &TestDatabase) -> BTreeMap<String, Kept> {
    let rows = database
        .rows(
            "select l.code, l.clicks, \
             (select coalesce(sum(d.clicks), 0) from link_days d where d.link_id = l.id), \
             (select count(*) from link_clicks c where c.link_id = l.id) \
             from links l order by l.code",
        )
        .await;
    rows.into_iter()
        .map(|row| {
            let mut columns = row.into_iter().map(Option::unwrap_or_default);
            let code = columns.next().expect("a code");
            let mut number = || columns.next().expect("a number").parse().expect("a number");
            let kept = Kept {
                total: number(),
                rollup: number(),
                rows: number(),
            };
            (code, kept)
        })
        .collect()
}

/// Compares the database with the expected clicks and returns the differences: none if every 302 is
/// counted and nothing is counted twice.
pub async fn differences(
    database: &TestDatabase,
    expected: &BTreeMap<String, Expected>,
) -> Vec<String> {
    let kept = kept(database).await;
    let mut wrong = Vec::new();
    for (code, Expected { least, most }) in expected {
        match kept.get(code) {
            Some(kept) if *kept != Kept::thrice(kept.total) => {
                wrong.push(format!("{code}: {kept:?} disagrees with itself"));
            }
            Some(kept) if !(*least..=*most).contains(&kept.total) => {
                wrong.push(format!("{code}: {} of {least} to {most}", kept.total));
            }
            Some(_) => {}
            None => wrong.push(format!("{code}: not there")),
        }
    }
    wrong
}
