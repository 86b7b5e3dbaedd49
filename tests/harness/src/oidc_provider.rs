//! A real OpenID provider as a process of its own: the npm package `oidc-provider`, run by
//! `oidc-provider/provider.mjs`, whose first lines describe how to control it.

use std::process::{Command, Stdio};

use crate::process::{Process, Written, text};
use crate::programs::OidcProviderPrograms;
use crate::wait::PATIENCE;

/// What it writes before its issuer.
const LISTENING: &str = "listening on ";

/// A running OpenID provider with one client. Dropping it kills it and waits for its end.
pub struct OidcProvider {
    process: Process,
    issuer: String,
    configuration: String,
}

impl OidcProvider {
    /// Starts a provider on a free port. `configuration` is a JSON object with `client_id`,
    /// `client_secret` and `redirect_uri` of its client.
    ///
    /// # Panics
    /// When it is not installed, or does not listen within 30 s, with its output.
    pub fn start(configuration: &str) -> Self {
        let (process, issuer) = spawn("0", configuration);
        Self {
            process,
            issuer,
            configuration: configuration.to_owned(),
        }
    }

    /// Returns its issuer: a URL without a slash at its end.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns its output so far, for the message of a failed test.
    pub fn output(&self) -> String {
        text(&self.process.written().both)
    }

    /// Kills it and waits for its end: its port no longer answers.
    pub fn stop(&mut self) {
        self.process.kill();
    }

    /// Starts it again under the same issuer. It has lost its state and has other keys.
    ///
    /// # Panics
    /// As [`start`](Self::start), and when another process has taken its port.
    pub fn restart(&mut self) {
        self.stop();
        let port = self.issuer.rsplit(':').next().unwrap_or_default();
        let (process, issuer) = spawn(port, &self.configuration);
        assert_eq!(issuer, self.issuer, "another port");
        self.process = process;
    }
}

fn spawn(port: &str, configuration: &str) -> (Process, String) {
    let OidcProviderPrograms { modules, node } =
        OidcProviderPrograms::find().unwrap_or_else(|message| panic!("{message}"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/oidc-provider/provider.mjs");
    let mut command = Command::new(node);
    command
        .arg(script)
        .arg(modules)
        .args([port, configuration])
        .stdin(Stdio::null());
    let process = Process::start(&mut command).expect("can start node");
    let issuer = process.wait_for(PATIENCE, |written: &Written| {
        let text = text(&written.stdout);
        let (lines, _unfinished) = text.rsplit_once('\n')?;
        let issuer = |line: &str| line.strip_prefix(LISTENING).map(str::to_owned);
        lines.lines().find_map(issuer)
    });
    let issuer = issuer.unwrap_or_else(|| {
        let output = text(&process.written().both);
        panic!("the OpenID provider does not listen; its output:\n{output}")
    });
    (process, issuer)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    fn configuration_document(issuer: &str) -> Option<String> {
        let address = issuer.strip_prefix("http://")?;
        let mut connection = TcpStream::connect(address).ok()?;
        let request = "GET /.well-known/openid-configuration HTTP/1.0\r\n\r\n";
        connection.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    #[test]
    fn it_answers_until_it_is_stopped_and_again_under_the_same_issuer() {
        let mut provider = OidcProvider::start(
            r#"{"client_id":"a","client_secret":"b","redirect_uri":"http://127.0.0.1:1/"}"#,
        );
        let issuer = provider.issuer().to_owned();
        let answers = || configuration_document(&issuer).is_some_and(|text| text.contains(&issuer));
        assert!(answers(), "{}", provider.output());
        provider.stop();
        assert!(!answers());
        provider.restart();
        assert!(answers(), "{}", provider.output());
    }
}
