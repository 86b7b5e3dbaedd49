//! The service: its parts are put together in order and taken apart in the reverse order.
//!
//! Database and schema → the database's time → the journal of clicks → the API → work in the background. On SIGTERM or SIGINT:
//! no new connections, requests under way are finished, the journal is drained, background work ends,
//! connections to the database are closed.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use waypost_analytics::{
    Countries, DailySalts, Ingester, IngesterParts, Journal, Maintenance, MaintenanceParts,
    Orphans, OrphansParts, Recorder, RecorderParts, UserAgents,
};
use waypost_api::{ApiParts, Installation, Metrics, Oidc, RunningServer, reserved_words, serve};
use waypost_core::{BaseUrl, Clock, JournalId, LeaseHolder, SystemClock, SystemRandom, VisitClass};
use waypost_service::{
    Accounts, AccountsParts, Links, Resolver, Shortener, ShortenerParts, make_links_findable,
};
use waypost_settings::Settings;
use waypost_store::DatabaseClock;
use waypost_store_diesel::Database;

use crate::background::Background;
use crate::banner;
use crate::failure::Failure;
use crate::signals::{Signals, StopSignal};

/// However long the requests under way took to finish, the journal is given this time to drain.
const LEAST_DRAIN: Duration = Duration::from_secs(1);

/// What runs.
struct Service {
    server: RunningServer,
    recorder: Recorder,
    background: Background,
    database: Database,
    shutdown_grace: Duration,
    /// Where the first admin is made; `None` where there are users. Never to be logged.
    set_up: Option<String>,
}

/// Runs until a signal stops it, or until it fails. A second signal ends the process within this
/// function.
///
/// # Errors
/// [`Failure`] when it did not start, or when a part of it failed.
pub(crate) async fn run(settings: Settings) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().map_err(Failure::Signals)?;
    let mut service = tokio::select! {
        started = Service::start(&settings) => started?,
        // Nothing is served yet, and the database undoes what was not committed.
        signal = signals.next() => return Ok(ExitCode::from(signal.exit_code())),
    };
    let set_up = service.set_up.take();
    let base = settings.http.base_url.to_string();
    let open = settings.access.anonymous_links;
    banner::print(&service.server, &base, open, set_up);
    info!(
        address = %service.server.address(),
        base_url = %settings.http.base_url,
        database = %service.database.url(),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    let failure = tokio::select! {
        signal = signals.next() => {
            let grace_s = settings.http.shutdown_grace.as_secs();
            info!(%signal, grace_s, "stopping; a second signal ends the process at once");
            None
        }
        failure = service.failed() => {
            error!(failure = failure.explained(), "stopping");
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
        let database = Database::connect(&settings.database).await?;
        for migration in database.prepare_schema(settings.database.migrate).await? {
            info!(migration, "the schema was brought up to date");
        }
        let clock = Arc::new(DatabaseClock::new(database.store(), Arc::new(SystemClock)));
        clock.measure().await.map_err(Failure::Clock)?;
        let random = Arc::new(SystemRandom);
        let journal = Journal::open(
            &Journal::directory_in(&settings.database.data_dir),
            &settings.clicks.journal,
            JournalId::new(clock.now(), &*random),
        )?;
        let user_agents = Arc::new(UserAgents::new());
        // A tenth of a second, for which no click is to wait.
        user_agents.load();
        let ingester = Ingester::begin(IngesterParts {
            journal: journal.clone(),
            store: database.store(),
            clock: clock.clone(),
            random: random.clone(),
            user_agents: user_agents.clone(),
            privacy: settings.clicks.privacy,
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
            oidc: oidc(settings, clock.clone())?,
            user_agents,
            installation: installation(settings, &database).await?,
        };
        let set_up = set_up(&accounts, &settings.http.base_url).await?;
        let server = serve(&settings.http, parts)?;
        let mut background = Background::default();
        let measured = clock.clone();
        background.start("changes", |stop| resolver.follow_changes(measured, stop));
        background.start("ingester", async |stop| {
            if let Err(failure) = ingester.run(stop).await {
                let failure = Failure::from(failure).explained();
                error!(failure, "clicks are not stored any more");
            }
        });
        background.start("salts", async move |stop| {
            salts.keep_ready(&*clock, stop).await;
        });
        background.start("tokens", |stop| accounts.keep_used_written(stop));
        let store = database.store();
        background.start("search", async move |stop: CancellationToken| {
            make_links_findable(store, stop.clone()).await;
            stop.cancelled().await;
        });
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
                "not all clicks are stored yet; the next start stores the rest"
            );
        }
        let worked = self.background.stop().await;
        self.database.close();
        served.and(worked)
    }
}

/// The link with which the first admin is made, while there are no users.
async fn set_up(accounts: &Accounts, base_url: &BaseUrl) -> Result<Option<String>, Failure> {
    let secret = accounts.begin_set_up().await.map_err(Failure::SetUp)?;
    Ok(secret.map(|secret| format!("{base_url}/setup?token={}", secret.reveal())))
}

/// What tells the country of an address, where the operator gave something that does.
fn countries(settings: &Settings) -> Result<Option<Arc<Countries>>, Failure> {
    let Some(path) = &settings.clicks.geoip_db else {
        return Ok(None);
    };
    let countries = Countries::open(path)?;
    let database = countries.description();
    info!(database, "countries are known");
    Ok(Some(Arc::new(countries)))
}

/// How the server was started, for its admins to read.
async fn installation(settings: &Settings, database: &Database) -> Result<Installation, Failure> {
    let migrations = database.migration_status().await?;
    let newest = migrations.last().map(|newest| newest.name.clone());
    Ok(Installation {
        database: database.url().kind().to_string(),
        // For people to read: no reason not to start.
        database_version: database.version().await.ok(),
        schema: newest.map(|newest| (migrations.len(), newest)),
        retention_days: settings.clicks.retention_days,
        privacy: settings.clicks.privacy,
        cache_capacity: settings.cache.capacity,
    })
}

/// The OpenID provider to sign in with, where there is one. It is not asked anything yet.
fn oidc(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Option<Arc<Oidc>>, Failure> {
    let Some(oidc) = settings.oidc.clone() else {
        return Ok(None);
    };
    let oidc = Oidc::new(oidc, &settings.http.base_url, clock, Arc::new(SystemRandom))?;
    Ok(Some(Arc::new(oidc)))
}

/// What knows users and signs them in.
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

/// What makes and finds links.
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

/// What collects unknown paths.
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

/// The second signal: whoever sends it does not want to wait.
fn end_at_once(signal: StopSignal) -> ! {
    warn!(%signal, "ending at once");
    std::process::exit(signal.exit_code().into())
}
