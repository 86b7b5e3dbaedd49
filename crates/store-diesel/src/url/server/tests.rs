use super::*;

const POSTGRES: DatabaseKind = DatabaseKind::Postgres;
const MYSQL: DatabaseKind = DatabaseKind::Mysql;

fn urls(kind: DatabaseKind, rest: &str) -> Vec<String> {
    match ServerUrl::parse(kind, rest) {
        Ok(url) => url.urls(),
        Err(error) => panic!("{rest}: {error}"),
    }
}

fn refused(kind: DatabaseKind, rest: &str) -> DatabaseUrlError {
    match ServerUrl::parse(kind, rest) {
        Ok(url) => panic!("{rest}: {url}"),
        Err(error) => error,
    }
}

#[test]
fn each_host_becomes_a_url() {
    for (kind, rest, expected) in [
        (
            POSTGRES,
            "u:p@a:1,[::1]:2,c/w?connect_timeout=2",
            [
                "postgres://u:p@a:1/w?connect_timeout=2&target_session_attrs=read-write",
                "postgres://u:p@[::1]:2/w?connect_timeout=2&target_session_attrs=read-write",
                "postgres://u:p@c/w?connect_timeout=2&target_session_attrs=read-write",
            ]
            .as_slice(),
        ),
        (
            POSTGRES,
            "h1:5432,h2:5432/db?target_session_attrs=read-write",
            &[
                "postgres://h1:5432/db?target_session_attrs=read-write",
                "postgres://h2:5432/db?target_session_attrs=read-write",
            ],
        ),
        (
            POSTGRES,
            "a,b/w?target_session_attrs=any",
            &[
                "postgres://a/w?target_session_attrs=any",
                "postgres://b/w?target_session_attrs=any",
            ],
        ),
        (
            MYSQL,
            "u:p%2C@a,b:3307/w",
            &["mysql://u:p%2C@a/w", "mysql://u:p%2C@b:3307/w"],
        ),
        (
            MYSQL,
            "u:p@[::1]:3306,[2001:db8::1]/w",
            &["mysql://u:p@[::1]:3306/w", "mysql://u:p@[2001:db8::1]/w"],
        ),
        (
            POSTGRES,
            "u:p@db/w?options=-c%20a=1+1",
            &["postgres://u:p@db/w?options=-c%20a=1+1"],
        ),
        (
            POSTGRES,
            "db/w?application_name=links@example.com&user=u",
            &["postgres://db/w?application_name=links%40example.com&user=u"],
        ),
    ] {
        assert_eq!(urls(kind, rest), expected, "{rest}");
    }
}

#[test]
fn the_lists_of_libpq_are_read() {
    for (rest, expected) in [
        (
            "/w?host=a,b&port=1,&target_session_attrs=any",
            [
                "postgres://a:1/w?target_session_attrs=any",
                "postgres://b/w?target_session_attrs=any",
            ]
            .as_slice(),
        ),
        (
            "u@/w?host=a%2Cb&port=7&target_session_attrs=any",
            &[
                "postgres://u@a:7/w?target_session_attrs=any",
                "postgres://u@b:7/w?target_session_attrs=any",
            ],
        ),
        ("/w?hostaddr=::1", &["postgres://[::1]/w?hostaddr=::1"]),
        ("/w?host=::1&port=7", &["postgres://[::1]:7/w"]),
        ("db?dbname=w&user=u", &["postgres://db/w?user=u"]),
        ("db/?dbname=w", &["postgres://db/w"]),
    ] {
        assert_eq!(urls(POSTGRES, rest), expected, "{rest}");
    }
}

