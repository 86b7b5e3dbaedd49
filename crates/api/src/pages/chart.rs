//! Charts of clicks per day, which the server lays out and a template writes as SVG.
//!
//! Positions are percentages of the drawing: it fits any width without a script, and texts keep
//! their size. Up to [`MOST_DAYS`] days have a column each; more days are grouped into weeks, and
//! many more into months. Unique visitors are counted per day, so only columns of one day have
//! them.
//!
//! A table with the same rows accompanies the drawing, for people who cannot see it.

mod axis;

use askama::Template;
use time::macros::format_description;
use time::{Date, Duration};
use waypost_analytics::statistics::DayStatistics;
use waypost_store::rollup::Counted;

use super::text::{day_name, grouped, many, short_day};
use axis::Axis;

/// Maximum number of days with one column each.
const MOST_DAYS: usize = 100;
/// Maximum number of days that are grouped into weeks: two years.
const MOST_WEEKLY: usize = 740;
/// Maximum number of columns with one label each.
const ALL_LABELLED: usize = 7;
/// Minimum height of a column with clicks, in thousandths of a percent, to keep it visible.
const LEAST: u64 = 500;
/// Maximum width of a column, in the same unit.
const WIDEST: u64 = 12_000;
/// The full width or height, in the same unit.
const WHOLE: u64 = 100_000;

/// The period of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A day.
    Day,
    /// A week that starts on Monday, or the part of it in the range.
    Week,
    /// A month, or the part of it in the range.
    Month,
}

impl Unit {
    /// Returns the shortest period in which this number of days fits.
    const fn of(days: usize) -> Self {
        if days <= MOST_DAYS {
            Self::Day
        } else if days <= MOST_WEEKLY {
            Self::Week
        } else {
            Self::Month
        }
    }

    /// Returns the name within a sentence.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Returns the name as the heading of a table column.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Day => "Day",
            Self::Week => "Week",
            Self::Month => "Month",
        }
    }

    /// Returns the first day of the period that contains `day`.
    fn begin(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => {
                let since = day.weekday().number_days_from_monday();
                day.saturating_sub(Duration::days(i64::from(since)))
            }
            Self::Month => day.replace_day(1).unwrap_or(day),
        }
    }
}

/// An event on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) day: Date,
    /// What happened, as a part of a sentence.
    pub(crate) text: String,
}

/// The clicks that a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Series {
    /// Clicks of all types: the columns separate clicks by people from the others.
    All,
    /// Clicks of the type with this name.
    Of(&'static str),
}

/// A chart with its table. A page has at most one.
#[derive(Debug, Template)]
#[template(path = "chart.html")]
pub(crate) struct Chart {
    /// The period of one column.
    pub(crate) unit: Unit,
    /// The clicks that it shows.
    pub(crate) series: Series,
    /// The sum of its clicks.
    pub(crate) total: Counted,
    /// The columns, in order.
    pub(crate) columns: Vec<Column>,
    /// The grid lines, the lowest first.
    pub(crate) lines: Vec<GridLine>,
    /// The labels below the columns.
    pub(crate) labels: Vec<Label>,
    /// The events.
    pub(crate) markers: Vec<Marker>,
}

/// A period with its position in the drawing.
#[derive(Debug)]
pub(crate) struct Column {
    /// The first day.
    pub(crate) from: Date,
    /// The name of the period.
    pub(crate) name: String,
    pub(crate) counted: Counted,
    /// The number of unique visitors, if the period is one day and the number is known.
    pub(crate) visitors: Option<u64>,
    /// The events in the period.
    pub(crate) events: Vec<String>,
    /// All of it in one sentence.
    pub(crate) title: String,
    /// Left edge of its slot, which is as high as the chart.
    pub(crate) place: String,
    /// Width of its slot.
    pub(crate) place_width: String,
    /// Left edge of the column.
    pub(crate) x: String,
    /// Width of the column.
    pub(crate) width: String,
    /// The lower part: clicks by people, or all clicks if they are not split.
    pub(crate) lower: Option<Span>,
    /// The upper part: the other clicks.
    pub(crate) upper: Option<Span>,
}

/// A part of a column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Upper edge.
    pub(crate) y: String,
    pub(crate) height: String,
}

