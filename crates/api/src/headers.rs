//! The headers that protect browsers, on every response of both listeners.
//!
//! [`protect`] sets them where a handler has not set its own: pages and the API reference have a
//! policy with what they load, all other responses may load nothing. No other site may show a
//! response in a frame.

use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::DefaultHeaders;
use waypost_core::BaseUrl;
use waypost_core::settings::{Invalid, Setting, SettingsReader};

const HSTS_S: Setting = Setting::new(
    "hsts_s",
    "31536000",
    "Seconds for which browsers use only https for this server, if the base URL is https (0: not \
     told)",
);
const METRICS_PUBLIC: Setting = Setting::new(
    "metrics_public",
    "false",
    "Whether anyone can read /metrics on the main address; otherwise only admins and the operator",
);

/// Policy of a response that is not a page: it may load nothing, and no site may frame it.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";
/// The URL of a response may contain a secret, so no other site receives it as a referrer. Set on
/// all responses except redirects of links, where it would hide the site with the link from the
/// destination.
pub(crate) const REFERRER_POLICY: (HeaderName, HeaderValue) = (
    header::REFERRER_POLICY,
    HeaderValue::from_static("same-origin"),
);
/// Maximum of the setting: 10 years.
const MAX_HSTS_S: u64 = 315_360_000;
const DEFAULT_HSTS_S: u64 = 31_536_000;

/// What the server shows to everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExposureSettings {
    /// How long browsers use only https for this server, if its base URL is https; whole seconds.
    pub hsts: Duration,
    /// Whether anyone can read the metrics on the main address.
    pub metrics_public: bool,
}

impl Default for ExposureSettings {
    fn default() -> Self {
        Self {
            hsts: Duration::from_secs(DEFAULT_HSTS_S),
            metrics_public: false,
        }
    }
}

impl ExposureSettings {
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[HSTS_S, METRICS_PUBLIC];

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] if one of its settings has a problem; the reader has recorded all of them.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let hsts = reader.number(&HSTS_S, DEFAULT_HSTS_S, 0..=MAX_HSTS_S);
        let metrics_public = reader.value(
            &METRICS_PUBLIC,
            || false,
            |text| text.parse().map_err(|_| "must be true or false"),
        );
        Ok(Self {
            hsts: Duration::from_secs(hsts?),
            metrics_public: metrics_public?,
        })
    }

    /// Returns the value of `Strict-Transport-Security`, if it is sent (RFC 6797).
    fn hsts(self, base_url: &BaseUrl) -> Option<HeaderValue> {
        let seconds = self.hsts.as_secs();
        if seconds == 0 || !base_url.as_str().starts_with("https:") {
            return None;
        }
        HeaderValue::try_from(format!("max-age={seconds}")).ok()
    }
}

/// Returns the middleware that sets the headers of every response.
pub(crate) fn protect(exposure: ExposureSettings, base_url: &BaseUrl) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .add((
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(NOTHING),
        ));
    match exposure.hsts(base_url) {
        Some(hsts) => headers.add((header::STRICT_TRANSPORT_SECURITY, hsts)),
        None => headers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<ExposureSettings, String> {
        let mut reader = SettingsReader::of_variables(variables);
        let read = ExposureSettings::read(&mut reader);
        reader.finish(read).map_err(|problems| problems.to_string())
    }

    #[test]
    fn the_settings_are_read() {
        assert_eq!(read(&[]), Ok(ExposureSettings::default()));
        assert_eq!(HSTS_S.default, DEFAULT_HSTS_S.to_string());
        let given = read(&[("WAYPOST_HSTS_S", "60"), ("WAYPOST_METRICS_PUBLIC", "true")]).unwrap();
        assert_eq!((given.hsts.as_secs(), given.metrics_public), (60, true));
        for (variable, value) in [
            ("WAYPOST_HSTS_S", "-1"),
            ("WAYPOST_HSTS_S", "315360001"),
            ("WAYPOST_METRICS_PUBLIC", "yes"),
        ] {
            let problems = read(&[(variable, value)]).unwrap_err();
            assert!(problems.contains(variable), "{problems}");
        }
    }

    #[test]
    fn hsts_is_for_https_only() {
        let hsts = |seconds, base: &str| {
            let exposure = ExposureSettings {
                hsts: Duration::from_secs(seconds),
                ..ExposureSettings::default()
            };
            exposure.hsts(&base.parse().unwrap())
        };
        let https = hsts(60, "https://go.example").unwrap();
        assert_eq!(https, "max-age=60");
        assert_eq!(hsts(60, "http://go.example"), None);
        assert_eq!(hsts(0, "https://go.example"), None);
    }
}
