//! The parameters of a request: of its query and of its form, together.

use s3_protocol::Query;

use crate::error::{Code, StsError};

/// The parameters of a request. A name that stands in both counts as the query has it.
#[derive(Debug)]
pub struct Parameters {
    query: Query,
    form: Query,
}

impl Parameters {
    /// Reads the query and the form, as they came.
    ///
    /// # Errors
    /// `MalformedQueryString` where one of them is not UTF-8 once decoded or has too many parameters.
    pub fn parse(query: Option<&str>, form: &[u8]) -> Result<Self, StsError> {
        let malformed = || StsError::new(Code::MalformedQueryString, "The parameters can not be read.");
        let form = std::str::from_utf8(form).map_err(|_| malformed())?;
        let parse = |text| Query::parse(text).map_err(|_| malformed());
        Ok(Self { query: parse(query)?, form: parse(Some(form))? })
    }

    /// A parameter, where it is given and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.get_nonempty(name).or_else(|| self.form.get_nonempty(name))
    }

    /// A parameter that must be given.
    ///
    /// # Errors
    /// `MissingParameter`.
    pub fn required(&self, name: &str) -> Result<&str, StsError> {
        self.get(name).ok_or_else(|| {
            StsError::new(Code::MissingParameter, format!("The request must contain the parameter {name}."))
        })
    }

    /// `DurationSeconds`, or `default` where it is not given.
    ///
    /// # Errors
    /// `ValidationError` where it is no number. Its bounds are checked by whoever makes the session.
    pub fn duration_seconds(&self, default: u64) -> Result<u64, StsError> {
        self.get("DurationSeconds").map_or(Ok(default), |text| {
            text.parse().map_err(|_| {
                StsError::validation(format!("DurationSeconds must be a number of seconds, and it is {text:?}."))
            })
        })
    }
}
