//! Requests and answers on a connection: tells its [`Slot`] what it is doing, and gives answers to
//! the HTTP service in slices.
//!
//! The HTTP service copies what a body gives it into the buffer of the connection. A body that is
//! given whole would be there twice, once for each client that does not read it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_http::{ConnectionType, Payload, Request, Response};
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use futures_util::Stream;

use super::fault::Fault;
use super::places::Places;
use super::slot::{Phase, Slot};

/// Bytes of a slice: a segment of a usual packet size. With the head of an answer, it is much
/// shorter than a page of memory.
const SLICE: usize = 1_448;
/// Bytes of a slice for a client that has read [`READ_ALREADY`].
const LARGE_SLICE: usize = 24 * SLICE;
/// More than a client that reads nothing has room for.
const READ_ALREADY: usize = 256 * 1_024;

/// The method of a request that stands for a refused one: no route has it.
const REFUSED: &[u8] = b"REFUSED";

/// What the requests of a connection know of it.
pub(super) struct Exchange {
    slot: Arc<Slot>,
    places: Arc<Places>,
    /// Whether nobody waits for the rest of the body of the last request.
    is_abandoned: Cell<bool>,
    /// What is wrong with the last request.
    fault: Cell<Option<Fault>>,
    /// Whether what follows the last request cannot be read.
    is_last: Cell<bool>,
}

impl Exchange {
    pub(super) fn new(slot: Arc<Slot>, places: Arc<Places>) -> Rc<Self> {
        Rc::new(Self {
            slot,
            places,
            is_abandoned: Cell::new(false),
            fault: Cell::new(None),
            is_last: Cell::new(false),
        })
    }

    /// Records that the next request stands for one with a fault.
    pub(super) fn refuse(&self, fault: Fault) {
        self.fault.set(Some(fault));
        self.give_up();
    }

    /// Returns what is wrong with the request.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault.get()
    }

    /// Records that nothing is read after this request.
    pub(super) fn give_up(&self) {
        self.is_last.set(true);
    }

    /// Whether the body did not arrive in time. Then the connection is closed: the HTTP service
    /// would wait for the rest.
    fn gives_up(&self, status: StatusCode) -> bool {
        let late = self.is_abandoned.get() && status == StatusCode::REQUEST_TIMEOUT;
        self.is_abandoned.set(late);
        late
    }

    fn enter(&self, phase: Phase) {
        self.slot.enter(phase, self.places.now());
    }
}

/// Wraps the application of a listener.
pub(super) fn observed<App, Answer>(
    app: App,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<Sliced>,
    Error = App::Error,
    InitError = App::InitError,
    Service: Service<Request, Future: 'static>,
    Future: 'static,
>
where
    App: ServiceFactory<Request, Config = (), Response = Answer> + 'static,
    App::Service: 'static,
    Answer: Into<Response<BoxBody>> + 'static,
{
    apply_fn_factory(app, |mut request: Request, app: &App::Service| {
        let exchange = request.conn_data::<Rc<Exchange>>().cloned();
        if let Some(exchange) = &exchange {
            begin(exchange, &mut request);
        }
        let answered = app.call(request);
        async move {
            let mut response: Response<BoxBody> = answered.await?.into();
            let status = response.status();
            if exchange.as_ref().is_some_and(|exchange| {
                let gives_up = exchange.gives_up(status);
                gives_up || exchange.is_last.get() || exchange.places.is_short()
            }) {
                let head = response.head_mut();
                head.set_connection_type(ConnectionType::Close);
            }
            Ok(response.map_body(|_, body| Sliced::new(body, exchange)))
        }
    })
}

/// Records the beginning of a request.
fn begin(exchange: &Rc<Exchange>, request: &mut Request) {
    if exchange.fault().is_some()
        && let Ok(method) = Method::from_bytes(REFUSED)
    {
        request.head_mut().method = method;
    }
    if matches!(request.payload(), Payload::None) {
        exchange.enter(Phase::Working);
        return;
    }
    exchange.enter(Phase::Body);
    let body = Arriving {
        payload: request.take_payload(),
        has_arrived: false,
        exchange: exchange.clone(),
    };
    *request.payload() = Payload::Stream {
        payload: Box::pin(body),
    };
}

/// The body of a request. When it has arrived or nobody reads it, the request is being answered.
struct Arriving {
    payload: Payload,
    has_arrived: bool,
    exchange: Rc<Exchange>,
}

impl Stream for Arriving {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.payload).poll_next(cx));
        if next.is_none() {
            self.has_arrived = true;
            self.end();
        }
        Poll::Ready(next)
    }
}

impl Arriving {
    fn end(&self) {
        if self.exchange.slot.phase() == Phase::Body {
            self.exchange.enter(Phase::Working);
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if !self.has_arrived {
            self.exchange.is_abandoned.set(true);
        }
        self.end();
    }
}

/// The body of an answer, in slices. When it is dropped, the request is answered.
pub(super) struct Sliced {
    body: BoxBody,
    /// What the body gave last and was not passed on.
    rest: Bytes,
    passed: usize,
    exchange: Option<Rc<Exchange>>,
}

impl Sliced {
    fn new(body: BoxBody, exchange: Option<Rc<Exchange>>) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            passed: 0,
            exchange,
        }
    }
}

impl MessageBody for Sliced {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                other => return Poll::Ready(other),
            }
        }
        let slice = if self.passed < READ_ALREADY {
            // The HTTP service would take more before it writes.
            if let Some(exchange) = &self.exchange
                && exchange.slot.must_write()
            {
                return Poll::Pending;
            }
            SLICE
        } else {
            LARGE_SLICE
        };
        let length = self.rest.len().min(slice);
        self.passed = self.passed.saturating_add(length);
        if let Some(exchange) = &self.exchange {
            exchange.slot.give();
        }
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

impl Drop for Sliced {
    fn drop(&mut self) {
        if let Some(exchange) = &self.exchange {
            let is_over = !exchange.is_abandoned.get();
            exchange.enter(if is_over { Phase::Idle } else { Phase::Rest });
        }
    }
}
