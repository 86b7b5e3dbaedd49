//! The requests and complaints of a browser, read from the logs of the driver.

use std::collections::BTreeMap;

use serde_json::Value;
use thirtyfour::BrowserLogEntry;

/// The icon that a browser requests by itself if a page names none.
const ICON: &str = "/favicon.ico";
/// Kinds of requests that no page waits for: event streams stay open, and `Other` is mostly icons,
/// which a browser that shows none may abandon without an event.
const NOT_AWAITED: [&str; 2] = ["EventSource", "Other"];

/// A loaded page with all its requests.
#[derive(Clone, Debug)]
pub struct Load {
    /// The status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The HTML as the server sent it.
    pub html: String,
    /// All requests, that of the page first.
    pub requests: Vec<Loaded>,
}

impl Load {
    /// Returns the bytes received over the network, including headers.
    pub fn transferred(&self) -> u64 {
        self.requests
            .iter()
            .map(|request| request.transferred)
            .sum()
    }

    /// Returns the uncompressed size in bytes.
    pub fn decoded(&self) -> u64 {
        self.requests.iter().map(|request| request.decoded).sum()
    }
}

/// A request and its response.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The URL.
    pub url: String,
    /// The kind that the browser reports: `Document`, `Stylesheet`, `Script`, `Fetch`, …
    pub kind: String,
    /// The status; 0 before the response.
    pub status: u16,
    /// The bytes received over the network, including headers; 0 if it was in the cache.
    pub transferred: u64,
    /// The uncompressed size in bytes.
    pub decoded: u64,
    headers: BTreeMap<String, String>,
    id: String,
    /// The browser's ID of the page load that it belongs to; empty if it belongs to none, such as a
    /// request of a worker.
    loader: String,
    is_open: bool,
}

/// All requests since the last page was opened, and all complaints.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    requests: Vec<Loaded>,
    complaints: Vec<String>,
}

impl Traffic {
    /// Forgets all requests before a page is opened.
    pub(super) fn begin(&mut self) {
        self.requests.clear();
    }

    /// Returns the number of requests, and the URLs that are still loading.
    pub(super) fn progress(&self) -> (usize, Vec<String>) {
        let open = self.of_the_page();
        let open =
            open.filter(|request| request.is_open && !NOT_AWAITED.contains(&request.kind.as_str()));
        let open = open.map(|request| request.url.clone()).collect();
        (self.requests.len(), open)
    }

    /// Returns the requests of the last page.
    ///
    /// The previous page may send requests until the next one replaces it. The browser then cancels
    /// them, but does not report all cancellations.
    fn of_the_page(&self) -> impl Iterator<Item = &Loaded> {
        let page = self.page().map(|page| page.loader.as_str());
        self.requests.iter().filter(move |request| {
            let loader = request.loader.as_str();
            loader.is_empty() || page.is_none_or(|page| loader == page)
        })
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }

    fn page(&self) -> Option<&Loaded> {
        let mut requests = self.requests.iter();
        requests.rfind(|request| request.kind == "Document")
    }

    /// Returns the browser's ID of the request of the last page.
    pub(super) fn document(&self) -> Option<String> {
        self.page().map(|page| page.id.clone())
    }

    /// Returns the last page and its requests.
    pub(super) fn load(&self, html: String) -> Load {
        let page = self.page();
        Load {
            status: page.map_or(0, |page| page.status),
            headers: page.map(|page| page.headers.clone()).unwrap_or_default(),
            html,
            requests: self.of_the_page().cloned().collect(),
        }
    }

    /// Handles an entry of the driver's log of `DevTools` events:
    /// <https://chromedevtools.github.io/devtools-protocol/tot/Network/>.
    pub(super) fn event(&mut self, message: &str) {
        let Ok(message) = serde_json::from_str::<Value>(message) else {
            return;
        };
        let method = message["message"]["method"].as_str().unwrap_or_default();
        let event = &message["message"]["params"];
        match method {
            "Network.requestWillBeSent" => self.asked(event),
            "Network.responseReceived" => self.answered(event),
            "Network.dataReceived" => {
                if let Some(request) = self.request(event) {
                    request.decoded += event["dataLength"].as_u64().unwrap_or_default();
                }
            }
            "Network.loadingFinished" => {
                if let Some(request) = self.request(event) {
                    request.is_open = false;
                    // The protocol sends all numbers as floating-point numbers.
                    request.transferred = whole(&event["encodedDataLength"]);
                }
            }
            "Network.loadingFailed" => self.failed(event),
            _ => {}
        }
    }

    fn request(&mut self, event: &Value) -> Option<&mut Loaded> {
        let id = event["requestId"].as_str()?;
        let mut requests = self.requests.iter_mut();
        requests.rfind(|request| request.id == id)
    }

    fn asked(&mut self, event: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let url = text(&event["request"]["url"]);
        // Ignore local URLs, such as that of the empty first page.
        if !url.starts_with("http") || url.ends_with(ICON) {
            return;
        }
        // After a redirect, the request continues with the same ID.
        if let Some(request) = self.request(event) {
            request.is_open = false;
        }
        self.requests.push(Loaded {
            url,
            kind: text(&event["type"]),
            status: 0,
            transferred: 0,
            decoded: 0,
            headers: BTreeMap::new(),
            id: text(&event["requestId"]),
            loader: text(&event["loaderId"]),
            is_open: true,
        });
    }

    fn answered(&mut self, event: &Value) {
        let Some(request) = self.request(event) else {
            return;
        };
        let response = &event["response"];
        let status = u16::try_from(whole(&response["status"])).unwrap_or_default();
        request.status = status;
        let headers = response["headers"].as_object().into_iter().flatten();
        request.headers = headers
            .filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())))
            .collect();
        // A page may be an error page, and a script may handle an error; other resources must load.
        let may_refuse = ["Document", "Fetch", "XHR"].contains(&request.kind.as_str());
        if status >= 500 || (status >= 400 && !may_refuse) {
            let complaint = format!("{} {}: status {status}", request.kind, request.url);
            self.complaints.push(complaint);
        }
    }

    fn failed(&mut self, event: &Value) {
        let Some(request) = self.request(event) else {
            return;
        };
        request.is_open = false;
        let url = request.url.clone();
        let error = event["errorText"].as_str().unwrap_or_default();
        // Requests of a page that was left are cancelled.
        if event["canceled"] != true && error != "net::ERR_ABORTED" {
            self.complaints.push(format!("{url}: {error}"));
        }
    }

    /// Handles an entry of the console.
    pub(super) fn console(&mut self, entry: &BrowserLogEntry) {
        // `event` reports what could not be loaded, with its kind.
        let is_load = entry.source.as_deref() == Some("network");
        if entry.level == "SEVERE" && !is_load {
            self.complaints.push(entry.message.clone());
        }
    }
}

fn whole(number: &Value) -> u64 {
    let number = number.as_f64().unwrap_or_default();
    format!("{number:.0}").parse().unwrap_or_default()
}
