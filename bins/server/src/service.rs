//! The service: starts the parts of the server in order and stops them in reverse order.
//!
//! Start: database and schema → time of the database → click journal → API → background tasks. Stop
//! on SIGTERM or SIGINT: no new connections, running requests finish, the journal is drained,
//! background tasks end, database connections are closed.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{error, info, warn};
use waypost_analytics::{
    Countries, DailySalts, DiskSpace, Ingester, IngesterParts, Journal, Maintenance,
    MaintenanceParts, Orphans, OrphansParts, Recorder, RecorderParts, UserAgents,
};
use waypost_api::{ApiParts, Installation, Metrics, Oidc, RunningServer, reserved_words, serve};
use waypost_core::{BaseUrl, Clock, JournalId, LeaseHolder, SystemClock, SystemRandom, VisitClass};
use waypost_service::{
    Accounts, AccountsParts, Links, Resolver, Shortener, ShortenerParts, keep_links_findable,
};
use waypost_settings::Settings;
use waypost_store::DatabaseClock;
use waypost_store_diesel::{Database, DatabaseError};

use crate::background::Background;
use crate::banner;
use crate::data_directory;
use crate::failure::Failure;
use crate::last_settings;
use crate::signals::{Signals, StopSignal};

/// Minimum time to drain the journal, however long the running requests took to finish.
const LEAST_DRAIN: Duration = Duration::from_secs(1);

/// The running parts.
struct Service {
    server: RunningServer,
    recorder: Recorder,
    background: Background,
    database: Database,
    shutdown_grace: Duration,
    /// The set-up link for the first admin; `None` if there are users. Never logged.
    set_up: Option<String>,
}

/// Runs until a signal stops it or a part fails. A second signal exits the process immediately.
///
/// # Errors
/// [`Failure`] if it did not start, or if a part failed.
pub(crate) async fn run(settings: Settings) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().map_err(Failure::Signals)?;
    let mut service = tokio::select! {
        started = Service::start(&settings) => started?,
        // No request was served yet, and the database rolls back open transactions.
        signal = signals.next() => return Ok(ExitCode::from(signal.exit_code())),
    };
    let set_up = service.set_up.take();
    let base = settings.http.base_url.to_string();
    let open = settings.access.anonymous_links;
    banner::print(&service.server, &base, open, set_up);
    let addresses = service.server.addresses().iter();
    let addresses: Vec<_> = addresses.map(ToString::to_string).collect();
    info!(
        address = addresses.join(","),
        base_url = %settings.http.base_url,
        database = %service.database.url(),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    let failure = tokio::select! {
        signal = signals.next() => {
            let grace_s = settings.http.shutdown_grace.as_secs();
            info!(%signal, grace_s, "stopping; a second signal exits immediately");
            None
        }
        failure = service.failed() => {
            error!(failure = failure.explained(), "a part of the server failed; stopping");
            Some(failure)
        }
    };
    let stopped = tokio::select! {
        stopped = service.stop() => stopped,
        signal = signals.next() => end_at_once(signal),
    };
    info!("stopped");
    match failure {
        Some(failure) => Err(failure),
        None => stopped.map(|()| ExitCode::SUCCESS),
    }
}

