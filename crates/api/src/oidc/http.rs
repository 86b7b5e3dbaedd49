//! The HTTP client for requests to the provider.
//!
//! It follows no redirects, limits the time and size of responses, and connects only by `https` or
//! on this machine: the URLs that a provider announces are not trusted blindly.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::{AccessToken, AsyncHttpClient, HttpRequest, HttpResponse};
use url::Url;

use super::settings::is_safe;

/// Maximum time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time until a response has arrived completely.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of a response in bytes. The keys of large providers take about 20 kB.
const MAX_ANSWER: usize = 1_048_576;
const NAME: HeaderValue = HeaderValue::from_static(concat!("waypost/", env!("CARGO_PKG_VERSION")));

/// Why a request to the provider failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// The provider cannot be reached.
    #[error("it cannot be reached")]
    Request(#[from] hyper_util::client::legacy::Error),
    /// The response ended early, or is too long.
    #[error("its response ended early or is too long")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request took too long.
    #[error("it did not respond within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// The response has an error status.
    #[error("it responded with {0}")]
    Status(StatusCode),
    /// The connection could be overheard.
    #[error("one of its URLs is neither https nor on this machine")]
    Insecure,
    /// What the provider sent cannot be part of a request.
    #[error("its URL or token cannot be sent")]
    Unsendable,
}

/// The HTTP client.
#[derive(Debug)]
pub(super) struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl HttpClient {
    /// # Errors
    /// If the certificates of the system cannot be read.
    pub(super) fn new() -> io::Result<Self> {
        let mut connector = HttpConnector::new();
        // Which URLs may use http is checked below.
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Requests a document, with an access token if there is one (RFC 6750 §2.1).
    ///
    /// # Errors
    /// [`HttpError`] if there is no response. One with an error status of the client is a response.
    pub(super) async fn get(
        &self,
        url: &Url,
        token: Option<&AccessToken>,
    ) -> Result<HttpResponse, HttpError> {
        let mut request = Request::get(url.as_str()).header(ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.secret()));
        }
        let request = request
            .body(Vec::new())
            .map_err(|_| HttpError::Unsendable)?;
        self.send(request).await
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = Url::parse(&request.uri().to_string());
        if !url.is_ok_and(|url| is_safe(&url)) {
            return Err(HttpError::Insecure);
        }
        let mut request: Request<Full<Bytes>> = request.map(|body| Full::from(Bytes::from(body)));
        request.headers_mut().insert(USER_AGENT, NAME);
        let answer = async {
            let (head, body) = self.0.request(request).await?.into_parts();
            let status = head.status;
            if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                return Err(HttpError::Status(status));
            }
            let body = Limited::new(body, MAX_ANSWER).collect().await;
            let body = body.map_err(HttpError::Body)?.to_bytes();
            Ok(HttpResponse::from_parts(head, body.to_vec()))
        };
        let answer = tokio::time::timeout(TIMEOUT, answer).await;
        answer.unwrap_or(Err(HttpError::TimedOut))
    }
}

impl<'c> AsyncHttpClient<'c> for HttpClient {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Sends a request to a server that sends `answer` and then keeps the connection open.
    async fn ask(answer: Vec<u8>) -> Result<HttpResponse, HttpError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = [0; 1_024];
            let _ = connection.read(&mut head).await;
            // The client may have closed the connection.
            let _ = connection.write_all(&answer).await;
            std::future::pending::<()>().await;
        });
        let request = Request::get(url).body(Vec::new()).unwrap();
        let answer = HttpClient::new().unwrap().call(request).await;
        server.abort();
        answer
    }

    fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn an_answer_is_read_and_no_redirect_followed() {
        let read = ask(answer("200 OK", "", b"here")).await.unwrap();
        assert_eq!(read.body(), b"here");
        let elsewhere = answer("302 Found", "Location: http://127.0.0.1:1/\r\n", b"");
        assert_eq!(ask(elsewhere).await.unwrap().status(), StatusCode::FOUND);
    }

    #[tokio::test]
    async fn an_endless_answer_is_not_read_to_its_end() {
        let read = ask(answer("200 OK", "", &vec![b'x'; MAX_ANSWER])).await;
        assert_eq!(read.unwrap().body().len(), MAX_ANSWER);
        let refused = ask(answer("200 OK", "", &vec![b'x'; MAX_ANSWER + 1])).await;
        assert!(matches!(refused, Err(HttpError::Body(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_server_that_is_out_of_order_has_not_answered() {
        for status in ["500 Internal Server Error", "503 Unavailable", "429 Slowly"] {
            let refused = ask(answer(status, "", b"{}")).await;
            assert!(matches!(refused, Err(HttpError::Status(_))), "{refused:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_given_up() {
        let refused = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx".to_vec()).await;
        assert!(matches!(refused, Err(HttpError::TimedOut)), "{refused:?}");
    }

    #[tokio::test]
    async fn nothing_is_sent_where_others_could_listen() {
        let request = Request::get("http://id.example/").body(Vec::new()).unwrap();
        let refused = HttpClient::new().unwrap().call(request).await;
        assert!(matches!(refused, Err(HttpError::Insecure)), "{refused:?}");
    }
}