#[test]
fn sockets_are_named_by_a_parameter_or_in_the_place_of_the_host() {
    for (kind, rest, expected) in [
        (
            POSTGRES,
            "/w?host=/run/postgresql",
            "postgres://%2Frun%2Fpostgresql/w",
        ),
        (
            POSTGRES,
            "u:p@/w?host=/run/my%20sockets&port=5433",
            "postgres://u:p@%2Frun%2Fmy%20sockets:5433/w",
        ),
        (
            POSTGRES,
            "u:p@localhost/w?host=/run/postgresql",
            "postgres://u:p@%2Frun%2Fpostgresql/w",
        ),
        (
            POSTGRES,
            "%2Fvar%2Frun%2Fpostgresql/w",
            "postgres://%2Fvar%2Frun%2Fpostgresql/w",
        ),
        (
            MYSQL,
            "u:p@localhost/w?socket=/run/mysqld/mysqld.sock",
            "mysql://u:p@localhost/w?socket=%2Frun%2Fmysqld%2Fmysqld.sock",
        ),
        (
            MYSQL,
            "u:p@/w?unix_socket=/run/a+b&c.sock",
            "mysql://u:p@localhost/w?socket=%2Frun%2Fa%2Bb",
        ),
        (
            MYSQL,
            "u@%2Frun%2Fmysqld%2Fmysqld.sock/w",
            "mysql://u@localhost/w?socket=%2Frun%2Fmysqld%2Fmysqld.sock",
        ),
        (
            MYSQL,
            "u@/w?host=/run/mysqld.sock",
            "mysql://u@localhost/w?socket=%2Frun%2Fmysqld.sock",
        ),
    ] {
        let rest = rest.replace("&c.sock", "");
        assert_eq!(urls(kind, &rest), [expected], "{rest}");
    }
}

#[test]
fn lists_that_make_no_sense_are_refused() {
    for (rest, error) in [
        ("a,/w", DatabaseUrlError::Host),
        (",a/w", DatabaseUrlError::Host),
        ("a:x,b/w", DatabaseUrlError::Port),
        ("a:0,b/w", DatabaseUrlError::Port),
        ("a/w?port=99999", DatabaseUrlError::Port),
        ("[::1]x,b/w", DatabaseUrlError::Port),
        ("a,b", DatabaseUrlError::Name),
        ("a,b/w?port=1,2,3", DatabaseUrlError::Lists),
        ("a,b/w?hostaddr=::1", DatabaseUrlError::Lists),
        (
            "a,b/w?target_session_attrs=fastest",
            DatabaseUrlError::Session,
        ),
    ] {
        assert_eq!(refused(POSTGRES, rest), error, "{rest}");
    }
    let socket = "a,b/w?socket=/run/mysqld.sock";
    assert_eq!(refused(MYSQL, socket), DatabaseUrlError::Lists);
}

#[test]
fn a_password_that_is_not_encoded_is_explained_and_never_printed() {
    for rest in [
        "u:hunter#2@h/db",
        "u:hunter/2@h/db",
        "u:hunter?2@h/db",
        "u:12#w@h/db",
        "u:12/w@h/db",
        "u:12?w@h/db",
        "u:12/w?x@h/db",
        "u:12/w?x=1@h/db",
        "u:p@ss/hunter@h/db",
        "u:p@ss/w?hunter@h/db",
        "u:p@h/db#fragment",
        "u:hunter#2@[::1]:5432/db",
        "u:#@h1,h2/db",
    ] {
        for kind in [POSTGRES, MYSQL] {
            let error = refused(kind, rest);
            assert_eq!(error, DatabaseUrlError::Unencoded, "{rest}");
            let text = error.to_string();
            assert!(text.starts_with("percent-encode `#`, `/`, `?`"), "{text}");
            assert!(!text.contains("hunter"), "{text}");
        }
    }
}

#[test]
fn characters_that_end_no_password_need_not_be_encoded() {
    for (rest, expected) in [
        ("u:p@ss@h/db", "postgres://u:p%40ss@h/db"),
        ("u:a:b@h/db", "postgres://u:a%3Ab@h/db"),
        ("u:100%@h/db", "postgres://u:100%@h/db"),
        ("u:p%23w@h/db", "postgres://u:p%23w@h/db"),
        (
            "u:p w,[x]&=+!@h/db",
            "postgres://u:p%20w,%5Bx%5D&%3D+!@h/db",
        ),
    ] {
        assert_eq!(urls(POSTGRES, rest), [expected], "{rest}");
    }
    let url = urls(POSTGRES, "u:p@:100%@h/db").concat();
    let config: tokio_postgres::Config = url.parse().unwrap();
    assert_eq!(config.get_password(), Some(b"p@:100%".as_slice()));
}

