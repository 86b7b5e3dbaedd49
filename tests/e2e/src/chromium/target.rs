//! What a test points at on a page: by what it is and is called for somebody who does not see it, or by a selector.

use std::fmt;

/// Something on a page.
#[derive(Clone, Debug)]
pub struct Target {
    /// What may be meant, as a CSS selector.
    pub(super) selector: String,
    /// The accessible name that it has.
    pub(super) name: Option<String>,
}

/// The first that a CSS selector finds.
pub fn css(selector: &str) -> Target {
    Target {
        selector: selector.to_owned(),
        name: None,
    }
}

/// The first that a CSS selector finds with this accessible name.
pub fn any(selector: &str, name: &str) -> Target {
    Target {
        selector: selector.to_owned(),
        name: Some(name.to_owned()),
    }
}

/// A button, by its accessible name.
pub fn button(name: &str) -> Target {
    any("button, input[type=submit], summary, [role=button]", name)
}

/// A link, by its accessible name.
pub fn link(name: &str) -> Target {
    any("a[href], [role=link]", name)
}

/// Something to fill in or to choose from, by its accessible name.
pub fn field(name: &str) -> Target {
    any(
        "input:not([type=hidden]), textarea, select, [role=combobox], [role=textbox]",
        name,
    )
}

/// A heading, by its accessible name.
pub fn heading(name: &str) -> Target {
    any("h1, h2, h3, h4, h5, h6, [role=heading]", name)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "“{name}” ({})", self.selector),
            None => f.write_str(&self.selector),
        }
    }
}
