//! The content of a file with a secret, as Docker, Kubernetes and systemd provide them.

use std::io::{self, ErrorKind};

/// A mark that some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the secret of a file: its text without the newline at its end. Other white space belongs
/// to the secret.
///
/// # Errors
/// What is wrong with the file. It does not contain the secret, nor a path that may be one.
pub(super) fn content(path: &str, read: io::Result<Vec<u8>>) -> Result<String, String> {
    let bytes = read.map_err(|error| format!("cannot read {}: {error}", name(path, &error)))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("`{path}` is not UTF-8 text"))?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
    let text = match text.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => text,
    };
    if text.trim().is_empty() {
        return Err(format!("`{path}` is empty"));
    }
    Ok(text.to_owned())
}

/// Names the file in an error. A text that is no path may be the secret itself, set in the wrong
/// variable.
fn name(path: &str, error: &io::Error) -> String {
    let is_path = path.starts_with('/') && path.get(1..).is_some_and(|rest| rest.contains('/'));
    if (is_path && !path.contains("://")) || error.kind() == ErrorKind::PermissionDenied {
        format!("`{path}`")
    } else {
        "this file; expected the path of a file with the secret".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_newline_at_the_end_is_cut() {
        for (bytes, secret) in [
            ("s3cret", "s3cret"),
            ("s3cret\n", "s3cret"),
            ("s3cret\r\n", "s3cret"),
            ("s3cret\n\n", "s3cret\n"),
            ("s3cret\r", "s3cret\r"),
            (" s3cret \n", " s3cret "),
            ("\u{feff}s3cret\n", "s3cret"),
            ("grün\n", "grün"),
        ] {
            assert_eq!(
                content("/run/secrets/db", Ok(bytes.into())).unwrap(),
                secret
            );
        }
    }

    #[test]
    fn a_file_without_a_secret_is_refused() {
        for bytes in ["", "\n", "\r\n", " ", "\u{feff}", "\n\n"] {
            let error = content("/run/secrets/db", Ok(bytes.into())).unwrap_err();
            assert_eq!(error, "`/run/secrets/db` is empty", "{bytes:?}");
        }
        let error = content("/run/secrets/db", Ok(b"hunter2\xff".into())).unwrap_err();
        assert_eq!(error, "`/run/secrets/db` is not UTF-8 text");
    }

    #[test]
    fn a_secret_in_place_of_a_path_is_not_printed() {
        let missing = || Err(ErrorKind::NotFound.into());
        let error = content("/run/secrets/db", missing()).unwrap_err();
        assert!(
            error.starts_with("cannot read `/run/secrets/db`: "),
            "{error}"
        );
        for secret in ["hunter2", "postgres://u:hunter2@host/db", "/hunter2+=="] {
            let error = content(secret, missing()).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
            assert!(error.contains("expected the path of a file"), "{error}");
        }
    }
}
