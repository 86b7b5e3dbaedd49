//! Progress of long work, drawn on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::Console;

/// A progress bar on standard error, removed on drop.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Starts a bar for `total` items, labelled with their noun.
    pub(crate) fn start(console: &Console<'_>, total: u64, things: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), target(console));
        let template = "{elapsed_precise} {wide_bar} {human_pos}/{human_len} {msg}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar.with_message(things))
    }

    /// Starts a counter of items whose total is unknown.
    pub(crate) fn counting(console: &Console<'_>, things: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, target(console));
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {human_pos} {msg}") {
            bar.set_style(style);
        }
        Self(bar.with_message(things))
    }

    /// Sets the number of items that are done.
    pub(crate) fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Hides the bar while `print` runs.
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
