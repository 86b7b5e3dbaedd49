//! The form in which texts are compared when people search.

use icu_casemap::CaseMapper;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, Script};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization as _;

/// Joins emoji to one: a woman and a laptop to a programmer.
pub(super) const JOINER: char = '\u{200d}';

/// Returns a text in the form in which it is compared with what people type: texts that differ in
/// nothing but the following have the same form.
///
/// - The encoding of the same characters, full or half width, ligatures, superscripts (NFKD,
///   Unicode §3.11).
/// - Upper and lower case (full case folding, Unicode §3.13: `ß` is `ss`, `ς` is `σ`).
/// - Accents of Latin, Greek and Cyrillic letters, also the strokes of `ø`, `ł` and the like; the
///   dot of `i`; vowel points of Arabic and Hebrew; the variants of a letter on Arabic and Persian
///   keyboards. Marks of other scripts are letters in all but name, and stay.
/// - Digits of any script, which become `0` to `9`.
/// - The signs and letters that are written like an apostrophe, as in Ukrainian and Hawaiian.
/// - The skin tone and the presentation of emoji, and characters that nobody sees.
///
/// ```
/// use waypost_core::folded;
///
/// assert_eq!(folded("GRÖSSE"), folded("Größe"));
/// assert_eq!(folded("Cafe\u{301}"), "cafe");
/// assert_eq!(folded("ＡＢＣ１２３"), "abc123");
/// ```
#[must_use]
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let seen = text
        .chars()
        .filter(|c| *c == JOINER || !ignorable.contains(*c));
    // Once more after folding (Unicode §3.13.5, D146).
    let decomposed: String = seen.nfkd().collect();
    let caseless = CaseMapper::new().fold_string(&decomposed);
    let mut out = String::with_capacity(caseless.len());
    let mut loses_marks = false;
    for c in caseless.nfkd() {
        match category(c) {
            GeneralCategory::EnclosingMark => {}
            GeneralCategory::NonspacingMark => {
                if !loses_marks {
                    out.push(c);
                }
            }
            GeneralCategory::SpacingMark => out.push(c),
            _ if is_skin_tone(c) || c == TATWEEL => {}
            _ if c == JOINER => {
                if out.chars().next_back().is_some_and(is_symbol) {
                    out.push(c);
                }
            }
            _ => {
                loses_marks = is_read_without_marks(c);
                push_letter(c, &mut out);
            }
        }
    }
    out.nfc().collect()
}

/// Widens an Arabic word.
const TATWEEL: char = '\u{640}';

pub(super) fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Whether a character is a word of its own: an emoji, a currency, an arrow. Symbols of ASCII are
/// punctuation of texts and URLs, and an unreadable character is nothing.
pub(super) fn is_symbol(c: char) -> bool {
    use GeneralCategory::{CurrencySymbol, MathSymbol, OtherSymbol};
    !c.is_ascii()
        && !matches!(c, '\u{fffc}' | char::REPLACEMENT_CHARACTER)
        && matches!(category(c), CurrencySymbol | MathSymbol | OtherSymbol)
}

const fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

/// Whether people read a letter without its marks, and often type it without.
fn is_read_without_marks(c: char) -> bool {
    c.is_ascii_alphabetic()
        || matches!(
            CodePointMapData::<Script>::new().get(c),
            Script::Latin | Script::Greek | Script::Cyrillic | Script::Arabic | Script::Hebrew
        )
}

