//! The command line of `linkctl`.

mod audit;
mod explain;
mod facts;
mod journal;
mod orphans;
mod purge;
mod transfer;
mod users;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use waypost_core::{Email, HostPattern, Title};
use waypost_store::AcceptedLoss;

pub(crate) use self::audit::Audit;
pub(crate) use self::explain::{Explain, Header};
pub(crate) use self::facts::{Privacy, Reclassify, Reindex};
pub(crate) use self::journal::{Drain, Forget, Journal};
pub(crate) use self::orphans::Orphans;
pub(crate) use self::purge::Purge;
pub(crate) use self::transfer::Transfer;
pub(crate) use self::users::{LinksOfDeleted, NewToken, NewUser, Token, User};

const ENDING: &str = "\
The settings are those of the server: waypost.toml (or the file in WAYPOST_CONFIG), then
WAYPOST_* variables, then the options above; `server --help` lists them.

Results go to standard output; messages, questions, progress and errors to standard error.

Exit codes:
  0  done
  1  verify found differences
  2  wrong usage or configuration
  3  not found: link, transfer, keyword, blocked host, user, OpenID account, token or journal
  4  refused: the code or the email address is in use, a user has too many tokens, or the change was not confirmed
  5  the database or the journal cannot be used, or the database needs `linkctl migrate up`
  6  cannot write the result";

