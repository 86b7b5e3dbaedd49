//! Finding users by a part of their address or name.

use waypost_core::{User, UserCursor};
use waypost_store::StoreError;

use super::{Accounts, AccountsParts};

/// Users that are read at a time.
const PAGE: u32 = 500;
/// So many pages are looked through at a time: 10,000 users.
const PAGES: usize = 20;

/// Some of the users that were looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundUsers {
    /// They, newest first.
    pub users: Vec<User>,
    /// Where to look on; `None` when all have been looked through.
    pub next: Option<UserCursor>,
}

impl Accounts {
    /// At most `limit` users behind a cursor, newest first, in whose address or name is `text`, in any case;
    /// an empty one is in all of them. It looks through 10,000 users at a time: where there are more, it may
    /// find fewer than `limit`, or nobody, and says where to look on.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    pub async fn find_users(
        &self,
        text: &str,
        mut cursor: Option<UserCursor>,
        limit: usize,
    ) -> Result<FoundUsers, StoreError> {
        let AccountsParts { store, .. } = &self.0.parts;
        let text = text.trim().to_lowercase();
        let is_found = |user: &User| {
            let name = user.display_name.as_str().to_lowercase();
            user.email.as_str().contains(&text) || name.contains(&text)
        };
        let mut found = Vec::new();
        // Where everybody is found, no more are read than are shown.
        let page = match u32::try_from(limit) {
            Ok(limit) if text.is_empty() => limit.saturating_add(1).min(PAGE),
            _ => PAGE,
        };
        for _ in 0..PAGES {
            let users = store.users_after(cursor, page).await?;
            let Some(last) = users.last() else {
                return Ok(FoundUsers {
                    users: found,
                    next: None,
                });
            };
            cursor = Some(UserCursor::from(last));
            found.extend(users.into_iter().filter(is_found));
            // One more is known to be there.
            if found.len() > limit {
                found.truncate(limit);
                return Ok(FoundUsers {
                    next: found.last().map(UserCursor::from),
                    users: found,
                });
            }
        }
        Ok(FoundUsers {
            users: found,
            next: cursor,
        })
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::{DisplayName, Role};

    use super::super::tests::{new_user, rig};

    #[tokio::test]
    async fn a_user_is_found_by_a_part_of_the_address_or_the_name() {
        let accounts = rig().accounts;
        for (email, name) in [
            ("ada@example.com", "Ada Lovelace"),
            ("grace@example.org", "Grace Hopper"),
            ("alan@example.com", ""),
        ] {
            let mut new = new_user(email, Role::Member);
            new.display_name = DisplayName::parse(name).unwrap();
            accounts.add_user(new).await.unwrap();
        }
        let find = async |text: &str, cursor, limit| {
            let found = accounts.find_users(text, cursor, limit).await.unwrap();
            let users = found.users.iter();
            let emails = users.map(|user| user.email.as_str().to_owned());
            (emails.collect::<Vec<_>>(), found.next)
        };
        for text in ["LOVE", "ada@", "a l"] {
            assert_eq!(find(text, None, 5).await.0, ["ada@example.com"], "{text}");
        }
        assert_eq!(find("nobody", None, 5).await, (Vec::new(), None));
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let (emails, next) = find("", cursor, 1).await;
            all.extend(emails);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        all.sort();
        assert_eq!(
            all,
            ["ada@example.com", "alan@example.com", "grace@example.org"]
        );
    }
}
