//! Statistics pages: of one link (`of_link.rs`), and of all links of a user (`own.rs`).
//!
//! The choice of days and click types is in `range.rs` for both. Breakdowns of the clicks of a link
//! are in `breakdowns.rs`, changes of its destination in `changes.rs`.

mod breakdowns;
mod changes;
pub(crate) mod of_link;
pub(crate) mod own;
mod range;

use waypost_core::VisitClass;

/// Returns the name of a click type.
const fn class_name(class: VisitClass) -> &'static str {
    match class {
        VisitClass::Human => "People",
        VisitClass::Bot => "Bots",
        VisitClass::Preview => "Previews",
        VisitClass::Prefetch => "Prefetches",
        VisitClass::Own => "Owners",
    }
}

/// Returns the explanation of a click type.
const fn class_meaning(class: VisitClass) -> &'static str {
    match class {
        VisitClass::Human => "people using a browser, as far as Waypost can tell",
        VisitClass::Bot => "crawlers and other programs",
        VisitClass::Preview => "link previews, for example in chat apps",
        VisitClass::Prefetch => "browsers that load the page in advance",
        VisitClass::Own => "signed-in owners of the link",
    }
}
