//! `linkctl token`: creates, lists and revokes API tokens.

use waypost_api::TokenRecord;
use waypost_core::{ApiToken, Clock, Email, TokenCursor, TokenId, User, UserCursor};
use waypost_service::{Accounts, NewToken};

use crate::cli;
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::{Failure, Status};

/// Number of users or tokens read at a time, which bounds the memory of a list.
const PAGE: u32 = 500;

pub(super) async fn run(
    command: cli::Token,
    accounts: &Accounts,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    match command {
        cli::Token::Create(new) => create(new, accounts, clock, console).await?,
        cli::Token::List { user } => list(user, accounts, clock, console).await?,
        cli::Token::Revoke { id } => {
            let id = TokenId::from_uuid(id);
            revoke(id, accounts, console).await?;
        }
    }
    Ok(Status::Done)
}

/// Creates a token. Only the secret goes to standard output, for scripts.
async fn create(
    new: cli::NewToken,
    accounts: &Accounts,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let user = user_with(new.user, accounts).await?;
    let expires_at = new.expires.map(|age| clock.now() + age.duration());
    let token = NewToken {
        name: new.name,
        scopes: new.scopes,
        expires_at,
    };
    let (token, secret) = accounts.create_token(&user, token).await?;
    if user.is_disabled() {
        console.say(format_args!(
            "{} is disabled; the token works once the user is enabled",
            user.email
        ));
    }
    if console.json {
        return console.json(&Created {
            token: TokenRecord::from(&token),
            secret: secret.reveal(),
        });
    }
    console.line(secret.reveal())
}

#[derive(serde::Serialize)]
struct Created<'a> {
    #[serde(flatten)]
    token: TokenRecord,
    secret: &'a str,
}

#[derive(serde::Serialize)]
struct OfUser<'a> {
    user: &'a str,
    #[serde(flatten)]
    token: TokenRecord,
}

async fn list(
    user: Option<Email>,
    accounts: &Accounts,
    clock: &dyn Clock,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut shown = false;
    let mut show = |user: &User, token: &ApiToken, console: &mut Console<'_>| {
        if console.json {
            return console.json(&OfUser {
                user: user.email.as_str(),
                token: TokenRecord::from(token),
            });
        }
        if !std::mem::replace(&mut shown, true) {
            console.line(format_args!(
                "{HEADING}{:<36}  {:<8}  {:<16}  {:<20}  {:<20}  {:<24}  NAME{HEADING:#}",
                "ID", "STATE", "SCOPES", "EXPIRES", "LAST USED", "USER"
            ))?;
        }
        console.line(row(user, token, clock))
    };
    if let Some(email) = user {
        let user = user_with(email, accounts).await?;
        each_of(&user, accounts, console, &mut show).await?;
    } else {
        let mut cursor = None;
        loop {
            let users = accounts.store().users_after(cursor, PAGE).await?;
            let Some(last) = users.last() else {
                break;
            };
            cursor = Some(UserCursor::from(last));
            for user in &users {
                each_of(user, accounts, console, &mut show).await?;
            }
        }
    }
    if !shown && !console.json {
        console.say("no tokens yet; `linkctl token create --user EMAIL --name NAME` creates one");
    }
    Ok(())
}

