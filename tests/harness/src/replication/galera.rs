//! Three MariaDB nodes of one Galera cluster.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Files, Node, USER, option, script};
use crate::database::{Kind, TestDatabase, on_own_thread};
use crate::direct;
use crate::mariadb::ACCOUNT;
use crate::programs::{Galera, MariaDb};
use crate::supervisor::Commands;
use crate::{PATIENCE, port, random, wait_until_blocking};

/// How soon the other nodes continue without a node that was killed. The time they wait to agree on
/// that has its default: a machine may be very busy, and nodes that do not agree stop completely.
const TIMEOUTS: &str = "evs.suspect_timeout=PT2S;evs.inactive_check_period=PT0.5S;\
     evs.keepalive_period=PT0.5S";

/// Three nodes with one empty database.
pub struct GaleraCluster {
    nodes: [Option<Node>; 3],
    ports: [Ports; 3],
    programs: MariaDb,
    provider: PathBuf,
    password: String,
    name: String,
    files: Files,
}

/// The ports of a node.
#[derive(Clone, Copy)]
struct Ports {
    clients: u16,
    group: u16,
    /// For the transactions that it missed.
    missed: u16,
    /// For the files of another node. Nothing listens there: see `wsrep_sst_gapless`.
    files: u16,
}

/// The state from which a node starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Creates the files that all nodes begin with.
    Seeds,
    /// Begins as the first node of the cluster.
    Begins,
    /// Joins with the initial files.
    Joins,
    /// Returns after it was killed.
    Returns,
}

impl GaleraCluster {
    /// Starts the nodes. This blocks the thread.
    ///
    /// # Panics
    /// When they cannot be started, with the reason.
    pub fn start() -> Self {
        Self::try_start().unwrap_or_else(|message| panic!("{message}"))
    }

    fn try_start() -> Result<Self, String> {
        let files = Files::create(ACCOUNT)?;
        files.write("wsrep_sst_gapless", include_bytes!("wsrep_sst_gapless"))?;
        let password = random::word();
        files.write(
            "accounts.sql",
            format!(
                "FLUSH PRIVILEGES;\n\
                 CREATE USER '{USER}'@'%' IDENTIFIED BY '{password}';\n\
                 GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
            )
            .as_bytes(),
        )?;
        let ports = || {
            Ok::<_, String>(Ports {
                clients: port::free()?,
                group: port::free()?,
                missed: port::free()?,
                files: port::free()?,
            })
        };
        let mut cluster = Self {
            nodes: [None, None, None],
            ports: [ports()?, ports()?, ports()?],
            programs: MariaDb::find()?,
            provider: Galera::find()?,
            password,
            name: format!("waypost_test_{}", random::word()),
            files,
        };
        cluster.launch(0, Start::Seeds)?;
        if let Some(node) = cluster.nodes[0].take() {
            node.end();
        }
        for (node, start) in [(0, Start::Begins), (1, Start::Joins), (2, Start::Joins)] {
            cluster.launch(node, start)?;
        }
        let url = cluster.address(0, "mysql");
        let sql = format!("create database {} character set utf8mb4", cluster.name);
        on_own_thread(direct::mariadb::execute(&url, &sql))?;
        cluster.wait_until_whole();
        Ok(cluster)
    }

    fn launch(&mut self, node: usize, start: Start) -> Result<(), String> {
        let copy = |from: PathBuf, to: PathBuf| {
            script(&format!(
                "cp -a '{from}' '{to}'; rm -f '{to}/galera.cache'",
                from = from.display(),
                to = to.display()
            ))
        };
        let beginning = self.files.path("beginning");
        let prepare = match start {
            Start::Seeds => self.install(),
            Start::Begins => copy(self.data(0), beginning),
            Start::Joins => copy(beginning, self.data(node)),
            Start::Returns => vec!["true".into()],
        };
        let mut search_path = self.files.path("").into_os_string();
        search_path.push(":/usr/sbin:/usr/bin:/sbin:/bin");
        let commands = Commands {
            prepare,
            serve: self.serve(node, start),
            stop_signal: "KILL",
            ready_message: "Synchronized with group, ready for connections",
        };
        let commands = commands.with_environment(vec![("PATH".into(), search_path)]);
        let started = Node::start("galera", self.files.account, &commands)?;
        if let Some(place) = self.nodes.get_mut(node) {
            *place = Some(started);
        }
        Ok(())
    }

    fn install(&self) -> Vec<OsString> {
        let mut command = vec![
            self.programs.install_db.clone().into(),
            "--no-defaults".into(),
            "--auth-root-authentication-method=socket".into(),
            "--skip-test-db".into(),
            option("--extra-file=", &self.files.path("accounts.sql")),
        ];
        command.extend(self.both(0));
        command
    }

    fn data(&self, node: usize) -> PathBuf {
        self.files.path(&format!("node{node}"))
    }

