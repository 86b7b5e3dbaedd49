//! The loop that sends and receives: one thread, one epoll instance.
//!
//! It must cost less per request than the server does, so that the server is measured.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;

use super::connection::{Connection, Request};
use super::pace::Pace;
use super::request::Requests;
use super::{Job, Report};
use crate::Result;
use crate::process::CpuClock;

/// Responses that take longer are given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Maximum distinguishable latency, in ns.
const LONGEST_NS: u64 = 120_000_000_000;
/// Maximum interval at which the loop checks the clock.
const LONGEST_WAIT: Duration = Duration::from_millis(20);
const FOUND: u16 = 302;

/// Does the job; calls `started` when the measured time begins.
///
/// # Errors
/// When the server cannot be reached, or ends.
pub(super) fn run(job: &Job, started: impl FnOnce() -> io::Result<()>) -> Result<Report> {
    let mut generator = Generator::new(job)?;
    generator.go(Duration::from_secs_f64(job.warm_up_s))?;
    started()?;
    generator.measure(Duration::from_secs_f64(job.seconds))
}

struct Generator<'a> {
    job: &'a Job,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    /// Connections without a request.
    idle: Vec<usize>,
    requests: Requests,
    /// The buffer for a request.
    buffer: Vec<u8>,
    pace: Pace,
    sent: u64,
    latency: Histogram<u64>,
    found: Vec<u64>,
    others: BTreeMap<u16, u64>,
    broken: u64,
    unanswered: u64,
}

impl<'a> Generator<'a> {
    fn new(job: &'a Job) -> Result<Self> {
        let mut generator = Self {
            job,
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            connections: Vec::new(),
            idle: Vec::new(),
            requests: Requests::new(&job.codes, job.port),
            buffer: Vec::with_capacity(1_024),
            pace: Pace::Closed,
            sent: 0,
            latency: Histogram::new_with_bounds(1, LONGEST_NS, 3)?,
            found: vec![0; job.codes.len()],
            others: BTreeMap::new(),
            broken: 0,
            unanswered: 0,
        };
        for index in 0..usize::try_from(job.connections)? {
            let connection = generator.connect(index)?;
            generator.connections.push(connection);
            generator.idle.push(index);
        }
        Ok(generator)
    }

    fn connect(&self, index: usize) -> io::Result<Connection> {
        let connection = Connection::open(self.job.port)?;
        let data = EventData::new_u64(u64::try_from(index).expect("64 bits are enough"));
        epoll::add(
            &self.epoll,
            &connection,
            data,
            EventFlags::IN | EventFlags::ET,
        )?;
        Ok(connection)
    }

    /// Returns whether all requests of the job have been sent.
    fn is_spent(&self) -> bool {
        self.job.requests.is_some_and(|most| self.sent >= most)
    }

    fn measure(mut self, time: Duration) -> Result<Report> {
        let server = CpuClock::of(self.job.server_pid)?;
        let own = CpuClock::own();
        self.latency.reset();
        let before: u64 = self.found.iter().sum();
        let (server_before, own_before) = (server.read()?, own.read()?);
        let begin = Instant::now();
        self.go(time)?;
        let elapsed = begin.elapsed();
        let (server_after, own_after) = (server.read()?, own.read()?);
        let us = |ns: u64| Duration::from_nanos(ns).as_secs_f64() * 1e6;
        Ok(Report {
            elapsed_s: elapsed.as_secs_f64(),
            redirects: self.found.iter().sum::<u64>() - before,
            p50_us: us(self.latency.value_at_quantile(0.5)),
            p99_us: us(self.latency.value_at_quantile(0.99)),
            max_us: us(self.latency.max()),
            server_cpu_s: (server_after - server_before).as_secs_f64(),
            load_cpu_s: (own_after - own_before).as_secs_f64(),
            found: self.found,
            others: self.others,
            broken: self.broken,
            unanswered: self.unanswered,
        })
    }

    /// Sends for this time, then waits for the responses.
    fn go(&mut self, time: Duration) -> Result<()> {
        let begin = Instant::now();
        let end = begin + time;
        self.pace = Pace::new(self.job.rate, begin);
        let mut events = Vec::with_capacity(self.connections.len());
        loop {
            let mut now = Instant::now();
            let sending = now < end && !self.is_spent();
            if !sending && self.idle.len() == self.connections.len() {
                return Ok(());
            }
            if now > end + PATIENCE {
                return self.give_up();
            }
            while sending
                && !self.is_spent()
                && let Some(index) = self.idle.pop()
            {
                let Some(due) = self.pace.take(now) else {
                    self.idle.push(index);
                    break;
                };
                self.send(index, due)?;
            }
            let mut wait = LONGEST_WAIT;
            if sending {
                wait = wait.min(end - now);
            }
            if sending
                && !self.idle.is_empty()
                && let Some(next) = self.pace.next()
            {
                wait = wait.min(next.saturating_duration_since(now));
            }
            let wait = Timespec::try_from(wait)?;
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait))?;
            for event in events.drain(..) {
                let index = usize::try_from(event.data.u64())?;
                let answered = match self.connections[index].receive() {
                    Ok(None) => continue,
                    Ok(Some(answered)) => answered,
                    Err(_) => {
                        self.replace(index)?;
                        continue;
                    }
                };
                now = Instant::now();
                self.count(answered, now)?;
                // At once: a server that waits for its load is not measured.
                let next = if now < end && !self.is_spent() {
                    self.pace.take(now)
                } else {
                    None
                };
                match next {
                    Some(due) => self.send(index, due)?,
                    None => self.idle.push(index),
                }
            }
        }
    }

    fn send(&mut self, index: usize, due: Instant) -> Result<()> {
        let code = self.requests.render(&mut self.buffer);
        self.sent += 1;
        let request = Request { code, due };
        if self.connections[index].send(&self.buffer, request).is_err() {
            self.replace(index)?;
        }
        Ok(())
    }

    fn count(&mut self, (request, status): (Request, u16), now: Instant) -> Result<()> {
        if status == FOUND {
            self.found[request.code] += 1;
            let latency = now.saturating_duration_since(request.due).as_nanos();
            self.latency.saturating_record(u64::try_from(latency)?);
        } else {
            *self.others.entry(status).or_default() += 1;
        }
        Ok(())
    }

    /// Opens a connection in place of a broken one.
    fn replace(&mut self, index: usize) -> Result<()> {
        self.broken += 1;
        self.unanswered += u64::from(self.connections[index].is_busy());
        let connection = self.connect(index)?;
        let broken = std::mem::replace(&mut self.connections[index], connection);
        if broken.is_busy() {
            self.idle.push(index);
        }
        Ok(())
    }

    /// Replaces the connections with a pending response.
    fn give_up(&mut self) -> Result<()> {
        for index in 0..self.connections.len() {
            if self.connections[index].is_busy() {
                self.replace(index)?;
            }
        }
        Ok(())
    }
}
