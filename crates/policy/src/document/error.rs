//! Why a document is no policy.

use std::fmt;

/// A document is no policy, or has in it what is not understood: MalformedPolicy. Nothing is ever ignored instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyError {
    /// Where, as in `Statement[2].Condition.StringLke`; empty for the document as a whole.
    pub element: String,
    /// What is wrong there and what would be right.
    pub problem: String,
}

impl PolicyError {
    pub(crate) fn new(element: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { element: element.into(), problem: problem.into() }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element.as_str() {
            "" => write!(f, "The document is no policy: {}", self.problem),
            element => write!(f, "{element}: {}", self.problem),
        }
    }
}

impl std::error::Error for PolicyError {}

/// A [`PolicyError`] on its way out, to which each level adds the name of its element.
#[derive(Debug)]
pub(crate) struct Refusal {
    path: Vec<String>,
    problem: String,
}

impl Refusal {
    /// What is wrong with the element that is being read.
    pub(crate) fn here(problem: impl Into<String>) -> Self {
        Self { path: Vec::new(), problem: problem.into() }
    }

    /// The same, seen from outside the element of this name.
    pub(crate) fn within(mut self, element: impl Into<String>) -> Self {
        self.path.push(element.into());
        self
    }
}

impl From<Refusal> for PolicyError {
    fn from(refusal: Refusal) -> Self {
        let path: Vec<_> = refusal.path.into_iter().rev().collect();
        Self::new(path.join("."), refusal.problem)
    }
}
