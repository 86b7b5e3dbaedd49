//! Progress of long work, drawn where somebody sees it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::Console;

/// A bar on standard error that is gone when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar for `total` things, named by what they are.
    pub(crate) fn start(console: &Console<'_>, total: u64, things: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), target(console));
        let template = "{elapsed_precise} {wide_bar} {human_pos}/{human_len} {msg}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar.with_message(things))
    }

    /// A count of things of which nobody knows how many there are.
    pub(crate) fn counting(console: &Console<'_>, things: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, target(console));
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {human_pos} {msg}") {
            bar.set_style(style);
        }
        Self(bar.with_message(things))
    }

    /// So many are done.
    pub(crate) fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Does something that prints, with the bar out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

fn target(console: &Console<'_>) -> ProgressDrawTarget {
    if console.shows_progress {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
