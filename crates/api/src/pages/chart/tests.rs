//! Charts of ranges from one day to ten years.

use time::macros::date;

use super::*;

const FIRST: Date = date!(2026 - 01 - 01);

/// Returns `number` days from [`FIRST`], each with the clicks that `clicks` returns for its number.
fn days(number: i64, clicks: impl Fn(u64) -> (u64, u64)) -> Vec<DayStatistics> {
    let day = |number: i64| {
        let (clicks, humans) = clicks(number.try_into().unwrap());
        DayStatistics {
            day: FIRST + Duration::days(number),
            counted: Counted { clicks, humans },
            visitors: Some(humans),
        }
    };
    (0..number).map(day).collect()
}

fn chart(number: i64, clicks: impl Fn(u64) -> (u64, u64)) -> Chart {
    Chart::of(&days(number, clicks), Series::All, &[])
}

fn thousandths(percent: &str) -> u64 {
    percent.replace(['.', '%'], "").parse().unwrap()
}

#[test]
fn one_day_is_one_column_in_the_middle_that_does_not_fill_the_width() {
    let chart = chart(1, |_| (4, 1));
    let [column] = &chart.columns[..] else {
        panic!("{chart:?}");
    };
    assert_eq!(
        (column.x.as_str(), column.width.as_str()),
        ("44.000%", "12.000%")
    );
    let lower = column.lower.as_ref().unwrap();
    assert_eq!(
        (lower.y.as_str(), lower.height.as_str()),
        ("75.000%", "25.000%")
    );
    let upper = column.upper.as_ref().unwrap();
    assert_eq!(
        (upper.y.as_str(), upper.height.as_str()),
        ("0.000%", "75.000%")
    );
    assert_eq!(
        column.title,
        "Thu 1 Jan 2026: 4 clicks, 1 by people, 1 visitor"
    );
    assert_eq!(chart.labels.len(), 1);
    assert_eq!(chart.labels[0].text, "1 Jan");
    assert_eq!(chart.labels[0].x, "50.000%");
    assert_eq!(
        chart.summary(),
        "4 clicks, Thu 1 Jan 2026; highest: Thu 1 Jan 2026, 4"
    );
}

#[test]
fn without_clicks_there_are_an_axis_and_no_visible_columns() {
    for number in [1, 7, 30, 365, 3_660] {
        let chart = chart(number, |_| (0, 0));
        let texts: Vec<_> = chart.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["0", "1"]);
        let is_empty = |column: &Column| column.lower.is_none() && column.upper.is_none();
        assert!(chart.columns.iter().all(is_empty));
        assert!(
            chart.summary().starts_with("0 clicks, "),
            "{}",
            chart.summary()
        );
    }
    let none = Chart::of(&[], Series::All, &[]);
    assert!(none.columns.is_empty() && none.labels.is_empty());
}

#[test]
fn many_days_are_grouped_and_no_click_is_lost() {
    for (number, unit, columns) in [
        (1, Unit::Day, 1),
        (7, Unit::Day, 7),
        (30, Unit::Day, 30),
        (100, Unit::Day, 100),
        // 2026 starts and ends on a Thursday.
        (101, Unit::Week, 15),
        (365, Unit::Week, 53),
        (740, Unit::Week, 107),
        (741, Unit::Month, 25),
        (3_660, Unit::Month, 121),
    ] {
        let chart = chart(number, |day| (day % 5, day % 3));
        assert_eq!(
            (chart.unit, chart.columns.len()),
            (unit, columns),
            "{number}"
        );
        let sum = chart.columns.iter().map(|column| column.counted.clicks);
        let all = (0..u64::try_from(number).unwrap()).map(|day| day % 5);
        let all: u64 = all.sum();
        assert_eq!(sum.sum::<u64>(), all);
        assert_eq!(chart.total.clicks, all);
        // The columns are side by side within the drawing.
        let mut end = 0;
        for column in &chart.columns {
            assert!(thousandths(&column.x) >= end);
            end = thousandths(&column.x) + thousandths(&column.width);
        }
        assert!(end <= WHOLE);
        assert!((1..=7).contains(&chart.labels.len()), "{:?}", chart.labels);
        // Visitors of two days are never added up.
        assert_eq!(chart.has_visitors(), unit == Unit::Day);
    }
}

#[test]
fn weeks_start_on_monday_and_months_on_the_first() {
    let weeks = chart(365, |_| (1, 1));
    let clicks: Vec<_> = weeks.columns.iter().map(|it| it.counted.clicks).collect();
    assert_eq!((clicks[0], clicks[1], clicks[52]), (4, 7, 4));
    assert_eq!(weeks.columns[0].name, "1 Jan 2026 – 4 Jan 2026");
    assert_eq!(weeks.columns[1].name, "5 Jan 2026 – 11 Jan 2026");
    let months = chart(1_000, |_| (1, 0));
    assert_eq!(months.columns[1].counted.clicks, 28);
    assert_eq!(months.columns[1].name, "1 Feb 2026 – 28 Feb 2026");
    assert_eq!(months.labels[0].text, "Jan 2026");
}

#[test]
fn the_smallest_number_beside_the_largest_is_visible() {
    let chart = chart(2, |day| if day == 0 { (1, 1) } else { (1_000_000, 0) });
    let least = chart.columns[0].lower.as_ref().unwrap();
    assert_eq!(least.height, "0.500%");
    assert_eq!(chart.columns[0].upper, None);
    let most = chart.columns[1].upper.as_ref().unwrap();
    assert_eq!(
        (most.y.as_str(), most.height.as_str()),
        ("0.000%", "100.000%")
    );
}

#[test]
fn clicks_of_one_type_are_one_part() {
    let chart = Chart::of(&days(3, |_| (2, 0)), Series::Of("Bots"), &[]);
    assert_eq!(chart.caption(), "Clicks per day: bots");
    for column in &chart.columns {
        assert!(column.lower.is_some() && column.upper.is_none());
        assert!(!column.title.contains("people"), "{}", column.title);
    }
}

#[test]
fn an_event_is_marked_where_its_day_starts() {
    let events = |text: &str, day| Event {
        day,
        text: text.to_owned(),
    };
    let marked = [
        events("one", date!(2026 - 01 - 03)),
        events("two", date!(2026 - 01 - 03)),
        events("later", date!(2026 - 02 - 03)),
    ];
    let chart = Chart::of(&days(4, |_| (1, 1)), Series::All, &marked);
    let expected = Marker {
        x: "50.000%".to_owned(),
        title: "Sat 3 Jan 2026: one; two".to_owned(),
    };
    assert_eq!(chart.markers, [expected]);
    let title = "Sat 3 Jan 2026: 1 click, 1 by people, 1 visitor; one; two";
    assert_eq!(chart.columns[2].title, title);
}

#[test]
fn a_drawing_is_also_a_table_and_texts_in_it_are_texts() {
    let marked = [Event {
        day: FIRST,
        text: "led to \"><script>alert(1)</script>".to_owned(),
    }];
    let chart = Chart::of(&days(2, |_| (1_234, 1)), Series::All, &marked);
    let html = chart.render().unwrap();
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("&#60;script&#62;"), "{html}");
    assert_eq!(html.matches("<title>").count(), 3, "{html}");
    assert_eq!(html.matches("<tr>").count(), 3, "{html}");
    assert!(
        html.contains("<time datetime=\"2026-01-02\">Fri 2 Jan 2026</time>"),
        "{html}"
    );
    assert!(html.contains("1,234"), "{html}");
    assert!(!html.contains(" style="), "{html}");
}
