//! Policies: JSON documents in AWS's dialect and in Swarm's.
//!
//! [`Policy::parse`] reads a document once, and from then on it is asked. Each element is read by its form, so that one
//! document may have both dialects: actions with `s3:` before them are AWS's and those without are Swarm's; principals go
//! by their kind (`AWS`, `CanonicalUser`; `user`, `group`, `anonymous`); resources are ARNs or paths. What is in the
//! document and not understood is a [`PolicyError`] that names it. `docs/policies.md` says what each element means.

mod error;
pub(crate) mod json;
pub(crate) mod principals;
mod public;
pub(crate) mod resources;
pub(crate) mod statement;

use std::fmt;
use std::sync::Arc;

pub use error::PolicyError;
pub use statement::{Effect, Miss};

pub(crate) use error::Refusal;
use json::Json;
use principals::Who;
use statement::{For, Statement};
use types::BucketName;

use crate::question::Question;
use crate::template::Variables;

/// The version of the policy language that has variables.
const WITH_VARIABLES: &str = "2012-10-17";

/// A policy, read and understood. Cheap to clone.
#[derive(Clone)]
pub struct Policy(Arc<Parsed>);

struct Parsed {
    document: Box<str>,
    statements: Vec<Statement>,
    is_public: bool,
    variables: Variables,
}

/// A statement of a policy, as reasons name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatementName {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its `Sid`, where it has one.
    pub sid: Option<Arc<str>>,
}

impl fmt::Display for StatementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sid {
            Some(sid) if !sid.is_empty() => write!(f, "Statement[{}] {sid:?}", self.index),
            _ => write!(f, "Statement[{}]", self.index),
        }
    }
}

impl Policy {
    /// The most bytes of a document (user guide, "Bucket policies": 20 KB).
    pub const MAX_BYTES: usize = 20 * 1024;
    /// The most statements of a document: far more than fit with anything said in them.
    pub const MAX_STATEMENTS: usize = 500;

    /// Reads the policy of a bucket.
    ///
    /// # Errors
    /// [`PolicyError`] names the element that is not understood.
    pub fn parse(document: &[u8]) -> Result<Self, PolicyError> {
        Self::parse_for(document, For::Bucket)
    }

    /// Reads the policy of a session: one without principals.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn parse_for_session(document: &[u8]) -> Result<Self, PolicyError> {
        Self::parse_for(document, For::Session)
    }

    fn parse_for(document: &[u8], whose: For) -> Result<Self, PolicyError> {
        if document.len() > Self::MAX_BYTES {
            return Err(PolicyError::new("", format!("it has more than {} bytes", Self::MAX_BYTES)));
        }
        let text = std::str::from_utf8(document).map_err(|error| PolicyError::new("", error.to_string()))?;
        let json = Json::parse(document)?;
        let elements = json.object().map_err(PolicyError::from)?;
        let version = elements.iter().find(|(name, _)| name == "Version").map(|(_, version)| version);
        let variables = match version {
            Some(Json::Text(version)) if version == WITH_VARIABLES => Variables::Replaced,
            _ => Variables::Literal,
        };
        let mut statements = None;
        for (name, value) in elements {
            let read = match name.as_str() {
                "Version" => value.text().and_then(check_version),
                "Id" => value.text().map(|_| ()),
                "Statement" => parse_statements(value, whose, variables).map(|parsed| statements = Some(parsed)),
                _ => Err(Refusal::here("a policy has no such element")),
            };
            read.map_err(|refusal| match name.as_str() {
                "Statement" => PolicyError::from(refusal),
                name => PolicyError::from(refusal.within(name)),
            })?;
        }
        let statements = statements.ok_or_else(|| PolicyError::new("", "it has no Statement"))?;
        let is_public = public::any_is_public(&statements);
        Ok(Self(Arc::new(Parsed { document: text.into(), statements, is_public, variables })))
    }

    /// The document, byte for byte as it was given.
    pub fn document(&self) -> &str {
        &self.0.document
    }

    /// Whether it tells new keys from objects that are there, so that `Facts::existence` should be known for PutObject.
    pub fn asks_for_existence(&self) -> bool {
        self.0.statements.iter().any(|statement| statement.actions.asks_for_existence())
    }

    /// Whether each resource that it names could be `bucket` or something in it. A policy of a bucket that names others is
    /// refused, as AWS does.
    ///
    /// # Errors
    /// [`PolicyError`] names the statement and the resource.
    pub fn check_resources(&self, bucket: &BucketName) -> Result<(), PolicyError> {
        let stray = self.0.statements.iter().enumerate().find_map(|(index, statement)| {
            statement.resources.stray(bucket).map(|resource| (index, statement.resources.name(), resource))
        });
        match stray {
            None => Ok(()),
            Some((index, element, resource)) => Err(PolicyError::new(
                format!("Statement[{index}].{element}"),
                format!("{resource:?} is neither the bucket {bucket} nor anything in it"),
            )),
        }
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.0.statements
    }

    /// Everybody whom it names, in `Principal` and in `NotPrincipal`.
    pub(crate) fn who(&self) -> impl Iterator<Item = &Who> {
        self.0
            .statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(|principals| &principals.who)
    }

    /// Whether `${…}` has a meaning in it.
    pub(crate) fn has_variables(&self) -> bool {
        self.0.variables == Variables::Replaced
    }

    /// The first statement with this effect that applies.
    pub(crate) fn find(&self, effect: Effect, question: &Question<'_>) -> Option<StatementName> {
        let mut statements = self.0.statements.iter().enumerate().filter(|(_, statement)| statement.effect == effect);
        statements
            .find(|(_, statement)| statement.misses(question).is_none())
            .map(|(index, statement)| StatementName { index, sid: statement.sid.clone() })
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.document() == other.document()
    }
}

impl Eq for Policy {}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(&self.document()).finish()
    }
}

/// The versions are dates. Those of AWS are 2008-10-17 and 2012-10-17; Swarm's samples have others.
fn check_version(version: &str) -> Result<(), Refusal> {
    let is_date = version.len() == 10
        && version
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if is_date { Ok(()) } else { Err(Refusal::here("it must be 2012-10-17 or 2008-10-17")) }
}

fn parse_statements(json: &Json, whose: For, variables: Variables) -> Result<Vec<Statement>, Refusal> {
    let items = json.items();
    if items.len() > Policy::MAX_STATEMENTS {
        return Err(Refusal::here(format!("there are more than {}", Policy::MAX_STATEMENTS)).within("Statement"));
    }
    let parsed = items.iter().enumerate().map(|(index, item)| {
        Statement::parse(item, whose, variables).map_err(|refusal| refusal.within(format!("Statement[{index}]")))
    });
    parsed.collect()
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
