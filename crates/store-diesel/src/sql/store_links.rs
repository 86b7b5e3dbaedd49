//! The port of links, of their statistics and of leases: each method names its operation and calls its
//! query.

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{
    Click, ClickId, HostPattern, LeaseHolder, Link, LinkCursor, LinkId, LinkOwner, LinkVersion,
    NearCodes, OrphanPath, Page, PageRequest, Person, ShortCode, Standing, Tag, UserId,
};
use waypost_store::rollup::{Counted, FactsSum, Part};
use waypost_store::{
    AccessStore, BlockedHost, BlocklistStore, CatalogStore, ClickSpan, ClicksQuery, CodeRoute,
    FactsChange, FactsStore, KeptClick, LeaseName, LeaseStore, LinkDay, LinkDayFacts, LinkQuery,
    LinkReader, LinkStore, LinkUpdate, Orphan, OrphanQuery, OrphanStore, OrphanTries, OrphansAdded,
    PageOf, StatsStore, StoreError, TakenTo, Taking, Updated,
};

use super::Connection;
use super::store::SqlStore;
// A statement needs no transaction where it decides by itself and may run twice.
use super::transaction::{look_up, look_up as statement, transaction};
use super::{
    access, blocklist, catalog, edits, findable, leases, links, orphans, reclassify, stats, tags,
    taking, versions,
};
use crate::metrics::OperationName;

/// A port: of each method its operation, whether that is a transaction on the pool for writes or a
/// look-up on the one for reads or single statements on the one for writes, and its query, which takes the same arguments.
macro_rules! port {
    ($($port:ident { $(
        $how:ident $operation:ident: $name:ident($($argument:ident: $type:ty),*) -> $answer:ty
            = $query:path;
    )* })*) => {$(
        #[async_trait]
        impl $port for SqlStore {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                $how(port!(@pool $how self), OperationName::$operation)
                    .run(async |connection: &mut Connection| {
                        $query(connection, $($argument),*).await
                    })
                    .await
            })*
        }
    )*};
    (@pool look_up $self:ident) => { &$self.pools.reads };
    (@pool transaction $self:ident) => { &$self.pools.writes };
    (@pool statement $self:ident) => { &$self.pools.writes };
}

