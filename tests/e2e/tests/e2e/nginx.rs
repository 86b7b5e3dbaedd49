//! A real nginx, and other programs of the machine.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use waypost_test_harness::{Finished, Invocation};

/// Runs a program of the machine, wherever Debian puts it.
pub(crate) fn program(line: &str) -> Finished {
    let path = std::env::var("PATH").unwrap_or_default();
    Invocation::of_program("/bin/sh".into())
        .args(["-ec", line])
        .env("PATH", format!("{path}:/usr/sbin"))
        .run()
}

/// A running nginx, which ends with the value.
pub(crate) struct Nginx {
    process: tokio::process::Child,
    _folder: TempDir,
}

impl Nginx {
    /// Starts one with these servers, after it has checked them.
    pub(crate) fn start(servers: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration(folder.path(), servers)).unwrap();
        let run = format!(
            "nginx -c {0} -p {1}",
            file.display(),
            folder.path().display()
        );
        program(&format!("{run} -t")).assert_success();
        let path = std::env::var("PATH").unwrap_or_default();
        let process = tokio::process::Command::new("/bin/sh")
            .args(["-ec", &format!("exec {run}")])
            .env("PATH", format!("{path}:/usr/sbin"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            process,
            _folder: folder,
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // One process serves: there is no worker that would outlive it.
        let _ = self.process.start_kill();
    }
}

/// Servers as a whole configuration, which writes only to a folder.
fn configuration(folder: &Path, servers: &str) -> String {
    let folder = folder.display();
    let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let places = places.map(|place| format!("{place}_temp_path {folder}/{place};"));
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n\
         events {{}}\nhttp {{\naccess_log off;\n{}\n{servers}\n}}\n",
        places.join("\n")
    )
}
