//! Characters that nobody sees, and that change how others are shown.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Whether a character is a control character, a line or paragraph separator, or is usually not
/// shown (`Default_Ignorable_Code_Point`, Unicode §5.21): also what turns the direction of text. The
/// empty pattern of Braille looks like a space and is none.
pub(crate) fn is_hidden(character: char) -> bool {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{2800}')
        || ignorable.contains(character)
}

/// Whether a character has no place in a name: a hidden one, but for those that scripts and emoji
/// need between others (Unicode §23.2, §23.4).
pub(crate) fn is_hidden_in_name(character: char) -> bool {
    is_hidden(character) && !joins(character)
}

/// Whether a character only tells how its neighbours are shown.
pub(crate) const fn joins(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_hidden() {
        let hidden = [
            '\0',
            '\n',
            '\t',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{200b}',
            '\u{200d}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2800}',
            '\u{2066}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{e0041}',
        ];
        for character in hidden {
            assert!(is_hidden(character), "{character:?}");
        }
        for character in "aä部 @.'\"é\u{301}🚀".chars() {
            assert!(!is_hidden(character), "{character:?}");
        }
    }
}
