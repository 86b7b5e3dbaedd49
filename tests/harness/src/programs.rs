//! Finds the installed programs that the tests start: database servers and others.

use std::env;
use std::path::{Path, PathBuf};

const SYSTEM: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/// The programs that create and run a PostgreSQL instance, all of one version.
pub(crate) struct Postgres {
    pub(crate) initdb: PathBuf,
    pub(crate) postgres: PathBuf,
    pub(crate) basebackup: PathBuf,
}

/// The programs that create and run a MariaDB instance.
pub(crate) struct MariaDb {
    pub(crate) install_db: PathBuf,
    pub(crate) mariadbd: PathBuf,
}

impl Postgres {
    /// Finds the highest version in Debian's directories, or else the one in `PATH`.
    pub(crate) fn find() -> Result<Self, String> {
        debian_versions()
            .into_iter()
            .chain(search_path())
            .find_map(|directory| {
                Some(Self {
                    initdb: program(&directory, "initdb")?,
                    postgres: program(&directory, "postgres")?,
                    basebackup: program(&directory, "pg_basebackup")?,
                })
            })
            .ok_or_else(|| missing("PostgreSQL", "`postgres` and `initdb`", "postgresql"))
    }
}

impl MariaDb {
    /// Finds them under the present names, or else under those before MariaDB 10.5.
    pub(crate) fn find() -> Result<Self, String> {
        let find = |names: [&str; 2]| {
            names.into_iter().find_map(|name| {
                let directories = SYSTEM.into_iter().map(PathBuf::from);
                directories
                    .chain(search_path())
                    .find_map(|directory| program(&directory, name))
            })
        };
        find(["mariadbd", "mysqld"])
            .zip(find(["mariadb-install-db", "mysql_install_db"]))
            .map(|(mariadbd, install_db)| Self {
                install_db,
                mariadbd,
            })
            .ok_or_else(|| {
                missing(
                    "MariaDB",
                    "`mariadbd` and `mariadb-install-db`",
                    "mariadb-server-core mariadb-client-core",
                )
            })
    }
}

/// The library that makes MariaDB servers a cluster.
pub(crate) struct Galera;

impl Galera {
    /// Finds it in the directories of Debian and similar systems.
    pub(crate) fn find() -> Result<PathBuf, String> {
        [
            "/usr/lib/galera",
            "/usr/lib64/galera-4",
            "/usr/lib/galera-4",
        ]
        .iter()
        .find_map(|directory| program(Path::new(directory), "libgalera_smm.so"))
        .ok_or_else(|| {
            "this test needs Galera, and it is not installed: \
                 run tests/install-dependencies.sh replication (Debian package: galera-4)"
                .to_owned()
        })
    }
}

/// The path used by `tests/install-dependencies.sh schemathesis`.
const SCHEMATHESIS: &str = "waypost-tests/schemathesis-4.32.5/bin/schemathesis";
/// The last file that `tests/install-dependencies.sh oidc-provider` installs.
const OIDC_PROVIDER: &str = "waypost-tests/oidc-provider-8.8.1/complete";

/// The last file that `tests/install-dependencies.sh page-checkers` installs.
const PAGE_CHECKERS: &str = "waypost-tests/page-checkers-axe-4.14.1-html-validate-9.7.1/complete";

/// Returns the program that tests an HTTP API by its own description.
///
/// # Panics
/// When it is not installed.
pub fn schemathesis() -> PathBuf {
    installed(SCHEMATHESIS).unwrap_or_else(|| {
        panic!(
            "this test needs schemathesis, and it is not installed: \
             run tests/install-dependencies.sh schemathesis"
        )
    })
}

/// Returns the library that sets the time of a program.
pub(crate) fn faketime() -> Result<PathBuf, String> {
    // In the directory of the machine's architecture.
    Path::new("/usr/lib")
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("faketime")))
        .find_map(|directory| program(&directory, "libfaketimeMT.so.1"))
        .ok_or_else(|| {
            "this test needs libfaketime, and it is not installed: \
             run tests/install-dependencies.sh faketime (Debian package: libfaketime)"
                .to_owned()
        })
}

