//! The steps of an explanation, in words.

use waypost_core::{RoutingRule, Template};
use waypost_service::{Routed, RoutingStep};

use super::ExplainedStep;

/// Says how the destination of a link gets its values.
pub(super) fn filling(routed: &Routed<'_>) -> String {
    let destination = &routed.destination;
    if destination.is_keyword {
        return format!(
            "`{{slug}}` in the destination is filled from `{}`",
            routed.rest
        );
    }
    let marked = |names: Vec<String>| {
        let names = names.iter().map(|name| format!("`${name}`"));
        names.collect::<Vec<_>>().join(", ")
    };
    let names = marked(Template::names_in(&destination.target));
    match &destination.template {
        Some(_) => format!(
            "the link is a template: {names} in the destination is filled from `{}`",
            routed.rest
        ),
        None if names.is_empty() => "the destination has no placeholders".to_owned(),
        None => format!("the link is not a template: {names} in the destination is sent as it is"),
    }
}

/// Whether a step is the same whether there are longer codes or not.
pub(super) fn tells_no_longer_codes(step: RoutingStep<'_>, is_first: bool) -> bool {
    match step {
        RoutingStep::NoCode(_) => is_first,
        RoutingStep::Meant(_, code) => !code.contains('/'),
        RoutingStep::Code(code, is_found) => is_found || !code.contains('/'),
        RoutingStep::NoLongerCode(_) => false,
        RoutingStep::KeywordByPath(..)
        | RoutingStep::NoWordInHost
        | RoutingStep::KeywordByHost(..) => true,
    }
}

impl From<RoutingStep<'_>> for ExplainedStep {
    fn from(step: RoutingStep<'_>) -> Self {
        let (what, found) = match step {
            RoutingStep::NoCode("") => (
                "code",
                "the path has an empty segment, which cannot be part of a code".to_owned(),
            ),
            RoutingStep::NoCode(segment) => {
                ("code", format!("`{segment}` cannot be part of a code"))
            }
            RoutingStep::Meant(segment, code) => (
                "code",
                format!(
                    "without the punctuation and hidden characters of `{segment}`, the code is \
                     `{code}`"
                ),
            ),
            RoutingStep::KeywordByPath(word, true) => (
                "keyword_by_path",
                format!("`{word}` is a keyword and gets the rest of the path"),
            ),
            RoutingStep::KeywordByPath(word, false) => {
                ("keyword_by_path", format!("`{word}` is not a keyword"))
            }
            RoutingStep::NoWordInHost => {
                ("keyword_by_host", "the host cannot be a keyword".to_owned())
            }
            RoutingStep::KeywordByHost(word, true) => (
                "keyword_by_host",
                format!("the host `{word}` is a keyword and gets the whole path"),
            ),
            RoutingStep::KeywordByHost(word, false) => (
                "keyword_by_host",
                format!("the host `{word}` is not a keyword"),
            ),
            RoutingStep::Code(code, true) => ("code", format!("`{code}` is the code of a link")),
            RoutingStep::Code(code, false) => {
                ("code", format!("`{code}` is not the code of a link"))
            }
            RoutingStep::NoLongerCode(code) => {
                ("code", format!("no longer code begins with `{code}`"))
            }
        };
        Self { what, found }
    }
}

pub(super) const fn name_of(rule: RoutingRule) -> &'static str {
    match rule {
        RoutingRule::KeywordByPath => "keyword_by_path",
        RoutingRule::KeywordByHost => "keyword_by_host",
        RoutingRule::Code => "code",
        RoutingRule::Prefix => "prefix",
    }
}