port! {
    FactsStore {
        look_up ClicksAfter: clicks_after(after: Option<ClickId>, limit: u32) -> Vec<Click>
            = reclassify::clicks_after;
        transaction ChangeFacts: change_facts(changes: &[FactsChange]) -> u64
            = reclassify::change_facts;
    }
    LeaseStore {
        statement TakeLease: take_lease(
            name: LeaseName, holder: LeaseHolder, now: OffsetDateTime, until: OffsetDateTime
        ) -> bool = leases::take;
        statement ReleaseLease: release_lease(name: LeaseName, holder: LeaseHolder) -> ()
            = leases::release;
    }
    StatsStore {
        look_up LinkDays: link_days(link: LinkId, from: Date, to: Date) -> Vec<LinkDay>
            = stats::link_days;
        look_up DaysOfLinks: days_of_links(links: &[LinkId], from: Date, to: Date)
            -> BTreeMap<LinkId, Vec<(Date, Counted)>> = stats::days_of_links;
        look_up LinkDayFacts: link_day_facts(link: LinkId, from: Date, to: Date, part: Part)
            -> Vec<LinkDayFacts> = stats::link_day_facts;
        look_up SumOfFacts: sum_of_facts(link: LinkId, from: Date, to: Date, part: Part)
            -> FactsSum = stats::sum_of_facts;
        look_up ClickSpan: click_span(link: LinkId) -> Option<ClickSpan> = stats::click_span;
        look_up OldestClick: oldest_click(link: LinkId) -> Option<OffsetDateTime>
            = stats::oldest_click;
        look_up ClicksOf: clicks_of(query: &ClicksQuery) -> Vec<KeptClick> = stats::clicks_of;
        look_up OwnedDays: owned_days(owner: UserId, from: Date, to: Date)
            -> Vec<(Date, Counted)> = stats::owned_days;
        look_up OwnedTotal: owned_total(owner: UserId) -> (u64, Counted) = stats::owned_total;
        look_up OwnedTop: owned_top(owner: UserId, from: Date, to: Date, limit: u32)
            -> Vec<(Link, Counted)> = stats::owned_top;
        look_up Owning: owning(pairs: &[(LinkId, UserId)]) -> Vec<(LinkId, UserId)>
            = stats::owning;
        transaction PurgeVisitors: purge_visitors(day: Date, limit: u32) -> u64
            = stats::purge_visitors;
    }
    LinkStore {
        transaction InsertLink: insert_link(link: &Link, owner: Option<UserId>) -> ()
            = edits::insert;
        look_up Link: link(id: LinkId) -> Option<Link> = links::one;
        look_up LinkByCode: link_by_code(code: &ShortCode) -> Option<Link> = links::by_code;
        look_up HolderOfCode: holder_of_code(code: &ShortCode) -> Option<LinkId> = links::holder;
        look_up CodeRoute: code_route(code: &ShortCode) -> CodeRoute = links::route;
        look_up CodesOfLink: codes_of_link(id: LinkId) -> Vec<ShortCode> = links::codes;
        transaction UpdateLink: update_link(update: &LinkUpdate) -> Updated = edits::update;
        look_up LinkVersions: link_versions(id: LinkId, before: Option<u32>, limit: u32)
            -> Vec<LinkVersion> = versions::of_link;
        look_up LinksPage: links_page(of: PageOf, page: PageRequest) -> Page<Link> = links::page;
        look_up LinksAfter: links_after(cursor: Option<LinkCursor>, limit: u32) -> Vec<Link>
            = links::after;
        transaction DeleteLink: delete_link(id: LinkId) -> bool = edits::delete;
        look_up DeletedLinksBefore: deleted_links_before(before: OffsetDateTime) -> u64
            = links::deleted_before;
        transaction PurgeDeletedLinks: purge_deleted_links(before: OffsetDateTime, limit: u32)
            -> u64 = edits::purge_deleted;
    }
    AccessStore {
        look_up Standing: standing(link: LinkId, user: UserId) -> Standing = access::standing;
        look_up OwnersOfLinks: owners_of_links(links: &[LinkId])
            -> BTreeMap<LinkId, Vec<LinkOwner>> = access::owners;
        look_up SharesOfLink: shares_of_link(link: LinkId) -> Vec<Person> = access::shares;
        transaction TakeLinks: take_links(from: UserId, to: TakenTo, limit: u32, taking: Taking)
            -> u64 = taking::take;
    }
    BlocklistStore {
        transaction BlockHost: block_host(host: &BlockedHost) -> () = blocklist::insert;
        transaction UnblockHost: unblock_host(pattern: &HostPattern) -> bool = blocklist::delete;
        look_up BlockedHosts: blocked_hosts(after: Option<&HostPattern>, limit: u32)
            -> Vec<BlockedHost> = blocklist::after;
        look_up Blocking: blocking(host: &str) -> Option<BlockedHost> = blocklist::matching;
    }
    OrphanStore {
        transaction AddOrphans: add_orphans(tries: &[OrphanTries], paths_per_day: u32)
            -> OrphansAdded = orphans::add;
        look_up Orphans: orphans(query: &OrphanQuery) -> Vec<Orphan> = orphans::list;
        transaction PurgeOrphans: purge_orphans(before: Date, limit: u32) -> u64 = orphans::purge;
        transaction DeleteOrphan: delete_orphan(path: &OrphanPath) -> bool = orphans::delete;
    }
    CatalogStore {
        look_up ListLinks: list_links(query: &LinkQuery) -> Vec<Link> = catalog::list;
        look_up Tags: tags(reader: LinkReader, after: Option<&Tag>, limit: u32) -> Vec<Tag>
            = tags::seen;
        look_up Keywords: keywords(after: Option<&ShortCode>, limit: u32) -> Vec<Link>
            = links::keywords;
        look_up NearLinks: near_links(reader: LinkReader, near: &NearCodes, limit: u32) -> Vec<Link>
            = catalog::near;
        transaction IndexLinks: index_links(limit: u32) -> u64 = findable::index;
    }
}