/// Returns the program that records system calls.
pub(crate) fn strace() -> Result<PathBuf, String> {
    let mut directories = SYSTEM.into_iter().map(PathBuf::from).chain(search_path());
    directories
        .find_map(|directory| program(&directory, "strace"))
        .ok_or_else(|| {
            "this test needs strace, and it is not installed: \
             run tests/install-dependencies.sh strace (Debian package: strace)"
                .to_owned()
        })
}

/// The directory with the modules of the OpenID provider, and the program that runs it.
pub(crate) struct OidcProviderPrograms {
    pub(crate) modules: PathBuf,
    pub(crate) node: PathBuf,
}

impl OidcProviderPrograms {
    pub(crate) fn find() -> Result<Self, String> {
        let found = node_modules(OIDC_PROVIDER);
        found
            .map(|(modules, node)| Self { modules, node })
            .ok_or_else(|| {
                "this test needs node and oidc-provider, and they are not installed: \
                 run tests/install-dependencies.sh oidc-provider"
                    .to_owned()
            })
    }
}

/// The directory with the modules that check pages, and the program that runs them.
pub(crate) struct PageCheckerPrograms {
    pub(crate) modules: PathBuf,
    pub(crate) node: PathBuf,
}

impl PageCheckerPrograms {
    pub(crate) fn find() -> Result<Self, String> {
        let found = node_modules(PAGE_CHECKERS);
        found
            .map(|(modules, node)| Self { modules, node })
            .ok_or_else(|| {
                "this test needs node, axe-core and html-validate, and they are not installed: \
                 run tests/install-dependencies.sh page-checkers"
                    .to_owned()
            })
    }
}

/// A browser and its driver, of the same version.
pub(crate) struct ChromiumPrograms {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

impl ChromiumPrograms {
    /// Finds Chromium, or else Chrome.
    pub(crate) fn find() -> Result<Self, String> {
        let find = |name: &str| {
            let directories = search_path().into_iter();
            directories
                .chain(SYSTEM.into_iter().map(PathBuf::from))
                .find_map(|directory| program(&directory, name))
        };
        let browsers = ["chromium", "google-chrome", "chrome"];
        let chromium = browsers.into_iter().find_map(find);
        chromium
            .zip(find("chromedriver"))
            .map(|(chromium, chromedriver)| Self {
                chromium,
                chromedriver,
            })
            .ok_or_else(|| {
                "this test needs Chromium, and `chromium` and `chromedriver` are not installed: \
                 run tests/install-dependencies.sh chromium \
                 (Debian packages: chromium chromium-driver)"
                    .to_owned()
            })
    }
}

/// Returns the pooler for PostgreSQL.
pub(crate) fn pgbouncer() -> Result<PathBuf, String> {
    search_path()
        .into_iter()
        .chain(SYSTEM.into_iter().map(PathBuf::from))
        .find_map(|directory| program(&directory, "pgbouncer"))
        .ok_or_else(|| {
            "this test needs PgBouncer, which is not installed: run tests/install-dependencies.sh \
             pgbouncer (Debian package: pgbouncer)"
                .to_owned()
        })
}

/// Returns the directory that contains this last file of its installation, and node.
fn node_modules(last_file: &str) -> Option<(PathBuf, PathBuf)> {
    let modules = installed(last_file)?.parent()?.to_owned();
    let mut directories = search_path().into_iter();
    let node = directories.find_map(|directory| program(&directory, "node"))?;
    Some((modules, node))
}

/// Returns a file below the user's cache directory, if it exists.
fn installed(file: &str) -> Option<PathBuf> {
    let directory = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let cache = directory("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(directory("HOME")?).join(".cache")));
    let file = cache?.join(file);
    file.is_file().then_some(file)
}

fn missing(database: &str, programs: &str, packages: &str) -> String {
    format!(
        "this test needs {database}, and {programs} are not installed: \
         run tests/install-dependencies.sh (Debian packages: {packages})"
    )
}

fn debian_versions() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = Path::new("/usr/lib/postgresql")
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, path)| path).collect()
}

fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default()
}

fn program(directory: &Path, name: &str) -> Option<PathBuf> {
    let path = directory.join(name);
    path.is_file().then_some(path)
}
