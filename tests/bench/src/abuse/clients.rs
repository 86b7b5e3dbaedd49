//! The disturbing clients: a task for each of their connections, which is opened again when the
//! server closes it.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Barrier, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::disturber::{Disturb, Disturbance, Done};
use crate::Result;

/// Maximum time until all connections are open.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a rejected client waits before it comes back.
const PAUSE: Duration = Duration::from_millis(10);
/// Interval between the bytes of a slow request.
const BYTE_EVERY: Duration = Duration::from_secs(1);
/// The beginning of a slow request; its last header continues forever.
const SLOW_HEAD: &[u8] = b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ";
/// The request for the largest file.
pub(super) const LARGE: &str =
    "GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
/// How many of them are sent at once.
const LARGE_REQUESTS: usize = 8;
/// More headers than the head of a response has.
const MAX_HEADERS: usize = 32;

/// Disturbs until it is told to end.
///
/// # Errors
/// When the server does not accept the connections, or the result cannot be written.
pub(super) async fn run(
    job: Disturb,
    started: impl FnOnce() -> io::Result<()>,
    ended: oneshot::Receiver<()>,
) -> Result<Done> {
    let connections = job.disturbance.connections();
    let all_there = Arc::new(Barrier::new(connections + 1));
    let done = Arc::new(Mutex::new(Done::default()));
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let client = Client {
            job,
            number,
            done: done.clone(),
            all_there: all_there.clone(),
            is_there: false,
        };
        tasks.spawn(client.disturb());
    }
    if timeout(PATIENCE, all_there.wait()).await.is_err() {
        return Err("the server does not take all connections".into());
    }
    // The start does not count.
    *lock(&done) = Done::default();
    let began = Instant::now();
    started()?;
    // A closed channel means the end, too.
    let _ = ended.await;
    tasks.abort_all();
    let mut done = lock(&done).clone();
    done.elapsed_s = began.elapsed().as_secs_f64();
    Ok(done)
}

/// One connection.
struct Client {
    job: Disturb,
    number: usize,
    done: Arc<Mutex<Done>>,
    all_there: Arc<Barrier>,
    is_there: bool,
}

impl Client {
    async fn disturb(mut self) {
        let mut random = StdRng::seed_from_u64(self.number as u64);
        loop {
            if let Ok(mut stream) = self.connect().await {
                // Ends when the server closes the connection.
                let _: io::Result<()> = match self.job.disturbance {
                    Disturbance::Idle => self.idle(&mut stream).await,
                    Disturbance::Slow => self.slowly(&mut stream).await,
                    Disturbance::SignIns | Disturbance::SpreadSignIns | Disturbance::Tokens => {
                        self.flood(&mut stream, &mut random).await
                    }
                    Disturbance::Silent => self.hold("", &mut stream).await,
                    Disturbance::Unread => {
                        let requests = LARGE.repeat(LARGE_REQUESTS);
                        self.hold(&requests, &mut stream).await
                    }
                };
                self.note(|done| done.cut += 1);
            }
            sleep(PAUSE).await;
        }
    }

