//! Pages for admins.
//!
//! They call the same functions as `/api/v1/admin`, `/api/v1/keywords` and `linkctl`.

pub(crate) mod audit;
pub(crate) mod blocklist;
pub(crate) mod credentials;
pub(crate) mod deletion;
pub(crate) mod foreign_codes;
pub(crate) mod keyword;
pub(crate) mod keywords;
pub(crate) mod links;
pub(crate) mod orphans;
pub(crate) mod system;
pub(crate) mod user;
pub(crate) mod users;

use url::form_urlencoded;

/// The pages: path and label.
pub(crate) const TABS: [(&str, &str); 8] = [
    (USERS, "Users"),
    (LINKS, "All links"),
    (KEYWORDS, "Keywords"),
    (FOREIGN_CODES, "Foreign codes"),
    (ORPHANS, "Orphan paths"),
    (BLOCKLIST, "Blocklist"),
    (AUDIT, "Audit trail"),
    (SYSTEM, "System"),
];
const USERS: &str = "/admin";
const LINKS: &str = "/admin/links";
const KEYWORDS: &str = "/admin/keywords";
const FOREIGN_CODES: &str = "/admin/foreign-codes";
const ORPHANS: &str = "/admin/orphans";
const BLOCKLIST: &str = "/admin/blocklist";
const AUDIT: &str = "/admin/audit";
const SYSTEM: &str = "/admin/system";

/// Returns the path of a page with the fields of its query that are not empty.
fn address(base: &str, path: &str, fields: &[(&str, &str)]) -> String {
    let given = fields.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(given)
        .finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{base}{path}{mark}{query}")
}

/// Returns the trimmed text of a field, or `None` if it is empty.
fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_fields_that_are_not_empty() {
        assert_eq!(
            address("/go", LINKS, &[("q", ""), ("owner", "")]),
            "/go/admin/links"
        );
        let asked = [("q", "a&b \""), ("owner", "ada@example.com")];
        assert_eq!(
            address("", LINKS, &asked),
            "/admin/links?q=a%26b+%22&owner=ada%40example.com"
        );
        assert_eq!(given("  "), None);
        assert_eq!(given(" a "), Some("a".to_owned()));
    }
}