/// A grid line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GridLine {
    /// Position.
    pub(crate) y: String,
    /// The number of clicks.
    pub(crate) text: String,
}

/// A label below a column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// Position.
    pub(crate) x: String,
    /// The part of the text at the position: `start`, `middle` or `end`.
    pub(crate) anchor: &'static str,
    pub(crate) text: String,
}

/// A vertical line that marks events.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// Position.
    pub(crate) x: String,
    /// The events in one sentence.
    pub(crate) title: String,
}

/// The days of one column.
struct Bucket {
    from: Date,
    to: Date,
    counted: Counted,
    visitors: Option<u64>,
}

impl Chart {
    /// Returns the chart of consecutive days, whose clicks are those of `series`.
    pub(crate) fn of(days: &[DayStatistics], series: Series, events: &[Event]) -> Self {
        let unit = Unit::of(days.len());
        let buckets = buckets(days, unit);
        let counts = buckets.iter().map(|bucket| bucket.counted);
        let total = counts.clone().fold(Counted::default(), Counted::plus);
        let axis = Axis::up_to(counts.map(|counted| counted.clicks).max().unwrap_or(0));
        let slots = Slots(u64::try_from(buckets.len()).unwrap_or(u64::MAX).max(1));
        let columns: Vec<Column> = (0..)
            .zip(&buckets)
            .map(|(number, bucket)| {
                let place = slots.place(number);
                column(bucket, (unit, series), &place, axis, events)
            })
            .collect();
        let markers = (0..).zip(&columns);
        let markers = markers.filter(|(_, column)| !column.events.is_empty());
        let marker = |(number, column): (u64, &Column)| Marker {
            x: percent(slots.place(number).begin),
            title: format!("{}: {}", column.name, column.events.join("; ")),
        };
        let line = |value: u64| GridLine {
            y: percent(WHOLE - axis.share(value)),
            text: grouped(value),
        };
        Self {
            unit,
            series,
            total,
            lines: axis.lines().map(line).collect(),
            labels: labels(&buckets, unit, slots),
            markers: markers.map(marker).collect(),
            columns,
        }
    }

    /// Returns the title.
    pub(crate) fn caption(&self) -> String {
        let unit = self.unit.name();
        match self.series {
            Series::All => format!("Clicks per {unit}"),
            Series::Of(class) => format!("Clicks per {unit}: {}", class.to_lowercase()),
        }
    }

    /// Whether columns separate clicks by people from the others.
    pub(crate) fn is_split(&self) -> bool {
        self.series == Series::All
    }

    /// Whether there are events.
    pub(crate) fn has_events(&self) -> bool {
        !self.markers.is_empty()
    }

    /// Whether the numbers of unique visitors are known.
    pub(crate) fn has_visitors(&self) -> bool {
        self.columns.iter().any(|column| column.visitors.is_some())
    }

    /// Returns what it shows in one sentence.
    pub(crate) fn summary(&self) -> String {
        let names = (self.columns.first(), self.columns.last());
        let days = match names {
            (Some(first), Some(last)) if first.from != last.from => {
                format!("{} to {}", first.name, last.name)
            }
            (Some(only), _) => only.name.clone(),
            _ => String::new(),
        };
        let clicks = many(self.total.clicks, "click");
        let most = self.columns.iter().max_by_key(|it| it.counted.clicks);
        let most = most.filter(|most| most.counted.clicks > 0);
        let most = most.map_or_else(String::new, |most| {
            format!("; highest: {}, {}", most.name, grouped(most.counted.clicks))
        });
        format!("{clicks}, {days}{most}")
    }
}

/// Groups days by their period.
fn buckets(days: &[DayStatistics], unit: Unit) -> Vec<Bucket> {
    let same = |a: &DayStatistics, b: &DayStatistics| unit.begin(a.day) == unit.begin(b.day);
    let chunks = days.chunk_by(same);
    chunks
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            let counts = chunk.iter().map(|day| day.counted);
            Some(Bucket {
                from: first.day,
                to: last.day,
                counted: counts.fold(Counted::default(), Counted::plus),
                visitors: first.visitors.filter(|_| unit == Unit::Day),
            })
        })
        .collect()
}

/// A number of slots of equal width, side by side.
#[derive(Clone, Copy)]
struct Slots(u64);