    /// Returns the options of both programs.
    fn both(&self, node: usize) -> Vec<OsString> {
        let settings = [
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--innodb-doublewrite=0",
            "--innodb-use-native-aio=0",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            "--skip-name-resolve",
        ];
        let mut both: Vec<OsString> = settings.map(OsString::from).into();
        both.extend([
            option("--datadir=", &self.data(node)),
            option("--tmpdir=", &self.files.path("")),
        ]);
        both
    }

    /// Returns the command of the server. A node that was killed first finds out its position.
    fn serve(&self, node: usize, start: Start) -> Vec<OsString> {
        let mut serve = script(match start {
            Start::Seeds | Start::Begins | Start::Joins => "exec \"$0\" \"$@\"",
            Start::Returns => {
                "position=$(\"$0\" \"$@\" --wsrep-recover 2>&1 | \
                 sed -n 's/.*Recovered position: *//p'); \
                 exec \"$0\" \"$@\" --wsrep-start-position=\"$position\""
            }
        });
        let Ports {
            clients,
            group,
            missed,
            files,
        } = self.ports[node];
        let groups = self.ports.map(|ports| format!("127.0.0.1:{}", ports.group));
        serve.extend([
            self.programs.mariadbd.clone().into(),
            "--no-defaults".into(),
            "--bind-address=127.0.0.1".into(),
            format!("--port={clients}").into(),
            "--socket=".into(),
            option("--pid-file=", &self.files.path(&format!("pid{node}"))),
            "--skip-log-bin".into(),
            "--max-connections=300".into(),
            "--character-set-server=utf8mb4".into(),
            "--binlog-format=ROW".into(),
            "--innodb-autoinc-lock-mode=2".into(),
            "--wsrep-on=ON".into(),
            option("--wsrep-provider=", &self.provider),
            format!("--wsrep-cluster-name={}", self.name).into(),
            format!("--wsrep-cluster-address=gcomm://{}", groups.join(",")).into(),
            format!("--wsrep-node-name=node{node}").into(),
            "--wsrep-node-address=127.0.0.1".into(),
            "--wsrep-sst-method=gapless".into(),
            format!("--wsrep-sst-receive-address=127.0.0.1:{files}").into(),
            format!(
                "--wsrep-provider-options=base_port={group};\
                 gmcast.listen_addr=tcp://127.0.0.1:{group};ist.recv_addr=127.0.0.1:{missed};\
                 gcache.size=128M;pc.recovery=false;{TIMEOUTS}"
            )
            .into(),
        ]);
        if matches!(start, Start::Seeds | Start::Begins) {
            serve.push("--wsrep-new-cluster".into());
        }
        serve.extend(self.both(node));
        serve
    }

    fn address(&self, node: usize, database: &str) -> String {
        let port = self.ports[node].clients;
        format!(
            "mysql://{USER}:{}@127.0.0.1:{port}/{database}",
            self.password
        )
    }

    /// Returns the URL of the database that names all nodes, this one first.
    pub fn url(&self, first: usize) -> String {
        let hosts = [0, 1, 2].map(|number| {
            let port = self.ports[(first + number) % 3].clients;
            format!("127.0.0.1:{port}")
        });
        let hosts = hosts.join(",");
        format!("mysql://{USER}:{}@{hosts}/{}", self.password, self.name)
    }

    /// Returns the database on a node.
    pub fn database(&self, node: usize) -> TestDatabase {
        TestDatabase::kept(Kind::MariaDb, self.address(node, &self.name))
    }

    /// Kills a node, and waits until the others continue without it.
    pub fn kill(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(node).and_then(Option::take) {
            node.kill();
        }
        self.wait_until_whole();
    }

    /// Starts a node that was killed, and waits until it has the transactions that it missed.
    ///
    /// # Panics
    /// When it does not start, with its log.
    pub fn restart(&mut self, node: usize) {
        let started = self.launch(node, Start::Returns);
        started.unwrap_or_else(|message| panic!("{message}"));
        self.wait_until_whole();
    }

    /// Waits until each running node has the data of the others.
    fn wait_until_whole(&self) {
        let running: Vec<usize> = (0..self.nodes.len())
            .filter(|node| self.nodes.get(*node).is_some_and(Option::is_some))
            .collect();
        let size = running.len().to_string();
        for node in running {
            wait_until_blocking("the cluster is whole", PATIENCE, || {
                self.status(node, "wsrep_cluster_size").as_ref() == Some(&size)
                    && self.status(node, "wsrep_local_state_comment").as_deref() == Some("Synced")
            });
        }
    }

    /// Returns the number of transactions of a node that were rolled back because one of another
    /// node came first.
    pub fn conflicts(&self, node: usize) -> u64 {
        let number = |name| self.status(node, name)?.parse::<u64>().ok();
        ["wsrep_local_cert_failures", "wsrep_local_bf_aborts"]
            .map(|name| number(name).unwrap_or(0))
            .iter()
            .sum()
    }

    fn status(&self, node: usize, name: &str) -> Option<String> {
        let url = self.address(node, "mysql");
        let sql = format!("show status like '{name}'");
        let rows = on_own_thread(direct::mariadb::rows(&url, &sql)).ok()?;
        rows.into_iter().next()?.into_iter().nth(1)?
    }
}
