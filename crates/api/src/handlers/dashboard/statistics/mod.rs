//! Pages of numbers: how often a link is clicked (`of_link.rs`), and all that one owns (`own.rs`).
//!
//! Which days and which clicks they show is in `range.rs`, for both. What the clicks of a link are counted by
//! is in `breakdowns.rs`, where it was changed to lead elsewhere in `changes.rs`.

mod breakdowns;
mod changes;
pub(crate) mod of_link;
pub(crate) mod own;
mod range;

use waypost_core::VisitClass;

/// What clicks of a class are called.
const fn class_name(class: VisitClass) -> &'static str {
    match class {
        VisitClass::Human => "People",
        VisitClass::Bot => "Bots",
        VisitClass::Preview => "Previews",
        VisitClass::Prefetch => "Prefetching",
        VisitClass::Own => "Owners",
    }
}

/// What they are.
const fn class_meaning(class: VisitClass) -> &'static str {
    match class {
        VisitClass::Human => "people with a browser, as far as anybody can tell",
        VisitClass::Bot => "crawlers and programs",
        VisitClass::Preview => "programs that show people where a link leads, as messengers do",
        VisitClass::Prefetch => "browsers, ahead of their users",
        VisitClass::Own => "owners of the link who were signed in",
    }
}
