//! What can be asked of `linkctl`.

mod explain;
mod facts;
mod journal;
mod orphans;
mod purge;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
pub(crate) use purge::Purge;
use uuid::Uuid;
use waypost_analytics::Age;
use waypost_core::{DisplayName, Email, HostPattern, Scopes, Title, TokenName};
use waypost_store::AcceptedLoss;

pub(crate) use self::explain::{Explain, Header};
pub(crate) use self::facts::{Privacy, Reclassify};
pub(crate) use self::journal::{Drain, Forget, Journal};
pub(crate) use self::orphans::Orphans;

const ENDING: &str = "\
The settings are those of the server: waypost.toml (or the file that WAYPOST_CONFIG names), then
WAYPOST_* variables, then the options above; `server --help` lists them.

Results go to standard output; messages, questions, progress and errors to standard error.

Exit codes:
  0  done
  1  verify found differences
  2  wrong usage or configuration
  3  there is no such link, keyword, blocked host, user, token or journal
  4  refused: the code or the address is taken, or what would be lost was not confirmed
  5  the database or the journal cannot be used, or the database needs `linkctl migrate up`
  6  the result could not be written";

/// Look after the database of Waypost: its schema, its links, its clicks, its users and their tokens.
#[derive(Debug, Parser)]
#[command(name = "linkctl", version, after_help = ENDING)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Default, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "`--help` shows the text as it is written"
)]
pub(crate) struct Global {
    /// File of settings; without it WAYPOST_CONFIG, then waypost.toml if there is one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Database to work on, instead of WAYPOST_DATABASE_URL
    ///
    /// Everybody on this machine can see it: put a password into the file or the variable.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Directory of the embedded database, instead of WAYPOST_DATA_DIR
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,
    /// Print JSON: one document, or one per line where a list may be long
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show and change the version of the schema
    #[command(subcommand)]
    Migrate(Migrate),
    /// Make, show and delete links
    #[command(subcommand)]
    Link(Link),
    /// Make, list and remove keywords, which take all that a path has behind them
    #[command(subcommand)]
    Keyword(Keyword),
    /// Block hosts: no link is made to them, and those that there are lead nowhere
    #[command(subcommand)]
    Block(Block),
    /// List the paths that people try and that lead nowhere, those with most hits first
    ///
    /// What scanners ask for is left out, and what leads somewhere by now.
    Orphans(Orphans),
    /// Add, list and change the people whom links belong to
    #[command(subcommand)]
    User(User),
    /// Make, list and revoke API tokens
    #[command(subcommand)]
    Token(Token),
    /// Say what would become of a visit, step by step
    ///
    /// Which rule finds which link, where it leads, how it is answered, which client address is believed and
    /// why, and whether the visit would be counted. Nothing is counted.
    Explain(Explain),
    /// Delete for good what was deleted 30 days ago, and old clicks; totals and daily numbers stay
    ///
    /// Deletes in small batches, so that redirects go on. It can be stopped and run again.
    Purge(Purge),
    /// Tell people, bots and previews apart anew, after an update of the lists by which that is done
    ///
    /// Changes clicks whose rows are kept, and the daily numbers with them, in small batches while the
    /// server runs. It can be stopped and run again. The time zone must be that of the server.
    Reclassify(Reclassify),
    /// Show what is stored of people
    #[command(subcommand)]
    Privacy(Privacy),
    /// Count again: totals, daily numbers and clicks of every link must agree
    ///
    /// Every accepted click must be accounted for, too: stored, pending, or dropped for a reason. Clicks that
    /// were lost, unreadable or refused count as a difference until they are accepted, and so do two servers
    /// that used one journal. Prints what differs, and then ends with exit code 1.
    Verify(Verify),
    /// Look after the journals of accepted clicks that are not stored yet
    #[command(subcommand)]
    Journal(Journal),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Show which migrations the database has
    Status,
    /// Apply all missing migrations
    Up,
    /// Revert the newest migration
    Down {
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Link {
    /// Make a link and print it
    Add {
        /// Where it leads: an http or https URL
        url: String,
        /// Its code, of a-z, 0-9, `-` and `_`; without it one is drawn
        #[arg(long)]
        code: Option<String>,
        /// Whose it is; without it nobody's
        #[arg(long, value_name = "EMAIL")]
        owner: Option<Email>,
    },
    /// List links, newest first
    List {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
        limit: u64,
        /// All of them
        #[arg(long, conflicts_with = "limit")]
        all: bool,
        /// Those that are deleted and can be restored
        #[arg(long)]
        deleted: bool,
    },
    /// Show a link and its clicks
    Show {
        /// Its code, in upper or lower case
        code: String,
    },
    /// Delete a link, so that it can be restored for 30 days at least
    Delete {
        /// Its code, in upper or lower case
        code: String,
        /// Delete it for good, with its clicks and its history
        #[arg(long)]
        permanent: bool,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Restore a deleted link
    Restore {
        /// Its code, in upper or lower case
        code: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keyword {
    /// Make a keyword and print its short link
    ///
    /// `linkctl keyword add gh 'https://github.com/{slug}'` lets /gh/org/repo, and with such a host name
    /// `http://gh/org/repo`, lead to `https://github.com/org/repo`.
    Add(NewKeyword),
    /// List all keywords, in the order of the alphabet
    List,
    /// Remove a keyword; its word stays taken
    Remove {
        /// The word, in upper or lower case
        keyword: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NewKeyword {
    /// The word, of a-z, 0-9, `-` and `_`
    pub(crate) keyword: String,
    /// Where it leads: an http or https URL with `{slug}` where the rest of the path goes
    pub(crate) url: String,
    /// What it is called: one line of at most 200 characters
    #[arg(long, value_parser = Title::parse)]
    pub(crate) title: Option<Title>,
    /// Do not add the query of a visitor to that of the target
    #[arg(long)]
    pub(crate) drop_query: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Block {
    /// Block a host: every server knows within 2 s
    Add {
        /// A host, or `*.` and a host for all hosts below it
        #[arg(value_parser = HostPattern::parse)]
        pattern: HostPattern,
        /// Why: one line of at most 200 characters
        #[arg(long, value_parser = Title::parse)]
        reason: Option<Title>,
    },
    /// List what is blocked, in the order of the alphabet
    List,
    /// Let links lead to a host again
    Remove {
        /// The entry, as `linkctl block list` shows it
        #[arg(value_parser = HostPattern::parse)]
        pattern: HostPattern,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a user and print them
    Add(NewUser),
    /// List all users, newest first
    List,
    /// Make a user an admin
    Promote {
        /// Their address
        email: Email,
    },
    /// Make an admin a member
    Demote {
        /// Their address
        email: Email,
    },
    /// Let a user do nothing any more
    Disable {
        /// Their address
        email: Email,
    },
    /// Let a disabled user go on
    Enable {
        /// Their address
        email: Email,
    },
    /// Set the password of a user, read from standard input, and sign them out everywhere
    Password {
        /// Their address
        email: Email,
    },
    /// Delete a user with their API tokens and sessions
    Delete {
        /// Their address
        email: Email,
        /// What becomes of their links: `reassign:EMAIL` gives them to that user; `delete` deletes those
        /// that are theirs alone, and leaves others to the other owners
        #[arg(long, value_name = "WHAT")]
        links: LinksOfDeleted,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// What becomes of the links of a user who is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinksOfDeleted {
    Reassign(Email),
    Delete,
}

impl FromStr for LinksOfDeleted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "delete" => Ok(Self::Delete),
            Some(("reassign", email)) => {
                let email = Email::parse(email).map_err(|error| error.to_string())?;
                Ok(Self::Reassign(email))
            }
            _ => Err("it is `delete` or `reassign:` and an address".to_owned()),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and print its secret, which is shown this once
    Create(NewToken),
    /// List tokens, newest first
    List {
        /// Those of this user; without it those of all
        #[arg(long, value_name = "EMAIL")]
        user: Option<Email>,
    },
    /// Revoke a token: it is not accepted any more, by any server
    Revoke {
        /// Its id, as `linkctl token list` shows it
        id: Uuid,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NewToken {
    /// Whom it speaks for
    #[arg(long, value_name = "EMAIL")]
    pub(crate) user: Email,
    /// What it is for: one line of at most 100 characters
    #[arg(long, value_parser = TokenName::parse)]
    pub(crate) name: TokenName,
    /// What it may do, of what its user may: `read`, `write` and `admin`, separated by commas
    #[arg(long, default_value = "read,write")]
    pub(crate) scopes: Scopes,
    /// After what time it is not accepted any more: 12h, 90d or 2w; without it never
    #[arg(long, value_name = "AGE")]
    pub(crate) expires: Option<Age>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NewUser {
    /// Their address
    pub(crate) email: Email,
    /// What others read: one line of at most 100 characters
    #[arg(long, value_parser = DisplayName::parse)]
    pub(crate) name: Option<DisplayName>,
    /// Make them an admin
    #[arg(long)]
    pub(crate) admin: bool,
    /// Read a password of at least 10 characters from standard input, up to the end of the line
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Verify {
    /// Accept all losses that are found, for this reason: one line of at most 500 characters
    ///
    /// They are noted in the database with the reason, and are no difference from then on. Numbers that do
    /// not add up cannot be accepted.
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub(crate) accept: Option<String>,
}

/// Reads a reason.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let limit = AcceptedLoss::MAX_REASON;
    if text.is_empty() || text.chars().count() > limit || text.chars().any(char::is_control) {
        return Err(format!("a reason is one line of 1 to {limit} characters"));
    }
    Ok(text.to_owned())
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Confirmation {
    /// Do it without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, ErrorKind> {
        Cli::try_parse_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_for_all_stand_before_or_behind_the_command() {
        for line in [
            "linkctl --json --data-dir d --config c verify",
            "linkctl verify --json --data-dir d --config c",
            "linkctl link --json list --data-dir d --config c",
        ] {
            let global = parse(line).unwrap().global;
            assert!(global.json, "{line}");
            assert_eq!(global.data_dir.as_deref(), Some("d"), "{line}");
            assert_eq!(global.config, Some(PathBuf::from("c")), "{line}");
        }
    }

    #[test]
    fn each_command_is_understood() {
        for line in [
            "linkctl migrate status",
            "linkctl migrate up",
            "linkctl migrate down --yes",
            "linkctl link add https://example.com --code wiki",
            "linkctl link list --limit 100",
            "linkctl link list --all",
            "linkctl link show wiki",
            "linkctl link delete wiki -y",
            "linkctl keyword add gh https://github.com/{slug} --title GitHub --drop-query",
            "linkctl keyword list",
            "linkctl block add *.evil.example --reason phishing",
            "linkctl block list",
            "linkctl block remove evil.example",
            "linkctl journal status",
            "linkctl journal list --json",
            "linkctl journal retry",
            "linkctl journal drain /srv/dead -y",
            "linkctl journal forget 019ca000-0000-7000-8000-000000000000 --yes",
            "linkctl orphans",
            "linkctl orphans --from 2026-03-01 --to 2026-03-31 --limit 1000 --json",
            "linkctl explain /wiki",
            "linkctl explain http://gh/org --user a@b.c --ip 192.0.2.1 --header X-Forwarded-For:192.0.2.7",
            "linkctl keyword remove gh --yes",
            "linkctl user add ada@example.com --name Ada --admin --password-stdin",
            "linkctl user list --json",
            "linkctl user promote ada@example.com",
            "linkctl user demote ada@example.com",
            "linkctl user disable ada@example.com",
            "linkctl user enable ada@example.com",
            "linkctl user delete ada@example.com --links delete --yes",
            "linkctl user delete ada@example.com --links reassign:grace@example.com",
            "linkctl token create --user ada@example.com --name deploy",
            "linkctl token create --user a@b.c --name x --scopes read --expires 90d",
            "linkctl token list --user ada@example.com",
            "linkctl token revoke 018f0000-0000-7000-8000-000000000000",
            "linkctl link add https://example.com --owner ada@example.com",
            "linkctl link list --deleted",
            "linkctl link delete wiki --permanent",
            "linkctl link restore wiki",
            "linkctl purge",
            "linkctl purge --older-than 90d --yes",
            "linkctl purge --link wiki --older-than 2w --dry-run",
            "linkctl verify",
            "linkctl verify --accept disk-died",
            "linkctl journal status",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_wrong_usage() {
        for (line, kind) in [
            (
                "linkctl user delete a@b.c",
                ErrorKind::MissingRequiredArgument,
            ),
            (
                "linkctl user delete a@b.c --links keep",
                ErrorKind::ValueValidation,
            ),
            (
                "linkctl token create --user a@b.c --name x --scopes all",
                ErrorKind::ValueValidation,
            ),
            ("linkctl token revoke x", ErrorKind::ValueValidation),
            ("linkctl purge --older-than 90", ErrorKind::ValueValidation),
            ("linkctl link list --limit 0", ErrorKind::ValueValidation),
            (
                "linkctl link list --limit 5 --all",
                ErrorKind::ArgumentConflict,
            ),
            ("linkctl orphans --from today", ErrorKind::ValueValidation),
            ("linkctl verify --accept", ErrorKind::InvalidValue),
            ("linkctl verify --accept=", ErrorKind::ValueValidation),
            ("linkctl link add", ErrorKind::MissingRequiredArgument),
            ("linkctl user add ada", ErrorKind::ValueValidation),
            ("linkctl frobnicate", ErrorKind::InvalidSubcommand),
        ] {
            assert_eq!(parse(line).unwrap_err(), kind, "{line}");
        }
    }

    #[test]
    fn an_age_is_refused_with_what_to_write_instead() {
        let error = Cli::try_parse_from(["linkctl", "purge", "--older-than", "3m"]).unwrap_err();
        assert!(error.to_string().contains("use `h` for hours"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
