//! Reads a part of a document and skips the rest.

use std::fmt;

use memchr::memmem;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::values::Text;
use super::{DayFacts, Dimension, Part};

pub(super) fn parse(text: &str, part: Part) -> serde_json::Result<DayFacts<'_>> {
    if let Some(found) = section(text, part) {
        let mut deserializer = serde_json::Deserializer::from_str(found);
        let mut facts = DayFacts::default();
        match part {
            Part::Of(dimension) => {
                *facts.values_mut(dimension) = Deserialize::deserialize(&mut deserializer)?;
            }
            Part::Classes | Part::All => {
                facts.classes = Deserialize::deserialize(&mut deserializer)?;
            }
        }
        return Ok(facts);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let facts = Only(part).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(facts)
}

/// Finds the beginning of a part in a document as [`DayFacts::to_text`] writes it. A value that
/// equals the name of a part is not followed by the same character, and quotation marks within
/// names are escaped, so a match is always the part.
fn section(text: &str, part: Part) -> Option<&str> {
    let name = match part {
        Part::All => return None,
        Part::Classes => "v",
        Part::Of(dimension) => key(dimension),
    };
    let is_whole = text.starts_with('{') && text.ends_with("}}");
    let begins = is_whole.then(|| format!("\"{name}\":{{"))?;
    let place = memmem::find(text.as_bytes(), begins.as_bytes())?;
    text.get(place + begins.len() - 1..)
}

/// Returns the name of a dimension in a document.
const fn key(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Referrer => "r",
        Dimension::Browser => "b",
        Dimension::Os => "o",
        Dimension::Device => "d",
        Dimension::Country => "c",
    }
}

struct Only(Part);

impl<'de> DeserializeSeed<'de> for Only {
    type Value = DayFacts<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Only {
    type Value = DayFacts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the document of a day")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut facts = DayFacts::default();
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            match self.0 {
                Part::Classes if name == "v" => facts.classes = map.next_value()?,
                Part::Of(dimension) if name == key(dimension) => {
                    *facts.values_mut(dimension) = map.next_value()?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(facts)
    }
}
