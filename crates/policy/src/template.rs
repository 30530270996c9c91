//! Texts of a policy in which wildcards and variables stand (IAM user guide, "IAM policy elements: Variables and tags").

use std::borrow::Cow;

use crate::conditions::keys::{Key, Kind, Value};
use crate::document::Refusal;
use crate::glob::{Glob, Token, tokens};
use crate::question::Question;

/// Whether `${…}` has a meaning: it has in policies of version 2012-10-17, and is plain text in others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Variables {
    Replaced,
    Literal,
}

/// How a text is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Syntax {
    /// As it is.
    Exact,
    /// Without regard to case.
    IgnoringCase,
    /// `*` and `?` have their meaning.
    Pattern,
}

/// The most bytes of a text to compare with: more than the longest bucket and key. Matching a pattern takes at most its
/// length times that of what it is matched with.
pub(crate) const MAX_BYTES: usize = 2048;

/// A text to compare with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Template {
    text: Text,
    ignores_case: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Text {
    /// It is the same for every request.
    Constant(Glob),
    /// Variables stand in it.
    Variable(Vec<Piece>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Token(Token),
    /// What the request has for this key, or what stands in for it. The value counts as it is: a `*` in it is a `*`.
    Value {
        key: Key,
        default: Option<String>,
    },
}

impl Template {
    pub(crate) fn parse(text: &str, syntax: Syntax, variables: Variables) -> Result<Self, Refusal> {
        if text.len() > MAX_BYTES {
            return Err(Refusal::here(format!("a value has at most {MAX_BYTES} bytes")));
        }
        let ignores_case = syntax == Syntax::IgnoringCase;
        let plain = |text: &str| match syntax {
            Syntax::Pattern => tokens(text),
            Syntax::Exact => vec![Token::Text(text.to_owned())],
            Syntax::IgnoringCase => vec![Token::Text(text.to_lowercase())],
        };
        let mut pieces = Vec::new();
        let mut rest = text;
        while let (Variables::Replaced, Some(start)) = (variables, rest.find("${")) {
            pieces.extend(plain(&rest[..start]).into_iter().map(Piece::Token));
            let (variable, after) = rest[start + 2..]
                .split_once('}')
                .ok_or_else(|| Refusal::here(format!("{text:?} has a ${{ without its }}")))?;
            pieces.push(Piece::parse(variable)?);
            rest = after;
        }
        pieces.extend(plain(rest).into_iter().map(Piece::Token));
        let constant = pieces.iter().map(|piece| match piece {
            Piece::Token(token) => Some(token.clone()),
            Piece::Value { .. } => None,
        });
        let text = match constant.collect::<Option<Vec<_>>>() {
            Some(tokens) => Text::Constant(Glob::new(tokens)),
            None => Text::Variable(pieces),
        };
        Ok(Self { text, ignores_case })
    }

    /// Whether it is the whole of `text`. Where a variable in it has no value, it is no text at all.
    pub(crate) fn matches(&self, text: &str, question: &Question<'_>) -> bool {
        let text = if self.ignores_case { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) };
        match &self.text {
            Text::Constant(glob) => glob.matches(&text),
            Text::Variable(pieces) => {
                let tokens = pieces.iter().map(|piece| piece.token(question, self.ignores_case));
                tokens.collect::<Option<Vec<_>>>().is_some_and(|tokens| Glob::new(tokens).matches(&text))
            }
        }
    }

    /// Whether it is one text for every request.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(&self.text, Text::Constant(glob) if glob.is_fixed())
    }

    /// The pattern, where no variable stands in it.
    pub(crate) fn constant(&self) -> Option<&Glob> {
        match &self.text {
            Text::Constant(glob) => Some(glob),
            Text::Variable(_) => None,
        }
    }
}

impl Piece {
    /// What stands between `${` and `}`: a key, with a default behind a comma, or one of `*`, `?` and `$` for itself.
    fn parse(variable: &str) -> Result<Self, Refusal> {
        if matches!(variable, "*" | "?" | "$") {
            return Ok(Self::Token(Token::Text(variable.to_owned())));
        }
        let (name, default) = match variable.split_once(',') {
            Some((name, default)) => (name.trim(), Some(default.trim())),
            None => (variable, None),
        };
        let default = default.map(|quoted| {
            let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            inner.map(str::to_owned).ok_or_else(|| {
                Refusal::here(format!("the default in ${{{variable}}} must stand between single quotes"))
            })
        });
        let key = Key::parse(name).filter(|key| key.kind() != Kind::Texts);
        let key = key.ok_or_else(|| Refusal::here(format!("there is no variable ${{{name}}} here")))?;
        Ok(Self::Value { key, default: default.transpose()? })
    }

    fn token(&self, question: &Question<'_>, ignores_case: bool) -> Option<Token> {
        let (key, default) = match self {
            Self::Token(token) => return Some(token.clone()),
            Self::Value { key, default } => (key, default),
        };
        let value = match key.value(question) {
            Value::Absent => default.clone(),
            value => value.as_text().map(Cow::into_owned),
        };
        value.map(|value| Token::Text(if ignores_case { value.to_lowercase() } else { value }))
    }
}
