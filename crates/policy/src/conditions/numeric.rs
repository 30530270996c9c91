//! `NumericEquals`, `NumericLessThan` and their kin.

use std::cmp::Ordering;

use super::Test;
use crate::document::Refusal;
use crate::template::Variables;

/// Numbers, and how the request's must stand to one of them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct NumericTest {
    comparison: Comparison,
    numbers: Vec<f64>,
}

/// How what the request has must stand to what the policy lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Comparison(&'static [Ordering]);

impl Comparison {
    /// What the operator's name ends with.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(Self(match name {
            "Equals" | "NotEquals" => &[Ordering::Equal],
            "LessThan" => &[Ordering::Less],
            "LessThanEquals" => &[Ordering::Less, Ordering::Equal],
            "GreaterThan" => &[Ordering::Greater],
            "GreaterThanEquals" => &[Ordering::Greater, Ordering::Equal],
            _ => return None,
        }))
    }

    pub(super) fn accepts(self, ordering: Ordering) -> bool {
        self.0.contains(&ordering)
    }
}

pub(super) fn parse(operator: &str, values: &[&str], _: Variables) -> Option<Result<Test, Refusal>> {
    let comparison = Comparison::parse(operator.strip_prefix("Numeric")?)?;
    let numbers = values.iter().map(|value| number(value));
    Some(numbers.collect::<Result<_, _>>().map(|numbers| Test::Numeric(NumericTest { comparison, numbers })))
}

fn number(text: &str) -> Result<f64, Refusal> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| Refusal::here(format!("{text:?} is no number")))
}

impl NumericTest {
    pub(super) fn accepts(&self, number: f64) -> bool {
        self.numbers.iter().any(|listed| number.partial_cmp(listed).is_some_and(|order| self.comparison.accepts(order)))
    }
}
