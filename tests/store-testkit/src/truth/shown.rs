//! The JSON that the REST API must return for a [`Truth`]: the parts of its responses with many
//! numbers.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration};
use waypost_core::{
    Click, Country, DeviceClass, Family, Link, LinkId, Referrer, UserId, VisitClass,
};
use waypost_store::rollup::Counted;

use super::Truth;

impl Truth {
    /// Returns `GET /api/v1/links/{id}/stats?from=…&to=…` without `complete_until`, as of the day
    /// `today`.
    ///
    /// # Panics
    /// When a time cannot be formatted.
    #[must_use]
    pub fn stats_json(&self, link: LinkId, from: Date, to: Date, today: Date) -> Value {
        let total = self.total(link);
        let span = self.span(link);
        let today_only = self.days(link, today, today);
        let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap();
        json!({
            "link_id": link.to_string(),
            "total": total.clicks,
            "humans": total.humans,
            "last_7d": self.lately(link, today, 7),
            "last_30d": self.lately(link, today, 30),
            "visitors_today": today_only.first().map_or(0, |day| day.visitors),
            "first_click_at": span.map(|span| text(span.first)),
            "last_click_at": span.map(|span| text(span.last)),
            "clicks_since": self.oldest(link).map(text),
            "clicks_without_record": 0,
            "timezone": self.zone.name(),
            "daily": self.daily_json(link, from, to),
        })
    }

    /// Returns the same for one class: its `daily`.
    #[must_use]
    pub fn daily_of_class_json(
        &self,
        link: LinkId,
        class: VisitClass,
        from: Date,
        to: Date,
    ) -> Value {
        let day = |day: Date| {
            let clicks = self.of_class(link, class, day, day);
            let humans = if class == VisitClass::Human {
                clicks
            } else {
                0
            };
            json!({
                "date": day.to_string(), "clicks": clicks, "humans": humans, "visitors": null,
            })
        };
        each_day(from, to).map(day).collect()
    }

    /// Returns `GET /api/v1/links/{id}/breakdown?by=…&from=…&to=…`.
    #[must_use]
    pub fn breakdown_json(&self, link: LinkId, by: &str, from: Date, to: Date) -> Value {
        let rows = self.breakdown(link, by, from, to);
        let row = |(value, counted): &(String, Counted)| json!({ "value": value, "clicks": counted.clicks, "humans": counted.humans });
        json!({
            "by": by,
            "from": from.to_string(),
            "to": to.to_string(),
            "rows": rows.iter().map(row).collect::<Value>(),
        })
    }

    /// Returns `GET /api/v1/stats?from=…&to=…` without `complete_until`, as of the day `today`, for
    /// an owner of all of the links, which are at most ten. Short links begin with `base`.
    #[must_use]
    pub fn own_json(&self, base: &str, from: Date, to: Date, today: Date) -> Value {
        let sum =
            |of: &dyn Fn(LinkId) -> u64| -> u64 { self.links.iter().map(|link| of(link.id)).sum() };
        let day = |day: Date| {
            json!({
                "date": day.to_string(),
                "clicks": sum(&|link| self.counted(link, day, day).clicks),
                "humans": sum(&|link| self.counted(link, day, day).humans),
            })
        };
        let clicked = self
            .links
            .iter()
            .map(|link| (link, self.counted(link.id, from, to)));
        let mut top: Vec<(&Link, Counted)> = clicked.filter(|(_, it)| it.clicks > 0).collect();
        top.sort_by_key(|(link, counted)| (std::cmp::Reverse(counted.clicks), link.id));
        let link = |(link, counted): &(&Link, Counted)| {
            json!({
                "link_id": link.id.to_string(),
                "code": link.code.spelling(),
                "short_url": format!("{base}{}", link.code.spelling()),
                "title": link.details.title.as_str(),
                "clicks": counted.clicks,
                "humans": counted.humans,
            })
        };
        json!({
            "links": self.links.len(),
            "total": sum(&|link| self.total(link).clicks),
            "humans": sum(&|link| self.total(link).humans),
            "last_7d": sum(&|link| self.lately(link, today, 7)),
            "last_30d": sum(&|link| self.lately(link, today, 30)),
            "timezone": self.zone.name(),
            "daily": each_day(from, to).map(day).collect::<Value>(),
            "top": top.iter().map(link).collect::<Value>(),
        })
    }

    /// Returns a click in a list. `names` are the users who may have made it.
    ///
    /// # Panics
    /// When a time cannot be formatted.
    #[must_use]
    pub fn click_json(click: &Click, names: &[(UserId, &str)]) -> Value {
        let facts = &click.facts;
        let user = names.iter().find(|(id, _)| Some(*id) == click.user_id);
        let user = user.map(|(id, name)| json!({ "id": id.to_string(), "display_name": name }));
        json!({
            "clicked_at": click.clicked_at.format(&Rfc3339).unwrap(),
            "referrer": click.referrer.as_ref().map(Referrer::as_str),
            "browser": facts.browser.as_ref().map(Family::as_str),
            "os": facts.os.as_ref().map(Family::as_str),
            "device": facts.device.map(DeviceClass::as_str),
            "country": facts.country.as_ref().map(Country::as_str),
            "class": facts.class.map(VisitClass::as_str),
            "user": user,
        })
    }

    /// Returns the columns of a click in CSV, from its JSON.
    #[must_use]
    pub fn click_cells(click: &Value) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let fields = [
            "clicked_at",
            "class",
            "referrer",
            "browser",
            "os",
            "device",
            "country",
        ];
        let mut cells: Vec<String> = fields.iter().map(|field| text(&click[*field])).collect();
        cells.push(text(&click["user"]["id"]));
        cells.push(text(&click["user"]["display_name"]));
        cells
    }

    fn daily_json(&self, link: LinkId, from: Date, to: Date) -> Value {
        let known = self.days(link, from, to);
        let clicked: BTreeSet<Date> = known.iter().map(|day| day.day).collect();
        let mut known = known.iter();
        let day = |day: Date| {
            let found = clicked.contains(&day).then(|| known.next()).flatten();
            let counted = found.map_or_else(Counted::default, |found| found.counted);
            json!({
                "date": day.to_string(),
                "clicks": counted.clicks,
                "humans": counted.humans,
                "visitors": found.map_or(0, |found| found.visitors),
            })
        };
        each_day(from, to).map(day).collect()
    }
}

fn each_day(from: Date, to: Date) -> impl Iterator<Item = Date> {
    (0..=(to - from).whole_days()).map(move |days| from + Duration::days(days))
}
