//! `ArnEquals` and `ArnLike`, which mean the same: each of the six parts of an ARN is matched by itself, so that no `*`
//! reaches over a colon.

use super::Test;
use crate::document::Refusal;
use crate::question::Question;
use crate::template::{Syntax, Template, Variables};

/// How many parts an ARN has. Colons after the fifth belong to the last.
const PARTS: usize = 6;

/// The ARNs that are accepted.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct ArnTest(Vec<Vec<Template>>);

pub(super) fn parse(operator: &str, values: &[&str], variables: Variables) -> Option<Result<Test, Refusal>> {
    if !matches!(operator, "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike") {
        return None;
    }
    let arns = values.iter().map(|value| {
        let parts = split(value);
        if parts.len() != PARTS {
            return Err(Refusal::here(format!("{value:?} is no ARN: it has {PARTS} parts with colons between them")));
        }
        parts.into_iter().map(|part| Template::parse(part, Syntax::Pattern, variables)).collect()
    });
    Some(arns.collect::<Result<_, _>>().map(|arns| Test::Arn(ArnTest(arns))))
}

/// The parts between the first five colons; those inside `${…}` do not count.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut in_variable) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        match character {
            '{' if text[..at].ends_with('$') => in_variable = true,
            '}' => in_variable = false,
            ':' if !in_variable && parts.len() < PARTS - 1 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

impl ArnTest {
    pub(super) fn accepts(&self, arn: &str, question: &Question<'_>) -> bool {
        let parts: Vec<_> = arn.splitn(PARTS, ':').collect();
        let accepts = |templates: &Vec<Template>| {
            parts.len() == PARTS
                && templates.iter().zip(&parts).all(|(template, part)| template.matches(part, question))
        };
        self.0.iter().any(accepts)
    }

    /// Whether there is neither a wildcard nor a variable in it.
    pub(super) fn is_fixed(&self) -> bool {
        self.0.iter().flatten().all(Template::is_fixed)
    }
}
