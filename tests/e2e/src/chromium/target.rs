//! Elements of a page, by role and accessible name or by a CSS selector.

use std::fmt;

/// An element of a page.
#[derive(Clone, Debug)]
pub struct Target {
    /// The CSS selector of candidates.
    pub(super) selector: String,
    /// The accessible name, if it matters.
    pub(super) name: Option<String>,
}

/// The first element that matches a CSS selector.
pub fn css(selector: &str) -> Target {
    Target {
        selector: selector.to_owned(),
        name: None,
    }
}

/// The first element that matches a CSS selector and has this accessible name.
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

/// A form field, by its accessible name.
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