#[test]
fn a_connection_that_must_be_encrypted_is_refused() {
    for (kind, query, name) in [
        (POSTGRES, "sslmode=require", "sslmode"),
        (POSTGRES, "sslmode=verify-ca", "sslmode"),
        (
            POSTGRES,
            "sslmode=verify-full&sslrootcert=/ca.pem",
            "sslmode",
        ),
        (POSTGRES, "sslrootcert=/ca.pem", "sslrootcert"),
        (POSTGRES, "sslcert=/c.pem&sslkey=/k.pem", "sslcert"),
        (POSTGRES, "sslnegotiation=direct", "sslnegotiation"),
        (POSTGRES, "channel_binding=require", "channel_binding"),
        (POSTGRES, "gssencmode=require", "gssencmode"),
        (POSTGRES, "ssl=true", "ssl"),
        (MYSQL, "require_ssl=true", "require_ssl"),
        (MYSQL, "require_ssl=true&verify_ca=false", "require_ssl"),
        (MYSQL, "verify_identity=true", "verify_identity"),
        (MYSQL, "ssl-mode=REQUIRED", "ssl-mode"),
        (MYSQL, "ssl_mode=VERIFY_IDENTITY", "ssl_mode"),
        (MYSQL, "useSSL=true", "useSSL"),
        (MYSQL, "tls=skip-verify", "tls"),
        (MYSQL, "ssl-ca=/ca.pem", "ssl-ca"),
    ] {
        let error = refused(kind, &format!("u:p@h/db?{query}"));
        assert_eq!(error, DatabaseUrlError::Tls(name.into()), "{query}");
        let text = error.to_string();
        assert!(text.contains("TLS to the database is not supported yet"));
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn a_connection_that_need_not_be_encrypted_is_not() {
    for (kind, query) in [
        (POSTGRES, "sslmode=disable"),
        (POSTGRES, "sslmode=allow"),
        (POSTGRES, "sslmode=prefer&channel_binding=prefer"),
        (POSTGRES, "sslmode=disable&sslrootcert=/ca.pem"),
        (POSTGRES, "gssencmode=disable"),
        (POSTGRES, "client_encoding=UTF8"),
        (MYSQL, "require_ssl=false&verify_ca=false"),
        (MYSQL, "ssl-mode=DISABLED"),
        (MYSQL, "ssl-mode=PREFERRED"),
        (MYSQL, "useSSL=false&charset=utf8mb4"),
    ] {
        let urls = urls(kind, &format!("u:p@h/db?{query}"));
        assert!(!urls.concat().contains('?'), "{urls:?}");
    }
}

#[test]
fn unknown_parameters_and_values_are_named() {
    let parameter = |name: &str| DatabaseUrlError::Parameter(Some(name.into()));
    let value = |name: &str| DatabaseUrlError::Value(name.into());
    for (kind, query, error) in [
        (POSTGRES, "schema=links", parameter("schema")),
        (POSTGRES, "pgbouncer=true", parameter("pgbouncer")),
        (POSTGRES, "nonsense", parameter("nonsense")),
        (POSTGRES, "socket=/run/x", parameter("socket")),
        (MYSQL, "parseTime=true", parameter("parseTime")),
        (MYSQL, "hostaddr=::1", parameter("hostaddr")),
        (POSTGRES, "keepalives=sure", value("keepalives")),
        (POSTGRES, "connect_timeout=soon", value("connect_timeout")),
        (POSTGRES, "tcp_user_timeout=soon", value("tcp_user_timeout")),
        (MYSQL, "tcp_nodelay=soon", value("tcp_nodelay")),
        (MYSQL, "compression=soon", value("compression")),
        (MYSQL, "charset=latin1", DatabaseUrlError::Encoding),
        (
            POSTGRES,
            "password=a&hunter=2",
            DatabaseUrlError::Parameter(None),
        ),
    ] {
        let rest = format!("u:p@h/db?{query}");
        assert_eq!(refused(kind, &rest), error, "{rest}");
    }
}

#[test]
fn the_time_without_an_acknowledgement_is_in_milliseconds() {
    let url = urls(POSTGRES, "h/db?tcp_user_timeout=2500").concat();
    let config: tokio_postgres::Config = url.parse().unwrap();
    let expected = std::time::Duration::from_secs(3);
    assert_eq!(config.get_tcp_user_timeout(), Some(&expected));
}

#[test]
fn all_hosts_print_and_no_secret() {
    let rest = "user:hunter2@a:1,[::1],c/w?password=hunter2";
    let url = ServerUrl::parse(POSTGRES, rest).unwrap();
    assert_eq!(url.to_string(), "postgres://a:1,[::1],c/w");
}
