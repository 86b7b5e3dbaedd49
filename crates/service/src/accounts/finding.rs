//! Finding users by a part of their email address or name.

use waypost_core::{User, UserCursor, folded};
use waypost_store::StoreError;

use super::{Accounts, AccountsParts};

/// Number of users read at a time.
const PAGE: u32 = 500;
/// Maximum number of pages searched at a time: 10,000 users.
const PAGES: usize = 20;

/// A part of the users found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundUsers {
    /// The users, newest first.
    pub users: Vec<User>,
    /// Where to continue the search; `None` when all users were searched.
    pub next: Option<UserCursor>,
}

impl Accounts {
    /// Returns at most `limit` users after a cursor, newest first, whose email address or name
    /// contains `text`, compared as [`folded`]; an empty `text` matches all. Searches 10,000 users
    /// at a time: if there are more, it may find fewer than `limit`, or none, and returns where to
    /// continue.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn find_users(
        &self,
        text: &str,
        mut cursor: Option<UserCursor>,
        limit: usize,
    ) -> Result<FoundUsers, StoreError> {
        let AccountsParts { store, .. } = &self.0.parts;
        let text = folded(text.trim());
        let is_found = |user: &User| {
            let texts = [user.email.as_str(), user.display_name.as_str()];
            texts.iter().any(|own| folded(own).contains(&text))
        };
        let mut found = Vec::new();
        // If every user matches, read no more than are shown.
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
            // One more match is known to exist.
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
            ("jorg@example.net", "Jörg Großmann 東京支社"),
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
        for text in [
            "JÖRG",
            "Jo\u{308}rg",
            "jorg",
            "GROSSMANN",
            "großmann",
            "東京",
            "支",
        ] {
            assert_eq!(find(text, None, 5).await.0, ["jorg@example.net"], "{text}");
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
            [
                "ada@example.com",
                "alan@example.com",
                "grace@example.org",
                "jorg@example.net"
            ]
        );
    }
}
