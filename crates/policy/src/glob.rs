//! Patterns with `*` (any characters, none too) and `?` (one character), in time that grows with text and pattern and
//! never with their powers.
//!
//! Between two stars stands a part; the first part must open the text, the last must close it, and each between is taken
//! where it first occurs. That is enough: a later occurrence could only leave less text for what follows.

use std::fmt;

/// A piece of a pattern.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Token {
    /// This text.
    Text(String),
    /// `?`: any one character.
    One,
    /// `*`: any characters.
    Many,
}

/// The tokens of `pattern`, in which `*` and `?` have their meaning.
pub(crate) fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['*', '?']) {
        if at > 0 {
            tokens.push(Token::Text(rest[..at].to_owned()));
        }
        tokens.push(if rest.as_bytes()[at] == b'*' { Token::Many } else { Token::One });
        rest = &rest[at + 1..];
    }
    if !rest.is_empty() {
        tokens.push(Token::Text(rest.to_owned()));
    }
    tokens
}

/// Text and single characters in a row.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Part(Vec<Chunk>);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Chunk {
    Text(Box<str>),
    One,
}

impl Part {
    /// What follows this part, where `text` starts with it.
    fn strip_from_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.0.iter().try_fold(text, |rest, chunk| match chunk {
            Chunk::Text(chunk) => rest.strip_prefix(&**chunk),
            Chunk::One => {
                let mut characters = rest.chars();
                characters.next().map(|_| characters.as_str())
            }
        })
    }

    /// What goes before this part, where `text` ends with it.
    fn strip_from_end<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.0.iter().rev().try_fold(text, |rest, chunk| match chunk {
            Chunk::Text(chunk) => rest.strip_suffix(&**chunk),
            Chunk::One => {
                let mut characters = rest.chars();
                characters.next_back().map(|_| characters.as_str())
            }
        })
    }

    /// What follows the first occurrence of this part.
    fn strip_first<'t>(&self, text: &'t str) -> Option<&'t str> {
        if let [Chunk::Text(chunk)] = self.0.as_slice() {
            return text.find(&**chunk).map(|at| &text[at + chunk.len()..]);
        }
        let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        starts.into_iter().find_map(|at| self.strip_from_start(&text[at..]))
    }
}

/// A pattern, ready to be matched.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Glob {
    first: Part,
    /// The parts behind each star; none where there is no star.
    after_stars: Vec<Part>,
}

impl Glob {
    /// The pattern of these tokens.
    pub(crate) fn new(tokens: impl IntoIterator<Item = Token>) -> Self {
        let mut parts = vec![Part::default()];
        for token in tokens {
            match (token, parts.last_mut()) {
                (Token::Many, _) => parts.push(Part::default()),
                (Token::Text(text), Some(part)) => part.0.push(Chunk::Text(text.into())),
                (Token::One, Some(part)) => part.0.push(Chunk::One),
                (Token::Text(_) | Token::One, None) => {}
            }
        }
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or_default();
        Self { first, after_stars: parts.collect() }
    }

    /// The pattern that `pattern` writes.
    pub(crate) fn parse(pattern: &str) -> Self {
        Self::new(tokens(pattern))
    }

    /// Whether the pattern is the whole of `text`.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let Some(rest) = self.first.strip_from_start(text) else { return false };
        let Some((last, between)) = self.after_stars.split_last() else { return rest.is_empty() };
        let Some(rest) = last.strip_from_end(rest) else { return false };
        between.iter().try_fold(rest, |rest, part| part.strip_first(rest)).is_some()
    }

    /// Whether it has neither `*` nor `?`.
    pub(crate) fn is_fixed(&self) -> bool {
        self.after_stars.is_empty() && !self.first.0.contains(&Chunk::One)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in std::iter::once(&self.first).chain(&self.after_stars).enumerate() {
            if at > 0 {
                f.write_str("*")?;
            }
            for chunk in &part.0 {
                f.write_str(match chunk {
                    Chunk::Text(text) => text,
                    Chunk::One => "?",
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};

    use super::*;

    /// The definition, by the book and in no time worth waiting for.
    fn slowly(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => slowly(rest, text) || (!text.is_empty() && slowly(pattern, &text[1..])),
            (Some(('?', pattern)), Some((_, text))) => slowly(pattern, text),
            (Some((wanted, pattern)), Some((found, text))) => wanted == found && slowly(pattern, text),
            _ => false,
        }
    }

    #[test]
    fn patterns_and_texts() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a/b/c", true),
            ("?", "", false),
            ("?", "é", true),
            ("?", "ab", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("ab*ba", "aba", false),
            ("*b*", "abc", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("a?c*e", "abcde", true),
            ("**", "x", true),
            ("*?", "", false),
            ("*?*?*", "ab", true),
            ("*?*?*", "a", false),
            ("*é?", "caféx", true),
            ("reports/*/2026-??.nc", "reports/a/b/2026-07.nc", true),
            ("reports/*/2026-??.nc", "reports/2026-07.nc", false),
        ] {
            assert_eq!(Glob::parse(pattern).matches(text), expected, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn patterns_that_explode_elsewhere_do_not_here() {
        let text = "a".repeat(4096);
        for pattern in [
            "a*".repeat(2000) + "b",
            "*a".repeat(2000) + "*b*",
            "*?a".repeat(1000) + "b",
            "?*".repeat(1500) + "b",
            "*".repeat(8000) + "b",
            "*".to_owned() + &"?".repeat(2000) + "b*",
        ] {
            assert!(!Glob::parse(&pattern).matches(&text));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn it_matches_what_the_definition_does(pattern in "[ab*?]{0,8}", text in "[abé]{0,8}") {
            let (slow_pattern, slow_text): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            assert_eq!(Glob::parse(&pattern).matches(&text), slowly(&slow_pattern, &slow_text));
        }

        #[test]
        fn a_pattern_is_written_as_it_was_read(pattern in "[ab*?/]{0,12}") {
            assert_eq!(Glob::parse(&pattern).to_string(), pattern);
        }
    }
}
