//! The tables as diesel knows them. `migrations/` describes them.

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{IdColumn, InstantColumn};

    users (id) {
        id -> IdColumn,
        email -> Text,
        display_name -> Text,
        role -> Text,
        created_at -> InstantColumn,
        password_hash -> Nullable<Text>,
        disabled_at -> Nullable<InstantColumn>,
    }
}

table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use super::{IdColumn, InstantColumn};

    api_tokens (id) {
        id -> IdColumn,
        user_id -> IdColumn,
        name -> Text,
        secret_hash -> Binary,
        scopes -> Text,
        created_at -> InstantColumn,
        expires_at -> Nullable<InstantColumn>,
        last_used_at -> Nullable<InstantColumn>,
        revoked_at -> Nullable<InstantColumn>,
    }
}

table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use super::{IdColumn, InstantColumn};

    sessions (id) {
        id -> IdColumn,
        user_id -> IdColumn,
        secret_hash -> Binary,
        created_at -> InstantColumn,
        last_used_at -> InstantColumn,
        expires_at -> InstantColumn,
        ended_at -> Nullable<InstantColumn>,
        user_agent -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::Binary;
    use super::InstantColumn;

    setup_tokens (secret_hash) {
        secret_hash -> Binary,
        expires_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{Binary, Bool, Text};
    use super::{IdColumn, InstantColumn};

    user_identities (identity_hash) {
        identity_hash -> Binary,
        issuer -> Text,
        subject -> Text,
        user_id -> IdColumn,
        admin_by_group -> Bool,
        created_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{Binary, Text};

    server_keys (name) {
        name -> Text,
        secret -> Binary,
    }
}

table! {
    use diesel::sql_types::Binary;
    use super::InstantColumn;

    used_sign_ins (state_hash) {
        state_hash -> Binary,
        expires_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
    use super::{IdColumn, InstantColumn};

    links (id) {
        id -> IdColumn,
        code -> Text,
        code_spelling -> Text,
        target_url -> Text,
        clicks -> BigInt,
        clicks_purged -> BigInt,
        created_at -> InstantColumn,
        title -> Text,
        description -> Text,
        visibility -> Text,
        forward_query -> Bool,
        disabled -> Bool,
        expires_at -> Nullable<InstantColumn>,
        updated_at -> InstantColumn,
        version -> Integer,
        deleted_at -> Nullable<InstantColumn>,
        humans -> BigInt,
        target_hash -> Nullable<Binary>,
        owned -> Bool,
        template -> Nullable<Bool>,
        search_version -> Integer,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{IdColumn, InstantColumn};

    blocked_hosts (pattern) {
        pattern -> Text,
        reason -> Text,
        created_by -> Nullable<IdColumn>,
        created_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use super::{IdColumn, InstantColumn};

    audit_entries (id) {
        id -> IdColumn,
        created_at -> InstantColumn,
        event -> Text,
        actor_kind -> Text,
        actor_id -> Nullable<IdColumn>,
        actor_name -> Text,
        subject -> Text,
        detail -> Text,
        origin_hash -> Nullable<Binary>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Date, Text};
    use super::InstantColumn;

    orphan_paths (day, path) {
        day -> Date,
        path -> Text,
        hits -> BigInt,
        first_at -> InstantColumn,
        last_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{BigInt, Date};

    orphan_days (day) {
        day -> Date,
        paths -> BigInt,
    }
}

table! {
    use super::IdColumn;

    keywords (link_id) {
        link_id -> IdColumn,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::{IdColumn, InstantColumn};

    link_codes (code) {
        code -> Text,
        spelling -> Text,
        link_id -> IdColumn,
        created_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{Bool, Integer};
    use super::{IdColumn, InstantColumn};

    link_owners (link_id, user_id) {
        link_id -> IdColumn,
        user_id -> IdColumn,
        is_primary -> Bool,
        since_version -> Integer,
        link_created_at -> InstantColumn,
    }
}

table! {
    use super::{IdColumn, InstantColumn};

    link_shares (link_id, user_id) {
        link_id -> IdColumn,
        user_id -> IdColumn,
        link_created_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{IdColumn, InstantColumn};

    link_invitations (link_id, role, email) {
        link_id -> IdColumn,
        role -> Text,
        email -> Text,
        user_id -> Nullable<IdColumn>,
        from_user_id -> Nullable<IdColumn>,
        invited_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::Text;

    tags (name) {
        name -> Text,
    }
}

table! {
    use diesel::sql_types::{Bool, Text};
    use super::{IdColumn, InstantColumn};

    link_tags (link_id, tag) {
        link_id -> IdColumn,
        tag -> Text,
        listed -> Bool,
        link_created_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::IdColumn;

    link_words (link_id, word) {
        link_id -> IdColumn,
        word -> Text,
    }
}

table! {
    use diesel::sql_types::{Integer, Nullable, Text};
    use super::{IdColumn, InstantColumn};

    link_versions (link_id, number) {
        link_id -> IdColumn,
        number -> Integer,
        action -> Text,
        changed_at -> InstantColumn,
        user_id -> Nullable<IdColumn>,
        before -> Nullable<Text>,
        after -> Text,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{IdColumn, InstantColumn};

    link_clicks (id) {
        id -> IdColumn,
        link_id -> IdColumn,
        user_id -> Nullable<IdColumn>,
        ip_hash -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        referrer -> Nullable<Text>,
        clicked_at -> InstantColumn,
        class -> Nullable<Text>,
        browser -> Nullable<Text>,
        os -> Nullable<Text>,
        device -> Nullable<Text>,
        country -> Nullable<Text>,
    }
}

table! {
    use super::IdColumn;

    click_ids (id) {
        id -> IdColumn,
    }
}

table! {
    use diesel::sql_types::{BigInt, Date, Nullable, Text};
    use super::IdColumn;

    link_days (link_id, day) {
        link_id -> IdColumn,
        day -> Date,
        clicks -> BigInt,
        humans -> BigInt,
        visitors -> BigInt,
        first_click_us -> Nullable<BigInt>,
        last_click_us -> Nullable<BigInt>,
        facts -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::Date;
    use super::IdColumn;

    link_visitors (day, link_id, visitor) {
        day -> Date,
        link_id -> IdColumn,
        visitor -> IdColumn,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use super::{IdColumn, InstantColumn};

    click_journals (id) {
        id -> IdColumn,
        began -> BigInt,
        committed -> BigInt,
        stored -> BigInt,
        dropped_link_deleted -> BigInt,
        dropped_rejected -> BigInt,
        dropped_unreadable -> BigInt,
        dropped_lost -> BigInt,
        registered_at -> InstantColumn,
        updated_at -> InstantColumn,
        owner -> Nullable<IdColumn>,
        node -> Nullable<Text>,
        process -> Nullable<Text>,
        noted_at -> Nullable<InstantColumn>,
        accepted -> BigInt,
        pending_since -> Nullable<InstantColumn>,
        duplicates -> BigInt,
        split_from -> Nullable<IdColumn>,
        split_at -> Nullable<BigInt>,
        retry_of -> Nullable<IdColumn>,
        forgotten_at -> Nullable<InstantColumn>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Text};
    use super::{IdColumn, InstantColumn};

    accepted_losses (id) {
        id -> IdColumn,
        journal_id -> IdColumn,
        clicks -> BigInt,
        losses -> BigInt,
        rejected -> BigInt,
        retried -> BigInt,
        reason -> Text,
        accepted_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use super::{IdColumn, InstantColumn};

    click_journal_owners (journal_id, owner) {
        journal_id -> IdColumn,
        owner -> IdColumn,
        predecessor -> Nullable<IdColumn>,
        began -> BigInt,
        ended -> BigInt,
        node -> Text,
        taken_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::{IdColumn, InstantColumn};

    leases (name) {
        name -> Text,
        holder -> IdColumn,
        expires_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{Integer, Nullable};
    use super::InstantColumn;

    salt_traces (id) {
        id -> Integer,
        destroyed_at -> InstantColumn,
        erased_at -> Nullable<InstantColumn>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Text};
    use super::InstantColumn;

    link_changes (seq) {
        seq -> BigInt,
        code -> Text,
        changed_at -> InstantColumn,
    }
}

table! {
    use diesel::sql_types::{Binary, Date};

    daily_salts (day) {
        day -> Date,
        salt -> Binary,
    }
}

joinable!(link_clicks -> links (link_id));
joinable!(link_clicks -> users (user_id));
joinable!(link_days -> links (link_id));
joinable!(link_codes -> links (link_id));
joinable!(keywords -> links (link_id));
joinable!(link_owners -> users (user_id));
joinable!(link_shares -> users (user_id));
joinable!(link_versions -> users (user_id));
joinable!(api_tokens -> users (user_id));
joinable!(sessions -> users (user_id));
joinable!(user_identities -> users (user_id));
allow_tables_to_appear_in_same_query!(
    users,
    api_tokens,
    sessions,
    user_identities,
    links,
    link_codes,
    keywords,
    link_owners,
    link_shares,
    link_versions,
    link_clicks,
    link_days
);

use super::{IdColumn, InstantColumn};