impl Service {
    async fn start(settings: &Settings) -> Result<Self, Failure> {
        let metrics = Metrics::install()?;
        waypost_store_diesel::describe_metrics();
        waypost_service::describe_metrics();
        let database = Database::connect(&settings.database).await?;
        if database.is_read_only().await {
            let url = settings.database.url.to_string();
            return Err(DatabaseError::ReadOnly { url }.into());
        }
        for migration in database.prepare_schema(settings.database.migrate).await? {
            info!(migration, "applied migration");
        }
        let clock = Arc::new(DatabaseClock::new(database.store(), Arc::new(SystemClock)));
        clock.measure().await.map_err(Failure::Clock)?;
        let random = Arc::new(SystemRandom);
        let journal = Journal::open(
            &Journal::directory_in(&settings.database.data_dir),
            &settings.clicks.journal,
            JournalId::new(clock.now(), &*random),
        )?;
        data_directory::warn_if_loose(&settings.database);
        let directories = data_directory::all(&settings.database);
        let disk_space = DiskSpace::of(directories.into_iter().collect(), settings.disk);
        let user_agents = Arc::new(UserAgents::new());
        // Takes a tenth of a second. Load now, so that no click waits for it.
        user_agents.load();
        let ingester = Ingester::begin(IngesterParts {
            journal: journal.clone(),
            store: database.store(),
            clock: clock.clone(),
            random: random.clone(),
            user_agents: user_agents.clone(),
            privacy: settings.clicks.privacy,
            records_per_day: settings.clicks.records_per_day,
        })
        .await?;
        let zone = settings.clicks.zone.clone();
        let salts = DailySalts::new(database.store(), random.clone(), zone.clone());
        let salts = Arc::new(salts);
        salts.prepare(clock.now()).await.map_err(Failure::Salts)?;
        let recorder = Recorder::new(RecorderParts {
            journal: journal.clone(),
            salts: salts.clone(),
            clock: clock.clone(),
            random: random.clone(),
            zone: zone.clone(),
            trusted_proxies: settings.clicks.trusted_proxies.clone(),
            countries: countries(settings)?,
            user_agents: user_agents.clone(),
        });
        let orphans = orphans(settings, &database, clock.clone(), user_agents.clone());
        let maintenance = Maintenance::new(MaintenanceParts {
            store: database.store(),
            clock: clock.clone(),
            salts: salts.clone(),
            journal,
            zone,
            holder: LeaseHolder::new(clock.now(), &*random),
            retention_days: settings.clicks.retention_days,
            deleted_link_days: settings.clicks.deleted_link_days,
            audit_days: settings.access.audit_days,
            random: random.clone(),
        });
        let resolver = Resolver::new(database.store(), &settings.cache);
        let shortener = shortener(settings, &database, clock.clone(), &resolver);
        let accounts = accounts(settings, &database, clock.clone(), &resolver);
        let parts = ApiParts {
            links: Links::new(shortener),
            accounts: accounts.clone(),
            resolver: resolver.clone(),
            recorder: recorder.clone(),
            orphans: orphans.clone(),
            clock: clock.clone(),
            random,
            metrics,
            anonymous_links: settings.access.anonymous_links,
            limits: settings.limits,
            disk_space: disk_space.clone(),
            live: settings.live.within(settings.http.max_connections),
            exposure: settings.exposure,
            oidc: oidc(settings, clock.clone())?,
            user_agents,
            installation: installation(settings, &database).await?,
        };
        last_settings::compare(
            &settings.database.data_dir,
            &settings.texts.0,
            &*parts.random,
            accounts.audit(),
        )
        .await;
        let set_up = set_up(&accounts, &settings.http.base_url).await?;
        let server = serve(&settings.http, parts)?;
        let mut background = Background::default();
        let measured = clock.clone();
        background.start("changes", |stop| resolver.follow_changes(measured, stop));
        background.start("ingester", async |stop| {
            if let Err(failure) = ingester.run(stop).await {
                let failure = Failure::from(failure).explained();
                error!(failure, "storing clicks failed; the server stops");
            }
        });
        let erased = salts.clone();
        background.start("salt erasure", async move |stop| {
            erased.keep_erased(stop).await;
        });
        background.start("salts", async move |stop| {
            salts.keep_ready(&*clock, stop).await;
        });
        background.start("tokens", |stop| accounts.keep_used_written(stop));
        let store = database.store();
        background.start("search", |stop| keep_links_findable(store, stop));
        background.start("disk space", |stop| disk_space.watch(stop));
        background.start("orphans", |stop| orphans.run(stop));
        background.start("maintenance", |stop| maintenance.run(stop));
        Ok(Self {
            server,
            recorder,
            background,
            database,
            shutdown_grace: settings.http.shutdown_grace,
            set_up,
        })
    }

