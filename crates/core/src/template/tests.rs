//! Tests of placeholders, their values, and the parts of a URL that filling never changes.

use proptest::prelude::*;
use url::Url;

use super::*;

fn link(target: &str) -> Option<Template> {
    Template::of_link(&TargetUrl::from_stored(target.to_owned()).unwrap())
}

fn keyword(target: &str) -> Option<Template> {
    Template::of_keyword(&TargetUrl::from_stored(target.to_owned()).unwrap())
}

#[test]
fn a_target_without_placeholders_is_no_template() {
    for target in [
        "https://a.example/",
        "https://a.example/$",
        "https://a.example/$5/$%24/$-x/$$",
        "https://a.example/%24name",
        "https://a.example/{slug}",
    ] {
        assert_eq!(link(target), None, "{target}");
    }
    assert_eq!(keyword("https://a.example/$name"), None);
}

#[test]
fn segments_fill_the_names_in_the_order_in_which_these_appear_first() {
    for (target, rest, expected) in [
        ("https://a.example/$x", "1", "https://a.example/1"),
        ("https://a.example/$x", "1/", "https://a.example/1"),
        ("https://a.example/$x/$y", "1/2", "https://a.example/1/2"),
        ("https://a.example/$y/$x", "1/2", "https://a.example/1/2"),
        (
            "https://a.example/$x/$y?z=$x#$y",
            "1/2",
            "https://a.example/1/2?z=1#2",
        ),
        ("https://a.example/$x$y", "1/2", "https://a.example/12"),
        (
            "https://a.example/v$x.html",
            "1",
            "https://a.example/v1.html",
        ),
        // The longest name is used, even if another name is a prefix of it.
        (
            "https://a.example/$env/$env_id",
            "p/7",
            "https://a.example/p/7",
        ),
        (
            "https://a.example/$env_id/$env",
            "7/p",
            "https://a.example/7/p",
        ),
        ("https://a.example/$x/$5", "1", "https://a.example/1/$5"),
        ("https://a.example/$$x", "1", "https://a.example/$1"),
    ] {
        assert_eq!(
            link(target).unwrap().fill(rest).as_deref(),
            Ok(expected),
            "{target}"
        );
    }
}

#[test]
fn a_value_keeps_what_its_place_allows_and_ends_no_part_of_the_url() {
    for (rest, in_path, in_query) in [
        ("a%20b", "a%20b", "a%20b"),
        ("a+b", "a+b", "a%2Bb"),
        ("%2F", "%2F", "%2F"),
        ("%2f", "%2F", "%2F"),
        ("@scope", "@scope", "%40scope"),
        ("%40scope", "%40scope", "%40scope"),
        ("x:y;v=1", "x:y;v=1", "x%3Ay%3Bv%3D1"),
        (
            "!$&'()*+,;=:@",
            "!$&'()*+,;=:@",
            "%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40",
        ),
        ("a%3Fb%23c%26d=e", "a%3Fb%23c%26d=e", "a%3Fb%23c%26d%3De"),
        ("$x", "$x", "%24x"),
        ("%24x", "%24x", "%24x"),
        ("{slug}", "%7Bslug%7D", "%7Bslug%7D"),
        ("%C3%A4", "%C3%A4", "%C3%A4"),
        ("ä", "%C3%A4", "%C3%A4"),
        ("%ff", "%FF", "%FF"),
        ("100%", "100%25", "100%25"),
        ("%zz", "%25zz", "%25zz"),
        ("%é", "%25%C3%A9", "%25%C3%A9"),
        ("%2E%2e.x", "...x", "...x"),
        ("%7Euser", "~user", "~user"),
        ("\\", "%5C", "%5C"),
        ("%0d%0aX", "%0D%0AX", "%0D%0AX"),
        ("user:pw@host", "user:pw@host", "user%3Apw%40host"),
        ("~-._", "~-._", "~-._"),
    ] {
        let template = link("https://a.example/$x?q=$x#$x").unwrap();
        let expected = format!("https://a.example/{in_path}?q={in_query}#{in_query}");
        assert_eq!(template.fill(rest), Ok(expected), "{rest}");
    }
}

#[test]
fn the_place_of_a_placeholder_is_that_in_the_destination() {
    for (target, expected) in [
        ("https://a.example/$x", "https://a.example/a&b=@c"),
        ("https://a.example/?$x", "https://a.example/?a%26b%3D%40c"),
        (
            "https://a.example/?a=b&c=$x/d",
            "https://a.example/?a=b&c=a%26b%3D%40c/d",
        ),
        ("https://a.example/#/$x", "https://a.example/#/a%26b%3D%40c"),
        ("https://a.example/#?$x", "https://a.example/#?a%26b%3D%40c"),
    ] {
        let filled = link(target).unwrap().fill("a&b=@c");
        assert_eq!(filled.as_deref(), Ok(expected), "{target}");
    }
    let slug = keyword("https://a.example/{slug}?q={slug}").unwrap();
    assert_eq!(
        slug.fill("@scope/pkg;v=1").as_deref(),
        Ok("https://a.example/@scope/pkg;v=1?q=%40scope/pkg%3Bv%3D1")
    );
}

#[test]
fn the_names_are_told_in_the_order_in_which_segments_fill_them() {
    let names =
        |target: &str| Template::names_in(&TargetUrl::from_stored(target.to_owned()).unwrap());
    assert_eq!(names("https://a.example/$b/$a?c=$b"), ["b", "a"]);
    assert_eq!(
        names("https://a.example/?$filter=x&$top=5"),
        ["filter", "top"]
    );
    assert_eq!(names("https://a.example/$5/$"), [""; 0]);
}

