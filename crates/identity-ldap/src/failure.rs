//! Why a question was not answered.

use identity::IdentityError;
use ldap3::{LdapError, LdapResult};

/// Result codes (RFC 4511 appendix A) that are told apart.
pub(crate) mod code {
    pub(crate) const SUCCESS: u32 = 0;
    pub(crate) const OPERATIONS_ERROR: u32 = 1;
    pub(crate) const TIME_LIMIT_EXCEEDED: u32 = 3;
    pub(crate) const SIZE_LIMIT_EXCEEDED: u32 = 4;
    pub(crate) const ADMIN_LIMIT_EXCEEDED: u32 = 11;
    pub(crate) const NO_SUCH_ATTRIBUTE: u32 = 16;
    pub(crate) const CONSTRAINT_VIOLATION: u32 = 19;
    pub(crate) const ATTRIBUTE_OR_VALUE_EXISTS: u32 = 20;
    pub(crate) const NO_SUCH_OBJECT: u32 = 32;
    pub(crate) const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
    pub(crate) const INVALID_CREDENTIALS: u32 = 49;
    pub(crate) const INSUFFICIENT_ACCESS: u32 = 50;
    pub(crate) const BUSY: u32 = 51;
    pub(crate) const UNAVAILABLE: u32 = 52;
    pub(crate) const UNWILLING_TO_PERFORM: u32 = 53;
    pub(crate) const OBJECT_CLASS_VIOLATION: u32 = 65;
    pub(crate) const ENTRY_ALREADY_EXISTS: u32 = 68;
    pub(crate) const OTHER: u32 = 80;
}

/// Codes of a server that is not able to answer now: another one may be.
const AWAY: [u32; 6] = [
    code::OPERATIONS_ERROR,
    code::TIME_LIMIT_EXCEEDED,
    code::ADMIN_LIMIT_EXCEEDED,
    code::BUSY,
    code::UNAVAILABLE,
    code::OTHER,
];

/// A question was not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No server could be reached, none answered in time, or it was not able to.
    #[error("{0}")]
    Away(String),
    /// The server answered with an error.
    #[error("the server answers: {text}")]
    Refused {
        /// The result code.
        code: u32,
        /// Its name, and what the server says about it.
        text: String,
    },
}

impl Failure {
    /// The failure of a question: nothing is known.
    pub(crate) fn of_question(self) -> IdentityError {
        IdentityError::away(self)
    }

    /// The failure of a change.
    pub(crate) fn of_change(self) -> IdentityError {
        match self {
            Self::Away(_) => IdentityError::away(self),
            Self::Refused { text, .. } => IdentityError::DirectoryRefused { reason: text },
        }
    }
}

/// Refuses every answer but success and those in `also`.
pub(crate) fn succeed(result: LdapResult, also: &[u32]) -> Result<LdapResult, Failure> {
    if result.rc == code::SUCCESS || also.contains(&result.rc) {
        return Ok(result);
    }
    let text = result.to_string();
    if AWAY.contains(&result.rc) { Err(Failure::Away(text)) } else { Err(Failure::Refused { code: result.rc, text }) }
}

impl From<LdapError> for Failure {
    fn from(error: LdapError) -> Self {
        match error {
            LdapError::LdapResult { result } => match succeed(result, &[]) {
                Err(failure) => failure,
                Ok(_) => Self::Away("the library calls success an error".to_owned()),
            },
            LdapError::Timeout { .. } => Self::Away("it did not answer in time".to_owned()),
            LdapError::ResultRecv { .. } | LdapError::OpSend { .. } | LdapError::EndOfStream => {
                Self::Away("the connection was closed".to_owned())
            }
            other => Self::Away(other.to_string()),
        }
    }
}