    /// Waits until a part fails.
    async fn failed(&mut self) -> Failure {
        tokio::select! {
            failure = self.server.failed() => failure.into(),
            failure = self.background.crashed() => failure,
        }
    }

    async fn stop(self) -> Result<(), Failure> {
        let began = Instant::now();
        let served = self.server.stop().await.map_err(Failure::from);
        let left = self.shutdown_grace.saturating_sub(began.elapsed());
        let pending = self.recorder.drain(left.max(LEAST_DRAIN)).await;
        if pending > 0 {
            warn!(
                clicks = pending,
                "stopped with pending clicks; the next start stores them"
            );
        }
        let worked = self.background.stop().await;
        self.database.close();
        served.and(worked)
    }
}

/// Returns the set-up link for the first admin, or `None` if there are users.
async fn set_up(accounts: &Accounts, base_url: &BaseUrl) -> Result<Option<String>, Failure> {
    let secret = accounts.begin_set_up().await.map_err(Failure::SetUp)?;
    Ok(secret.map(|secret| format!("{base_url}/setup?token={}", secret.reveal())))
}

/// Opens the country database, if one is set.
fn countries(settings: &Settings) -> Result<Option<Arc<Countries>>, Failure> {
    let Some(path) = &settings.clicks.geoip_db else {
        return Ok(None);
    };
    let countries = Countries::open(path)?;
    let database = countries.description();
    info!(database, "country database loaded");
    Ok(Some(Arc::new(countries)))
}

/// Collects facts about this installation, which admins can read.
async fn installation(settings: &Settings, database: &Database) -> Result<Installation, Failure> {
    let migrations = database.migration_status().await?;
    let newest = migrations.last().map(|newest| newest.name.clone());
    Ok(Installation {
        database: database.url().kind().to_string(),
        // Only for display: a failure does not prevent the start.
        database_version: database.version().await.ok(),
        schema: newest.map(|newest| (migrations.len(), newest)),
        retention_days: settings.clicks.retention_days,
        deleted_link_days: settings.clicks.deleted_link_days,
        privacy: settings.clicks.privacy,
        cache_capacity: settings.cache.capacity,
    })
}

/// Sets up sign-in with the OpenID provider, if one is set. Sends no request yet.
fn oidc(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Option<Arc<Oidc>>, Failure> {
    let Some(oidc) = settings.oidc.clone() else {
        return Ok(None);
    };
    let oidc = Oidc::new(oidc, &settings.http.base_url, clock, Arc::new(SystemRandom))?;
    Ok(Some(Arc::new(oidc)))
}

/// Returns the domain functions for accounts.
fn accounts(
    settings: &Settings,
    database: &Database,
    clock: Arc<dyn Clock>,
    resolver: &Resolver,
) -> Accounts {
    Accounts::new(AccountsParts {
        store: database.store(),
        clock,
        random: Arc::new(SystemRandom),
        operator: settings.access.admin_token,
        sessions: settings.access.sessions,
        resolver: Some(resolver.clone()),
    })
}

/// Returns the domain functions for links.
fn shortener(
    settings: &Settings,
    database: &Database,
    clock: Arc<dyn Clock>,
    resolver: &Resolver,
) -> Shortener {
    Shortener::new(ShortenerParts {
        store: database.store(),
        clock,
        random: Arc::new(SystemRandom),
        reserved: reserved_words(),
        base_url: settings.http.base_url.clone(),
        resolver: Some(resolver.clone()),
    })
}

/// Returns the collector of orphan paths.
fn orphans(
    settings: &Settings,
    database: &Database,
    clock: Arc<DatabaseClock>,
    user_agents: Arc<UserAgents>,
) -> Orphans {
    Orphans::new(OrphansParts {
        store: database.store(),
        clock,
        zone: settings.clicks.zone.clone(),
        is_human: Box::new(move |agent| user_agents.facts(agent).class == VisitClass::Human),
    })
}

/// Exits immediately, on the second signal.
fn end_at_once(signal: StopSignal) -> ! {
    warn!(%signal, "second signal received; exiting immediately");
    std::process::exit(signal.exit_code().into())
}
