//! Many links of many users, written directly into the tables.
//!
//! Half of the links are public, the others private or secure; a user is the primary owner of
//! `links / users` of them, every twentieth has a co-owner and every tenth is shared. Of 300 tags
//! the first are common and the last rare, and so are the words of titles. Every fourth link has a
//! title in Chinese, whose words have no spaces between them.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use waypost_core::{
    LinkContent, LinkDetails, SearchWord, ShortCode, Tag, TargetUrl, Title, Visibility,
};
use waypost_test_harness::{Invocation, TestDatabase};

use crate::links;
use crate::options::Database;

/// Rows per statement.
const BATCH: u32 = 1_000;
/// Different tags.
const TAGS: u32 = 300;
/// Different words of titles.
const WORDS: u32 = 3_000;
/// 2025-01-01T00:00:00Z, in seconds: when the first link was created. The others follow each
/// minute.
const FIRST_S: i64 = 1_735_689_600;

/// The written data.
pub(super) struct Data {
    which: Database,
    pub(super) database: TestDatabase,
    pub(super) links: u32,
    pub(super) users: u32,
}

/// A link as it was written.
pub(super) struct Made {
    pub(super) id: Uuid,
    pub(super) content: LinkContent,
    /// Whole seconds since 1970.
    pub(super) created_s: i64,
    owner: u32,
    co_owner: Option<u32>,
    shared_with: Option<u32>,
}

impl Data {
    /// Creates a database with this many links and users.
    ///
    /// # Panics
    /// When it cannot be created.
    pub(super) async fn write(which: Database, links: u32, users: u32) -> Self {
        let database = TestDatabase::new(which.kind());
        Invocation::of("linkctl")
            .args(["migrate", "up"])
            .database(&database)
            .run()
            .assert_success();
        let this = Self {
            which,
            database,
            links,
            users,
        };
        this.write_people().await;
        for first in (0..links).step_by(usize::try_from(BATCH).expect("is small")) {
            let batch: Vec<Made> = (first..links.min(first + BATCH))
                .map(|number| this.link(number))
                .collect();
            this.write_links(&batch).await;
        }
        let analyze: &[&str] = match which {
            Database::Sqlite => &["analyze", "pragma wal_checkpoint(truncate)"],
            Database::Postgres => &["vacuum analyze"],
            Database::Mariadb => {
                &["analyze table links, link_owners, link_shares, link_tags, link_words"]
            }
        };
        for statement in analyze {
            this.database.execute(statement).await;
        }
        this
    }

    /// Returns the email addresses of the users who send requests.
    pub(super) fn askers(&self) -> impl Iterator<Item = String> {
        let step = self.users / 10;
        (0..10).map(move |number| email(number * step))
    }

    /// Returns a link by its number; higher numbers are younger.
    pub(super) fn link(&self, number: u32) -> Made {
        let random = |salt: u32, below: u32| {
            let digest = Sha256::digest([number.to_le_bytes(), salt.to_le_bytes()].concat());
            let [a, b, c, d, ..] = digest[..] else {
                return 0;
            };
            u32::from_le_bytes([a, b, c, d]) % below
        };
        // The square of a uniform number is common at its beginning and rare at its end.
        let skewed = |salt: u32, below: u32| {
            let even = u64::from(random(salt, below));
            u32::try_from(even * even / u64::from(below)).expect("is smaller")
        };
        let code = links::code(number);
        let visibility = match random(0, 10) {
            0..5 => Visibility::Public,
            5..8 => Visibility::Private,
            _ => Visibility::Secure,
        };
        let tags: Vec<String> = (0..random(1, 4))
            .map(|at| tag(skewed(2 + at, TAGS)))
            .collect();
        let words = (0..4).map(|at| skewed(10 + at, WORDS));
        let title = if number % 4 == 3 {
            words.map(chinese).collect()
        } else {
            words.map(word).collect::<Vec<_>>().join(" ")
        };
        let details = LinkDetails {
            title: Title::parse(&title).expect("is a title"),
            tags: Tag::parse_all(tags.iter().map(String::as_str)).expect("are tags"),
            visibility,
            ..LinkDetails::default()
        };
        let owner = number % self.users;
        let other = (owner + 1 + random(20, self.users - 1)) % self.users;
        Made {
            id: links::id(number),
            content: LinkContent {
                target: TargetUrl::from_stored(links::target(&code)).expect("is a target"),
                code: ShortCode::parse(&code).expect("is a code"),
                details,
            },
            created_s: FIRST_S + i64::from(number) * 60,
            owner,
            co_owner: (random(21, 20) == 0).then_some(other),
            shared_with: (random(22, 10) == 1).then_some(other),
        }
    }

    async fn write_people(&self) {
        let users = (0..self.users).map(|number| {
            format!(
                "({}, '{}', 'User {number}', 'member', {})",
                self.id(user(number)),
                email(number),
                self.time(FIRST_S + i64::from(number))
            )
        });
        self.insert("users (id, email, display_name, role, created_at)", users)
            .await;
        let tags = (0..TAGS).map(|number| format!("('{}')", tag(number)));
        self.insert("tags (name)", tags).await;
    }

