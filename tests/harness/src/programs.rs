//! Where the programs are on this machine that the tests start: the database servers', and others.

use std::env;
use std::path::{Path, PathBuf};

const SYSTEM: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/// The programs that make and run a PostgreSQL instance, of one and the same version.
pub(crate) struct Postgres {
    pub(crate) initdb: PathBuf,
    pub(crate) postgres: PathBuf,
}

/// The programs that make and run a MariaDB instance.
pub(crate) struct MariaDb {
    pub(crate) install_db: PathBuf,
    pub(crate) mariadbd: PathBuf,
}

impl Postgres {
    /// The highest version in Debian's directories, else the one in `PATH`.
    pub(crate) fn find() -> Result<Self, String> {
        debian_versions()
            .into_iter()
            .chain(search_path())
            .find_map(|directory| {
                Some(Self {
                    initdb: program(&directory, "initdb")?,
                    postgres: program(&directory, "postgres")?,
                })
            })
            .ok_or_else(|| missing("PostgreSQL", "`postgres` and `initdb`", "postgresql"))
    }
}

impl MariaDb {
    /// Under the present names, else under the ones MariaDB had before 10.5.
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

/// Where `tests/install-dependencies.sh schemathesis` puts it.
const SCHEMATHESIS: &str = "waypost-tests/schemathesis-4.32.5/bin/schemathesis";
/// Where `tests/install-dependencies.sh oidc-provider` puts it, and its last file.
const OIDC_PROVIDER: &str = "waypost-tests/oidc-provider-8.8.1/complete";

/// The program that tests an HTTP API by its own description.
///
/// # Panics
/// Where it is not installed.
pub fn schemathesis() -> PathBuf {
    installed(SCHEMATHESIS).unwrap_or_else(|| {
        panic!(
            "this test needs schemathesis, and it is not installed: \
             run tests/install-dependencies.sh schemathesis"
        )
    })
}

/// The directory with the modules of the OpenID provider, and the program that runs it.
pub(crate) struct OidcProviderPrograms {
    pub(crate) modules: PathBuf,
    pub(crate) node: PathBuf,
}

impl OidcProviderPrograms {
    pub(crate) fn find() -> Result<Self, String> {
        let modules = installed(OIDC_PROVIDER);
        let modules = modules.and_then(|file| Some(file.parent()?.to_owned()));
        let node = search_path()
            .into_iter()
            .find_map(|directory| program(&directory, "node"));
        modules
            .zip(node)
            .map(|(modules, node)| Self { modules, node })
            .ok_or_else(|| {
                "this test needs node and oidc-provider, and they are not installed: \
                 run tests/install-dependencies.sh oidc-provider"
                    .to_owned()
            })
    }
}

/// A file below the user's cache directory, if it is there.
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
