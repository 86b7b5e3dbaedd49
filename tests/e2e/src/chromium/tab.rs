//! A browser with one page, which opens, reads and fills in pages as a person does.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::error::{WebDriverError, WebDriverErrorInner, WebDriverResult};
use thirtyfour::{By, ElementId, Key, RequestData, SessionId, WebDriver, WebElement};

use super::target::Target;
use super::traffic::{Load, Traffic};

/// Maximum time to wait for an event, far more than it takes on an idle machine.
const PATIENCE: Duration = waypost_test_harness::PATIENCE;
const POLL: Duration = Duration::from_millis(30);

/// A browser for the pages of one server.
pub struct Tab {
    /// `None` after it is closed.
    session: Option<WebDriver>,
    base: String,
    pub(super) traffic: Mutex<Traffic>,
}

impl Tab {
    pub(super) fn new(session: WebDriver, base: String) -> Self {
        Self {
            session: Some(session),
            base,
            traffic: Mutex::new(Traffic::default()),
        }
    }

    /// Returns the session with the driver, for everything that this type does not offer.
    ///
    /// # Panics
    /// Never: [`close`](Self::close) consumes the tab.
    pub fn session(&self) -> &WebDriver {
        self.session.as_ref().expect("not closed")
    }

    /// Opens a path of the server and waits until everything is loaded.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn open(&self, path: &str) -> Load {
        self.read_logs().await;
        self.traffic.lock().expect("never poisoned").begin();
        let url = format!("{}{path}", self.base);
        let went = self.session().goto(&url).await;
        went.unwrap_or_else(|error| panic!("cannot open {path}: {}", brief(&error)));
        self.loaded().await
    }

    /// Opens a path with an empty cache, as on the first visit.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn open_anew(&self, path: &str) -> Load {
        self.command("Network.clearBrowserCache", json!({})).await;
        self.open(path).await
    }

    /// Waits until everything except event streams is loaded, and returns the page.
    async fn loaded(&self) -> Load {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = usize::MAX;
        loop {
            self.read_logs().await;
            let (now, open) = self.traffic.lock().expect("never poisoned").progress();
            if now == seen && open.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "still being loaded: {open:?}");
            seen = now;
            tokio::time::sleep(POLL).await;
        }
        let document = self.traffic.lock().expect("never poisoned").document();
        let document = json!({ "requestId": document.unwrap_or_default() });
        // The HTML as the server sent it, not as scripts changed it.
        let body = self.command("Network.getResponseBody", document).await;
        let html = body["body"].as_str().unwrap_or_default().to_owned();
        self.traffic.lock().expect("never poisoned").load(html)
    }

    /// Reads new entries of the driver's logs.
    pub(super) async fn read_logs(&self) {
        let log = async |kind| {
            let entries = self.session().get_log(kind).await;
            entries.unwrap_or_else(|error| panic!("cannot read the browser's log: {error}"))
        };
        let (network, console) = (log("performance").await, log("browser").await);
        let mut traffic = self.traffic.lock().expect("never poisoned");
        for entry in network {
            traffic.event(&entry.message);
        }
        for entry in console {
            traffic.console(&entry);
        }
    }

    /// Runs a command of the `DevTools` protocol.
    ///
    /// # Panics
    /// When the command fails.
    pub async fn command(&self, method: &str, parameters: Value) -> Value {
        let result = self.session().cdp().send_raw(method, parameters).await;
        result.unwrap_or_else(|error| panic!("{method}: {}", brief(&error)))
    }

    /// Runs a script and returns its result; a promise is awaited. The content security policy of
    /// the page does not apply to the script.
    ///
    /// # Panics
    /// When the script throws.
    pub async fn run(&self, script: &str) -> Value {
        let result = self.session().execute(script, Vec::new()).await;
        let result = result.unwrap_or_else(|error| panic!("{script:.200}: {}", brief(&error)));
        result.json().clone()
    }

    /// Returns the path and query of the page.
    ///
    /// # Panics
    /// When the browser does not respond.
    pub async fn path(&self) -> String {
        let url = self.session().current_url().await.expect("an address");
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }

    /// Waits until the page has this path and query.
    ///
    /// # Panics
    /// When the time is over.
    pub async fn wait_for_path(&self, path: &str) {
        let description = format!("the page is {path}");
        self.wait_until(&description, async || self.path().await == path)
            .await;
    }

    /// Waits until a condition holds.
    ///
    /// # Panics
    /// When the time is over, with the text of the page.
    pub async fn wait_until(&self, description: &str, mut condition: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition().await {
            if Instant::now() > deadline {
                self.give_up(&format!("waited in vain until {description}"))
                    .await;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until an element is visible.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn wait_for(&self, target: &Target) {
        self.with(target, "find", async |_| Ok(())).await;
    }

    /// Waits until an element is no longer visible.
    ///
    /// # Panics
    /// When it stays.
    pub async fn wait_until_gone(&self, target: &Target) {
        let description = format!("{target} is gone");
        self.wait_until(&description, async || !self.shows(target).await)
            .await;
    }

    /// Waits until the text of an element contains `part`.
    ///
    /// # Panics
    /// When the time is over.
    pub async fn wait_for_text(&self, target: &Target, part: &str) {
        let description = format!("{target} says “{part}”");
        let says = async || match self.find(target).await {
            Ok(Some(element)) => element.text().await.is_ok_and(|text| text.contains(part)),
            _ => false,
        };
        self.wait_until(&description, says).await;
    }

    /// Returns whether an element is visible now.
    pub async fn shows(&self, target: &Target) -> bool {
        matches!(self.find(target).await, Ok(Some(_)))
    }

    /// Returns the number of matching elements that are visible now.
    ///
    /// # Panics
    /// When the selector is invalid.
    pub async fn count(&self, target: &Target) -> usize {
        let all = self.find_all(target, usize::MAX).await;
        all.expect("a selector").len()
    }

    /// Clicks an element.
    ///
    /// # Panics
    /// When it cannot be clicked.
    pub async fn click(&self, target: &Target) {
        let click = async |element: WebElement| element.click().await;
        self.with(target, "click on", click).await;
    }

    /// Clears a field and types a text into it.
    ///
    /// # Panics
    /// When it cannot be filled in.
    pub async fn fill(&self, target: &Target, text: &str) {
        let fill = async |element: WebElement| {
            element.clear().await?;
            element.send_keys(text).await
        };
        self.with(target, "fill in", fill).await;
    }

    /// Types a text into an element, after its present content.
    ///
    /// # Panics
    /// When nothing can be typed there.
    pub async fn type_into(&self, target: &Target, text: &str) {
        let type_into = async |element: WebElement| element.send_keys(text).await;
        self.with(target, "type into", type_into).await;
    }

    /// Presses a key in the focused element.
    ///
    /// # Panics
    /// When the browser does not respond.
    pub async fn press(&self, key: Key) {
        let keys = self.session().action_chain().send_keys(key);
        keys.perform().await.expect("a key can be pressed");
    }

    /// Returns the accessible name of the focused element; empty if there is none.
    ///
    /// # Panics
    /// When the browser does not respond.
    pub async fn focused(&self) -> String {
        let element = self.session().active_element().await.expect("an element");
        let name = self.name_of(&element).await;
        name.expect("a name")
    }

    /// Returns the visible text of an element.
    ///
    /// # Panics
    /// When it does not exist.
    pub async fn text(&self, target: &Target) -> String {
        let text = async |element: WebElement| element.text().await;
        self.with(target, "read", text).await
    }

    /// Returns an attribute of an element, as it is in the HTML.
    ///
    /// # Panics
    /// When it does not exist.
    pub async fn attribute(&self, target: &Target, name: &str) -> Option<String> {
        let attribute = async |element: WebElement| element.attr(name).await;
        self.with(target, "read", attribute).await
    }

    /// Returns the value of a field.
    ///
    /// # Panics
    /// When it does not exist.
    pub async fn value(&self, target: &Target) -> String {
        let value = async |element: WebElement| element.prop("value").await;
        let value = self.with(target, "read", value).await;
        value.unwrap_or_default()
    }

    /// Runs an action on an element, and retries until it succeeds: while a page changes, its
    /// elements come and go.
    async fn with<T>(
        &self,
        target: &Target,
        verb: &str,
        action: impl AsyncFn(WebElement) -> WebDriverResult<T>,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let problem = match self.find(target).await {
                Ok(Some(element)) => match action(element).await {
                    Ok(value) => return value,
                    Err(error) => brief(&error),
                },
                Ok(None) => "it is not there".to_owned(),
                Err(error) => {
                    let is_final = matches!(*error, WebDriverErrorInner::InvalidSelector(_));
                    assert!(!is_final, "{target}: {}", brief(&error));
                    brief(&error)
                }
            };
            if Instant::now() > deadline {
                self.give_up(&format!("cannot {verb} {target}: {problem}"))
                    .await;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn find(&self, target: &Target) -> WebDriverResult<Option<WebElement>> {
        let found = self.find_all(target, 1).await?;
        Ok(found.into_iter().next())
    }

    /// Returns up to `limit` matching elements that are visible.
    async fn find_all(&self, target: &Target, limit: usize) -> WebDriverResult<Vec<WebElement>> {
        let selector = By::Css(target.selector.as_str());
        let mut found = Vec::new();
        for element in self.session().find_all(selector).await? {
            if let Some(name) = &target.name
                && self.name_of(&element).await? != *name
            {
                continue;
            }
            if element.is_displayed().await? {
                found.push(element);
            }
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    /// Returns the accessible name of an element.
    async fn name_of(&self, element: &WebElement) -> WebDriverResult<String> {
        let label = ComputedLabel(element.element_id());
        let name: Value = self.session().cmd(label).await?.value()?;
        Ok(name.as_str().unwrap_or_default().to_owned())
    }

    async fn give_up(&self, what: &str) -> ! {
        let session = self.session();
        let url = session.current_url().await.map(|url| url.to_string());
        let body = match session.find(By::Tag("body")).await {
            Ok(body) => body.text().await,
            Err(error) => Err(error),
        };
        let show = |text: WebDriverResult<String>| text.unwrap_or_else(|error| brief(&error));
        panic!("{what}\non {}:\n{}", show(url), show(body));
    }

    /// Returns the complaints of the browser so far: errors in the console, violations of the
    /// content security policy, and resources that could not be loaded.
    ///
    /// # Panics
    /// When the browser does not respond.
    pub async fn complaints(&self) -> Vec<String> {
        self.read_logs().await;
        self.traffic.lock().expect("never poisoned").complaints()
    }

    /// Closes the browser.
    ///
    /// # Panics
    /// When the browser has reported a problem.
    pub async fn close(mut self) {
        let complaints = self.complaints().await;
        let session = self.session.take().expect("not closed");
        session.quit().await.expect("can be closed");
        assert!(
            complaints.is_empty(),
            "the browser complains:\n{}",
            complaints.join("\n")
        );
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            // The browser ends with its driver, which the test holds.
            let _ = session.leak();
            assert!(
                std::thread::panicking(),
                "a tab is to be closed, so that the browser's complaints are heard"
            );
        }
    }
}

impl fmt::Debug for Tab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tab").field("base", &self.base).finish()
    }
}

/// Returns an error without the stack trace of the driver.
pub(super) fn brief(error: &WebDriverError) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim);
    let lines = lines.take_while(|line| *line != "Stacktrace:");
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The command *Get Computed Label*: <https://www.w3.org/TR/webdriver2/#get-computed-label>.
#[derive(Debug)]
struct ComputedLabel(ElementId);

impl FormatRequestData for ComputedLabel {
    fn format_request(&self, session_id: &SessionId) -> RequestData {
        let path = format!("session/{session_id}/element/{}/computedlabel", self.0);
        RequestData::new(Method::GET, path)
    }
}
