//! `linkctl user`: adds, lists, changes and deletes users.

mod identities;

use serde::Serialize;
use waypost_api::UserRecord;
use waypost_core::{Actor, Count, Email, Password, Role, User, UserCursor};
use waypost_service::{Accounts, NewUser, UserEdit};
use waypost_store::Heir;

use crate::cli::{self, Confirmation};
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::{Failure, Status};
use crate::progress::Progress;

/// Number of users read at a time, which bounds the memory of a list.
const PAGE: u32 = 500;

pub(super) async fn run(
    command: cli::User,
    accounts: &Accounts,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    match command {
        cli::User::Add(new) => add(new, accounts, console).await?,
        cli::User::List => list(accounts, console).await?,
        cli::User::Delete {
            email,
            links,
            confirmation,
        } => delete(email, links, confirmation, accounts, console).await?,
        cli::User::Password {
            email,
            revoke_tokens,
        } => set_password(email, revoke_tokens, accounts, console).await?,
        cli::User::Identities { email } => identities::list(email, accounts, console).await?,
        cli::User::Unlink { email, id } => identities::unlink(email, id, accounts, console).await?,
        cli::User::Promote { email } => {
            change_user(email, with_role(Role::Admin), accounts, console).await?;
        }
        cli::User::Demote { email } => {
            change_user(email, with_role(Role::Member), accounts, console).await?;
        }
        cli::User::Disable { email } => {
            change_user(email, disabled(true), accounts, console).await?;
        }
        cli::User::Enable { email } => {
            change_user(email, disabled(false), accounts, console).await?;
        }
    }
    Ok(Status::Done)
}

fn with_role(role: Role) -> UserEdit {
    UserEdit {
        role: Some(role),
        ..UserEdit::default()
    }
}

fn disabled(disabled: bool) -> UserEdit {
    UserEdit {
        disabled: Some(disabled),
        ..UserEdit::default()
    }
}

async fn add(
    new: cli::NewUser,
    accounts: &Accounts,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let password = if new.password_stdin {
        Some(Password::parse(&console.secret()?)?)
    } else {
        None
    };
    let new = NewUser {
        email: new.email,
        display_name: new.name.unwrap_or_default(),
        role: if new.admin { Role::Admin } else { Role::Member },
        password,
    };
    let user = accounts.add_user(new).await?;
    print(&user, console)
}

async fn set_password(
    email: Email,
    revoke_tokens: bool,
    accounts: &Accounts,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let user = find(email, accounts).await?;
    let password = Password::parse(&console.secret()?)?;
    let set = accounts.set_password(&Actor::Operator, user.id, password, revoke_tokens);
    let Some(ended) = set.await? else {
        return Err(Failure::NoUser(user.email));
    };
    if revoke_tokens {
        console.say(format_args!(
            "password set; all sessions of the user are signed out, and {} revoked",
            Count::of(ended.tokens, "API token")
        ));
    } else {
        console.say("password set; all sessions of the user are signed out");
    }
    print(&user, console)
}

async fn list(accounts: &Accounts, console: &mut Console<'_>) -> Result<(), Failure> {
    let mut cursor = None;
    loop {
        let users = accounts.store().users_after(cursor, PAGE).await?;
        let Some(last) = users.last() else {
            break;
        };
        if cursor.is_none() && !console.json {
            console.line(format_args!(
                "{HEADING}{:<8}  {:<8}  {:<20}  {:<32}  NAME{HEADING:#}",
                "ROLE", "STATE", "ADDED", "EMAIL"
            ))?;
        }
        cursor = Some(UserCursor::from(last));
        for user in &users {
            print(user, console)?;
        }
        console.flush()?;
    }
    if cursor.is_none() && !console.json {
        console.say("no users yet; `linkctl user add EMAIL` adds one");
    }
    Ok(())
}

