//! Query parameters, decoded once.

use crate::{ErrorCode, S3Error, percent};

/// The parameters of a query, in the order in which they came.
///
/// Names and values are percent-decoded, `+` is a space. Where a name comes twice, the first one counts for
/// [`Query::get`]; [`Query::iter`] shows both.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query {
    pairs: Vec<Pair>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Pair {
    name: String,
    value: Option<String>,
}

impl Query {
    /// The most parameters of one query: S3 has no request with nearly as many.
    const MAX_PARAMETERS: usize = 256;

    /// Reads a raw query, without its `?`. Empty parameters (`a&&b`) are dropped.
    ///
    /// # Errors
    /// `InvalidURI` where a name or value is not UTF-8 once decoded, or where there are too many parameters.
    pub fn parse(raw: Option<&str>) -> Result<Self, S3Error> {
        let mut pairs = Vec::new();
        for piece in raw.unwrap_or_default().split('&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == Self::MAX_PARAMETERS {
                return Err(S3Error::new(ErrorCode::InvalidURI).with_message("The query has too many parameters."));
            }
            let (name, value) = match piece.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (piece, None),
            };
            let decode = |text: &str| {
                let decoded = percent::decode_query(text).ok_or_else(|| S3Error::new(ErrorCode::InvalidURI))?;
                Ok::<_, S3Error>(decoded.into_owned())
            };
            pairs.push(Pair { name: decode(name)?, value: value.map(decode).transpose()? });
        }
        Ok(Self { pairs })
    }

    /// The first value of `name`; empty for a bare `?name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|pair| pair.name == name).map(Pair::value)
    }

    /// The first value of `name` where it is not empty.
    pub fn get_nonempty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The first value of a parameter whose name is `name` in any case.
    pub(crate) fn first_of_any_case(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|pair| pair.name.eq_ignore_ascii_case(name)).map(Pair::value)
    }

    /// Whether `name` is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every name and value; a bare name has the value `None`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.pairs.iter().map(|pair| (pair.name.as_str(), pair.value.as_deref()))
    }
}

impl Pair {
    fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_kept_in_order() {
        let query = Query::parse(Some("prefix=a%2Fb+c&acl&empty=&prefix=second&&x=1=2")).expect("a query");
        let pairs: Vec<_> = query.iter().collect();
        assert_eq!(
            pairs,
            [
                ("prefix", Some("a/b c")),
                ("acl", None),
                ("empty", Some("")),
                ("prefix", Some("second")),
                ("x", Some("1=2"))
            ]
        );
        assert_eq!(query.get("prefix"), Some("a/b c"));
        assert_eq!(query.get("acl"), Some(""));
        assert_eq!(query.get_nonempty("empty"), None);
        assert!(!query.has("b"));
        assert_eq!(Query::parse(None), Ok(Query::default()));
    }

    #[test]
    fn bad_text_and_too_many_are_refused() {
        let many = vec!["a=b"; Query::MAX_PARAMETERS + 1].join("&");
        for raw in ["a=%ff", "%c3=1", many.as_str()] {
            assert_eq!(Query::parse(Some(raw)).expect_err(raw).code(), ErrorCode::InvalidURI);
        }
    }
}
