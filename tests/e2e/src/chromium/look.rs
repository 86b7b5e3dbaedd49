//! The appearance of a page: screen size, colour scheme and screenshots.

use std::env;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use base64::Engine;
use serde_json::json;
use waypost_test_harness::target_directory;

use super::tab::Tab;

/// A screen size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// The narrowest screen, as small phones and a desktop at 400% have: 320 × 568.
    Narrow,
    /// A small phone: 360 × 640.
    Small,
    /// A phone: 390 × 844.
    Phone,
    /// A desktop: 1,440 × 900.
    Wide,
}

/// A preferred colour scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Phones that are narrower than [`Screen::Phone`], on which only the width of pages is checked.
pub const NARROW: [Screen; 2] = [Screen::Small, Screen::Narrow];

/// The screens and schemes of which there are screenshots.
pub const LOOKS: [(Screen, Scheme); 4] = [
    (Screen::Phone, Scheme::Light),
    (Screen::Phone, Scheme::Dark),
    (Screen::Wide, Scheme::Light),
    (Screen::Wide, Scheme::Dark),
];

impl Screen {
    /// Returns the width and height in CSS pixels.
    pub const fn size(self) -> (u32, u32) {
        match self {
            Self::Narrow => (320, 568),
            Self::Small => (360, 640),
            Self::Phone => (390, 844),
            Self::Wide => (1_440, 900),
        }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.size().0)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Dark => "dark",
        })
    }
}

impl Tab {
    /// Changes the screen size.
    ///
    /// # Panics
    /// When the browser does not respond.
    pub async fn resize(&self, screen: Screen) {
        let (width, height) = screen.size();
        let metrics = json!({
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": screen != Screen::Wide,
        });
        self.command("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// Sets the preferred colour scheme, and prefers reduced motion.
    ///
    /// # Panics
    /// When the browser does not respond.
    pub async fn prefer(&self, scheme: Scheme) {
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme.to_string() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]});
        self.command("Emulation.setEmulatedMedia", features).await;
    }

    /// Returns by how many pixels the page is wider than the screen. More than 0 requires scrolling
    /// sideways (WCAG 2.2, 1.4.10).
    ///
    /// # Panics
    /// When the browser does not respond.
    pub async fn sideways(&self) -> i64 {
        let script =
            "const root = document.documentElement; return root.scrollWidth - root.clientWidth;";
        let pixels = self.run(script).await;
        pixels.as_i64().expect("a number")
    }

    /// Writes a screenshot of the whole page to `{name}.png` in the directory of
    /// `WAYPOST_TEST_SCREENSHOTS`, by default `target/screenshots`.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub async fn picture(&self, name: &str) -> PathBuf {
        let metrics = self.command("Page.getLayoutMetrics", json!({})).await;
        let (page, screen) = (&metrics["cssContentSize"], &metrics["cssLayoutViewport"]);
        let larger = |a: &serde_json::Value, b: &serde_json::Value| {
            let (a, b) = (a.as_f64().unwrap_or(1.0), b.as_f64().unwrap_or(1.0));
            a.max(b)
        };
        let area = json!({
            "x": 0,
            "y": 0,
            "width": larger(&page["width"], &screen["clientWidth"]),
            "height": larger(&page["height"], &screen["clientHeight"]),
            "scale": 1,
        });
        let how = json!({ "format": "png", "captureBeyondViewport": true, "clip": area });
        let picture = self.command("Page.captureScreenshot", how).await;
        let data = picture["data"].as_str().expect("a picture");
        let data = base64::engine::general_purpose::STANDARD.decode(data);
        let directory = directory();
        let path = directory.join(format!("{name}.png"));
        fs::create_dir_all(&directory)
            .and_then(|()| fs::write(&path, data.expect("base64")))
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        path
    }
}

fn directory() -> PathBuf {
    let named = env::var_os("WAYPOST_TEST_SCREENSHOTS").filter(|path| !path.is_empty());
    named.map_or_else(|| target_directory().join("screenshots"), PathBuf::from)
}
