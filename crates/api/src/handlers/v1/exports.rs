//! `GET /api/v1/links/{id}/clicks.csv` and `clicks.ndjson`: all clicks of a link, whose rows are read and
//! sent a thousand at a time: memory does not grow with them.
//!
//! Where the database goes away in the middle, the connection is broken off, so that nobody takes a part
//! for the whole.

use actix_web::http::Method;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use time::format_description::well_known::Rfc3339;
use waypost_core::{ClickId, Country, DeviceClass, Family, Link, LinkId, Referrer, VisitClass};
use waypost_store::KeptClick;

use super::clicks::ClickView;
use super::links::link_of;
use crate::caller::Caller;
use crate::errors::ApiError;
use crate::openapi::{Denied, NotThere, StoreFailure};
use crate::state::State;

const COLUMNS: [&str; 9] = [
    "clicked_at",
    "class",
    "referrer",
    "browser",
    "os",
    "device",
    "country",
    "user_id",
    "user",
];

/// Export the clicks of a link as CSV
///
/// RFC 4180, with a header, newest click first. A cell that a spreadsheet would take for a formula has an
/// apostrophe before it. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/clicks.csv",
    tag = "statistics",
    operation_id = "exportClicksCsv",
    params(("id" = String, Path, description = "The id of the link", format = "uuid")),
    security(("token" = [])),
    responses(
        (status = 200, description = "All clicks whose rows are kept", body = String, content_type = "text/csv"),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn csv(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let link = state.links().clicked(&caller.0, link_of(&request)?).await?;
    let mut head = writer();
    head.write_record(COLUMNS).map_err(ApiError::internal)?;
    let head = head.into_inner().map_err(ApiError::internal)?;
    answer(&request, state, &link, "csv", head, in_csv).await
}

/// Export the clicks of a link as NDJSON
///
/// One JSON object per line, as in the list of clicks, newest click first. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/clicks.ndjson",
    tag = "statistics",
    operation_id = "exportClicksNdjson",
    params(("id" = String, Path, description = "The id of the link", format = "uuid")),
    security(("token" = [])),
    responses(
        (status = 200, description = "All clicks whose rows are kept", body = String, content_type = "application/x-ndjson"),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn ndjson(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let link = state.links().clicked(&caller.0, link_of(&request)?).await?;
    answer(&request, state, &link, "ndjson", Vec::new(), in_ndjson).await
}

type Written = Result<Vec<u8>, ApiError>;

async fn answer(
    request: &HttpRequest,
    state: web::Data<State>,
    link: &Link,
    format: &'static str,
    head: Vec<u8>,
    write: fn(Vec<KeptClick>) -> Written,
) -> Result<HttpResponse, ApiError> {
    let content_type = match format {
        "csv" => "text/csv; charset=utf-8; header=present",
        _ => "application/x-ndjson",
    };
    let code = link.code.as_str().replace('/', "-");
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(format!(
            "{code}-clicks.{format}"
        ))],
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, content_type))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header(disposition);
    if request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    // The first ones are read before anything is answered: what fails then is an answer.
    let first = state.statistics().export(link.id, None).await?;
    let mut begun = head;
    let next = Place::behind(&first);
    begun.extend(write(first)?);
    let reading = Reading {
        state,
        link: link.id,
        write,
        next,
        begun: Some(Bytes::from(begun)),
    };
    Ok(response.streaming(stream::unfold(reading, Reading::step)))
}

/// Where an export goes on.
enum Place {
    Behind(ClickId),
    End,
}

impl Place {
    fn behind(clicks: &[KeptClick]) -> Self {
        clicks
            .last()
            .map_or(Self::End, |last| Self::Behind(last.id))
    }
}

struct Reading {
    state: web::Data<State>,
    link: LinkId,
    write: fn(Vec<KeptClick>) -> Written,
    next: Place,
    /// What is sent first.
    begun: Option<Bytes>,
}

impl Reading {
    async fn step(mut self) -> Option<(Result<Bytes, ApiError>, Self)> {
        if let Some(begun) = self.begun.take() {
            return Some((Ok(begun), self));
        }
        let Place::Behind(before) = self.next else {
            return None;
        };
        let statistics = self.state.statistics();
        let read = statistics.export(self.link, Some(before)).await;
        match read {
            Ok(clicks) if clicks.is_empty() => None,
            Ok(clicks) => {
                self.next = Place::behind(&clicks);
                Some(((self.write)(clicks).map(Bytes::from), self))
            }
            Err(error) => {
                self.next = Place::End;
                Some((Err(error.into()), self))
            }
        }
    }
}

fn in_ndjson(clicks: Vec<KeptClick>) -> Written {
    let mut lines = Vec::new();
    for click in clicks {
        serde_json::to_writer(&mut lines, &ClickView::from(click)).map_err(ApiError::internal)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn in_csv(clicks: Vec<KeptClick>) -> Written {
    let mut writer = writer();
    for click in clicks {
        let at = click.clicked_at.format(&Rfc3339);
        let user_id = click.user.as_ref().map(|(id, _)| id.to_string());
        let facts = &click.facts;
        let cells = [
            Some(defused(&at.map_err(ApiError::internal)?)),
            facts.class.map(VisitClass::as_str).map(defused),
            click.referrer.as_ref().map(Referrer::as_str).map(defused),
            facts.browser.as_ref().map(Family::as_str).map(defused),
            facts.os.as_ref().map(Family::as_str).map(defused),
            facts.device.map(DeviceClass::as_str).map(defused),
            facts.country.as_ref().map(Country::as_str).map(defused),
            user_id.as_deref().map(defused),
            click.user.as_ref().map(|(_, name)| defused(name.as_str())),
        ];
        let cells = cells.map(Option::unwrap_or_default);
        writer.write_record(&cells).map_err(ApiError::internal)?;
    }
    writer.into_inner().map_err(ApiError::internal)
}

/// Ends lines as RFC 4180 has it.
fn writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new())
}

/// A cell that no spreadsheet runs: what begins as a formula does gets an apostrophe before it (OWASP,
/// "CSV Injection").
fn defused(cell: &str) -> String {
    let is_formula =
        cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_defused() {
        for (cell, expected) in [
            ("Firefox", "Firefox"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("a=1", "a=1"),
        ] {
            assert_eq!(defused(cell), expected);
        }
    }
}
