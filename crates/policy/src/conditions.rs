//! When a statement applies: the element `Condition`.
//!
//! A condition is an operator, a key and values. [`keys`] says which keys there are and what a request answers to each;
//! the operators stand one family a file, and each says whether a value that the request has is one of those that the
//! policy lists. What they have in common is here: negation, `…IfExists`, `ForAnyValue:` and `ForAllValues:`, and what
//! holds where the request has no value.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context
//! keys".

mod arn;
mod binary;
mod boolean;
mod date;
mod ip_address;
pub(crate) mod keys;
mod numeric;
mod string;

use std::fmt;

use crate::document::Refusal;
use crate::document::json::Json;
use crate::question::Question;
use crate::template::Variables;
use keys::{Key, Kind, Value};

/// One key under one operator.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Condition {
    /// As the document writes it.
    pub(crate) operator: Box<str>,
    pub(crate) key: Key,
    test: Test,
    quantifier: Quantifier,
    /// `…IfExists`: what the request has no value for holds.
    if_exists: bool,
    /// `…Not…`: what holds for none of the values.
    negated: bool,
}

/// How many of the request's values must pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Quantifier {
    /// The key has one value.
    One,
    /// `ForAnyValue:`
    Any,
    /// `ForAllValues:`
    All,
}

#[derive(Clone, PartialEq, Debug)]
enum Test {
    String(string::StringTest),
    Numeric(numeric::NumericTest),
    Date(date::DateTest),
    Bool(boolean::BoolTest),
    Binary(binary::BinaryTest),
    IpAddress(ip_address::IpAddressTest),
    Arn(arn::ArnTest),
    /// `Null`: whether the request has no value.
    Null(bool),
}

impl Test {
    /// Whether `value` is one of the values of the policy.
    fn accepts(&self, value: &Value<'_>, question: &Question<'_>) -> bool {
        match self {
            Self::String(test) => value.as_text().is_some_and(|text| test.accepts(&text, question)),
            Self::Numeric(test) => value.as_number().is_some_and(|number| test.accepts(number)),
            Self::Date(test) => value.as_moment().is_some_and(|moment| test.accepts(moment)),
            Self::Bool(test) => value.as_bool().is_some_and(|value| test.accepts(value)),
            Self::Binary(test) => value.as_text().is_some_and(|text| test.accepts(text.as_bytes())),
            Self::IpAddress(test) => value.as_address().is_some_and(|address| test.accepts(address)),
            Self::Arn(test) => value.as_text().is_some_and(|text| test.accepts(&text, question)),
            Self::Null(_) => false,
        }
    }

    /// Whether such values can be asked of a key of this kind.
    const fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::String(_) | Self::Null(_) => true,
            Self::Numeric(_) => matches!(kind, Kind::Number | Kind::Epoch),
            Self::Date(_) => matches!(kind, Kind::Date | Kind::Epoch),
            Self::Bool(_) => matches!(kind, Kind::Bool),
            Self::Binary(_) => matches!(kind, Kind::Text | Kind::Texts),
            Self::IpAddress(_) => matches!(kind, Kind::Address),
            Self::Arn(_) => matches!(kind, Kind::Arn),
        }
    }
}

/// Reads the element `Condition`: all that it has in it must hold.
pub(crate) fn parse(element: &Json, variables: Variables) -> Result<Vec<Condition>, Refusal> {
    let mut conditions = Vec::new();
    for (operator, keys) in element.object()? {
        let within = |refusal: Refusal| refusal.within(operator.as_str());
        if Operator::parse(operator, &[], variables).is_none() {
            return Err(within(Refusal::here("there is no such operator")));
        }
        for (key, values) in keys.object().map_err(within)? {
            let condition = Condition::parse(operator, key, values, variables);
            conditions.push(condition.map_err(|refusal| within(refusal.within(key.as_str())))?);
        }
    }
    Ok(conditions)
}

/// An operator with its values.
struct Operator {
    test: Test,
    negated: bool,
    quantifier: Quantifier,
    if_exists: bool,
}

/// Reads an operator of one family: `None` where it belongs to another.
type Family = fn(&str, &[&str], Variables) -> Option<Result<Test, Refusal>>;

const FAMILIES: [Family; 8] = [
    string::parse,
    numeric::parse,
    date::parse,
    boolean::parse,
    binary::parse,
    ip_address::parse,
    arn::parse,
    boolean::parse_null,
];

impl Operator {
    /// `None` where there is no such operator.
    fn parse(text: &str, values: &[&str], variables: Variables) -> Option<Result<Self, Refusal>> {
        let (quantifier, rest) = match text.split_once(':') {
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(_) => return None,
            None => (Quantifier::One, text),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        if name == "Null" && name != text {
            return None;
        }
        let test = FAMILIES.iter().find_map(|family| family(name, values, variables))?;
        Some(test.map(|test| Self { test, negated: name.contains("Not"), quantifier, if_exists }))
    }
}

impl Condition {
    fn parse(operator: &str, key: &str, values: &Json, variables: Variables) -> Result<Self, Refusal> {
        let key = Key::parse(key).ok_or_else(|| Refusal::here("there is no such condition key here"))?;
        let parsed = Operator::parse(operator, &values.values()?, variables);
        let Operator { test, negated, quantifier, if_exists } =
            parsed.unwrap_or_else(|| Err(Refusal::here("there is no such operator")))?;
        if !test.fits(key.kind()) {
            return Err(Refusal::here(format!("{operator} can not be asked of it: it is {}", key.kind().name())));
        }
        if key.kind() == Kind::Texts && quantifier == Quantifier::One && !matches!(test, Test::Null(_)) {
            return Err(Refusal::here("it has many values: write ForAnyValue: or ForAllValues: before the operator"));
        }
        Ok(Self { operator: operator.into(), key, test, quantifier, if_exists, negated })
    }

    /// Whether it holds for the request.
    pub(crate) fn holds(&self, question: &Question<'_>) -> bool {
        let value = self.key.value(question);
        if let Test::Null(absent) = self.test {
            return absent == value.is_absent();
        }
        let passes = |value: &Value<'_>| self.test.accepts(value, question) != self.negated;
        match (value, self.quantifier) {
            (Value::Absent, Quantifier::One) => self.if_exists || self.negated,
            (Value::Absent, Quantifier::Any) => self.if_exists,
            (Value::Absent, Quantifier::All) => true,
            (Value::Texts(texts), Quantifier::All) => texts.iter().all(|text| passes(&Value::text(text))),
            (Value::Texts(texts), _) => texts.iter().any(|text| passes(&Value::text(text))),
            (value, _) => passes(&value),
        }
    }

    /// Whether it holds only for people or addresses that it lists one by one (user guide, "The meaning of public").
    pub(crate) fn bounds_who(&self) -> bool {
        if self.negated || self.if_exists || self.quantifier == Quantifier::All {
            return false;
        }
        match &self.test {
            Test::String(test) => self.key.tells_who() && test.is_fixed(),
            Test::Arn(test) => self.key.tells_who() && test.is_fixed(),
            Test::IpAddress(test) => test.is_bounded(),
            _ => false,
        }
    }

    /// Whether it holds for requests that have no such value at all, though it reads as if they needed one.
    pub(crate) fn holds_for_absent(&self) -> bool {
        self.quantifier == Quantifier::All
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition.{}.{}", self.operator, self.key)
    }
}

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
