//! What to say about a setting that does not exist.

use std::collections::BTreeSet;

use super::{FILE_SUFFIX, Layer, PREFIX};

/// Maximum number of letters by which a mistyped name differs from the one that was meant.
const MAX_DISTANCE: usize = 2;

/// Says what is wrong with an unknown key, and what to use instead if that can be guessed.
pub(super) fn message(key: &str, layer: Layer, declared: &BTreeSet<&'static str>) -> String {
    let name = |key: &str| match layer {
        Layer::Environment => format!("{PREFIX}{}", key.to_ascii_uppercase()),
        Layer::File => format!("`{key}`"),
        Layer::Flags => format!("--{}", key.replace('_', "-")),
    };
    let list = "`server --help` lists all settings";
    if let Some(stem) = key.strip_suffix(FILE_SUFFIX)
        && declared.contains(stem)
    {
        let stem = name(stem);
        return format!("unknown setting; only secrets are read from a file, set {stem} instead");
    }
    if let "port" | "host" | "address" | "addr" | "bind" = key
        && declared.contains("listen")
    {
        let listen = name("listen");
        return format!(
            "unknown setting; set {listen} to an address with a port, such as 0.0.0.0:8080"
        );
    }
    match nearest(key, declared) {
        Some(near) => format!("unknown setting, perhaps {} is meant; {list}", name(near)),
        None => format!("unknown setting; {list}"),
    }
}

fn nearest(key: &str, declared: &BTreeSet<&'static str>) -> Option<&'static str> {
    let distances = declared
        .iter()
        .map(|known| (strsim::osa_distance(key, known), *known));
    let (distance, near) = distances.min()?;
    // A letter or two are most of a short name.
    (distance <= MAX_DISTANCE.min(key.len() / 4)).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_that_was_meant_is_named() {
        let declared = BTreeSet::from(["listen", "log", "timezone", "database_url"]);
        let said = |key| message(key, Layer::Environment, &declared);
        for (key, part) in [
            ("listenn", "perhaps WAYPOST_LISTEN is meant"),
            ("lisetn", "perhaps WAYPOST_LISTEN is meant"),
            ("time_zone", "perhaps WAYPOST_TIMEZONE is meant"),
            ("database_uri", "perhaps WAYPOST_DATABASE_URL is meant"),
            ("port", "set WAYPOST_LISTEN to an address with a port"),
            ("host", "set WAYPOST_LISTEN to an address with a port"),
            ("timezone_file", "only secrets are read from a file"),
        ] {
            assert!(said(key).contains(part), "{key}: {}", said(key));
        }
        for key in ["other", "x", "dog", "file", "_file"] {
            assert_eq!(
                said(key),
                "unknown setting; `server --help` lists all settings"
            );
        }
        assert!(message("listn", Layer::File, &declared).contains("perhaps `listen` is meant"));
    }
}
