//! The account a database server runs under.
//!
//! PostgreSQL refuses to run as root, and MariaDB needs an explicit option for it. Tests often run
//! as root in containers: the servers then run under an account without rights, otherwise under the
//! account of the tests.

use std::fs;

/// An entry of `/etc/passwd`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// Returns the account to change to: `None` unless the tests run as root, otherwise the one of
    /// this name or else `nobody`.
    pub(crate) fn for_server(name: &str) -> Result<Option<Self>, String> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd")
            .map_err(|error| format!("cannot read /etc/passwd: {error}"))?;
        find(&passwd, name)
            .or_else(|| find(&passwd, "nobody"))
            .map(Some)
            .ok_or_else(|| {
                format!("tests run as root need an account `{name}` or `nobody` for the database")
            })
    }
}

fn find(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd = "postgresql:x:1:2:::\npostgres:x:101:104:PostgreSQL,,,:/var/lib:/bin/sh\n";
        let account = find(passwd, "postgres").expect("is there");
        assert_eq!((account.uid, account.gid), (101, 104));
        assert!(find(passwd, "nobody").is_none());
    }
}
