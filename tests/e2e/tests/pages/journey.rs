//! The life of a link in the pages, from the first account on a server to the end of a session,
//! with and without JavaScript.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use waypost_e2e::chromium::{Chromium, Key, Tab, any, button, css, field, heading, link};
use waypost_e2e::member::{PASSWORD, add_with_password, linkctl};

use crate::site::{Site, sign_in};

const ADA: &str = "ada@example.com";
const GRACE: &str = "grace@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_account_to_the_end_of_a_session() {
    let site = Site::empty();
    let chromium = Chromium::start().await;
    let ada = chromium.tab(&site.server).await;
    let watching = chromium.tab(&site.server).await;
    let grace = chromium.tab(&site.server).await;
    let journey = Journey::begin(&site, &ada, &grace, true).await;
    journey.numbers(&watching).await;
    journey.all_but_numbers(&watching).await;
    for tab in [ada, watching, grace] {
        tab.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_account_to_the_end_of_a_session_without_javascript() {
    let site = Site::empty();
    let chromium = Chromium::start().await;
    let ada = chromium.tab_without_javascript(&site.server).await;
    let watching = chromium.tab_without_javascript(&site.server).await;
    let grace = chromium.tab_without_javascript(&site.server).await;
    let journey = Journey::begin(&site, &ada, &grace, false).await;
    journey.numbers(&watching).await;
    journey.all_but_numbers(&watching).await;
    for tab in [ada, watching, grace] {
        tab.close().await;
    }
}

/// A link, its owner and another user.
struct Journey<'a> {
    site: &'a Site,
    /// The browser of the owner, signed in and on the page of the link.
    ada: &'a Tab,
    /// The browser of a visitor, who is not signed in.
    grace: &'a Tab,
    has_javascript: bool,
    /// The server of the destination.
    elsewhere: String,
    code: String,
    /// The path of the page of the link.
    page: String,
}

impl<'a> Journey<'a> {
    /// Sets up the server, signs out and in, and creates a link.
    async fn begin(site: &'a Site, ada: &'a Tab, grace: &'a Tab, has_javascript: bool) -> Self {
        let elsewhere = elsewhere().await;
        ada.open(&site.path("{set-up}")).await;
        ada.fill(&field("Email address"), ADA).await;
        ada.fill(&field("Password (at least 10 characters)"), PASSWORD)
            .await;
        ada.press(Key::Enter).await;
        ada.wait_until_gone(&heading("Set up Waypost")).await;
        ada.open("/auth/logout").await;
        ada.click(&button("Sign out")).await;
        ada.wait_for(&link("Sign in")).await;
        sign_in(ada, ADA, PASSWORD).await;
        ada.wait_for_path("/auth/logout").await;
        add_with_password(&site.database, GRACE, &[]);

        ada.open("/dashboard").await;
        if has_javascript {
            ada.click(&css("details.menu summary")).await;
            assert_eq!(ada.barriers().await, [""; 0]);
        }
        ada.fill(&field("Shorten a URL"), &format!("{elsewhere}/first"))
            .await;
        ada.press(Key::Enter).await;
        let made = ada.text(&css(".made-link a")).await;
        let (_, code) = made.rsplit_once('/').expect("a code");
        ada.click(&link("Edit")).await;
        ada.wait_for(&field("Destination")).await;
        Self {
            site,
            ada,
            grace,
            has_javascript,
            elsewhere,
            code: code.to_owned(),
            page: ada.path().await,
        }
    }

    /// Follows the link, and returns the path of the destination.
    async fn follow(&self) -> String {
        self.grace.open(&format!("/{}", self.code)).await;
        self.grace.wait_for(&heading("Arrived")).await;
        self.grace.path().await
    }

    fn statistics(&self) -> String {
        format!("{}/stats", self.page)
    }

    /// Asserts that the figures and the chart change live, or after a reload without JavaScript.
    async fn numbers(&self, watching: &Tab) {
        sign_in(watching, ADA, PASSWORD).await;
        watching.wait_for_path("/auth/logout").await;
        watching.open(&self.statistics()).await;
        let total = css("#live .figures b");
        let chart = css("#live svg[role=img]");
        assert_eq!(watching.text(&total).await, "0");
        assert!(!watching.shows(&chart).await);
        let mut drawn = None;
        for clicks in ["1", "2", "3"] {
            assert_eq!(self.follow().await, "/first");
            watching
                .wait_until("the number has changed", async || {
                    if !self.has_javascript {
                        watching.open(&self.statistics()).await;
                    }
                    watching.text(&total).await == clicks
                })
                .await;
            let now = watching.attribute(&chart, "aria-label").await;
            assert!(now.is_some());
            assert_ne!(now, drawn);
            drawn = now;
        }
    }

