//! Nodes of a Galera cluster are killed and restarted under three servers that know all of them.

use waypost_e2e::load::{Load, differences};
use waypost_test_harness::{GaleraCluster, ServerProcess, wait_until};

use crate::setup::{
    CLIENTS, SOON, assert_exact, drained, durability, links_of, long_or_short, redirects, report,
    stop_all, sums,
};

/// The nodes to kill, in order.
const SEED: u64 = 18;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_count_exactly_while_nodes_of_a_galera_cluster_are_killed() {
    let rounds = long_or_short(12, 2);
    let mut cluster = tokio::task::block_in_place(GaleraCluster::start);
    let servers = tokio::task::block_in_place(|| start_at_once(&cluster));
    let without_key = "select count(*) from information_schema.tables t \
         where table_schema = database() and not exists \
         (select 1 from information_schema.table_constraints c \
          where c.table_schema = t.table_schema and c.table_name = t.table_name \
          and c.constraint_type = 'PRIMARY KEY')";
    assert_eq!(cluster.database(1).number(without_key).await, 0);
    let codes = links_of(&servers[0], 5).await;
    let loads: Vec<_> = servers
        .iter()
        .map(|server| Load::start(server, &codes, CLIENTS / 4))
        .collect();
    let go_on = async || {
        for load in &loads {
            redirects(load, long_or_short(1_000, 200)).await;
        }
    };
    let mut conflicts = 0;
    let mut random = SEED;
    for _ in 0..rounds {
        go_on().await;
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_041);
        let unlucky = usize::try_from((random >> 33) % 3).unwrap();
        conflicts += tokio::task::block_in_place(|| cluster.conflicts(unlucky));
        tokio::task::block_in_place(|| cluster.kill(unlucky));
        go_on().await;
        tokio::task::block_in_place(|| cluster.restart(unlucky));
    }
    go_on().await;
    let expected = stop_all(loads).await;
    for server in &servers {
        drained(server).await;
    }
    conflicts +=
        tokio::task::block_in_place(|| (0..3).map(|node| cluster.conflicts(node)).sum::<u64>());
    for node in 0..3 {
        let database = cluster.database(node);
        wait_until("every click is counted", SOON, async || {
            differences(&database, &expected).await.is_empty()
        })
        .await;
        assert_exact(&database, &servers[0], &expected).await;
    }
    // A link that is not cached yet is answered with 503 while the database is unavailable, and not
    // counted.
    let least = sums(&expected).0;
    let database = cluster.database(0);
    let clicks = database.number("select cast(sum(clicks) as signed) from links");
    assert_eq!(clicks.await, least);
    assert!(conflicts > 0, "transactions conflicted");
    report(format_args!(
        "Galera: nodes were killed {rounds} times, {conflicts} transactions were undone by others; {least} \
         redirects, all counted, none twice"
    ));
}

/// Starts three servers on an empty database. Each prefers a different node: concurrent writes
/// conflict, and so would migrations.
fn start_at_once(cluster: &GaleraCluster) -> Vec<ServerProcess> {
    std::thread::scope(|scope| {
        let starting = [0, 1, 2].map(|first| {
            scope.spawn(move || {
                let options = durability("journal").env("WAYPOST_DATABASE_URL", cluster.url(first));
                ServerProcess::start(&cluster.database(0), options)
            })
        });
        starting.map(|thread| thread.join().unwrap()).into()
    })
}
