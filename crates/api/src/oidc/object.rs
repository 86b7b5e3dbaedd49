//! JSON objects of the provider, of which only the members that are used are read.
//!
//! Providers send much that nobody needs, and not always in the types of the standards. A member
//! that is not used is skipped, whatever it is. A member that is used is read with the type that it
//! must have; an error names it and never shows its value, which may be about a person.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Why a member of an object is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {problem}")]
pub(crate) struct Unusable {
    /// Its name.
    pub(crate) name: String,
    problem: Problem,
}

/// What is wrong with a member of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("is missing")]
    Missing,
    #[error("is there more than once")]
    Repeated,
    #[error("is not {0}")]
    Not(&'static str),
}

impl Unusable {
    pub(super) fn new(name: &str, problem: Problem) -> Self {
        let name = name.to_owned();
        Self { name, problem }
    }
}

/// The bytes are not a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a JSON object")]
pub(crate) struct NotAnObject;

/// The members of an object that are used, by name.
#[derive(Debug, Default)]
pub(super) struct Object(HashMap<String, Member>);

#[derive(Debug)]
enum Member {
    Once(Value),
    /// Which one counts is unknown (RFC 8259 §4).
    Repeated,
}

impl Object {
    /// Reads the members that are `wanted` by their names.
    ///
    /// # Errors
    /// [`NotAnObject`] if the bytes are not one.
    pub(super) fn read(json: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Self, NotAnObject> {
        let mut json = serde_json::Deserializer::from_slice(json);
        let read = Wanted(wanted).deserialize(&mut json);
        let read = read.map_err(|_| NotAnObject)?;
        json.end().map_err(|_| NotAnObject)?;
        Ok(read)
    }

    /// Returns a member. `null` counts as missing.
    pub(super) fn get(&self, name: &str) -> Result<Option<&Value>, Unusable> {
        match self.0.get(name) {
            None | Some(Member::Once(Value::Null)) => Ok(None),
            Some(Member::Once(value)) => Ok(Some(value)),
            Some(Member::Repeated) => Err(Unusable::new(name, Problem::Repeated)),
        }
    }

    /// Returns a text. An empty one counts as missing (OpenID Connect Core 1.0 §5.3.2).
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Unusable> {
        let Some(value) = self.get(name)? else {
            return Ok(None);
        };
        let text = value.as_str();
        let text = text.ok_or_else(|| Unusable::new(name, Problem::Not("a text")))?;
        Ok((!text.is_empty()).then_some(text))
    }

    /// Returns a text that must be there.
    pub(super) fn required_text(&self, name: &str) -> Result<&str, Unusable> {
        self.text(name)?
            .ok_or_else(|| Unusable::new(name, Problem::Missing))
    }

    /// Returns a time in seconds, which must be there (`NumericDate` of RFC 7519 §2). A fraction of
    /// a second is left out.
    pub(super) fn required_time(&self, name: &str) -> Result<i64, Unusable> {
        let value = self.get(name)?;
        let value = value.ok_or_else(|| Unusable::new(name, Problem::Missing))?;
        let whole = value.as_i64().or_else(|| {
            let text = value.as_f64()?.floor().to_string();
            text.parse().ok()
        });
        whole.ok_or_else(|| Unusable::new(name, Problem::Not("a time in seconds")))
    }

    /// Returns a truth, which some providers write as a text.
    pub(super) fn truth(&self, name: &str) -> Result<Option<bool>, Unusable> {
        match self.get(name)? {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Unusable::new(name, Problem::Not("true or false"))),
        }
    }

