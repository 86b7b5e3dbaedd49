//! What a browser has loaded and complained of, as the driver's logs tell it.

use std::collections::BTreeMap;

use serde_json::Value;
use thirtyfour::BrowserLogEntry;

/// What a browser asks for of its own accord where a page names no icon.
const ICON: &str = "/favicon.ico";
/// What no page waits for: a connection that stays open, and is never loaded whole; and above all icons, which a
/// browser may give up without a word where it shows none.
const NOT_AWAITED: [&str; 2] = ["EventSource", "Other"];

/// A page with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Load {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// What the server has sent.
    pub html: String,
    /// Everything that was asked for, the page first.
    pub requests: Vec<Loaded>,
}

impl Load {
    /// What came over the network, in bytes, heads included.
    pub fn transferred(&self) -> u64 {
        self.requests
            .iter()
            .map(|request| request.transferred)
            .sum()
    }

    /// What it was without compression, in bytes.
    pub fn decoded(&self) -> u64 {
        self.requests.iter().map(|request| request.decoded).sum()
    }
}

/// Something that was asked for.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its address.
    pub url: String,
    /// What it is to the browser: `Document`, `Stylesheet`, `Script`, `Fetch`, …
    pub kind: String,
    /// Its status; 0 while there is none.
    pub status: u16,
    /// What came over the network, in bytes, the head included; 0 where it was in the cache.
    pub transferred: u64,
    /// What it was without compression, in bytes.
    pub decoded: u64,
    headers: BTreeMap<String, String>,
    id: String,
    /// The page that it belongs to, by the browser's name for the loading of that; empty where it belongs
    /// to none, as what a worker asks for.
    loader: String,
    is_open: bool,
}

/// All of it, since the last page was opened, and all complaints.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    requests: Vec<Loaded>,
    complaints: Vec<String>,
}

impl Traffic {
    /// A page is about to be opened.
    pub(super) fn begin(&mut self) {
        self.requests.clear();
    }

    /// How much was asked for, and what of that is still to come.
    pub(super) fn progress(&self) -> (usize, Vec<String>) {
        let open = self.of_the_page();
        let open =
            open.filter(|request| request.is_open && !NOT_AWAITED.contains(&request.kind.as_str()));
        let open = open.map(|request| request.url.clone()).collect();
        (self.requests.len(), open)
    }

    /// The page that was opened last, and what belongs to it.
    ///
    /// The page before may ask for something until the next one is there. That is given up then, and the
    /// browser does not say so of all of it.
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

    /// The request of the page that was opened last, by the browser's name for it.
    pub(super) fn document(&self) -> Option<String> {
        self.page().map(|page| page.id.clone())
    }

    /// The page that was opened last.
    pub(super) fn load(&self, html: String) -> Load {
        let page = self.page();
        Load {
            status: page.map_or(0, |page| page.status),
            headers: page.map(|page| page.headers.clone()).unwrap_or_default(),
            html,
            requests: self.of_the_page().cloned().collect(),
        }
    }

    /// An entry of the driver's log of the browser's own protocol:
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
                    // A number with a fraction, as all of them are there.
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
        // Of the machine itself, as the empty page that there is at first.
        if !url.starts_with("http") || url.ends_with(ICON) {
            return;
        }
        // The same request goes on where it is sent elsewhere.
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
        // A page may well be one that says what is wrong; what belongs to it may not be missing.
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
        // Whoever leaves a page is not interested in the rest of it.
        if event["canceled"] != true && error != "net::ERR_ABORTED" {
            self.complaints.push(format!("{url}: {error}"));
        }
    }

    /// An entry of the console.
    pub(super) fn console(&mut self, entry: &BrowserLogEntry) {
        // What could not be loaded is told by the events above, which know what it was.
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
