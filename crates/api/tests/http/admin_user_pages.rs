//! Admin pages of users: adding, changing, disabling and deleting them.

use reqwest::StatusCode;
use serde_json::json;
use waypost_core::{ExternalIdentity, Role};
use waypost_store::{
    IdentityStore as _, LinkEdit, LinkStore as _, LinkUpdate, UserChange, UserStore as _,
};

use crate::admin_pages::{ESCAPED, HOSTILE, assert_led, find, link_of, rooted};
use crate::browser::{ME, PASSWORD, add, signed_in, status};
use crate::settings_pages::{assert_problem, send_form};
use crate::setup::TestServer;

#[tokio::test]
async fn a_user_is_added_found_and_changed() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let new = [
        ("email", "Grace@Example.com"),
        ("name", HOSTILE),
        ("role", "member"),
        ("password", PASSWORD),
    ];
    assert_led(&browser.fill("/admin", &new).await, "/admin");
    let page = browser.get("/admin").await.body;
    assert!(page.contains("User added."), "{page}");
    assert!(
        page.contains(ESCAPED) && !page.contains("<script>"),
        "{page}"
    );
    let found = browser.get("/admin?q=GRACE").await.body;
    assert!(found.contains(">grace@example.com</a>"), "{found}");
    assert!(!found.contains(">root@example.com</a>"), "{found}");
    let none = browser.get("/admin?q=nobody%22%3E").await.body;
    assert!(none.contains("No users match"), "{none}");
    assert!(none.contains("value=\"nobody&#34;&#62;\""), "{none}");
    let taken = browser.fill("/admin", &new).await;
    assert_problem(&taken, "email", "A user with the email address");
    assert!(!taken.body.contains(PASSWORD), "{taken:?}");
    let without = [("email", "alan@example.com"), ("role", "member")];
    assert_problem(
        &browser.fill("/admin", &without).await,
        "password",
        "A password",
    );
    let grace = find(&server, "grace@example.com").await.unwrap();
    let path = format!("/admin/users/{}", grace.id);
    let change = [
        ("email", "hopper@example.com"),
        ("display_name", "Grace"),
        ("role", "admin"),
    ];
    assert_led(&browser.fill(&path, &change).await, &path);
    let changed = find(&server, "hopper@example.com").await.unwrap();
    assert_eq!((changed.id, changed.role), (grace.id, Role::Admin));
    let taken = [("email", "root@example.com"), ("role", "admin")];
    assert_problem(
        &browser.fill(&path, &taken).await,
        "email",
        "Another user has",
    );
    let missing = browser.get("/admin/users/none").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_disabled_user_cannot_sign_in_until_enabled() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let ada = add(&server, "ada").await;
    let theirs = signed_in(&server).await;
    let path = format!("/admin/users/{}", ada.id);
    let state = format!("{path}/state");
    assert_led(
        &send_form(&browser, &path, &state, &[("disabled", "true")]).await,
        &path,
    );
    assert_eq!(status(&theirs).await, 401);
    let page = browser.get(&path).await.body;
    assert!(page.contains("Disabled since"), "{page}");
    send_form(&browser, &path, &state, &[("disabled", "false")]).await;
    let page = browser.get(&path).await.body;
    assert!(page.contains("User enabled."), "{page}");
    assert!(!page.contains("Disabled since"), "{page}");
    let again = theirs.sign_in("ada@example.com", PASSWORD, "").await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_admin_cannot_change_their_own_role_or_delete_themselves() {
    let server = TestServer::closed().await;
    let (admin, browser) = rooted(&server).await;
    let path = format!("/admin/users/{}", admin.id);
    let page = browser.get(&path).await.body;
    assert!(!page.contains("Delete this user"), "{page}");
    let fields = [("email", "root@example.com"), ("role", "member")];
    let refused = browser.fill(&path, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let message = "<p class=\"error\">You cannot do this to your own account";
    assert!(refused.body.contains(message), "{refused:?}");
    for (action, fields) in [
        ("state", [("disabled", "true")]),
        ("delete", [("links", "delete")]),
    ] {
        let action = format!("{path}/{action}");
        let refused = send_form(&browser, &path, &action, &fields).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    }
    let asked = browser.get(&format!("{path}/delete")).await;
    assert_eq!(asked.status, StatusCode::CONFLICT, "{asked:?}");
    assert_eq!(status(&browser).await, 200);
}

#[tokio::test]
async fn deleting_a_user_shows_how_many_links_they_own() {
    let server = TestServer::closed().await;
    let (root, browser) = rooted(&server).await;
    let (ada, store) = (add(&server, "ada").await, server.store.memory());
    let alone = link_of(&server, &ada, "alone").await;
    let shared = link_of(&server, &ada, "shared").await;
    let with_root = LinkUpdate {
        link: shared.id,
        version: shared.version,
        by: Some(ada.id),
        at: shared.created_at,
        edit: LinkEdit::AddOwner(root.id),
    };
    store.update_link(&with_root).await.unwrap();
    let path = format!("/admin/users/{}/delete", ada.id);
    let page = browser.get(&path).await.body;
    assert!(page.contains("<h1>Delete ada@example.com?</h1>"), "{page}");
    assert!(page.contains("<strong>2 links</strong>"), "{page}");
    assert!(
        page.contains("1 as the only owner, 1 with other owners"),
        "{page}"
    );
    let undecided = browser.fill(&path, &[]).await;
    assert_eq!(undecided.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        undecided
            .body
            .contains("Choose what happens to their links.")
    );
    let to = |email| [("links", "reassign"), ("email", email)];
    for (email, message) in [
        ("nobody@example.com", "No other user has this email address"),
        ("ada@example.com", "No other user has this email address"),
        ("", "An email address must look like"),
    ] {
        let refused = browser.fill(&path, &to(email)).await;
        assert_problem(&refused, "email", message);
        assert!(refused.body.contains("value=\"reassign\" required checked"));
    }
    assert!(find(&server, "ada@example.com").await.is_some());
    assert_led(
        &browser.fill(&path, &to("root@example.com")).await,
        "/admin",
    );
    let page = browser.get("/admin").await.body;
    assert!(page.contains("User deleted."), "{page}");
    assert!(find(&server, "ada@example.com").await.is_none());
    let owners = store.owners_of(alone.id).await;
    assert_eq!(owners, ["root@example.com"]);
}

/// Returns the email addresses of the owners of a link.
trait Owners {
    async fn owners_of(&self, link: waypost_core::LinkId) -> Vec<String>;
}

impl Owners for waypost_store::MemoryStore {
    async fn owners_of(&self, link: waypost_core::LinkId) -> Vec<String> {
        use waypost_store::AccessStore as _;
        let mut owners = self.owners_of_links(&[link]).await.unwrap();
        let owners = owners.remove(&link).unwrap_or_default();
        let emails = owners.iter().map(|owner| owner.person.email.as_str());
        emails.map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn links_of_a_deleted_user_are_deleted_on_request() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let ada = add(&server, "ada").await;
    link_of(&server, &ada, "alone").await;
    let path = format!("/admin/users/{}/delete", ada.id);
    assert_led(&browser.fill(&path, &[("links", "delete")]).await, "/admin");
    let page = browser.get("/admin/links").await.body;
    assert!(page.contains("No links yet."), "{page}");
    let page = browser.get("/admin/links?deleted=true").await.body;
    assert!(page.contains(">alone</a>"), "{page}");
    assert_eq!(server.get("/alone").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_disabled_user_is_marked_in_the_list() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let ada = add(&server, "ada").await;
    let disable = UserChange {
        disabled_at: Some(Some(ada.created_at)),
        ..UserChange::default()
    };
    let store = server.store.memory();
    store.change_user(ada.id, &disable).await.unwrap();
    let page = browser.get("/admin").await.body;
    assert_eq!(
        page.matches("class=\"chip bad\">disabled").count(),
        1,
        "{page}"
    );
}

#[tokio::test]
async fn an_admin_sets_a_password_and_unlinks_an_account() {
    let server = TestServer::closed().await;
    let (admin, browser) = rooted(&server).await;
    let ada = add(&server, "ada").await;
    let theirs = signed_in(&server).await;
    let token = server.token(ada.id, "read").await;
    let identity = ExternalIdentity::parse("https://id.example", "<ada>").unwrap();
    let store = server.store.memory();
    let inserted = store.insert_identity(&identity, ada.id, false, ada.created_at);
    inserted.await.unwrap();

    let path = format!("/admin/users/{}", ada.id);
    let set = format!("{path}/password");
    let short = [("new_password", "short")];
    let refused = send_form(&browser, &path, &set, &short).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("at least 10 characters"),
        "{refused:?}"
    );
    assert_eq!(status(&theirs).await, 200);
    let fields = [("new_password", "battery staple"), ("revoke_tokens", "on")];
    assert_led(&send_form(&browser, &path, &set, &fields).await, &path);
    let page = browser.get(&path).await.body;
    assert!(page.contains("their API tokens are revoked"), "{page}");
    assert_eq!(status(&theirs).await, 401);
    assert_eq!(
        server.read(&token, ME).await.status,
        StatusCode::UNAUTHORIZED
    );
    let back = theirs
        .sign_in("ada@example.com", "battery staple", "")
        .await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);

    assert!(
        page.contains("https://id.example") && page.contains("&#60;ada&#62;"),
        "{page}"
    );
    let list = format!("/api/v1/admin{}/identities", &path["/admin".len()..]);
    let listed = browser.get(&list).await.json();
    let expected = json!([{
        "id": identity.id(), "issuer": "https://id.example", "subject": "<ada>",
        "created_at": "2026-03-01T12:00:00.25Z",
    }]);
    assert_eq!(listed["identities"], expected);
    let unlink = format!("{path}/identities");
    let id = identity.id();
    let missing = send_form(&browser, &path, &unlink, &[("identity", "x")]).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_led(
        &send_form(&browser, &path, &unlink, &[("identity", &id)]).await,
        &path,
    );
    assert_eq!(status(&theirs).await, 401);
    let page = browser.get(&path).await.body;
    assert!(
        page.contains("Account unlinked.") && !page.contains("https://id.example"),
        "{page}"
    );

    // Admins change their own password in their settings.
    let own = format!("/admin/users/{}", admin.id);
    let page = browser.get(&own).await.body;
    assert!(!page.contains("new_password"), "{page}");
    let refused = send_form(&browser, &own, &format!("{own}/password"), &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
}