    /// Returns the texts of a list, or a single text. Elements that are no texts are left out.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<&str>> {
        match self.get(name).ok().flatten()? {
            Value::Array(values) => Some(values.iter().filter_map(Value::as_str).collect()),
            Value::String(text) => Some(vec![text]),
            _ => None,
        }
    }

    /// Returns the names of the members that are there more than once.
    pub(super) fn repeated(&self) -> impl Iterator<Item = &str> {
        let repeated = self.0.iter();
        let repeated = repeated.filter(|(_, member)| matches!(member, Member::Repeated));
        repeated.map(|(name, _)| name.as_str())
    }

    /// Returns all members that are there once.
    pub(super) fn into_members(self) -> Map<String, Value> {
        let once = self
            .0
            .into_iter()
            .filter_map(|(name, member)| match member {
                Member::Once(value) => Some((name, value)),
                Member::Repeated => None,
            });
        once.collect()
    }
}

/// Reads the members of an object whose names satisfy a predicate.
struct Wanted<F>(F);

impl<'de, F: Fn(&str) -> bool> DeserializeSeed<'de> for Wanted<F> {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: Fn(&str) -> bool> Visitor<'de> for Wanted<F> {
    type Value = Object;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members = HashMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if !(self.0)(&name) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            match members.entry(name) {
                Entry::Occupied(mut known) => {
                    map.next_value::<IgnoredAny>()?;
                    known.insert(Member::Repeated);
                }
                Entry::Vacant(new) => {
                    new.insert(Member::Once(map.next_value()?));
                }
            }
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Object {
        Object::read(json.as_bytes(), |name| name.len() == 1).unwrap()
    }

    #[test]
    fn what_is_not_wanted_is_skipped_whatever_it_is() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let json = format!(
            r#"{{"odd":{deep},"odd":1e999,"odd":"\ud800","a":"x","{}":null}}"#,
            "long".repeat(1_000)
        );
        assert_eq!(read(&json).text("a"), Ok(Some("x")));
        for bad in ["", "[]", "null", "1", r#""a""#, r#"{"a":1"#, "{}{}", "{} x"] {
            let read = Object::read(bad.as_bytes(), |_| true);
            assert!(matches!(read, Err(NotAnObject)), "{bad}");
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_of_no_use() {
        let object = read(r#"{"a":"x","a":"x","b":"y"}"#);
        let error = object.required_text("a").unwrap_err();
        assert_eq!(error.to_string(), "`a` is there more than once");
        assert_eq!(object.text("b"), Ok(Some("y")));
        assert_eq!(object.repeated().collect::<Vec<_>>(), ["a"]);
        assert_eq!(object.into_members().len(), 1);
    }

    #[test]
    fn an_error_names_the_member_and_never_shows_its_value() {
        for secret in [r#"["secret"]"#, r#"{"secret":1}"#, "true"] {
            let object = read(&format!(r#"{{"a":{secret},"b":""}}"#));
            let errors = [
                object.required_text("a").unwrap_err(),
                object.required_time("a").unwrap_err(),
                object.required_text("b").unwrap_err(),
                object.required_text("c").unwrap_err(),
                object.required_time("c").unwrap_err(),
            ];
            for error in errors {
                let text = format!("{error} {error:?}");
                assert!(text.contains(&error.name) && !text.contains("secret"));
            }
        }
    }

    #[test]
    fn a_time_is_a_number_and_a_truth_may_be_a_text() {
        let object = read(r#"{"a":1700000000.9,"b":"1700000000","c":-1,"d":1e300}"#);
        assert_eq!(object.required_time("a"), Ok(1_700_000_000));
        assert_eq!(object.required_time("c"), Ok(-1));
        assert!(object.required_time("b").is_err() && object.required_time("d").is_err());
        for (json, expected) in [
            ("true", Some(Some(true))),
            (r#""true""#, Some(Some(true))),
            (r#""False""#, Some(Some(false))),
            ("null", Some(None)),
            (r#""yes""#, None),
            ("1", None),
            ("{}", None),
        ] {
            let object = read(&format!(r#"{{"a":{json}}}"#));
            assert_eq!(object.truth("a").ok(), expected, "{json}");
        }
    }
}