    /// Connects; those that hold their connections have as little room for answers as possible.
    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if self.job.disturbance.holds() {
            socket.set_recv_buffer_size(1)?;
        }
        let server = (Ipv4Addr::LOCALHOST, self.job.port).into();
        socket.connect(server).await
    }

    /// Sends requests, and then does nothing, not even when the server ends the connection.
    async fn hold(&mut self, requests: &str, stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(requests.as_bytes()).await?;
        self.arrive().await;
        std::future::pending().await
    }

    /// Waits for the others, the first time.
    async fn arrive(&mut self) {
        if !std::mem::replace(&mut self.is_there, true) {
            self.all_there.wait().await;
        }
    }

    fn note(&self, note: impl FnOnce(&mut Done)) {
        note(&mut lock(&self.done));
    }

    /// Sends one request, and then nothing.
    async fn idle(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            .await?;
        self.answer(stream).await?;
        self.arrive().await;
        let mut nothing = [0; 1];
        stream.read(&mut nothing).await.map(|_| ())
    }

    async fn slowly(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        self.arrive().await;
        // Not all of them at the same moment.
        let share = self.number as f64 / self.job.disturbance.connections() as f64;
        sleep(BYTE_EVERY.mul_f64(share)).await;
        let (mut reader, mut writer) = stream.split();
        let mut answer = [0; 1_024];
        for byte in SLOW_HEAD.iter().chain(std::iter::repeat(&b'x')) {
            writer.write_all(&[*byte]).await?;
            tokio::select! {
                () = sleep(BYTE_EVERY) => {}
                // The server does not wait for the rest.
                ended = reader.read(&mut answer) => return ended.map(|_| ()),
            }
        }
        Ok(())
    }

    async fn flood(&mut self, stream: &mut TcpStream, random: &mut StdRng) -> io::Result<()> {
        self.arrive().await;
        stream.set_nodelay(true)?;
        loop {
            let request = request(self.job.disturbance, random.next_u64());
            stream.write_all(request.as_bytes()).await?;
            self.answer(stream).await?;
        }
    }

    /// Reads a response completely, and counts it.
    async fn answer(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut received = Vec::with_capacity(2_048);
        loop {
            if stream.read_buf(&mut received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some((status, length)) = parse(&received)? else {
                continue;
            };
            while received.len() < length {
                if stream.read_buf(&mut received).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            self.note(|done| *done.answers.entry(status).or_default() += 1);
            return Ok(());
        }
    }
}

fn lock(done: &Mutex<Done>) -> MutexGuard<'_, Done> {
    done.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the status of a response, and its length with its body; `None` while the head is
/// incomplete.
fn parse(received: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let parsed = answer.parse(received).map_err(io::Error::other)?;
    let httparse::Status::Complete(head) = parsed else {
        return Ok(None);
    };
    let mut headers = answer.headers.iter();
    let length = headers.find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = length
        .and_then(|length| std::str::from_utf8(length.value).ok()?.trim().parse().ok())
        .unwrap_or(0);
    Ok(Some((answer.code.unwrap_or(0), head + body)))
}

/// Returns a request of a flood; `drawn` makes it differ from the one before.
fn request(disturbance: Disturbance, drawn: u64) -> String {
    let [a, b, c, ..] = drawn.to_le_bytes();
    let (path, headers, body) = match disturbance {
        Disturbance::Tokens => (
            "/api/v1/links",
            format!("Authorization: Bearer {drawn:064x}\r\nContent-Type: application/json\r\n"),
            r#"{"url":"https://example.com/"}"#.to_owned(),
        ),
        _ => {
            let mut headers = "Cookie: waypost_csrf=bench\r\n\
                               Content-Type: application/x-www-form-urlencoded\r\n"
                .to_owned();
            if disturbance == Disturbance::SpreadSignIns {
                headers += &format!("X-Forwarded-For: 10.{a}.{b}.{c}\r\n");
            }
            let body =
                format!("csrf=bench&email={drawn:x}%40example.com&password=not-the-password");
            ("/auth/login", headers, body)
        }
    };
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_answer_is_known_by_its_head() {
        let answer = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 5\r\n\r\nlater";
        let parsed = parse(answer).expect("is HTTP");
        assert_eq!(parsed, Some((429, answer.len())));
        assert_eq!(parse(&answer[..20]).expect("is HTTP"), None);
        assert!(parse(b"SSH-2.0").is_err());
    }

    #[test]
    fn sign_ins_from_everywhere_differ_in_account_and_address() {
        let [one, other] = [1, 2].map(|drawn| request(Disturbance::SpreadSignIns, drawn));
        assert!(one.contains("X-Forwarded-For: 10.1.0.0\r\n"), "{one}");
        assert!(other.contains("X-Forwarded-For: 10.2.0.0\r\n"), "{other}");
        assert!(one.contains("email=1%40example.com"), "{one}");
        let here = request(Disturbance::SignIns, 1);
        assert!(!here.contains("X-Forwarded-For"), "{here}");
    }
}