/// Appends a letter, or what is typed for it. Unicode decomposes no letters with a stroke, and no
/// letters of a keyboard into those of another.
fn push_letter(c: char, out: &mut String) {
    match c {
        'æ' => out.push_str("ae"),
        'đ' | 'ð' => out.push('d'),
        'ħ' => out.push('h'),
        'ı' => out.push('i'),
        'ł' => out.push('l'),
        'ø' => out.push('o'),
        'œ' => out.push_str("oe"),
        'ŧ' => out.push('t'),
        'þ' => out.push_str("th"),
        // Alef wasla, teh marbuta and heh goal, keheh, alef maksura and Farsi yeh.
        'ٱ' => out.push('ا'),
        'ة' | 'ہ' => out.push('ه'),
        'ک' => out.push('ك'),
        'ى' | 'ی' => out.push('ي'),
        // Keyboards have the apostrophe alone: quotes, prime, turned comma, half rings, saltillo.
        '\u{2018}' | '\u{2019}' | '\u{2b9}' | '\u{2bb}' | '\u{2bc}' | '\u{2be}' | '\u{2bf}'
        | '\u{a78c}' => out.push('\''),
        c => out.push(digit(c).unwrap_or(c)),
    }
}

/// Returns the ASCII digit for a decimal digit. Those of a script are ten in a row.
fn digit(c: char) -> Option<char> {
    let is_digit = |c| category(c) == GeneralCategory::DecimalNumber;
    if c.is_ascii() || !is_digit(c) {
        return None;
    }
    let before = |by| u32::from(c).checked_sub(by).and_then(char::from_u32);
    let value = (1..=9).take_while(|by| before(*by).is_some_and(is_digit));
    char::from_digit(u32::try_from(value.count()).ok()?, 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_people_take_for_the_same_have_the_same_form() {
        for (one, other) in [
            ("Cafe\u{301}", "CAFÉ"),
            ("cafe", "Café"),
            ("Größe", "GRÖSSE"),
            ("größe", "GRÖẞE"),
            ("ﬁnance oﬃce", "Finance Office"),
            ("ＡＢＣ１２３", "abc123"),
            ("ｶﾞｲﾄﾞ", "ガイド"),
            ("カ\u{3099}イト\u{3099}", "ガイド"),
            ("㍿", "株式会社"),
            ("ΟΔΟΣ", "οδος"),
            ("Αθήνα", "ΑΘΗΝΑ"),
            ("İstanbul", "ISTANBUL"),
            ("IŞIK", "ışık"),
            ("Łódź", "lodz"),
            ("København", "KOBENHAVN"),
            ("Straße", "STRASSE"),
            ("Ёлка", "елка"),
            ("कि\u{200d}", "कि"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد", "محمد"),
            ("کتاب", "كتاب"),
            ("إدارة", "اداره"),
            ("٣ ۳ ३ ๓", "3 3 3 3"),
            ("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}", "한글"),
            ("👍🏽", "👍"),
            ("❤\u{fe0f}", "❤"),
            ("so\u{ad}ft\u{200b}ly", "softly"),
            ("x²", "x2"),
            ("1\u{fe0f}\u{20e3}", "1"),
            ("п\u{2bc}ять", "п'ять"),
            ("Hawai\u{2bb}i", "hawai'i"),
            ("\u{a78b}", "\u{ff07}"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
    }

    #[test]
    fn texts_that_people_tell_apart_have_different_forms() {
        for (one, other) in [
            ("は", "ば"),
            ("か", "が"),
            ("कि", "की"),
            ("मन", "मना"),
            ("吉", "𠮷"),
            ("🚀", "🔥"),
            ("мир", "mир"),
            ("กา", "ก่า"),
        ] {
            assert_ne!(folded(one), folded(other), "{one} {other}");
        }
    }

    #[test]
    fn the_form_of_each_character_is_stable_and_has_no_other_digits() {
        // The rest are ideographs that stay as they are, and characters of no meaning.
        let planes = ('\0'..'\u{20000}').chain('\u{2f800}'..'\u{2fa20}');
        for c in planes.chain('\u{e0000}'..'\u{e0200}') {
            let once = folded(c.encode_utf8(&mut [0; 4]));
            if !once.is_ascii() {
                assert_eq!(folded(&once), once, "{c:?}");
                let is_digit = |c| digit(c).is_some();
                assert!(!once.contains(is_digit), "{c:?} {once:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_form_of_a_text_is_stable(text in ".{0,40}") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
