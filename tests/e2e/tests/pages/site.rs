//! A server with users and links for the page checks.

use std::collections::BTreeMap;

use waypost_e2e::FRESH_WITHIN;
use waypost_e2e::chromium::{Chromium, Tab, button, field, heading};
use waypost_e2e::member::{PASSWORD, add_with_password, closed, set_up_link};
use waypost_test_harness::{ServerProcess, TestDatabase, free_port};

use crate::data;

/// The visitor of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A visitor of a server without users.
    FirstVisitor,
    /// A visitor without a session.
    Nobody,
    /// A user.
    Member,
    /// A user who is an admin.
    Admin,
}

impl Who {
    /// Returns the email address of a user.
    const fn email(self) -> Option<&'static str> {
        match self {
            Self::FirstVisitor | Self::Nobody => None,
            Self::Member => Some("grace@example.com"),
            Self::Admin => Some("ada@example.com"),
        }
    }
}

/// A server with a base URL, and its test data.
pub(crate) struct Site {
    pub(crate) server: ServerProcess,
    /// The values of placeholders in paths.
    places: BTreeMap<&'static str, String>,
    pub(crate) database: TestDatabase,
}

impl Site {
    /// Starts a server without users.
    pub(crate) fn empty() -> Self {
        Self::of(TestDatabase::sqlite())
    }

    /// Starts a server with a member and an admin.
    pub(crate) fn with_people() -> Self {
        let site = Self::of(TestDatabase::sqlite());
        let email = |who: Who| who.email().expect("has one");
        add_with_password(&site.database, email(Who::Admin), &["--admin"]);
        add_with_password(&site.database, email(Who::Member), &[]);
        site
    }

    /// Starts a server with users and test data.
    pub(crate) async fn with_data() -> Self {
        let mut site = Self::with_people();
        let places = data::fill(&site.server, &site.database).await;
        site.places.extend(places);
        site
    }

    fn of(database: TestDatabase) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let options = closed()
            .env("WAYPOST_BASE_URL", format!("http://{address}"))
            .env("WAYPOST_LISTEN", address);
        let server = ServerProcess::start(&database, options);
        server.wait_for_output("/setup?token=", FRESH_WITHIN);
        let link = set_up_link(&server).expect("a link");
        Self {
            server,
            places: BTreeMap::from([("{set-up}", link)]),
            database,
        }
    }

    /// Fills in the placeholders of a path.
    pub(crate) fn path(&self, path: &str) -> String {
        let fill = |path: String, (name, place): (&&str, &String)| path.replace(name, place);
        self.places.iter().fold(path.to_owned(), fill)
    }

    /// Opens a new browser, signed in if the visitor is a user.
    pub(crate) async fn tab(&self, chromium: &Chromium, who: Who) -> Tab {
        let tab = chromium.tab(&self.server).await;
        if let Some(email) = who.email() {
            sign_in(&tab, email, PASSWORD).await;
            tab.wait_for_path("/auth/logout").await;
        }
        tab
    }
}

/// Signs in, and is redirected to the sign-out page.
pub(crate) async fn sign_in(tab: &Tab, email: &str, password: &str) {
    tab.open("/auth/login?redirect=/auth/logout").await;
    tab.wait_for(&heading("Sign in")).await;
    tab.fill(&field("Email address"), email).await;
    tab.fill(&field("Password"), password).await;
    tab.click(&button("Sign in")).await;
}
