//! `StringEquals`, `StringEqualsIgnoreCase`, `StringLike`, and what is not so.

use super::Test;
use crate::document::Refusal;
use crate::question::Question;
use crate::template::{Syntax, Template, Variables};

/// The texts that are accepted.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct StringTest(Vec<Template>);

pub(super) fn parse(operator: &str, values: &[&str], variables: Variables) -> Option<Result<Test, Refusal>> {
    let syntax = match operator {
        "StringEquals" | "StringNotEquals" => Syntax::Exact,
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => Syntax::IgnoringCase,
        "StringLike" | "StringNotLike" => Syntax::Pattern,
        _ => return None,
    };
    let templates = values.iter().map(|value| Template::parse(value, syntax, variables));
    Some(templates.collect::<Result<_, _>>().map(|templates| Test::String(StringTest(templates))))
}

impl StringTest {
    pub(super) fn accepts(&self, text: &str, question: &Question<'_>) -> bool {
        self.0.iter().any(|template| template.matches(text, question))
    }

    /// Whether there is neither a wildcard nor a variable in it.
    pub(super) fn is_fixed(&self) -> bool {
        self.0.iter().all(Template::is_fixed)
    }
}
