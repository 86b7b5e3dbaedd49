//! When a link can be a template, whose destination is filled from the visitor's path.

use waypost_core::{LinkContent, LinkDetails, TargetUrl, TargetUrlError, Template};

/// Checks that a link that is asked to be a template can be one.
///
/// # Errors
/// [`TargetUrlError::NoPlaceholder`], [`TargetUrlError::KeywordTemplate`].
pub(crate) fn check_template(
    target: &TargetUrl,
    details: &LinkDetails,
    is_keyword: bool,
) -> Result<(), TargetUrlError> {
    match details.template {
        true if is_keyword => Err(TargetUrlError::KeywordTemplate),
        true if Template::of_link(target).is_none() => Err(TargetUrlError::NoPlaceholder),
        _ => Ok(()),
    }
}

/// Makes a changed link that cannot be a template an ordinary one, unless it is asked to be a
/// template: with its last placeholder, the switch goes off.
///
/// # Errors
/// As [`check_template`], if it is asked to be one.
pub(crate) fn settle_template(
    content: &mut LinkContent,
    is_keyword: bool,
    is_asked: bool,
) -> Result<(), TargetUrlError> {
    let checked = check_template(&content.target, &content.details, is_keyword);
    if is_asked {
        return checked;
    }
    content.details.template &= checked.is_ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use waypost_core::ShortCode;

    use super::*;

    fn settled(target: &str, is_keyword: bool, is_asked: bool) -> Result<bool, TargetUrlError> {
        let mut content = LinkContent {
            code: ShortCode::parse("x").unwrap(),
            target: TargetUrl::from_stored(target.to_owned()).unwrap(),
            details: LinkDetails {
                template: true,
                ..LinkDetails::default()
            },
        };
        settle_template(&mut content, is_keyword, is_asked)?;
        Ok(content.details.template)
    }

    #[test]
    fn the_switch_goes_off_with_the_last_placeholder_and_is_refused_without_one() {
        let (with, without) = ("https://a.example/$x", "https://a.example/%24x");
        assert_eq!(settled(with, false, true), Ok(true));
        assert_eq!(settled(with, false, false), Ok(true));
        assert_eq!(settled(without, false, false), Ok(false));
        let refused = settled(without, false, true);
        assert_eq!(refused, Err(TargetUrlError::NoPlaceholder));
        let slug = "https://a.example/{slug}/$x";
        assert_eq!(settled(slug, true, false), Ok(false));
        assert_eq!(
            settled(slug, true, true),
            Err(TargetUrlError::KeywordTemplate)
        );
    }
}
