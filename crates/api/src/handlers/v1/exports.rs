//! `GET /api/v1/links/{id}/clicks.csv` and `clicks.ndjson`: all click records of a link, or those
//! of one click type. Reads and sends 1,000 of them at a time, so that memory does not grow with
//! their number.
//!
//! If the database becomes unavailable during an export, the connection is closed without the end
//! of the response: clients notice that the export is incomplete.

use actix_web::http::Method;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use utoipa::IntoParams;
use waypost_core::{ClickId, Country, DeviceClass, Family, LinkId, Referrer, VisitClass};
use waypost_store::KeptClick;

use super::statistics::class;
use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input;
use crate::request::input::{LinkPath, id_of};
use crate::responses::{BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::clicks::ClickView;
use crate::views::links::VisitClassName;

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

/// Selects clicks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// The click type to export. Default: all.
    #[param(value_type = Option<VisitClassName>)]
    class: Option<String>,
}

/// Selects clicks for a CSV export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CsvQuery {
    /// The click type to export. Default: all.
    #[param(value_type = Option<VisitClassName>)]
    class: Option<String>,
    /// Whether to begin with a byte order mark, without which Excel does not read UTF-8. Default:
    /// false.
    #[serde(default)]
    #[param(required = false)]
    bom: bool,
}

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Export the clicks of a link as CSV
///
/// RFC 4180, in UTF-8, with a header, newest click first. A cell that a spreadsheet would run as a
/// formula starts with an apostrophe. A row with a semicolon or a tab has all its cells quoted. In
/// referrers, a semicolon before the sign of a formula is written as `%3B`. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/clicks.csv",
    tag = "statistics",
    operation_id = "exportClicksCsv",
    params(LinkPath, CsvQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "All click records", body = String, content_type = "text/csv"),
        BadInput,
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
    let CsvQuery { class, bom } = input::query(&request)?;
    let mut head = if bom {
        BYTE_ORDER_MARK.to_vec()
    } else {
        Vec::new()
    };
    write_row(&mut head, &COLUMNS.map(str::to_owned))?;
    let export = Export {
        class,
        format: "csv",
        head,
        write: in_csv,
    };
    export.answer(&request, &caller, state).await
}

/// Export the clicks of a link as NDJSON
///
/// One JSON object per line, as in the list of clicks, newest click first. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/clicks.ndjson",
    tag = "statistics",
    operation_id = "exportClicksNdjson",
    params(LinkPath, ExportQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "All click records", body = String, content_type = "application/x-ndjson"),
        BadInput,
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
    let ExportQuery { class } = input::query(&request)?;
    let export = Export {
        class,
        format: "ndjson",
        head: Vec::new(),
        write: in_ndjson,
    };
    export.answer(&request, &caller, state).await
}

type Written = Result<Vec<u8>, ApiError>;

/// What to export, and how.
struct Export {
    /// The click type, as it was sent.
    class: Option<String>,
    format: &'static str,
    /// What the file begins with.
    head: Vec<u8>,
    write: fn(Vec<KeptClick>) -> Written,
}

impl Export {
    async fn answer(
        self,
        request: &HttpRequest,
        caller: &Caller,
        state: web::Data<State>,
    ) -> Result<HttpResponse, ApiError> {
        let format = self.format;
        let class = class(self.class.as_deref())?;
        let link = state
            .links()
            .with_viewable_clicks(&caller.0, id_of(request, "id")?)
            .await?;
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
        let mut reading = Reading {
            state,
            link: link.id,
            class,
            write: self.write,
            next: Place::Begin,
        };
        // Reads the first clicks before the response begins, so that an error still becomes a
        // response.
        let mut begun = self.head;
        begun.extend(reading.read().await?.unwrap_or_default());
        let begun = stream::iter((!begun.is_empty()).then(|| Ok(Bytes::from(begun))));
        let rest = stream::unfold(reading, Reading::step);
        Ok(response.streaming(begun.chain(rest)))
    }
}

/// Where an export continues.
enum Place {
    Begin,
    Behind(ClickId),
    End,
}

struct Reading {
    state: web::Data<State>,
    link: LinkId,
    class: Option<VisitClass>,
    write: fn(Vec<KeptClick>) -> Written,
    next: Place,
}

impl Reading {
    /// Returns the next clicks in the format of the export; `None` at the end. Never returns an
    /// empty part, which would end a chunked response (RFC 9112 §7.1).
    async fn read(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        loop {
            let before = match self.next {
                Place::Begin => None,
                Place::Behind(last) => Some(last),
                Place::End => return Ok(None),
            };
            // Nothing is read after a failure.
            self.next = Place::End;
            let mut clicks = self.state.statistics().export(self.link, before).await?;
            let Some(last) = clicks.last() else {
                return Ok(None);
            };
            self.next = Place::Behind(last.id);
            if let Some(class) = self.class {
                clicks.retain(|click| click.facts.class == Some(class));
            }
            if !clicks.is_empty() {
                return (self.write)(clicks).map(Some);
            }
        }
    }