async fn change_user(
    email: Email,
    edit: UserEdit,
    accounts: &Accounts,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let user = find(email.clone(), accounts).await?;
    let changed = accounts
        .change_user(&Actor::Operator, user.id, edit)
        .await?;
    let user = changed.ok_or(Failure::NoUser(email))?;
    print(&user, console)
}

#[derive(Serialize)]
struct DeletedRecord {
    deleted: UserRecord,
    /// Number of links that were transferred or deleted.
    links: u64,
}

async fn delete(
    email: Email,
    links: cli::LinksOfDeleted,
    confirmation: Confirmation,
    accounts: &Accounts,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let user = find(email, accounts).await?;
    let (to, fate) = match links {
        cli::LinksOfDeleted::Reassign(heir) => {
            let heir = find(heir, accounts).await?;
            if heir.id == user.id {
                return Err(Failure::SameUser);
            }
            let fate = format!("their links will be transferred to {}", heir.email);
            (Heir::User(heir.id), fate)
        }
        cli::LinksOfDeleted::Delete => {
            let fate = "links that only they own will be deleted".to_owned();
            (Heir::Nobody, fate)
        }
    };
    console.say(format_args!(
        "{} will be deleted with all API tokens and sessions; {fate}",
        user.email
    ));
    console.confirm("Delete the user?", confirmation)?;
    let mut taken = 0;
    let progress = Progress::counting(console, "links");
    let deleted = accounts
        .delete_user(&Actor::Operator, user.id, to, |links| {
            taken = links;
            progress.at(links);
        })
        .await?;
    drop(progress);
    if !deleted {
        return Err(Failure::NoUser(user.email));
    }
    if console.json {
        return console.json(&DeletedRecord {
            deleted: UserRecord::from(&user),
            links: taken,
        });
    }
    console.line(format_args!(
        "deleted {}; {} transferred or deleted",
        user.email,
        Count::of(taken, "link")
    ))
}

async fn find(email: Email, accounts: &Accounts) -> Result<User, Failure> {
    let user = accounts.store().user_by_email(&email).await?;
    user.ok_or(Failure::NoUser(email))
}

