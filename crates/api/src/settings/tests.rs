use super::*;

#[test]
fn the_defaults_are_the_documented_ones() {
    let mut reader = SettingsReader::of_variables(&[]);
    let http = HttpSettings::read(&mut reader).unwrap();
    let log = LogSettings::read(&mut reader).unwrap();
    assert_eq!(http.listen, None);
    assert!(
        LISTEN
            .default
            .starts_with(&HttpSettings::DEFAULT_LISTEN.to_string())
    );
    assert_eq!(http.max_connections_per_client, Some(2_500));
    assert!(!http.proxy_protocol);
    assert_eq!(http.base_url.as_str(), BASE_URL.default);
    assert!((1..=512).contains(&http.workers));
    assert_eq!(http.metrics_listen, []);
    assert_eq!(http.shutdown_grace, Duration::from_secs(30));
    assert_eq!((log.filter.as_str(), log.format), ("info", LogFormat::Text));
    assert_eq!(reader.finish(Ok(())), Ok(()));
}

#[test]
fn each_setting_is_read() {
    let mut reader = SettingsReader::of_variables(&[
        ("WAYPOST_LISTEN", "[::1]:80,unix:/run/waypost.sock"),
        ("WAYPOST_BASE_URL", "https://go.example/"),
        ("WAYPOST_WORKERS", "3"),
        ("WAYPOST_METRICS_LISTEN", "127.0.0.1:9"),
        ("WAYPOST_SHUTDOWN_GRACE_S", "0"),
        ("WAYPOST_LOG", "warn,waypost_api=debug"),
        ("WAYPOST_LOG_FORMAT", "json"),
    ]);
    let http = HttpSettings::read(&mut reader).unwrap();
    let listen = ListenAddress::parse_all("[::1]:80 unix:/run/waypost.sock").unwrap();
    assert_eq!(http.listen, Some(listen));
    assert_eq!(http.base_url.as_str(), "https://go.example");
    assert_eq!(http.workers, 3);
    let metrics = ListenAddress::parse_all("127.0.0.1:9").unwrap();
    assert_eq!(http.metrics_listen, metrics);
    assert_eq!(http.shutdown_grace, Duration::ZERO);
    let log = LogSettings::read(&mut reader).unwrap();
    assert_eq!(log.filter, "warn,waypost_api=debug");
    assert_eq!(log.format, LogFormat::Json);
    assert_eq!(reader.finish(Ok(())), Ok(()));
}

#[test]
fn limits_names_and_connections_are_read() {
    let read = |variables: &[(&str, &str)]| {
        let mut reader = SettingsReader::of_variables(variables);
        let http = HttpSettings::read(&mut reader);
        let limits = LimitSettings::read(&mut reader);
        reader.finish(http.and_then(|http| Ok((http, limits?))))
    };
    let (http, limits) = read(&[]).unwrap();
    assert_eq!(http.max_connections.to_string(), MAX_CONNECTIONS.default);
    let per = [limits.requests_per_minute, limits.links_per_hour].map(|limit| limit.to_string());
    assert_eq!(per, [RATE_LIMIT_API.default, RATE_LIMIT_CREATE.default]);
    let (http, limits) = read(&[
        ("WAYPOST_BASE_URL", "https://go.example"),
        ("WAYPOST_HOST_NAMES", "go, *.corp.example"),
        ("WAYPOST_MAX_CONNECTIONS", "7"),
        ("WAYPOST_RATE_LIMIT_API", "0"),
        ("WAYPOST_RATE_LIMIT_CREATE", "5"),
    ])
    .unwrap();
    assert_eq!(http.max_connections, 7);
    assert_eq!(http.base_url.word_of("gh.corp.example"), Some("gh"));
    assert_eq!(http.base_url.word_of("go"), None);
    assert_eq!((limits.requests_per_minute, limits.links_per_hour), (0, 5));
    let problems = read(&[
        ("WAYPOST_HOST_NAMES", "https://go"),
        ("WAYPOST_MAX_CONNECTIONS", "0"),
        ("WAYPOST_RATE_LIMIT_API", "-1"),
        ("WAYPOST_RATE_LIMIT_CREATE", "many"),
    ]);
    assert_eq!(problems.unwrap_err().as_slice().len(), 4);
}

#[test]
fn the_operators_token_is_long_and_never_printed() {
    let read = |token: &str| {
        let mut reader = SettingsReader::of_variables(&[("WAYPOST_ADMIN_TOKEN", token)]);
        let access = AccessSettings::read(&mut reader);
        reader.finish(access)
    };
    let token = "correct-horse-battery-staple-123";
    assert_eq!(token.len(), AccessSettings::MIN_TOKEN_CHARS);
    let access = read(token).unwrap();
    assert_eq!(access.admin_token, Some(TokenHash::of(token)));
    assert!(!format!("{access:?}").contains("horse"));
    assert_eq!(read("").unwrap().admin_token, None);
    let long = "x".repeat(1_025);
    for bad in [&token[1..], "correct horse battery staple 1234", &long] {
        let problems = read(bad).unwrap_err().to_string();
        assert!(problems.contains("WAYPOST_ADMIN_TOKEN: "), "{problems}");
        assert!(!problems.contains("horse"), "{problems}");
    }
}

#[test]
fn sessions_last_from_a_day_to_a_year() {
    let read = |days: &str| {
        let mut reader = SettingsReader::of_variables(&[("WAYPOST_SESSION_DAYS", days)]);
        let access = AccessSettings::read(&mut reader);
        reader.finish(access).map(|access| access.sessions)
    };
    assert_eq!(SESSION_DAYS.default, "14");
    assert_eq!(read("14"), Ok(SessionLifetime::default()));
    for days in ["1", "365"] {
        let lifetime = SessionLifetime::of_days(days.parse().unwrap());
        assert_eq!(read(days).ok(), lifetime);
    }
    for days in ["0", "366", "-1", "1.5", "a week"] {
        let problems = read(days).unwrap_err().to_string();
        assert!(problems.contains("WAYPOST_SESSION_DAYS: "), "{problems}");
    }
}

#[test]
fn every_problem_is_reported_at_once() {
    let mut reader = SettingsReader::of_variables(&[
        ("WAYPOST_LISTEN", "localhost"),
        ("WAYPOST_BASE_URL", "go.example"),
        ("WAYPOST_WORKERS", "0"),
        ("WAYPOST_METRICS_LISTEN", ":9"),
        ("WAYPOST_SHUTDOWN_GRACE_S", "-1"),
        ("WAYPOST_LOG", "loud"),
        ("WAYPOST_LOG_FORMAT", "xml"),
    ]);
    assert_eq!(HttpSettings::read(&mut reader), Err(Invalid));
    assert_eq!(LogSettings::read(&mut reader), Err(Invalid));
    let problems = reader.finish(Ok(())).unwrap_err();
    assert_eq!(problems.as_slice().len(), 7, "{problems}");
}

#[test]
fn a_filter_that_would_log_nothing_by_mistake_is_refused() {
    for good in [
        "info",
        "INFO",
        "off",
        "warn,waypost_api=debug",
        "waypost_api::access=debug",
        "[request]=debug",
    ] {
        assert_eq!(filter(good).as_deref(), Ok(good));
    }
    for bad in ["", "loud", "info,loud", "waypost_api=loud", "info,[="] {
        assert!(filter(bad).is_err(), "{bad}");
    }
}