    async fn step(mut self) -> Option<(Result<Bytes, ApiError>, Self)> {
        let written = self.read().await.transpose()?;
        Some((written.map(Bytes::from), self))
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
    let mut rows = Vec::new();
    for click in clicks {
        let at = click.clicked_at.format(&Rfc3339);
        let user_id = click.user.as_ref().map(|(id, _)| id.to_string());
        let facts = &click.facts;
        let cells = [
            Some(defused(&at.map_err(ApiError::internal)?)),
            facts.class.map(VisitClass::as_str).map(defused),
            click.referrer.as_ref().map(referrer),
            facts.browser.as_ref().map(Family::as_str).map(defused),
            facts.os.as_ref().map(Family::as_str).map(defused),
            facts.device.map(DeviceClass::as_str).map(defused),
            facts.country.as_ref().map(Country::as_str).map(defused),
            user_id.as_deref().map(defused),
            click.user.as_ref().map(|(_, name)| defused(name.as_str())),
        ];
        let cells = cells.map(Option::unwrap_or_default);
        write_row(&mut rows, &cells)?;
    }
    Ok(rows)
}

/// Adds a row, which ends with CRLF, as RFC 4180 requires. Quotes all cells of a row with a
/// semicolon or a tab, which some spreadsheets take for the end of a cell.
fn write_row(rows: &mut Vec<u8>, cells: &[String]) -> Result<(), ApiError> {
    let is_ambiguous = cells.iter().any(|cell| cell.contains([';', '\t']));
    let style = if is_ambiguous {
        csv::QuoteStyle::Always
    } else {
        csv::QuoteStyle::Necessary
    };
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::CRLF)
        .quote_style(style)
        .from_writer(rows);
    writer.write_record(cells).map_err(ApiError::internal)?;
    writer.flush().map_err(ApiError::internal)
}

/// Returns the cell of a referrer, which strangers choose. Where a spreadsheet takes a semicolon or
/// a tab for the end of a cell, quotes keep only the first cell of a row together: the character is
/// percent-encoded if the rest would be a formula.
fn referrer(referrer: &Referrer) -> String {
    let mut cell = String::new();
    let mut rest = referrer.as_str();
    while let Some((before, after)) = rest.split_once([';', '\t']) {
        let separator = rest.as_bytes().get(before.len());
        let begins_formula = after
            .trim_start_matches(['"', ' '])
            .starts_with(FORMULA_SIGNS);
        cell.push_str(before);
        cell.push_str(match (separator, begins_formula) {
            (Some(b';'), true) => "%3B",
            (Some(b';'), false) => ";",
            (_, true) => "%09",
            (_, false) => "\t",
        });
        rest = after;
    }
    cell.push_str(rest);
    defused(&cell)
}

/// What formulas begin with, also in full width.
const FORMULA_SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Returns a cell that spreadsheets do not run: adds an apostrophe to one that begins like a
/// formula (OWASP, "CSV Injection").
fn defused(cell: &str) -> String {
    if cell.starts_with(FORMULA_SIGNS) || cell.starts_with(['\t', '\r', '\n']) {
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

    #[test]
    fn a_referrer_begins_no_formula_where_a_spreadsheet_splits_it() {
        for (stored, expected) in [
            (
                "https://x/;=HYPERLINK(1+1);z",
                "https://x/%3B=HYPERLINK(1+1);z",
            ),
            ("https://x/;+1;-1;@A1", "https://x/%3B+1%3B-1%3B@A1"),
            ("https://x/\t=1\ta", "https://x/%09=1\ta"),
            ("https://x/;;=1", "https://x/;%3B=1"),
            ("https://x/;\"=1", "https://x/%3B\"=1"),
            ("https://x/a;b=1;v", "https://x/a;b=1;v"),
            ("https://x/a=1", "https://x/a=1"),
            ("=1;=2", "'=1%3B=2"),
        ] {
            let cell = referrer(&Referrer::from_stored(stored.to_owned()));
            assert_eq!(cell, expected, "{stored:?}");
        }
    }

    #[test]
    fn what_some_spreadsheets_split_is_quoted() {
        for (cells, row) in [
            (["a", "Jörg"], "a,Jörg\r\n"),
            (["a", "x;=1+1"], "\"a\",\"x;=1+1\"\r\n"),
            (["x\t@SUM(A1)", "b"], "\"x\t@SUM(A1)\",\"b\"\r\n"),
            (["a \"b\"; +1", ""], "\"a \"\"b\"\"; +1\",\"\"\r\n"),
            (["a,b", "c"], "\"a,b\",c\r\n"),
        ] {
            let mut rows = Vec::new();
            write_row(&mut rows, &cells.map(str::to_owned)).unwrap();
            assert_eq!(String::from_utf8(rows).unwrap(), row);
        }
    }
}
