//! `BinaryEquals`: bytes, which the policy writes in base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::Test;
use crate::document::Refusal;
use crate::template::Variables;

/// The byte strings that are accepted.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct BinaryTest(Vec<Vec<u8>>);

pub(super) fn parse(operator: &str, values: &[&str], _: Variables) -> Option<Result<Test, Refusal>> {
    if operator != "BinaryEquals" {
        return None;
    }
    let decoded = values.iter().map(|value| {
        BASE64_STANDARD.decode(value).map_err(|error| Refusal::here(format!("{value:?} is not base64: {error}")))
    });
    Some(decoded.collect::<Result<_, _>>().map(|values| Test::Binary(BinaryTest(values))))
}

impl BinaryTest {
    pub(super) fn accepts(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|listed| listed == bytes)
    }
}
