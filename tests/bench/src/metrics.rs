//! Reads Waypost's `/metrics`.

use reqwest::Client;

use crate::Result;

/// Clicks that are not in the database yet, and those that never will be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clicks {
    /// In the journal, not yet stored; `None` for a server without a journal.
    pub(crate) pending: Option<f64>,
    /// The age of the oldest of them, in seconds.
    pub(crate) lag_s: Option<f64>,
    /// Dropped, for any reason.
    pub(crate) dropped: f64,
}

/// Reads the metrics of a server.
#[derive(Debug, Clone)]
pub(crate) struct Scraper {
    client: Client,
    url: String,
}

impl Scraper {
    /// Creates a scraper for the server on this port.
    ///
    /// # Errors
    /// When no client can be created.
    pub(crate) fn of(port: u16) -> Result<Self> {
        Ok(Self {
            client: Client::builder().no_proxy().build()?,
            url: format!("http://127.0.0.1:{port}/metrics"),
        })
    }

    /// Returns the present numbers. Takes the server about as long as a few redirects.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn clicks(&self) -> Result<Clicks> {
        let response = self.client.get(&self.url).send().await?;
        let text = response.error_for_status()?.text().await?;
        Ok(Clicks {
            pending: sum(&text, "waypost_clicks_pending"),
            lag_s: sum(&text, "waypost_click_lag_seconds"),
            dropped: sum(&text, "waypost_clicks_dropped_total").unwrap_or_default(),
        })
    }
}

/// Returns the sum of all series of a metric in Prometheus' text format; `None` if there is none.
fn sum(text: &str, name: &str) -> Option<f64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        // The name of another metric may begin with this one.
        let (_labels, value) = rest
            .strip_prefix(' ')
            .map(|value| ("", value))
            .or_else(|| rest.strip_prefix('{')?.rsplit_once("} "))?;
        value.split(' ').next()?.parse::<f64>().ok()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or_default() + value))
}

#[cfg(test)]
mod tests {
    use super::sum;

    const TEXT: &str = "\
# HELP waypost_clicks_dropped_total Clicks given up
# TYPE waypost_clicks_dropped_total counter
waypost_clicks_dropped_total{reason=\"full} 9\"} 3
waypost_clicks_dropped_total{reason=\"corrupt\"} 4

waypost_clicks_pending 1.5e3
waypost_clicks_pending_ever 7
";

    #[test]
    fn the_series_of_a_metric_are_summed_up() {
        assert_eq!(sum(TEXT, "waypost_clicks_dropped_total"), Some(7.0));
        assert_eq!(sum(TEXT, "waypost_clicks_pending"), Some(1500.0));
        assert_eq!(sum(TEXT, "waypost_click"), None);
    }
}