/// Manage a Waypost database: schema, links, clicks, users and tokens
#[derive(Debug, Parser)]
#[command(name = "linkctl", version, after_help = ENDING)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Default, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "`--help` shows the text as it is written"
)]
pub(crate) struct Global {
    /// Settings file [default: WAYPOST_CONFIG, else waypost.toml if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Database to work on, instead of WAYPOST_DATABASE_URL or the URL in WAYPOST_DATABASE_URL_FILE
    ///
    /// Command lines are visible to all users of this machine. Put passwords in a file or the
    /// variable.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Data directory of the server (embedded database, journal), instead of WAYPOST_DATA_DIR
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,
    /// Print JSON: one document, or one per line for lists of any length
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
#[expect(
    clippy::doc_markdown,
    reason = "`--help` shows the text as it is written"
)]
pub(crate) enum Command {
    /// Show and change the version of the database schema
    #[command(subcommand)]
    Migrate(Migrate),
    /// Create, list, show, delete and restore links
    #[command(subcommand)]
    Link(Link),
    /// Hand over links: offer them, list offers, and take them back
    ///
    /// The receiver accepts on their dashboard or by the API.
    #[command(subcommand)]
    Transfer(Transfer),
    /// Create, list and remove keywords, which pass on the rest of the path
    #[command(subcommand)]
    Keyword(Keyword),
    /// Block hosts as destinations: links to them cannot be created, and existing ones stop
    /// redirecting
    #[command(subcommand)]
    Block(Block),
    /// List orphan paths: requested by people, matching no link; most requests first
    ///
    /// Requests of scanners are left out, and paths that match a link by now.
    Orphans(Orphans),
    /// Add, list, change and delete users
    #[command(subcommand)]
    User(User),
    /// Create, list and revoke API tokens
    #[command(subcommand)]
    Token(Token),
    /// List the audit trail: who did what to accounts, rights and rules; newest entries first
    Audit(Audit),
    /// Explain step by step how a visit would be handled
    ///
    /// Shows which rule matches which link, the destination, the response, the client IP address
    /// and why it is trusted, and whether the visit would be counted. The explanation itself counts
    /// nothing.
    Explain(Explain),
    /// Permanently delete links that were deleted long ago, and old click records
    ///
    /// Links that were deleted more than `WAYPOST_DELETED_LINK_DAYS` (30) ago are purged with their
    /// statistics, as the server does every hour; purged click records stay in the totals. Works in
    /// small batches while the server runs, and can be interrupted and repeated.
    Purge(Purge),
    /// Release the disk space that deleted data left in an SQLite file
    ///
    /// Works in small steps while the server runs; the server also does it every hour. A file of an
    /// older version is rewritten once: stop the server before. PostgreSQL and MariaDB release space
    /// themselves.
    Vacuum,
    /// Classify stored clicks again as people, bots or previews, after an update of the detection
    /// lists
    ///
    /// Updates click records and daily totals in small batches while the server runs, and can be
    /// interrupted and repeated. WAYPOST_TIMEZONE must be the same as the server's.
    Reclassify(Reclassify),
    /// Index links for search that an earlier release stored, in which searches differ
    ///
    /// The server does this by itself in the background; the command finishes it sooner, and shows
    /// the progress. Works in small batches while servers run, and can be interrupted and repeated.
    Reindex(Reindex),
    /// Show what personal data is stored
    #[command(subcommand)]
    Privacy(Privacy),
    /// Verify that totals, daily totals and click records of every link agree
    ///
    /// Also verifies that every accepted click is stored, pending in the journal of this machine,
    /// or dropped for a known reason. Lost, unreadable and rejected clicks are differences until
    /// they are accepted, and so are two servers that used one journal. Prints links and journals
    /// with differences and exits with code 1.
    Verify(Verify),
    /// Manage the journals of pending clicks
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
    /// Create a link and print it
    Add {
        /// Destination: an http or https URL
        url: String,
        /// Code of a-z, 0-9, `-` and `_`, with `/` between parts [default: generated]
        #[arg(long)]
        code: Option<String>,
        /// Email address of the owner [default: no owner]
        #[arg(long, value_name = "EMAIL")]
        owner: Option<Email>,
        /// Make a template: fill each `$name` in the destination with a part of the visitor's path
        #[arg(long)]
        template: bool,
    },
    /// List links, newest first
    List {
        /// Maximum number of links
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
        limit: u64,
        /// List all links
        #[arg(long, conflicts_with = "limit")]
        all: bool,
        /// List deleted links, which can be restored
        #[arg(long)]
        deleted: bool,
    },
    /// Show a link and its clicks
    Show {
        /// Code, in upper or lower case
        code: String,
    },
    /// Delete a link; it can be restored until it is purged (`WAYPOST_DELETED_LINK_DAYS`)
    Delete {
        /// Code, in upper or lower case
        code: String,
        /// Delete it permanently, with its clicks, history and statistics
        #[arg(long)]
        permanent: bool,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Restore a deleted link
    Restore {
        /// Code, in upper or lower case
        code: String,
    },
    /// List codes below links of other owners, such as jira/abc below jira
    ///
    /// Only owners of the upper link and admins can create such codes now. Older ones keep working.
    Foreign,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keyword {
    /// Create a keyword and print its short link
    ///
    /// `linkctl keyword add gh 'https://github.com/{slug}'` redirects /gh/org/repo, and if that
    /// host name resolves to this server, `http://gh/org/repo`, to `https://github.com/org/repo`.
    Add(NewKeyword),
    /// List all keywords in alphabetical order
    List,
    /// Remove a keyword; its word stays reserved
    Remove {
        /// Keyword, in upper or lower case
        keyword: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NewKeyword {
    /// Keyword of a-z, 0-9, `-` and `_`
    pub(crate) keyword: String,
    /// Destination: an http or https URL with `{slug}` in place of the rest of the path
    pub(crate) url: String,
    /// Title: one line of at most 200 characters
    #[arg(long, value_parser = Title::parse)]
    pub(crate) title: Option<Title>,
    /// Do not add the visitor's query to the destination
    #[arg(long)]
    pub(crate) drop_query: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Block {
    /// Block a host or a network; takes effect on every server within 2 s
    Add {
        /// Host, `*.` and a host for all its subdomains, or a network such as 203.0.113.0/24
        #[arg(value_parser = HostPattern::parse)]
        pattern: HostPattern,
        /// Reason: one line of at most 200 characters
        #[arg(long, value_parser = Title::parse)]
        reason: Option<Title>,
    },
    /// List blocked hosts in alphabetical order
    List,
    /// Unblock a host
    Remove {
        /// Entry, as `linkctl block list` shows it
        #[arg(value_parser = HostPattern::parse)]
        pattern: HostPattern,
    },
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Verify {
    /// Accept all losses that are found, with this reason: one line of at most 500 characters
    ///
    /// Records them in the database with the reason; they no longer count as differences. Totals
    /// that do not agree cannot be accepted.
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub(crate) accept: Option<String>,
}

/// Parses a reason.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let limit = AcceptedLoss::MAX_REASON;
    if text.is_empty() || text.chars().count() > limit || text.chars().any(char::is_control) {
        return Err(format!(
            "a reason must be one line of 1 to {limit} characters"
        ));
    }
    Ok(text.to_owned())
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Confirmation {
    /// Confirm without asking
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
    fn global_options_are_accepted_before_and_after_the_command() {
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
    fn each_command_is_parsed() {
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
            "linkctl transfer offer wiki ada@example.com",
            "linkctl transfer list --user ada@example.com",
            "linkctl transfer show wiki",
            "linkctl transfer cancel wiki --json",
            "linkctl keyword list",
            "linkctl block add *.evil.example --reason phishing",
            "linkctl block list",
            "linkctl block remove evil.example",
            "linkctl journal status",
            "linkctl journal list --json",
            "linkctl journal retry",
            "linkctl journal drain /srv/dead -y",
            "linkctl journal forget 019ca000-0000-7000-8000-000000000000 --yes",
            "linkctl audit",
            "linkctl audit --event sign_in_failed --user ada@example.com --limit 1000 --json",
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
            "linkctl link foreign --json",
            "linkctl purge",
            "linkctl purge --older-than 90d --yes",
            "linkctl purge --link wiki --older-than 2w --dry-run",
            "linkctl reindex",
            "linkctl reindex --dry-run --json",
            "linkctl vacuum",
            "linkctl vacuum --json",
            "linkctl verify",
            "linkctl verify --accept disk-died",
            "linkctl journal status",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn invalid_command_lines_are_wrong_usage() {
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
            ("linkctl audit --event hacked", ErrorKind::ValueValidation),
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
