//! What a statement is about: `Resource` and `NotResource`, as AWS's ARNs and as Swarm's paths.

use super::Refusal;
use super::json::Json;
use crate::glob::Glob;
use crate::question::Question;

/// What an ARN of S3 begins with.
const ARN: &str = "arn:aws:s3:::";
/// The most bytes of one resource: the longest bucket and key and what goes before.
const MAX_BYTES: usize = 1300;

/// One resource, as a policy names it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Pattern {
    /// `*`
    Everything,
    /// `arn:aws:s3:::bucket/key`: the pattern of `bucket/key`.
    Arn(Glob),
    /// `/key` or `/bucket/key`: the pattern of either.
    Path(Glob),
}

/// The element `Resource` or `NotResource`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Resources {
    patterns: Vec<Pattern>,
    inverted: bool,
}

impl Resources {
    pub(super) fn parse(element: &Json, inverted: bool) -> Result<Self, Refusal> {
        let patterns = element.texts()?.into_iter().map(Pattern::parse);
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()?, inverted })
    }

    pub(crate) fn include(&self, question: &Question<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(question)) != self.inverted
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_BYTES {
            return Err(Refusal::here(format!("a resource has at most {MAX_BYTES} bytes")));
        }
        match text.strip_prefix(ARN) {
            _ if text == "*" => Ok(Self::Everything),
            Some("") => Err(Refusal::here(format!("{text:?} names no bucket"))),
            Some(path) => Ok(Self::Arn(Glob::parse(path))),
            None if text.starts_with("arn:") => {
                Err(Refusal::here(format!("{text:?} is no resource of S3: write {ARN}BUCKET or {ARN}BUCKET/KEY")))
            }
            None => Ok(Self::Path(Glob::parse(text.strip_prefix('/').unwrap_or(text)))),
        }
    }

    fn matches(&self, question: &Question<'_>) -> bool {
        match self {
            Self::Everything => true,
            Self::Arn(pattern) => pattern.matches(question.path()),
            Self::Path(pattern) => {
                let whole = question.path();
                let (bucket, key) = whole.split_once('/').unwrap_or((whole, ""));
                pattern.matches(key)
                    || pattern.matches(whole)
                    || (key.is_empty() && pattern.matches(&[bucket, "/"].concat()))
            }
        }
    }
}
