//! Cases of [`AuditStore`](waypost_store::AuditStore).

use time::{Duration, OffsetDateTime};
use waypost_core::{
    Actor, ActorKind, AuditActor, AuditCursor, AuditEntry, AuditEvent, AuditId, AuditText,
    Credential, IpHash, Role, Scopes, SeededRandom, UserId, micros,
};
use waypost_store::{AuditQuery, Store, StoreError};

use super::{StoreFactory, add_user};
use crate::samples::{START, Samples};

const ALL: AuditQuery = AuditQuery {
    event: None,
    user: None,
    after: None,
    limit: 100,
};

/// Returns an entry by nobody, `number` seconds after the start.
fn entry(number: u8, event: AuditEvent) -> AuditEntry {
    let at = START + Duration::seconds(number.into());
    AuditEntry {
        id: AuditId::new(at, &SeededRandom::new(number.into())),
        created_at: at,
        event,
        actor: AuditActor::server(),
        subject: AuditText::cut(&format!("subject {number}")),
        detail: AuditText::default(),
        origin: None,
    }
}

async fn listed(store: &dyn Store, query: AuditQuery) -> Vec<String> {
    let entries = store.audit_entries(&query).await.unwrap();
    let subjects = entries.iter().map(|entry| entry.subject.to_string());
    subjects.collect()
}

/// The list is sorted by time and ID, and its filters and its cursor agree with it.
pub async fn the_audit_trail_is_listed_newest_first_and_by_event_and_user(
    factory: &dyn StoreFactory,
) {
    let store = factory.empty_store().await;
    let ada = UserId::new(START, &SeededRandom::new(1));
    let by_ada = AuditActor::of(
        &Actor::User {
            id: ada,
            role: Role::Admin,
            scopes: Scopes::all(),
            credential: Credential::Session,
        },
        "ada@example.com",
    );
    let mut first = entry(1, AuditEvent::HostBlocked);
    first.actor = by_ada.clone();
    let second = entry(2, AuditEvent::SignedIn);
    let mut third = entry(3, AuditEvent::HostBlocked);
    third.created_at = second.created_at;
    let mut fourth = entry(4, AuditEvent::SignedIn);
    fourth.actor = by_ada;
    for entry in [&third, &first, &fourth, &second] {
        store.add_audit_entry(entry).await.unwrap();
    }
    let all = ["subject 4", "subject 3", "subject 2", "subject 1"];
    assert_eq!(listed(&*store, ALL).await, all);
    let query = |query| listed(&*store, query);
    let event = Some(AuditEvent::SignedIn);
    assert_eq!(
        query(AuditQuery { event, ..ALL }).await,
        ["subject 4", "subject 2"]
    );
    let user = Some(ada);
    assert_eq!(
        query(AuditQuery { user, ..ALL }).await,
        ["subject 4", "subject 1"]
    );
    assert_eq!(
        query(AuditQuery { event, user, ..ALL }).await,
        ["subject 4"]
    );
    assert_eq!(query(AuditQuery { limit: 2, ..ALL }).await, all[..2]);
    let mut after = None;
    for subject in all {
        let page = AuditQuery {
            after,
            limit: 1,
            ..ALL
        };
        let entries = store.audit_entries(&page).await.unwrap();
        assert_eq!(entries[0].subject.as_str(), subject);
        after = Some(AuditCursor::from(&entries[0]));
    }
    assert_eq!(query(AuditQuery { after, ..ALL }).await, [""; 0]);
}

/// All fields are kept, at their limits too; an ID is taken once.
pub async fn an_entry_of_the_audit_trail_is_kept_as_it_was_and_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let longest = AuditText::cut(&"🚀".repeat(AuditText::MAX_CHARS));
    for (number, event) in AuditEvent::ALL.iter().enumerate() {
        let number = u8::try_from(number).unwrap();
        let full = AuditEntry {
            created_at: START + Duration::nanoseconds(i64::from(number) * 1_234_567),
            actor: AuditActor {
                kind: ActorKind::ALL[usize::from(number) % ActorKind::ALL.len()],
                user: Some(UserId::new(START, &SeededRandom::new(9))),
                name: longest.clone(),
            },
            subject: longest.clone(),
            detail: longest.clone(),
            origin: Some(IpHash::from_bytes([number; 32])),
            ..entry(number, *event)
        };
        store.add_audit_entry(&full).await.unwrap();
        let again = store.add_audit_entry(&full).await;
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
        let kept = store.audit_entries(&AuditQuery { limit: 1, ..ALL }).await;
        let expected = AuditEntry {
            created_at: micros(full.created_at),
            ..full
        };
        assert_eq!(kept.unwrap(), [expected]);
    }
}

/// A purge deletes what is older, at most as much as it may, and nothing else.
pub async fn old_entries_of_the_audit_trail_are_purged_oldest_first(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    for number in 1..=5 {
        let entry = entry(number, AuditEvent::Purged);
        store.add_audit_entry(&entry).await.unwrap();
    }
    let before: OffsetDateTime = START + Duration::seconds(4);
    assert_eq!(store.purge_audit_entries(before, 2).await.unwrap(), 2);
    let left = ["subject 5", "subject 4", "subject 3"];
    assert_eq!(listed(&*store, ALL).await, left);
    assert_eq!(store.purge_audit_entries(before, 2).await.unwrap(), 1);
    assert_eq!(store.purge_audit_entries(before, 2).await.unwrap(), 0);
    assert_eq!(listed(&*store, ALL).await, left[..2]);
}

/// Deleting a user leaves what they did.
pub async fn entries_of_the_audit_trail_outlive_their_user(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let ada = add_user(&*store, &Samples::new(1), "ada").await;
    let mut by_ada = entry(1, AuditEvent::SignedIn);
    by_ada.actor.user = Some(ada);
    store.add_audit_entry(&by_ada).await.unwrap();
    assert!(store.delete_user(ada).await.unwrap());
    let user = Some(ada);
    assert_eq!(
        listed(&*store, AuditQuery { user, ..ALL }).await,
        ["subject 1"]
    );
}
