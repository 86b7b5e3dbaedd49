//! The ceiling: the maximum of actix-web.
//!
//! One route, `/{code}`, whose handler returns a constant redirect with the headers of Waypost's.
//! Workers, connections and timeouts are as in `crates/api/src/server.rs`.

use std::io::Write as _;
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};

use crate::{Result, links, subject};

const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-store");

/// Serves on a free port, which it prints, until standard input ends.
///
/// # Errors
/// When it cannot listen.
#[expect(
    clippy::disallowed_methods,
    reason = "this is not part of Waypost: it has no table of routes"
)]
pub(crate) fn run() -> Result<()> {
    subject::end_with_standard_input();
    let location = HeaderValue::from_str(&links::target(&links::code(0)))?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(location.clone()))
                .route("/{code}", web::get().to(redirect))
        })
        .workers(subject::WORKERS)
        .disable_signals()
        .keep_alive(Duration::from_secs(75))
        .tcp_nodelay(true)
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(5))
        .bind("127.0.0.1:0")?;
        let port = server.addrs().first().map_or(0, std::net::SocketAddr::port);
        writeln!(std::io::stdout(), "{port}")?;
        Ok(server.run().await?)
    })
}

async fn redirect(location: web::Data<HeaderValue>) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, location.as_ref().clone()))
        .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
        .finish()
}
