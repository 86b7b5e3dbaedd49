//! The measured pages, and their readers.

use reqwest::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use reqwest::{Client, redirect};
use waypost_core::LinkOrder;
use waypost_test_harness::{Invocation, ServerProcess};

use super::data::{Data, tag, word};
use super::lists::{behind, url_encoded};
use crate::Result;

const PASSWORD: &str = "the password of a benchmark";
/// The value of the cookie and of the form field.
const CSRF: &str = "bench";

/// The reader of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A user with an average number of links.
    Member,
    /// An admin, who is a co-owner of every link.
    Librarian,
}

impl Reader {
    pub(super) const ALL: [Self; 2] = [Self::Member, Self::Librarian];

    const fn name(self) -> &'static str {
        match self {
            Self::Member => "a member",
            Self::Librarian => "an owner of all links",
        }
    }
}

/// A page to request.
pub(super) struct Page {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) reader: Reader,
}

/// Returns all of them.
pub(super) fn pages(data: &Data) -> Vec<Page> {
    let mut pages = Vec::new();
    let mut add = |name: &str, path: String, reader: Reader| {
        pages.push(Page {
            name: format!("{name}, for {}", reader.name()),
            path,
            reader,
        });
    };
    let link = data.link(0).id;
    let behind = url_encoded(&behind(&data.link(120), LinkOrder::NewestFirst));
    for reader in Reader::ALL {
        for (name, path) in [
            ("home", "/dashboard".to_owned()),
            (
                "home, searched",
                format!("/dashboard?q={}+{}", word(0), word(1)),
            ),
            (
                "home, nothing found",
                "/dashboard?q=nothing-has-this".to_owned(),
            ),
            ("home, of a tag", format!("/dashboard?tag={}", tag(0))),
            ("home, by code", "/dashboard?sort=code".to_owned()),
            ("home, last page", format!("/dashboard?cursor={behind}")),
            ("statistics of all", "/dashboard/stats".to_owned()),
            ("public links", "/links".to_owned()),
            (
                "public links, searched",
                format!("/links?q={}", word(2_990)),
            ),
        ] {
            add(name, path, reader);
        }
    }
    for (name, path) in [
        ("a link", format!("/dashboard/links/{link}")),
        (
            "statistics of a link",
            format!("/dashboard/links/{link}/stats"),
        ),
        ("all links", "/admin/links".to_owned()),
        ("users", "/admin".to_owned()),
        ("system", "/admin/system".to_owned()),
    ] {
        add(name, path, Reader::Librarian);
    }
    pages
}

/// Creates the readers, and returns the cookie of each: the member first, the librarian last.
///
/// # Errors
/// When they cannot sign in.
pub(super) async fn sign_in(data: &Data, server: &ServerProcess) -> Result<[String; 2]> {
    let client = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .build()?;
    let member = data.askers().next().unwrap_or_default();
    linkctl(data, &["user", "password", &member]);
    let librarian = "librarian@example.com";
    linkctl(
        data,
        &["user", "add", librarian, "--admin", "--password-stdin"],
    );
    data.give_everything_to(librarian).await;
    Ok([
        session(&client, server, &member).await?,
        session(&client, server, librarian).await?,
    ])
}

fn linkctl(data: &Data, arguments: &[&str]) {
    Invocation::of("linkctl")
        .args(arguments.iter().copied())
        .stdin(format!("{PASSWORD}\n"))
        .database(&data.database)
        .run()
        .assert_success();
}

async fn session(client: &Client, server: &ServerProcess, email: &str) -> Result<String> {
    let email = email.replace('@', "%40");
    let password = PASSWORD.replace(' ', "+");
    let answer = client
        .post(server.url("/auth/login"))
        .header(COOKIE, format!("waypost_csrf={CSRF}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("csrf={CSRF}&email={email}&password={password}"))
        .send()
        .await?;
    let status = answer.status();
    let cookies = answer.headers().get_all(SET_COOKIE).iter();
    let session = cookies
        .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
        .find(|cookie| cookie.starts_with("waypost_session="));
    let session = session.ok_or_else(|| format!("{email} could not sign in: {status}"))?;
    Ok(session.to_owned())
}
