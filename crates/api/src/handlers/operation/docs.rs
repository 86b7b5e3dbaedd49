//! `GET /api/openapi.json` and `GET /api/docs/`: the OpenAPI document of this API, and a page to
//! read and try it. The page is part of the program and loads nothing from elsewhere.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::OnceCell;
use utoipa_swagger_ui::Config;

use crate::assets::Asset;
use crate::errors::ApiError;
use crate::handlers::assets::{ASK_AGAIN, file};
use crate::openapi;

/// The URL of the document, relative to the page, so that it also works if a proxy serves this
/// server under another path.
const DOCUMENT: &str = "../openapi.json";

/// What the page loads, besides its own files: pictures within its style sheet. It sets styles of
/// single elements, which can load nothing else either; scripts run from its files alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and what it loads.
const FILES: [&str; 8] = [
    "index.html",
    "index.css",
    "favicon-16x16.png",
    "favicon-32x32.png",
    "swagger-initializer.js",
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
];

/// The document, and the files of the page.
struct Documentation {
    document: Asset,
    files: Vec<Asset>,
}

impl Documentation {
    /// Returns them. The first call compresses them, on a thread where no visitor waits for it.
    async fn get() -> Result<&'static Self, ApiError> {
        static PREPARED: OnceCell<Documentation> = OnceCell::const_new();
        let prepare = async || {
            let prepared = tokio::task::spawn_blocking(Self::prepare).await;
            prepared.map_err(|error| ApiError::internal(error.to_string()))?
        };
        PREPARED.get_or_try_init(prepare).await
    }

    fn prepare() -> Result<Self, ApiError> {
        let config = Arc::new(Config::from(DOCUMENT));
        let prepare = |name: &'static str| {
            let file = utoipa_swagger_ui::serve(name, config.clone())
                .map_err(|error| ApiError::internal(error.to_string()))?
                .ok_or_else(|| ApiError::internal(format!("{name} is missing")))?;
            let content = match file.bytes {
                Cow::Borrowed(embedded) => Bytes::from_static(embedded),
                Cow::Owned(configured) => configured.into(),
            };
            Ok::<_, ApiError>(Asset::new(name, file.content_type, content))
        };
        let files = FILES.into_iter().map(prepare).collect::<Result<_, _>>()?;
        let document = openapi::document();
        Ok(Self {
            document: Asset::new("openapi.json", "application/json".to_owned(), document),
            files,
        })
    }
}

/// Returns the document.
pub(crate) async fn document(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let documentation = Documentation::get().await?;
    Ok(file(&request, &documentation.document, ASK_AGAIN))
}

/// Redirects from `/api/docs` to `/api/docs/`, where the relative URLs of the page are right.
pub(crate) async fn entrance() -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, "docs/"))
        .finish()
}

/// Returns the page or one of its files.
pub(crate) async fn page(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let name = request.match_info().get("file").unwrap_or_default();
    let name = if name.is_empty() { "index.html" } else { name };
    let mut files = Documentation::get().await?.files.iter();
    let found = files.find(|file| file.name() == name);
    let found = found.ok_or_else(ApiError::no_such_path)?;
    let mut response = file(&request, found, ASK_AGAIN);
    let policy = HeaderValue::from_static(POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
