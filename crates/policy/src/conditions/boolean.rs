//! `Bool`, and `Null`, which asks whether the request has a value at all.

use super::Test;
use crate::document::Refusal;
use crate::template::Variables;

/// The values that are accepted.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct BoolTest(Vec<bool>);

pub(super) fn parse(operator: &str, values: &[&str], _: Variables) -> Option<Result<Test, Refusal>> {
    if operator != "Bool" {
        return None;
    }
    let parsed = values.iter().map(|value| boolean(value));
    Some(parsed.collect::<Result<_, _>>().map(|values| Test::Bool(BoolTest(values))))
}

pub(super) fn parse_null(operator: &str, values: &[&str], _: Variables) -> Option<Result<Test, Refusal>> {
    if operator != "Null" {
        return None;
    }
    Some(match values {
        [value] => boolean(value).map(Test::Null),
        _ => Err(Refusal::here("Null takes one value: true where the key must be absent, false where it must not")),
    })
}

fn boolean(text: &str) -> Result<bool, Refusal> {
    match () {
        () if text.eq_ignore_ascii_case("true") => Ok(true),
        () if text.eq_ignore_ascii_case("false") => Ok(false),
        () => Err(Refusal::here(format!("{text:?} is neither true nor false"))),
    }
}

impl BoolTest {
    pub(super) fn accepts(&self, value: bool) -> bool {
        self.0.contains(&value)
    }
}
