//! JSON as policies need it: a name that stands twice in an object is seen, where other readers keep one of the two.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{PolicyError, Refusal};

/// A JSON value; numbers and booleans are kept as the text that stands for them.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Json {
    Null,
    Scalar(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    pub(crate) fn parse(document: &[u8]) -> Result<Self, PolicyError> {
        serde_json::from_slice(document).map_err(|error| PolicyError::new("", error.to_string()))
    }

    /// The name and value pairs of an object.
    pub(crate) fn object(&self) -> Result<&[(String, Self)], Refusal> {
        match self {
            Self::Object(pairs) => Ok(pairs),
            _ => Err(Refusal::here("it must be an object")),
        }
    }

    /// A text.
    pub(crate) fn text(&self) -> Result<&str, Refusal> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(Refusal::here("it must be a text")),
        }
    }

    /// The items of a list; what is no list is its only item.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            one => std::slice::from_ref(one),
        }
    }

    /// The texts of a list, or one text.
    pub(crate) fn texts(&self) -> Result<Vec<&str>, Refusal> {
        self.items().iter().map(Self::text).collect()
    }

    /// As [`Json::texts`], where numbers and booleans may stand for the texts that write them.
    pub(crate) fn values(&self) -> Result<Vec<&str>, Refusal> {
        let values = self.items().iter().map(|item| match item {
            Self::Text(text) | Self::Scalar(text) => Ok(text.as_str()),
            _ => Err(Refusal::here("its values must be texts, numbers or booleans")),
        });
        values.collect()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut pairs: Vec<(String, Json)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(de::Error::custom(format!("{name:?} stands twice in one object")));
            }
            pairs.push((name, map.next_value()?));
        }
        Ok(Json::Object(pairs))
    }
}