fn print(user: &User, console: &mut Console<'_>) -> Result<(), Failure> {
    if console.json {
        return console.json(&UserRecord::from(user));
    }
    let state = if user.is_disabled() {
        "disabled"
    } else {
        "active"
    };
    let line = format!(
        "{:<8}  {state:<8}  {:<20}  {:<32}  {}",
        user.role.as_str(),
        to_the_second(user.created_at),
        user.email.as_str(),
        user.display_name.as_str()
    );
    console.line(line.trim_end())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use time::OffsetDateTime;
    use time::macros::datetime;
    use waypost_core::{DisplayName, ManualClock, SeededRandom, SessionLifetime};
    use waypost_service::AccountsParts;
    use waypost_store::MemoryStore;

    use super::*;
    use crate::console::Printed;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00:00.5 UTC);

    pub(super) fn accounts() -> Accounts {
        Accounts::new(AccountsParts {
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(ManualClock::new(NOW)),
            random: Arc::new(SeededRandom::new(1)),
            operator: None,
            sessions: SessionLifetime::default(),
            resolver: None,
        })
    }

    pub(super) fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    fn ada() -> cli::NewUser {
        cli::NewUser {
            email: email("Ada@example.com"),
            name: Some(DisplayName::parse("Ada").unwrap()),
            admin: false,
            password_stdin: false,
        }
    }

    pub(super) async fn done(
        command: cli::User,
        accounts: &Accounts,
        json: bool,
        input: &str,
    ) -> Result<Printed, Failure> {
        let (ended, printed) = Printed::by(json, Some(input), async |console| {
            run(command, accounts, console).await
        })
        .await;
        ended.map(|_| printed)
    }

    #[tokio::test]
    async fn a_user_is_added_listed_and_changed() {
        let accounts = accounts();
        let none = done(cli::User::List, &accounts, false, "").await.unwrap();
        assert!(none.messages.contains("linkctl user add"), "{none:?}");
        let line = |role: &str, state: &str| {
            format!(
                "{role:<8}  {state:<8}  2026-03-01T12:00:00Z  ada@example.com                   Ada\n"
            )
        };
        let email = email("ADA@example.com");
        for (command, role, state) in [
            (cli::User::Add(ada()), "member", "active"),
            (
                cli::User::Promote {
                    email: email.clone(),
                },
                "admin",
                "active",
            ),
            (
                cli::User::Disable {
                    email: email.clone(),
                },
                "admin",
                "disabled",
            ),
            (
                cli::User::Disable {
                    email: email.clone(),
                },
                "admin",
                "disabled",
            ),
            (
                cli::User::Demote {
                    email: email.clone(),
                },
                "member",
                "disabled",
            ),
            (
                cli::User::Enable {
                    email: email.clone(),
                },
                "member",
                "active",
            ),
        ] {
            let printed = done(command, &accounts, false, "").await.unwrap();
            assert_eq!(printed.output, line(role, state));
        }
        let listed = done(cli::User::List, &accounts, false, "").await.unwrap();
        assert!(listed.output.ends_with(&line("member", "active")));
        let listed = done(cli::User::List, &accounts, true, "").await.unwrap();
        let record: serde_json::Value = serde_json::from_str(&listed.output).unwrap();
        assert_eq!(record["email"], "ada@example.com");
        assert_eq!(record["role"], "member");
        assert_eq!(record["disabled"], false);
    }

    #[tokio::test]
    async fn a_password_is_read_from_standard_input_and_not_printed() {
        let accounts = accounts();
        let new = cli::NewUser {
            password_stdin: true,
            ..ada()
        };
        let short = done(cli::User::Add(new.clone()), &accounts, false, "secret\n").await;
        assert_eq!(short.unwrap_err().status(), Status::Usage);
        let input = "correct horse\r\nand more\n";
        let added = done(cli::User::Add(new), &accounts, true, input).await;
        assert!(!added.unwrap().output.contains("horse"));
        let store = accounts.store();
        let user = store.user_by_email(&email("ada@example.com")).await;
        let hash = store.password(user.unwrap().unwrap().id).await.unwrap();
        assert!(hash.unwrap().is_of("correct horse"));
    }

    #[tokio::test]
    async fn a_new_password_signs_out_the_sessions_of_its_user() {
        let accounts = accounts();
        let user = accounts.add_user(NewUser {
            email: email("ada@example.com"),
            display_name: DisplayName::default(),
            role: Role::Member,
            password: None,
        });
        let opened = accounts.open_session(user.await.unwrap(), None).await;
        let secret = opened.unwrap().secret;
        let set = async |input: &str| {
            let email = email("ada@example.com");
            let password = cli::User::Password {
                email,
                revoke_tokens: true,
            };
            done(password, &accounts, false, input).await
        };
        let short = set("secret\n").await;
        assert_eq!(short.unwrap_err().status(), Status::Usage);
        let known = accounts.authenticate_session(secret.reveal()).await;
        assert!(known.unwrap().is_some());
        let printed = set("correct horse\n").await.unwrap();
        assert!(!printed.output.contains("horse"));
        let known = accounts.authenticate_session(secret.reveal()).await;
        assert!(known.unwrap().is_none());
        let signed_in = accounts.sign_in("ada@example.com", "correct horse".to_owned(), None);
        assert!(signed_in.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn failures_explain_why() {
        let accounts = accounts();
        done(cli::User::Add(ada()), &accounts, false, "")
            .await
            .unwrap();
        let again = done(cli::User::Add(ada()), &accounts, false, "").await;
        assert_eq!(again.unwrap_err().status(), Status::Refused);
        let email = email("nobody@example.com");
        let nobody = done(cli::User::Promote { email }, &accounts, false, "").await;
        let failure = nobody.unwrap_err();
        assert_eq!(failure.status(), Status::NotFound);
        assert!(failure.explained().contains("linkctl user list"));
    }
}
