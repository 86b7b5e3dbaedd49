//! `linkctl user identities` and `linkctl user unlink`: the accounts at OpenID providers that users
//! sign in with.

use serde::Serialize;
use time::OffsetDateTime;
use waypost_core::{Actor, Email};
use waypost_service::Accounts;

use super::find;
use crate::console::{Console, HEADING, to_the_second};
use crate::failure::Failure;

#[derive(Serialize)]
struct IdentityRecord<'a> {
    id: String,
    issuer: &'a str,
    subject: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

pub(super) async fn list(
    email: Email,
    accounts: &Accounts,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let user = find(email, accounts).await?;
    let linked = accounts.identities(user.id).await?;
    if linked.is_empty() && !console.json {
        console.say("no OpenID accounts; one is linked when the user signs in with it");
    }
    for (number, linked) in linked.iter().enumerate() {
        let (id, issuer) = (linked.identity.id(), linked.identity.issuer());
        let subject = linked.identity.subject();
        if console.json {
            console.json(&IdentityRecord {
                id,
                issuer,
                subject,
                created_at: linked.created_at,
            })?;
            continue;
        }
        if number == 0 {
            console.line(format_args!(
                "{HEADING}{:<64}  {:<20}  {:<32}  SUBJECT{HEADING:#}",
                "ID", "SINCE", "ISSUER"
            ))?;
        }
        let since = to_the_second(linked.created_at);
        console.line(format_args!("{id}  {since:<20}  {issuer:<32}  {subject}"))?;
    }
    Ok(())
}

pub(super) async fn unlink(
    email: Email,
    id: String,
    accounts: &Accounts,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let user = find(email, accounts).await?;
    let unlinked = accounts.unlink_identity(&Actor::Operator, user.id, &id);
    if !unlinked.await? {
        return Err(Failure::NoIdentity(id));
    }
    console.line(format_args!("unlinked {id} from {}", user.email))
}

#[cfg(test)]
mod tests {
    use waypost_core::{DisplayName, ExternalIdentity, Role};
    use waypost_service::{AllowedDomains, ProvenIdentity};

    use super::super::tests::{accounts, done, email};
    use crate::cli;
    use crate::failure::Status;

    #[tokio::test]
    async fn an_account_is_listed_and_unlinked() {
        let accounts = accounts();
        let identity = ExternalIdentity::parse("https://id.example", "1").unwrap();
        let proven = ProvenIdentity {
            identity: identity.clone(),
            email: Some(Ok(email("ada@example.com"))),
            email_verified: Some(true),
            display_name: DisplayName::default(),
            is_in_admin_group: Some(true),
        };
        let all = AllowedDomains::default();
        let user = accounts.user_of_identity(&proven, &all).await.unwrap();
        assert_eq!(user.role, Role::Admin);
        let email = email("ada@example.com");
        let list = || cli::User::Identities {
            email: email.clone(),
        };
        let unlink = || cli::User::Unlink {
            email: email.clone(),
            id: identity.id(),
        };
        let listed = done(list(), &accounts, false, "").await.unwrap().output;
        let line = listed.lines().nth(1).unwrap();
        assert!(
            line.starts_with(&identity.id()) && line.ends_with("  1"),
            "{line}"
        );
        let listed = done(list(), &accounts, true, "").await.unwrap().output;
        let record: serde_json::Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(record["issuer"], "https://id.example");
        let unlinked = done(unlink(), &accounts, false, "").await.unwrap().output;
        assert!(unlinked.ends_with("from ada@example.com\n"), "{unlinked}");
        let user = accounts.user_by_email(&email).await.unwrap().unwrap();
        assert_eq!(user.role, Role::Member);
        let missing = done(unlink(), &accounts, false, "").await.unwrap_err();
        assert_eq!(missing.status(), Status::NotFound);
        let none = done(list(), &accounts, false, "").await.unwrap();
        assert!(none.messages.contains("no OpenID accounts"), "{none:?}");
    }
}