/// A slot, in thousandths of a percent.
struct Place {
    begin: u64,
    end: u64,
}

impl Slots {
    fn place(self, number: u64) -> Place {
        let at = |number: u64| number.saturating_mul(WHOLE) / self.0;
        Place {
            begin: at(number),
            end: at(number.saturating_add(1)),
        }
    }
}

fn column(
    bucket: &Bucket,
    (unit, series): (Unit, Series),
    place: &Place,
    axis: Axis,
    events: &[Event],
) -> Column {
    let is_split = series == Series::All;
    let Bucket { from, to, .. } = *bucket;
    let of_days = events
        .iter()
        .filter(|event| (from..=to).contains(&event.day));
    let events: Vec<String> = of_days.map(|event| event.text.clone()).collect();
    let place_width = place.end - place.begin;
    let width = (place_width * 7 / 10).min(WIDEST);
    let all = visible(axis.share(bucket.counted.clicks), bucket.counted.clicks);
    let lower = if is_split {
        visible(axis.share(bucket.counted.humans), bucket.counted.humans).min(all)
    } else {
        all
    };
    let span = |above: u64, height: u64| {
        (height > 0).then(|| Span {
            y: percent(WHOLE.saturating_sub(above)),
            height: percent(height),
        })
    };
    let name = match unit {
        Unit::Day => day_name(from),
        _ if from == to => short_day(from),
        _ => format!("{} – {}", short_day(from), short_day(to)),
    };
    Column {
        title: title(&name, bucket, is_split, &events),
        name,
        from,
        counted: bucket.counted,
        visitors: bucket.visitors,
        events,
        place: percent(place.begin),
        place_width: percent(place_width),
        x: percent(place.begin + (place_width - width) / 2),
        width: percent(width),
        lower: span(lower, lower),
        upper: span(all, all - lower),
    }
}

/// Returns a height that is visible if there are clicks.
fn visible(height: u64, clicks: u64) -> u64 {
    if clicks > 0 {
        height.max(LEAST)
    } else {
        height
    }
}

fn title(name: &str, bucket: &Bucket, is_split: bool, events: &[String]) -> String {
    let Counted { clicks, humans } = bucket.counted;
    let mut numbers = vec![many(clicks, "click")];
    if is_split && clicks > 0 {
        numbers.push(format!("{} by people", grouped(humans)));
    }
    if let Some(visitors) = bucket.visitors.filter(|visitors| *visitors > 0) {
        numbers.push(many(visitors, "visitor"));
    }
    let numbers = format!("{name}: {}", numbers.join(", "));
    let parts = std::iter::once(numbers).chain(events.iter().cloned());
    parts.collect::<Vec<_>>().join("; ")
}

/// Returns the labels of all columns, or of the first, the last and some between.
fn labels(buckets: &[Bucket], unit: Unit, slots: Slots) -> Vec<Label> {
    let last = buckets.len().saturating_sub(1);
    let steps = match unit {
        _ if buckets.len() <= ALL_LABELLED => last.max(1),
        Unit::Day => 4,
        Unit::Week | Unit::Month => 3,
    };
    let mut numbers: Vec<usize> = (0..=steps).map(|step| step * last / steps).collect();
    numbers.dedup();
    let label = |number: usize| {
        let bucket = buckets.get(number)?;
        let place = slots.place(u64::try_from(number).ok()?);
        let all = buckets.len() <= ALL_LABELLED;
        let (x, anchor) = match number {
            _ if all => (u64::midpoint(place.begin, place.end), "middle"),
            0 => (place.begin, "start"),
            _ if number == last => (place.end, "end"),
            _ => (u64::midpoint(place.begin, place.end), "middle"),
        };
        let text = match unit {
            Unit::Day => bucket
                .from
                .format(format_description!("[day padding:none] [month repr:short]")),
            Unit::Week | Unit::Month => bucket
                .from
                .format(format_description!("[month repr:short] [year]")),
        };
        Some(Label {
            x: percent(x),
            anchor,
            text: text.unwrap_or_default(),
        })
    };
    numbers.into_iter().filter_map(label).collect()
}

/// Formats thousandths of a percent for SVG.
fn percent(thousandths: u64) -> String {
    format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
}

#[cfg(test)]
mod tests;
