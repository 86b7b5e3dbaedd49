//! The small chart of the last 30 days beside a link, as an SVG path and in words.

use std::fmt::Write as _;

use time::Date;
use time::macros::format_description;
use waypost_store::rollup::Counted;

use crate::pages::text::{grouped, many};

/// Height of the drawing. Its width is one less than the number of days.
const HEIGHT: u64 = 20;

/// The chart of consecutive days.
pub(super) struct Spark {
    /// The line from day to day.
    pub(super) line: String,
    /// The area below the line.
    pub(super) area: String,
    /// The width of the drawing.
    pub(super) width: usize,
    /// The clicks of all days together.
    pub(super) clicks: u64,
    /// What it shows in words.
    pub(super) words: String,
}

impl Spark {
    /// Returns the chart of these days, which are in order.
    pub(super) fn of(days: &[(Date, Counted)]) -> Self {
        let clicks = days.iter().map(|(_, counted)| counted.clicks);
        let (most, sum) = (
            clicks.clone().max().unwrap_or_default(),
            clicks.clone().sum(),
        );
        let width = days.len().saturating_sub(1);
        let mut line = String::new();
        for (x, clicks) in clicks.enumerate() {
            let y = HEIGHT - (HEIGHT - 1) * clicks / most.max(1);
            let step = if x == 0 { 'M' } else { 'L' };
            // Writing to a string does not fail.
            let _ = write!(line, "{step}{x} {y}");
        }
        if sum == 0 {
            line = format!("M0 {HEIGHT}H{width}");
        }
        Self {
            area: format!("{line}V{}H0z", HEIGHT + 1),
            line,
            width,
            clicks: sum,
            words: words(days, most, sum),
        }
    }
}

fn words(days: &[(Date, Counted)], most: u64, sum: u64) -> String {
    let number = u64::try_from(days.len()).unwrap_or(u64::MAX);
    let period = format!("in the last {}", many(number, "day"));
    let best = days
        .iter()
        .rev()
        .find(|(_, counted)| counted.clicks == most);
    match (sum, best) {
        (0, _) | (_, None) => format!("No clicks {period}"),
        (1, Some((day, _))) => format!("1 click {period}, on {}", name(*day)),
        (sum, Some((day, _))) => format!(
            "{} {period}; highest: {}, {}",
            many(sum, "click"),
            name(*day),
            grouped(most)
        ),
    }
}

fn name(day: Date) -> String {
    let format = format_description!("[day padding:none] [month repr:long]");
    day.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn days(clicks: &[u64]) -> Vec<(Date, Counted)> {
        let first = date!(2026 - 02 - 27);
        let days = std::iter::successors(Some(first), |day| day.next_day());
        let clicks = clicks.iter().map(|clicks| Counted {
            clicks: *clicks,
            humans: 0,
        });
        days.zip(clicks).collect()
    }

    #[test]
    fn the_highest_day_reaches_the_top() {
        let spark = Spark::of(&days(&[0, 4, 2, 1]));
        assert_eq!(spark.line, "M0 20L1 1L2 11L3 16");
        assert_eq!(spark.area, "M0 20L1 1L2 11L3 16V21H0z");
        assert_eq!((spark.width, spark.clicks), (3, 7));
        assert_eq!(
            spark.words,
            "7 clicks in the last 4 days; highest: 28 February, 4"
        );
        let most = Spark::of(&days(&[u64::MAX / 64]));
        assert_eq!(most.line, "M0 1");
    }

    #[test]
    fn days_without_clicks_are_a_line_at_the_bottom() {
        let spark = Spark::of(&days(&[0, 0, 0]));
        assert_eq!(spark.line, "M0 20H2");
        assert_eq!(spark.words, "No clicks in the last 3 days");
        let one = Spark::of(&days(&[0, 0, 1]));
        assert_eq!(one.words, "1 click in the last 3 days, on 1 March");
        assert_eq!(Spark::of(&[]).line, "M0 20H0");
    }
}
