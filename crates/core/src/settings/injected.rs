//! Variables that Kubernetes and Docker add to the environment of every container for a Service or
//! a linked container, whose name may begin with `waypost`.
//!
//! | added by | variables, here for the name `waypost-db` |
//! | --- | --- |
//! | Kubernetes | `WAYPOST_DB_SERVICE_HOST`, `WAYPOST_DB_SERVICE_PORT`, `WAYPOST_DB_SERVICE_PORT_{port}` |
//! | both | `WAYPOST_DB_PORT`, `WAYPOST_DB_PORT_80_TCP`, and with `_PROTO`, `_PORT`, `_ADDR` |
//! | Docker | the same with `_START` and `_END` for a range of ports; `WAYPOST_DB_NAME`, `WAYPOST_DB_ENV_*` |
//!
//! A variable is recognised by its name and its value: what a person writes has another value
//! (`WAYPOST_PORT=8080`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::PREFIX;

/// The protocols of a port, as Kubernetes and Docker name them.
const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

/// The containers to which Docker has linked this one, by the beginnings of their variables.
#[derive(Debug, Default)]
pub(super) struct Linked(BTreeSet<String>);

impl Linked {
    /// Finds the linked containers in the variables of Waypost.
    pub(super) fn of(variables: &BTreeMap<String, Option<String>>) -> Self {
        let named = variables.iter().filter_map(|(name, value)| {
            let alias = name.strip_suffix("_NAME")?;
            is_link(alias, value.as_deref()?).then(|| alias.to_owned())
        });
        Self(named.collect())
    }

    /// Whether this variable was added by Kubernetes or Docker. A value that is not text is `None`.
    pub(super) fn has_added(&self, name: &str, value: Option<&str>) -> bool {
        // A variable of a linked container may have any value.
        let is_copied = self.0.iter().any(|alias| {
            let rest = name.strip_prefix(alias.as_str());
            rest.is_some_and(|rest| rest.starts_with("_ENV_") || rest == "_NAME")
        });
        is_copied || value.is_some_and(|value| is_of_service(name, value.trim()))
    }
}

/// Whether the value names a linked container, as in `WAYPOST_DB_NAME=/server/waypost-db`.
fn is_link(alias: &str, value: &str) -> bool {
    let Some((_, name)) = value
        .strip_prefix('/')
        .and_then(|path| path.split_once('/'))
    else {
        return false;
    };
    name.to_ascii_uppercase().replace('-', "_") == alias
}

fn is_of_service(name: &str, value: &str) -> bool {
    // The underscore also separates the name of the Service, which is `waypost` or longer.
    let Some(rest) = name.strip_prefix(PREFIX.trim_end_matches('_')) else {
        return false;
    };
    rest.ends_with("_SERVICE_HOST") && is_address(value)
        || is_service_port(rest) && is_port(value)
        || rest.ends_with("_PORT") && endpoint(value).is_some()
        || is_of_port(rest, value)
}

/// Whether the name ends with `_SERVICE_PORT`, or with the name of a port after it.
fn is_service_port(name: &str) -> bool {
    let after = name.rsplit_once("_SERVICE_PORT").map(|(_, after)| after);
    after.is_some_and(|after| after.is_empty() || (after.starts_with('_') && after.len() > 1))
}

/// Whether this is a variable of one port, such as `_PORT_80_TCP_ADDR`, with its value.
fn is_of_port(name: &str, value: &str) -> bool {
    let Some((port, rest)) = name
        .rsplit_once("_PORT_")
        .filter(|(_, after)| after.starts_with(|first: char| first.is_ascii_digit()))
        .or_else(|| outer_port(name))
        .and_then(|(_, after)| after.split_once('_'))
    else {
        return false;
    };
    let (protocol, field) = rest.split_once('_').unwrap_or((rest, ""));
    let protocol = protocol.to_ascii_lowercase();
    if !is_port(port) || !PROTOCOLS.contains(&protocol.as_str()) {
        return false;
    }
    match field {
        "" | "START" | "END" => endpoint(value).is_some_and(|(given, _)| given == protocol),
        "PROTO" => value == protocol,
        "ADDR" => is_address(value),
        "PORT" | "PORT_START" | "PORT_END" => is_port(value),
        _ => false,
    }
}

/// Splits a name before the number of its port, if a field after it contains `_PORT_` again.
fn outer_port(name: &str) -> Option<(&str, &str)> {
    let field = ["_PORT_START", "_PORT_END"];
    let outer = field.iter().find_map(|field| name.strip_suffix(field))?;
    let start = outer.rfind("_PORT_")?;
    Some((name.get(..start)?, name.get(start + "_PORT_".len()..)?))
}