    async fn all_but_numbers(&self, watching: &Tab) {
        self.edit_and_restore().await;
        self.share().await;
        self.purge(watching).await;
        self.disable().await;
    }

    /// Waits until the link goes to this path.
    async fn leads_to(&self, path: &str) {
        let leads = async || self.follow().await == path;
        self.ada
            .wait_until("the destination has changed", leads)
            .await;
    }

    async fn edit_and_restore(&self) {
        let (ada, target) = (self.ada, field("Destination"));
        ada.open(&self.page).await;
        ada.fill(&target, &format!("{}/second", self.elsewhere))
            .await;
        ada.click(&button("Save")).await;
        ada.wait_for_text(&css(".notice.good"), "Saved").await;
        self.leads_to("/second").await;
        ada.click(&button("Restore version 1")).await;
        ada.wait_for_text(&css(".notice.good"), "restored").await;
        ada.open(&self.page).await;
        assert_eq!(
            ada.value(&target).await,
            format!("{}/first", self.elsewhere)
        );
        self.leads_to("/first").await;
    }

    /// Asserts that a viewer sees the link, but can neither edit it nor see its statistics.
    async fn share(&self) {
        let (ada, grace) = (self.ada, self.grace);
        ada.fill(&field("Add a person by email address"), GRACE)
            .await;
        ada.click(&button("Add person")).await;
        ada.wait_for_text(&css("[aria-labelledby=viewers-title]"), GRACE)
            .await;
        sign_in(grace, GRACE, PASSWORD).await;
        grace.wait_for_path("/auth/logout").await;
        grace.open("/dashboard").await;
        let listed = grace.text(&css("#links")).await;
        assert!(listed.contains(&self.code), "{listed}");
        assert!(listed.contains("shared with you"), "{listed}");
        assert!(!grace.shows(&any("#links a", "Statistics")).await);
        grace.click(&css("#links .row-name")).await;
        grace
            .wait_for_text(&css("main"), &format!("{}/first", self.elsewhere))
            .await;
        assert!(!grace.shows(&field("Destination")).await);
        assert_eq!(grace.open(&self.statistics()).await.status, 403);
    }

    /// Asserts that a purge deletes click records and keeps totals.
    async fn purge(&self, watching: &Tab) {
        watching.open(&self.statistics()).await;
        let numbers = watching.text(&css("#live .figures")).await;
        watching.wait_for(&css("#clicks table.list")).await;
        linkctl(
            &self.site.database,
            &["purge", "--link", &self.code, "--yes"],
        )
        .assert_success();
        watching.open(&self.statistics()).await;
        assert_eq!(watching.text(&css("#live .figures")).await, numbers);
        assert!(!watching.shows(&css("#clicks table.list")).await);
    }

    /// Asserts that a disabled user is signed out and cannot sign in again.
    async fn disable(&self) {
        let (ada, grace) = (self.ada, self.grace);
        grace.open("/dashboard").await;
        grace.wait_for(&field("Shorten a URL")).await;
        ada.open("/admin").await;
        ada.click(&link(GRACE)).await;
        ada.click(&button("Disable this user")).await;
        ada.click(&button("Disable user")).await;
        ada.wait_for_text(&css(".notice.good"), "disabled").await;
        grace
            .wait_until("the session has ended", async || {
                grace.open("/dashboard").await;
                grace.path().await.starts_with("/auth/login")
            })
            .await;
        sign_in(grace, GRACE, PASSWORD).await;
        grace.wait_for(&css("[role=alert]")).await;
    }
}

/// Starts a server for destinations.
async fn elsewhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4_096];
                let read = stream.read(&mut head).await;
                let page = "<!doctype html><html lang=en><title>Arrived</title><h1>Arrived</h1>";
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: \
                     close\r\n\r\n{page}",
                    page.len()
                );
                if read.is_ok() {
                    // The client may have disconnected.
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            });
        }
    });
    format!("http://{address}")
}
