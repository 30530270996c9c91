//! Which pages of other sites may ask a bucket through the browsers of their visitors (S3 user guide, "Using
//! cross-origin resource sharing").
//!
//! A browser lets a page read an answer of another site only where the answer says so, and asks beforehand (the preflight)
//! about requests that a form could not make. [`Cors::find`] is the rule that answers both. What a page may do in the end is
//! decided by its credentials, as for everybody else: rules open nothing that is closed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most rules of a bucket (API reference, PutBucketCors).
const MAX_RULES: usize = 100;
/// The longest id of a rule, in characters (API reference, `CORSRule`).
const MAX_ID_CHARACTERS: usize = 255;

/// A method that rules can allow (API reference, `CORSRule`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CorsMethod {
    /// `GET`.
    Get,
    /// `PUT`.
    Put,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `DELETE`.
    Delete,
}

impl CorsMethod {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Get, Self::Put, Self::Head, Self::Post, Self::Delete];

    /// As it stands in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

impl FromStr for CorsMethod {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|method| method.name() == text).ok_or(())
    }
}

/// A text with at most one `*`, which stands for any characters, none too.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorsPattern(String);

impl CorsPattern {
    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is for any text.
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    fn matches(&self, text: &str, same: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        let text = text.as_bytes();
        match self.0.split_once('*') {
            None => same(self.0.as_bytes(), text),
            Some((start, end)) => {
                let (start, end) = (start.as_bytes(), end.as_bytes());
                text.len() >= start.len() + end.len()
                    && same(start, &text[..start.len()])
                    && same(end, &text[text.len() - end.len()..])
            }
        }
    }
}

impl fmt::Display for CorsPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One rule.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CorsRule {
    /// Its id, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The origins of the pages, `https://app.example.org`. Upper and lower case differ.
    pub origins: Vec<CorsPattern>,
    /// What they may ask for.
    pub methods: Vec<CorsMethod>,
    /// The request headers that they may set, in any case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<CorsPattern>,
    /// The response headers that they may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expose: Vec<String>,
    /// How long a browser may remember the answer, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_secs: Option<u32>,
}

/// What a page asks, or is about to.
#[derive(Clone, Copy, Debug)]
pub struct CorsRequest<'a> {
    /// Where the page comes from.
    pub origin: &'a str,
    /// The method, as written.
    pub method: &'a str,
    /// The request headers that it wants to set, separated by commas.
    pub headers: Option<&'a str>,
}

impl<'a> CorsRequest<'a> {
    /// The names of [`CorsRequest::headers`].
    pub fn header_names(&self) -> impl Iterator<Item = &'a str> {
        self.headers.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty())
    }
}

impl CorsRule {
    /// Whether it is for pages from anywhere.
    pub fn is_for_everyone(&self) -> bool {
        self.origins.iter().any(CorsPattern::is_any)
    }

    /// The pattern that lets this request be made.
    fn origin_of(&self, request: CorsRequest<'_>) -> Option<&CorsPattern> {
        let same = |pattern: &[u8], text: &[u8]| pattern == text;
        let origin = self.origins.iter().find(|pattern| pattern.matches(request.origin, same))?;
        let has_method = self.methods.iter().any(|method| method.name() == request.method);
        let is_allowed = |name| self.headers.iter().any(|pattern| pattern.matches(name, <[u8]>::eq_ignore_ascii_case));
        (has_method && request.header_names().all(is_allowed)).then_some(origin)
    }
}

/// The rules of a bucket: one at least, a hundred at most.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cors {
    rules: Vec<CorsRule>,
}

/// What is no set of rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CorsError {
    /// There is no rule, or one lacks its origins or methods.
    Incomplete,
    /// There are more than a hundred.
    TooManyRules,
    /// An id is longer than 255 characters.
    LongId,
    /// More than one `*` in this `AllowedOrigin` or `AllowedHeader`.
    Wildcards {
        /// The element.
        element: &'static str,
        /// Its text.
        text: String,
    },
    /// A `*` in this `ExposeHeader`.
    ExposesWildcard(String),
    /// This can stand in no header, or is no name of one.
    Unusable {
        /// The element.
        element: &'static str,
        /// Its text.
        text: String,
    },
}

impl fmt::Display for CorsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => {
                f.write_str("A CORS configuration has rules, each with AllowedOrigin and AllowedMethod.")
            }
            Self::TooManyRules => {
                write!(f, "The number of CORS rules should not exceed allowed limit of {MAX_RULES} rules.")
            }
            Self::LongId => write!(f, "The ID of a CORS rule has at most {MAX_ID_CHARACTERS} characters."),
            Self::Wildcards { element, text } => write!(f, "{element} \"{text}\" can not have more than one wildcard."),
            Self::ExposesWildcard(text) => write!(
                f,
                "ExposeHeader \"{text}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            ),
            Self::Unusable { element, text } => write!(f, "{element} \"{text}\" can not be used in a header."),
        }
    }
}

impl std::error::Error for CorsError {}

impl Cors {
    /// These rules.
    ///
    /// # Errors
    /// [`CorsError`].
    pub fn new(rules: Vec<CorsRule>) -> Result<Self, CorsError> {
        if rules.is_empty() || rules.iter().any(|rule| rule.origins.is_empty() || rule.methods.is_empty()) {
            return Err(CorsError::Incomplete);
        }
        if rules.len() > MAX_RULES {
            return Err(CorsError::TooManyRules);
        }
        rules.iter().try_for_each(check)?;
        Ok(Self { rules })
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[CorsRule] {
        &self.rules
    }

    /// The first rule that lets this request be made, with the pattern of its origin.
    pub fn find(&self, request: CorsRequest<'_>) -> Option<(&CorsRule, &CorsPattern)> {
        self.rules.iter().find_map(|rule| Some((rule, rule.origin_of(request)?)))
    }
}

impl From<&str> for CorsPattern {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

fn check(rule: &CorsRule) -> Result<(), CorsError> {
    if rule.id.as_ref().is_some_and(|id| id.chars().count() > MAX_ID_CHARACTERS) {
        return Err(CorsError::LongId);
    }
    let unusable = |element, text: &str| CorsError::Unusable { element, text: text.to_owned() };
    for (element, patterns) in [("AllowedOrigin", &rule.origins), ("AllowedHeader", &rule.headers)] {
        for CorsPattern(text) in patterns {
            if text.matches('*').count() > 1 {
                return Err(CorsError::Wildcards { element, text: text.clone() });
            }
            let is_usable = match element {
                "AllowedOrigin" => text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','),
                _ => text.bytes().all(is_token),
            };
            if text.is_empty() || !is_usable {
                return Err(unusable(element, text));
            }
        }
    }
    for text in &rule.expose {
        if text.contains('*') {
            return Err(CorsError::ExposesWildcard(text.clone()));
        }
        if text.is_empty() || !text.bytes().all(is_token) {
            return Err(unusable("ExposeHeader", text));
        }
    }
    Ok(())
}

/// Whether a byte can stand in the name of a header (RFC 9110 section 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
#[path = "cors_tests.rs"]
mod tests;
