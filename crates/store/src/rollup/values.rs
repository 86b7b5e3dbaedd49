//! The stored parts of a document: clicks by visit class, and clicks by the values of a dimension.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use waypost_core::VisitClass;

use super::{Counted, MAX_VALUES, OTHER};

/// Clicks by visit class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Classes(Vec<(VisitClass, u64)>);

impl Classes {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(&self, class: VisitClass) -> u64 {
        let found = self.0.iter().find(|(known, _)| *known == class);
        found.map_or(0, |(_, clicks)| *clicks)
    }

    pub(super) fn add(&mut self, class: VisitClass, more: u64) {
        if more == 0 {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| *known == class) {
            Some((_, clicks)) => *clicks = clicks.saturating_add(more),
            None => self.0.push((class, more)),
        }
    }

    pub(super) fn take(&mut self, class: VisitClass) {
        if let Some((_, clicks)) = self.0.iter_mut().find(|(known, _)| *known == class) {
            *clicks = clicks.saturating_sub(1);
        }
        self.0.retain(|(_, clicks)| *clicks > 0);
    }
}

impl Serialize for Classes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(class, n)| (class.as_str(), n)))
    }
}

impl<'de> Deserialize<'de> for Classes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClassVisitor;
        impl<'de> Visitor<'de> for ClassVisitor {
            type Value = Classes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("clicks by visit class")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Classes, A::Error> {
                let mut classes = Classes::default();
                while let Some((Text(class), clicks)) = map.next_entry::<Text<'de>, u64>()? {
                    let class = class.parse().map_err(A::Error::custom)?;
                    classes.add(class, clicks);
                }
                Ok(classes)
            }
        }
        deserializer.deserialize_map(ClassVisitor)
    }
}

/// The values of one dimension, few and in order of first appearance: a linear search is faster
/// than a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values<'a>(Vec<(Cow<'a, str>, Counted)>);

impl<'a> Values<'a> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, value: Cow<'a, str>, more: Counted) {
        if let Some((_, counted)) = self.0.iter_mut().find(|(known, _)| *known == value) {
            *counted = counted.plus(more);
        } else if self.0.len() < MAX_VALUES || value == OTHER {
            self.0.push((value, more));
        } else {
            self.add(Cow::Borrowed(OTHER), more);
        }
    }

    pub(super) fn take(&mut self, value: &str, less: Counted) {
        let place = |value: &str| self.0.iter().position(|(known, _)| known == value);
        let place = place(value).or_else(|| place(OTHER));
        if let Some((_, counted)) = place.and_then(|place| self.0.get_mut(place)) {
            *counted = counted.minus(less);
        }
        self.0.retain(|(_, counted)| counted.clicks > 0);
    }

    /// Adds up values that `normal` returns as the same.
    pub(super) fn normalised(self, normal: fn(&str) -> Cow<'_, str>) -> Self {
        let is_normal = |value: &str| normal(value) == value;
        if self.0.iter().all(|(value, _)| is_normal(value)) {
            return self;
        }
        let mut values = Self::default();
        for (value, counted) in self.0 {
            let value = if is_normal(&value) {
                value
            } else {
                Cow::Owned(normal(&value).into_owned())
            };
            values.add(value, counted);
        }
        values
    }

    /// Returns the values in order of first appearance.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Counted)> {
        let values = self.0.iter();
        values.map(|(value, counted)| (value.as_ref(), *counted))
    }

    pub(super) fn into_owned(self) -> Values<'static> {
        let owned = |(value, counted): (Cow<'a, str>, _)| (Cow::Owned(value.into_owned()), counted);
        Values(self.0.into_iter().map(owned).collect())
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (value, counted) in &self.0 {
            map.serialize_entry(value, &(counted.clicks, counted.humans))?;
        }
        map.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Values<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Values<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("clicks by value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values<'de>, A::Error> {
                let mut values = Vec::new();
                while let Some((Text(value), (clicks, humans))) =
                    map.next_entry::<Text<'de>, (u64, u64)>()?
                {
                    values.push((value, Counted { clicks, humans }));
                }
                Ok(Values(values))
            }
        }
        deserializer.deserialize_map(ValueVisitor)
    }
}

/// A key, borrowed if it has no escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);