    async fn write_links(&self, batch: &[Made]) {
        let rows = batch.iter().map(|link| {
            let LinkContent {
                code,
                target,
                details,
            } = &link.content;
            let made = self.time(link.created_s);
            let hash = self.bytes(&hex(&Sha256::digest(target.as_str())));
            let (id, title) = (self.id(link.id), details.title.as_str());
            let visibility = details.visibility.as_str();
            format!("({id}, '{code}', '{code}', '{target}', {made}, {made}, '{title}', '', '{visibility}', {hash}, true, 1)")
        });
        let columns = "links (id, code, code_spelling, target_url, created_at, updated_at, title, \
                       description, visibility, target_hash, owned, search_version)";
        self.insert(columns, rows).await;
        let codes = batch.iter().map(|link| {
            let (code, id) = (&link.content.code, self.id(link.id));
            format!("('{code}', '{code}', {id}, {})", self.time(link.created_s))
        });
        self.insert("link_codes (code, spelling, link_id, created_at)", codes)
            .await;
        let owners = batch.iter().flat_map(|link| {
            let all = [(Some(link.owner), true), (link.co_owner, false)];
            all.into_iter().filter_map(|(owner, is_primary)| {
                let (id, owner) = (self.id(link.id), self.id(user(owner?)));
                let made = self.time(link.created_s);
                Some(format!("({id}, {owner}, {is_primary}, 1, {made})"))
            })
        });
        let columns = "link_owners (link_id, user_id, is_primary, since_version, link_created_at)";
        self.insert(columns, owners).await;
        let shares = batch.iter().filter_map(|link| {
            let (id, with) = (self.id(link.id), self.id(user(link.shared_with?)));
            Some(format!("({id}, {with}, {})", self.time(link.created_s)))
        });
        self.insert("link_shares (link_id, user_id, link_created_at)", shares)
            .await;
        let tags = batch.iter().flat_map(|link| {
            let listed = link.content.details.visibility == Visibility::Public;
            link.content.details.tags.iter().map(move |tag| {
                let (id, made) = (self.id(link.id), self.time(link.created_s));
                format!("({id}, '{tag}', {listed}, {made})")
            })
        });
        self.insert("link_tags (link_id, tag, listed, link_created_at)", tags)
            .await;
        let words = batch.iter().flat_map(|link| {
            let words = SearchWord::of_link(&link.content).into_iter();
            words.map(|word| format!("({}, '{word}')", self.id(link.id)))
        });
        self.insert("link_words (link_id, word)", words).await;
    }

    /// Makes a user a co-owner of every link.
    ///
    /// # Panics
    /// When the database rejects it.
    pub(super) async fn give_everything_to(&self, email: &str) {
        let columns = "link_id, user_id, is_primary, since_version, link_created_at";
        let sql = format!(
            "insert into link_owners ({columns}) select links.id, users.id, false, 1, links.created_at \
             from links, users where users.email = '{email}'"
        );
        self.database.execute(&sql).await;
        let analyze = match self.which {
            Database::Sqlite => "analyze",
            Database::Postgres => "vacuum analyze link_owners",
            Database::Mariadb => "analyze table link_owners",
        };
        self.database.execute(analyze).await;
    }

    async fn insert(&self, into: &str, rows: impl Iterator<Item = String>) {
        let rows: Vec<String> = rows.collect();
        for some in rows.chunks(usize::try_from(BATCH).expect("is small")) {
            let sql = format!("insert into {into} values {}", some.join(", "));
            self.database.execute(&sql).await;
        }
    }

    fn id(&self, id: Uuid) -> String {
        match self.which {
            Database::Postgres => format!("'{id}'"),
            Database::Sqlite | Database::Mariadb => format!("x'{}'", id.simple()),
        }
    }

    fn bytes(&self, hex: &str) -> String {
        match self.which {
            Database::Postgres => format!("'\\x{hex}'"),
            Database::Sqlite | Database::Mariadb => format!("x'{hex}'"),
        }
    }

    fn time(&self, seconds: i64) -> String {
        let at = time::OffsetDateTime::from_unix_timestamp(seconds).expect("is a time");
        let (date, time) = (at.date(), at.time());
        let (hour, minute, second) = time.as_hms();
        let zone = match self.which {
            Database::Sqlite | Database::Postgres => "+00:00",
            Database::Mariadb => "",
        };
        format!("'{date} {hour:02}:{minute:02}:{second:02}{zone}'")
    }
}

/// Returns the email address of a user.
pub(super) fn email(number: u32) -> String {
    format!("user{number}@example.com")
}

/// Returns a tag; the first ones are the common ones.
pub(super) fn tag(number: u32) -> String {
    format!("tag-{number}")
}

/// Returns a word; the first ones are the common ones.
pub(super) fn word(number: u32) -> String {
    // Letters only, so that words begin differently.
    let digits = number.to_string();
    let letters = digits
        .bytes()
        .rev()
        .map(|digit| char::from(digit - b'0' + b'a'));
    format!("{}word", letters.collect::<String>())
}

/// Returns a word of two ideographs; the first ones are the common ones.
pub(super) fn chinese(number: u32) -> String {
    let ideograph = |place: u32| char::from_u32(0x4e00 + place).expect("is an ideograph");
    [number % 1_000, 1_000 + number / 3]
        .map(ideograph)
        .into_iter()
        .collect()
}

fn user(number: u32) -> Uuid {
    Uuid::from_u128(links::id(number).as_u128() | 0xff << 56)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