/// Calls a function with each token of a user.
async fn each_of(
    user: &User,
    accounts: &Accounts,
    console: &mut Console<'_>,
    act: &mut impl FnMut(&User, &ApiToken, &mut Console<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut cursor = None;
    loop {
        let store = accounts.store();
        let tokens = store.tokens_after(user.id, cursor, PAGE).await?;
        let Some(last) = tokens.last() else {
            return Ok(());
        };
        cursor = Some(TokenCursor::from(last));
        for token in &tokens {
            act(user, token, console)?;
        }
        console.flush()?;
    }
}

fn row(user: &User, token: &ApiToken, clock: &dyn Clock) -> String {
    let state = if token.revoked_at.is_some() {
        "revoked"
    } else if !token.is_valid_at(clock.now()) {
        "expired"
    } else if user.is_disabled() {
        "disabled"
    } else {
        "active"
    };
    let time = |at: Option<_>| at.map_or_else(|| "never".to_owned(), to_the_second);
    format!(
        "{}  {state:<8}  {:<16}  {:<20}  {:<20}  {:<24}  {}",
        token.id,
        token.scopes.to_string(),
        time(token.expires_at),
        time(token.last_used_at),
        user.email.as_str(),
        token.name
    )
}

async fn revoke(
    id: TokenId,
    accounts: &Accounts,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let user = accounts.revoke_any_token(id).await?;
    let user = user.ok_or(Failure::NoToken(id))?;
    console.line(format_args!("revoked {id} of {}", user.email))
}

async fn user_with(email: Email, accounts: &Accounts) -> Result<User, Failure> {
    let user = accounts.store().user_by_email(&email).await?;
    user.ok_or(Failure::NoUser(email))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use time::OffsetDateTime;
    use time::macros::datetime;
    use waypost_core::{
        Actor, DisplayName, ManualClock, Role, SeededRandom, SessionLifetime, TokenName,
    };
    use waypost_service::{AccountsParts, NewUser};
    use waypost_store::MemoryStore;

    use super::*;
    use crate::console::Printed;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00:00.5 UTC);

    async fn accounts() -> Accounts {
        let accounts = Accounts::new(AccountsParts {
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(ManualClock::new(NOW)),
            random: Arc::new(SeededRandom::new(1)),
            operator: None,
            sessions: SessionLifetime::default(),
            resolver: None,
        });
        let ada = NewUser {
            email: ada(),
            display_name: DisplayName::default(),
            role: Role::Member,
            password: None,
        };
        accounts.add_user(ada).await.unwrap();
        accounts
    }

    fn ada() -> Email {
        Email::parse("ada@example.com").unwrap()
    }

    fn new(scopes: &str) -> cli::Token {
        cli::Token::Create(cli::NewToken {
            user: ada(),
            name: TokenName::parse("deploy").unwrap(),
            scopes: scopes.parse().unwrap(),
            expires: Some("90d".parse().unwrap()),
        })
    }

    async fn done(
        command: cli::Token,
        accounts: &Accounts,
        json: bool,
    ) -> Result<Printed, Failure> {
        let clock = ManualClock::new(NOW);
        let (ended, printed) = Printed::by(json, None, async |console| {
            run(command, accounts, &clock, console).await
        })
        .await;
        ended.map(|_| printed)
    }

    #[tokio::test]
    async fn a_token_is_printed_alone_listed_without_its_secret_and_revoked() {
        let accounts = accounts().await;
        let none = done(cli::Token::List { user: None }, &accounts, false).await;
        assert!(none.unwrap().messages.contains("linkctl token create"));
        let made = done(new("read,write"), &accounts, false).await.unwrap();
        assert_eq!(made.messages, "");
        let secret = made.output.strip_suffix('\n').unwrap();
        let who = accounts.authenticate(secret).await.unwrap();
        assert!(matches!(who, Some(Actor::User { .. })), "{who:?}");

        let listed = done(cli::Token::List { user: Some(ada()) }, &accounts, false).await;
        let listed = listed.unwrap().output;
        assert!(!listed.contains(secret), "{listed}");
        let row = listed.lines().nth(1).unwrap();
        for part in [
            "active",
            "read,write",
            "2026-05-30T12:00:00Z",
            "never",
            "deploy",
        ] {
            assert!(row.contains(part), "{part} in {row}");
        }
        let id = row.split(' ').next().unwrap().parse().unwrap();
        let revoked = done(cli::Token::Revoke { id }, &accounts, false)
            .await
            .unwrap();
        assert!(revoked.output.ends_with("of ada@example.com\n"));
        assert_eq!(accounts.authenticate(secret).await.unwrap(), None);
        let listed = done(cli::Token::List { user: None }, &accounts, true)
            .await
            .unwrap();
        let record: serde_json::Value = serde_json::from_str(&listed.output).unwrap();
        assert_eq!(record["user"], "ada@example.com");
        assert_eq!(record["revoked_at"], "2026-03-01T12:00:00.5Z");
    }

    #[tokio::test]
    async fn what_cannot_be_done_says_why() {
        let accounts = accounts().await;
        let refused = done(new("read,admin"), &accounts, false).await.unwrap_err();
        assert_eq!(refused.status(), Status::Usage);
        let id = "018f0000-0000-7000-8000-000000000000".parse().unwrap();
        let missing = done(cli::Token::Revoke { id }, &accounts, false).await;
        assert_eq!(missing.unwrap_err().status(), Status::NotFound);
        let user = Some(Email::parse("nobody@example.com").unwrap());
        let nobody = done(cli::Token::List { user }, &accounts, false).await;
        assert_eq!(nobody.unwrap_err().status(), Status::NotFound);
    }
}