#[test]
fn the_wrong_number_of_segments_says_what_is_missing() {
    let template = link("https://a.example/$env/$app").unwrap();
    for (rest, message) in [
        (
            "",
            "the path is incomplete; expected /env/app after the code (`env`, `app` missing)",
        ),
        (
            "/",
            "the path is incomplete; expected /env/app after the code (`env`, `app` missing)",
        ),
        (
            "1",
            "the path is incomplete; expected /env/app after the code (`app` missing)",
        ),
        (
            "1//",
            "the path is incomplete; expected /env/app after the code (`app` missing)",
        ),
        (
            "/1",
            "the path is incomplete; expected /env/app after the code (`env`, `app` missing)",
        ),
        (
            "1/2/3",
            "the path is too long; expected /env/app after the code, got 3 parts",
        ),
    ] {
        let error = template.fill(rest).unwrap_err();
        assert_eq!(error.to_string(), message, "{rest:?}");
    }
}

#[test]
fn a_value_that_would_make_browsers_leave_the_path_is_refused() {
    for (target, rest) in [
        ("https://a.example/x/$x", ".."),
        ("https://a.example/x/$x", "."),
        ("https://a.example/x/$x/y", "%2e%2E"),
        ("https://a.example/x/$x$y", "./."),
        ("https://a.example/x/.$x", "."),
        ("https://a.example/x/%2E$x", "."),
        ("https://a.example/x/$x/y", "..;v=1"),
    ] {
        let filled = link(target).unwrap().fill(rest);
        assert_eq!(filled, Err(FillError::DotSegment), "{target} {rest}");
    }
    let slug = keyword("https://a.example/x/{slug}").unwrap();
    assert_eq!(slug.fill("a/../b"), Err(FillError::DotSegment));
    // In the query, dots are plain text.
    let query = link("https://a.example/?q=$x").unwrap();
    assert_eq!(query.fill("..").as_deref(), Ok("https://a.example/?q=.."));
}

#[test]
fn the_slug_is_all_of_the_rest() {
    for (target, rest, expected) in [
        ("https://g.example/{slug}", "", "https://g.example/"),
        (
            "https://g.example/{slug}",
            "org/repo",
            "https://g.example/org/repo",
        ),
        (
            "https://g.example/{slug}",
            "org/repo/",
            "https://g.example/org/repo/",
        ),
        (
            "https://g.example/{slug}",
            "/evil.example",
            "https://g.example//evil.example",
        ),
        (
            "https://g.example/{slug}/x",
            "a%2Fb",
            "https://g.example/a%2Fb/x",
        ),
        (
            "https://g.example/?q={slug}#{slug}",
            "a b?c",
            "https://g.example/?q=a%20b%3Fc#a%20b%3Fc",
        ),
        (
            "https://g.example/{slug}/$x",
            "{slug}",
            "https://g.example/%7Bslug%7D/$x",
        ),
        (
            "https://w.example/web/{slug}",
            "https://a.example/b",
            "https://w.example/web/https://a.example/b",
        ),
    ] {
        assert_eq!(
            keyword(target).unwrap().fill(rest).as_deref(),
            Ok(expected),
            "{target}"
        );
    }
}

#[test]
fn what_is_filled_has_an_end() {
    let many = format!("https://a.example/{}", "$x/".repeat(600));
    let template = link(&many).unwrap();
    assert!(template.fill(&"y".repeat(10)).is_ok());
    assert_eq!(template.fill(&"y".repeat(1_000)), Err(FillError::TooLong));
}

/// Returns the parts of a URL that a placeholder must not change.
fn authority(url: &str) -> (String, Option<String>, Option<u16>, String, Option<String>) {
    let url = Url::parse(url).unwrap();
    (
        url.scheme().to_owned(),
        url.host_str().map(str::to_owned),
        url.port(),
        url.username().to_owned(),
        url.password().map(str::to_owned),
    )
}

proptest! {
    #[test]
    fn filling_changes_neither_scheme_host_port_nor_credentials(
        host in "[a-z]{1,8}\\.example(:[1-9][0-9]{1,3})?",
        tail in "(/(\\$[a-c]|\\{slug\\}|x|\\.\\$a)){0,4}(\\?q=(\\$a|\\{slug\\}))?(#\\$b)?",
        rest in "([^\\x00-\\x1f ]{0,6}/?){0,5}|(%[0-9a-fA-F]{2}|\\.|/|@|:|\\\\|\\$[a-c]|\\?|#){0,12}",
    ) {
        let base = "https://go.example".parse().unwrap();
        let Ok(target) = TargetUrl::parse(&format!("https://{host}{tail}"), &base) else {
            return Ok(());
        };
        let before = authority(target.as_str());
        for template in [Template::of_link(&target), Template::of_keyword(&target)].into_iter().flatten() {
            if let Ok(filled) = template.fill(&rest) {
                prop_assert!(filled.bytes().all(|byte| byte.is_ascii_graphic()), "{}", filled);
                prop_assert_eq!(authority(&filled), before.clone());
                // The path is unchanged in a browser: no segment is resolved.
                let parsed = Url::parse(&filled).unwrap();
                let path = |url: &str| url.split(['?', '#']).next().unwrap().matches('/').count();
                prop_assert_eq!(path(parsed.as_str()), path(&filled).max(3), "{}", filled);
            }
        }
    }

    #[test]
    fn any_path_fills_a_target_or_says_why_not(rest in ".{0,60}") {
        let template = link("https://a.example/$a/$b?c=$c").unwrap();
        let _ = template.fill(&rest);
        let _ = keyword("https://a.example/{slug}").unwrap().fill(&rest);
    }
}
