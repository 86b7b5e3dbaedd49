//! The checks of pages detect problems.

use waypost_e2e::chromium::{Chromium, HtmlCheck, Scheme, Screen, Tab, button, css, field};

use crate::site::{Site, Who};

/// Changes the page with a script that bypasses the content security policy.
async fn change(tab: &Tab, script: &str) {
    tab.run(script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_of_a_page_are_found() {
    let site = Site::with_people();
    let chromium = Chromium::start().await;
    let tab = site.tab(&chromium, Who::Nobody).await;
    let page = tab.open("/auth/login").await;
    assert_eq!(page.status, 200);
    assert!(page.requests.len() >= 2, "{page:?}");
    assert!(page.decoded() > 500 && page.transferred() > 500, "{page:?}");

    // Accessibility.
    assert_eq!(tab.barriers().await, [""; 0]);
    change(&tab, "document.querySelector('label').remove()").await;
    let found = tab.barriers().await;
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("label (critical)")),
        "{found:?}"
    );

    // HTML validity.
    let mut html = HtmlCheck::new();
    html.add("page", &page.html);
    html.add("broken", &page.html.replace("</main>", ""));
    let found = html.problems().await;
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|line| line.starts_with("broken: ")),
        "{found:?}"
    );

    // Overflow.
    tab.resize(Screen::Phone).await;
    tab.prefer(Scheme::Dark).await;
    assert_eq!(tab.sideways().await, 0);
    let wide = "const wide = document.createElement('pre');
        wide.textContent = 'wide'.repeat(100);
        document.body.append(wide);";
    change(&tab, wide).await;
    assert!(tab.sideways().await > 1_000);
    let dark = "return matchMedia('(prefers-color-scheme: dark)').matches && innerWidth >= 390";
    assert_eq!(tab.run(dark).await, true);
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complaints_of_the_browser_are_found() {
    let site = Site::with_people();
    let chromium = Chromium::start().await;
    let style = "document.body.append(document.createElement('style'));
        document.querySelector('body > style').textContent = 'p { color: red }'";
    let image = "const image = new Image(); image.src = 'https://elsewhere.example/x.png'; document.body.append(image)";
    let throws = "setTimeout(() => { throw new Error('on purpose'); })";
    for (script, complaint) in [
        (style, "Content Security Policy"),
        (image, "Content Security Policy"),
        (throws, "on purpose"),
        ("console.error('on purpose')", "on purpose"),
    ] {
        let tab = site.tab(&chromium, Who::Nobody).await;
        tab.open("/auth/login").await;
        assert_eq!(tab.complaints().await, [""; 0]);
        change(&tab, script).await;
        tab.wait_until("the browser complains", async || {
            let complaints = tab.complaints().await;
            complaints.iter().any(|line| line.contains(complaint))
        })
        .await;
        let closed = tokio::spawn(tab.close()).await;
        assert!(closed.is_err(), "{script}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_without_javascript_runs_no_script_of_a_page() {
    let site = Site::with_people();
    let chromium = Chromium::start().await;
    let (with, without) = (
        chromium.tab(&site.server).await,
        chromium.tab_without_javascript(&site.server).await,
    );
    let write = "document.body.append(Object.assign(document.createElement('script'),
        { textContent: 'document.title = 1' }))";
    for tab in [&with, &without] {
        tab.open("/auth/login").await;
        // Each tab has its own cookies.
        assert_eq!(tab.count(&button("Sign in")).await, 1);
        tab.fill(&field("Email address"), "a@b.example").await;
        assert_eq!(tab.value(&css("#email")).await, "a@b.example");
        change(tab, write).await;
    }
    // With JavaScript the policy blocks the script; without it no script runs at all.
    assert_eq!(with.complaints().await.len(), 1);
    assert_eq!(without.complaints().await, [""; 0]);
    without.close().await;
    let closed = tokio::spawn(with.close()).await;
    assert!(closed.is_err());
}
