//! The command line. Every setting has a flag, generated from the same tables that read it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};
use waypost_core::settings::Setting;
use waypost_settings::{Flags, SECTIONS};

const ABOUT: &str = "Link shortener with exact click statistics";
const ENDING: &str = "\
A flag overrides the environment, which overrides the file, which overrides the default. The file
is waypost.toml in the working directory, or the one in --config or WAYPOST_CONFIG; its keys are the
variables in lower case without WAYPOST_. An empty value in the file or the environment means that the
setting is not set there. Command lines are visible to all users of the machine: put passwords in the
environment or a file.

Exit codes:
  0  stopped after SIGTERM or SIGINT
  1  failed to start, or failed while running
  2  wrong usage or configuration";

/// Parses the command line. Exits on `--help`, `--version` and wrong usage.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Flags {
    let mut matches = command().get_matches_from(arguments);
    let settings = all_settings()
        .filter_map(|setting| {
            let value = matches.remove_one::<String>(setting.key)?;
            Some((setting.key.to_owned(), value))
        })
        .collect();
    Flags {
        config: matches.remove_one("config"),
        settings,
    }
}

fn all_settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().copied().flatten()
}

fn command() -> Command {
    Command::new("server")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(ENDING)
        .next_line_help(true)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Settings file [env: WAYPOST_CONFIG] [default: ./waypost.toml]"),
        )
        .args(all_settings().map(flag))
}

fn flag(setting: &Setting) -> Arg {
    let Setting {
        default, meaning, ..
    } = setting;
    let mut help = format!(
        "{meaning} [env: {}] [default: {default}]",
        setting.variable()
    );
    if let Some(variable) = setting.file_variable() {
        let _ = write!(
            help,
            "; or the path of a file with it [env: {variable}] [default: unset]"
        );
    }
    Arg::new(setting.key)
        .long(setting.flag())
        .value_name("VALUE")
        .action(ArgAction::Set)
        // The settings reader checks values, and reports all problems at once.
        .allow_negative_numbers(true)
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn help_names_every_setting_with_its_variable_and_default() {
        let help = command().render_long_help().to_string();
        for setting in all_settings() {
            let name = format!("--{} <VALUE>", setting.flag());
            let variable = format!("[env: {}]", setting.variable());
            let default = format!("[default: {}]", setting.default);
            let unfolded = help.split_whitespace().collect::<Vec<_>>().join(" ");
            let file = setting.file_variable();
            let file = file.map(|variable| format!("[env: {variable}]"));
            for part in [name, variable, default].into_iter().chain(file) {
                assert!(unfolded.contains(&part), "{part} in\n{help}");
            }
        }
    }

    #[test]
    fn flags_become_settings() {
        let arguments = [
            "server",
            "--listen",
            "[::]:80",
            "--retention-days",
            "-1",
            "--config",
            "a",
        ];
        let flags = parse(arguments.map(OsString::from));
        assert_eq!(flags.config, Some(PathBuf::from("a")));
        let given = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            flags.settings,
            [given("listen", "[::]:80"), given("retention_days", "-1")]
        );
    }
}