/// Splits the URL of a port, such as `tcp://10.0.0.1:80`, into protocol and port.
fn endpoint(value: &str) -> Option<(&str, &str)> {
    let (protocol, place) = value.split_once("://")?;
    let (address, port) = place.rsplit_once(':')?;
    let address = address
        .strip_prefix('[')
        .and_then(|address| address.strip_suffix(']'))
        .unwrap_or(address);
    (PROTOCOLS.contains(&protocol) && is_address(address) && is_port(port))
        .then_some((protocol, port))
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(variables: &[(&str, &str)], name: &str) -> bool {
        let variables: BTreeMap<_, _> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
            .collect();
        let value = variables.get(name).and_then(Option::as_deref);
        Linked::of(&variables).has_added(name, value)
    }

    #[test]
    fn what_kubernetes_and_docker_add_is_recognised() {
        for (name, value) in [
            ("WAYPOST_SERVICE_HOST", "10.96.12.7"),
            ("WAYPOST_SERVICE_HOST", "fd00:10:96::7"),
            ("WAYPOST_SERVICE_PORT", "80"),
            ("WAYPOST_SERVICE_PORT_HTTP", "80"),
            ("WAYPOST_SERVICE_PORT_HTTP_METRICS", "9090"),
            ("WAYPOST_PORT", "tcp://10.96.12.7:80"),
            ("WAYPOST_PORT", "tcp://[fd00:10:96::7]:80"),
            ("WAYPOST_PORT", "udp://10.96.12.7:53"),
            ("WAYPOST_PORT_80_TCP", "tcp://10.96.12.7:80"),
            ("WAYPOST_PORT_80_TCP_PROTO", "tcp"),
            ("WAYPOST_PORT_80_TCP_PORT", "80"),
            ("WAYPOST_PORT_80_TCP_ADDR", "10.96.12.7"),
            ("WAYPOST_PORT_53_UDP", "udp://10.96.12.7:53"),
            ("WAYPOST_PORT_53_UDP_PROTO", "udp"),
            ("WAYPOST_PORT_3868_SCTP", "sctp://10.96.12.7:3868"),
            ("WAYPOST_PORT_3868_SCTP_ADDR", "10.96.12.7"),
            ("WAYPOST_SERVER_PORT", "tcp://10.96.0.9:8080"),
            ("WAYPOST_SERVER_SERVICE_PORT", "8080"),
            ("WAYPOST_DB_SERVICE_HOST", "10.96.0.9"),
            ("WAYPOST_DB_PORT_5432_TCP", "tcp://10.96.0.9:5432"),
            ("WAYPOST_DB_PORT_5432_TCP_PORT", "5432"),
            ("WAYPOST_BLUE_PORT_80_TCP_ADDR", "10.96.0.9"),
            ("WAYPOST_PORT_SERVICE_HOST", "10.96.0.9"),
            ("WAYPOST_PORT_PORT_80_TCP", "tcp://10.96.0.9:80"),
            ("WAYPOST_DB_PORT_8000_TCP_START", "tcp://172.17.0.5:8000"),
            ("WAYPOST_DB_PORT_8000_TCP_PORT_START", "8000"),
            ("WAYPOST_DB_PORT_8000_TCP_PORT_END", "8010"),
            ("WAYPOST_NAME", "/server/waypost"),
            ("WAYPOST_DB_NAME", "/server/waypost-db"),
            ("WAYPOST_DB_1_NAME", "/shop_web_1/waypost_db_1"),
        ] {
            assert!(added(&[(name, value)], name), "{name}={value}");
        }
    }

    #[test]
    fn what_a_person_writes_is_not() {
        for (name, value) in [
            ("WAYPOST_LISTENN", "127.0.0.1:80"),
            ("WAYPOST_PORT", "8080"),
            ("WAYPOST_PORT", "http://10.96.12.7:80"),
            ("WAYPOST_PORT", "tcp://waypost:80"),
            ("WAYPOST_PORT", ""),
            ("WAYPOST_PORT_80", "80"),
            ("WAYPOST_PORT_80_TCP", "80"),
            ("WAYPOST_PORT_80_TCP", "udp://10.96.12.7:80"),
            ("WAYPOST_PORT_80_TCP_PROTO", "udp"),
            ("WAYPOST_PORT_X_TCP_ADDR", "10.96.12.7"),
            ("WAYPOST_PORT_99999_TCP_ADDR", "10.96.12.7"),
            ("WAYPOST_PORT_80_ICMP_ADDR", "10.96.12.7"),
            ("WAYPOST_PORT_80_TCP_HOST", "10.96.12.7"),
            ("WAYPOST_SERVICE_HOST", "go.example"),
            ("WAYPOST_SERVICE_PORT", "http"),
            ("WAYPOST_SERVICE_PORT_", "80"),
            ("WAYPOST_SERVICE_PORTS", "80"),
            ("WAYPOST_HOST", "10.96.12.7"),
            ("WAYPOST_NAME", "Waypost"),
            ("WAYPOST_NAME", "/server/other"),
            ("WAYPOST_ENV_PATH", "/bin"),
        ] {
            assert!(!added(&[(name, value)], name), "{name}={value}");
        }
    }

    #[test]
    fn the_variables_of_a_linked_container_have_any_value() {
        let link = ("WAYPOST_DB_NAME", "/server/waypost-db");
        let copied = ("WAYPOST_DB_ENV_POSTGRES_PASSWORD", "hunter2");
        assert!(added(&[link, copied], copied.0));
        assert!(!added(&[copied], copied.0));
        let other = ("WAYPOST_CACHE_ENV_PATH", "/bin");
        assert!(!added(&[link, other], other.0));
    }
}
