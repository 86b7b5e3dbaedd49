//! A server with people and links on it, for pages to be looked at.

use std::collections::BTreeMap;

use waypost_e2e::FRESH_WITHIN;
use waypost_e2e::chromium::{Chromium, Tab, button, field, heading};
use waypost_e2e::member::{PASSWORD, add_with_password, closed, set_up_link};
use waypost_test_harness::{ServerProcess, TestDatabase, free_port};

use crate::data;

/// Who looks at a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Somebody on a server that has no users yet.
    FirstVisitor,
    /// Somebody who is not signed in.
    Nobody,
    /// A user.
    Member,
    /// A user who is an admin.
    Admin,
}

impl Who {
    /// Their address, where they have one.
    const fn email(self) -> Option<&'static str> {
        match self {
            Self::FirstVisitor | Self::Nobody => None,
            Self::Member => Some("grace@example.com"),
            Self::Admin => Some("ada@example.com"),
        }
    }
}

/// A server that knows its own address, and what is on it.
pub(crate) struct Site {
    pub(crate) server: ServerProcess,
    /// What stands in the paths of pages in braces.
    places: BTreeMap<&'static str, String>,
    pub(crate) database: TestDatabase,
}

impl Site {
    /// A new server, without users.
    pub(crate) fn empty() -> Self {
        Self::of(TestDatabase::sqlite())
    }

    /// A server with users: a member and an admin.
    pub(crate) fn with_people() -> Self {
        let site = Self::of(TestDatabase::sqlite());
        let email = |who: Who| who.email().expect("has one");
        add_with_password(&site.database, email(Who::Admin), &["--admin"]);
        add_with_password(&site.database, email(Who::Member), &[]);
        site
    }

    /// A server with users, on which much has happened.
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

    /// A path, the places in it filled in.
    pub(crate) fn path(&self, path: &str) -> String {
        let fill = |path: String, (name, place): (&&str, &String)| path.replace(name, place);
        self.places.iter().fold(path.to_owned(), fill)
    }

    /// A new browser, in which they are signed in where they can be.
    pub(crate) async fn tab(&self, chromium: &Chromium, who: Who) -> Tab {
        let tab = chromium.tab(&self.server).await;
        if let Some(email) = who.email() {
            sign_in(&tab, email, PASSWORD).await;
            tab.wait_for_path("/auth/logout").await;
        }
        tab
    }
}

/// Signs in, to go on to the page for signing out.
pub(crate) async fn sign_in(tab: &Tab, email: &str, password: &str) {
    tab.open("/auth/login?redirect=/auth/logout").await;
    tab.wait_for(&heading("Sign in")).await;
    tab.fill(&field("E-mail address"), email).await;
    tab.fill(&field("Password"), password).await;
    tab.click(&button("Sign in")).await;
}
