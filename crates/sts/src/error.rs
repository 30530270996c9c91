//! Errors, as the client sees them (STS API reference, "Common Error Types" and the errors of each action).

use access::{AuthenticationError, SessionError};
use http::StatusCode;
use identity::IdentityError;
use s3_protocol::{ErrorCode, S3Error};

use crate::NAMESPACE;
use crate::xml::element;

/// A code of the API.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Code {
    AccessDenied,
    ExpiredToken,
    ExpiredTokenException,
    IdpCommunicationError,
    IdpRejectedClaim,
    IncompleteSignature,
    InternalFailure,
    InvalidAction,
    InvalidClientTokenId,
    InvalidIdentityToken,
    MalformedPolicyDocument,
    MalformedQueryString,
    MissingAuthenticationToken,
    MissingParameter,
    PackedPolicyTooLarge,
    RequestExpired,
    RequestTooLarge,
    ServiceUnavailable,
    SignatureDoesNotMatch,
    ValidationError,
}

impl Code {
    /// The code as it stands in `Code`, and its HTTP status.
    const fn row(self) -> (&'static str, u16) {
        match self {
            Self::AccessDenied => ("AccessDenied", 403),
            Self::ExpiredToken => ("ExpiredToken", 403),
            Self::ExpiredTokenException => ("ExpiredTokenException", 400),
            Self::IdpCommunicationError => ("IDPCommunicationError", 400),
            Self::IdpRejectedClaim => ("IDPRejectedClaim", 403),
            Self::IncompleteSignature => ("IncompleteSignature", 400),
            Self::InternalFailure => ("InternalFailure", 500),
            Self::InvalidAction => ("InvalidAction", 400),
            Self::InvalidClientTokenId => ("InvalidClientTokenId", 403),
            Self::InvalidIdentityToken => ("InvalidIdentityToken", 400),
            Self::MalformedPolicyDocument => ("MalformedPolicyDocument", 400),
            Self::MalformedQueryString => ("MalformedQueryString", 400),
            Self::MissingAuthenticationToken => ("MissingAuthenticationToken", 403),
            Self::MissingParameter => ("MissingParameter", 400),
            Self::PackedPolicyTooLarge => ("PackedPolicyTooLarge", 400),
            Self::RequestExpired => ("RequestExpired", 400),
            Self::RequestTooLarge => ("RequestEntityTooLarge", 413),
            Self::ServiceUnavailable => ("ServiceUnavailable", 503),
            Self::SignatureDoesNotMatch => ("SignatureDoesNotMatch", 403),
            Self::ValidationError => ("ValidationError", 400),
        }
    }
}

/// An answer that is not a success.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {message}", self.code())]
pub struct StsError {
    code: Code,
    message: String,
    retry_after_seconds: Option<u64>,
}

impl StsError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_seconds: None }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(Code::ValidationError, message)
    }

    /// With the time after which it is worth to ask again.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// A failure of the store itself: logged here with what it was, told without.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request for temporary credentials failed inside the store");
        Self::new(Code::InternalFailure, "The request failed because of an internal error. Try again.")
    }

    /// The code, as it stands in `Code`.
    pub fn code(&self) -> &'static str {
        self.code.row().0
    }

    /// What is wrong and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.row().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Seconds for `Retry-After`.
    pub(crate) const fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_seconds
    }

    /// The document.
    pub(crate) fn to_xml(&self, request_id: &str) -> String {
        let whose = if self.status().is_server_error() { "Receiver" } else { "Sender" };
        element("ErrorResponse", NAMESPACE, |xml| {
            xml.element("Error", |xml| {
                xml.text("Type", whose);
                xml.text("Code", self.code());
                xml.text("Message", &self.message);
            });
            xml.text("RequestId", request_id);
        })
    }
}

impl From<AuthenticationError> for StsError {
    fn from(error: AuthenticationError) -> Self {
        let code = match &error {
            AuthenticationError::UnknownKey | AuthenticationError::InvalidToken => Code::InvalidClientTokenId,
            AuthenticationError::ExpiredToken => Code::ExpiredToken,
            AuthenticationError::OwnerDisabled(_) | AuthenticationError::OwnerWithoutRole { .. } => Code::AccessDenied,
            AuthenticationError::UnknownTenancy | AuthenticationError::NoTenancy => {
                let message = "The request names no tenancy: address it to https://<tenancy>.<domain>, or name the tenancy in \
                               RoleArn: arn:aws:iam::<tenancy>:role/USER.";
                return Self::new(Code::AccessDenied, message);
            }
            AuthenticationError::Identity(error) => return error.clone().into(),
        };
        Self::new(code, sentence(&error))
    }
}

impl From<IdentityError> for StsError {
    fn from(error: IdentityError) -> Self {
        match &error {
            IdentityError::SessionTooLarge { .. } | IdentityError::TooMany { .. } => {
                Self::new(Code::PackedPolicyTooLarge, sentence(&error))
            }
            IdentityError::DirectoryAway { .. } => {
                let message = "The directory of people is away at present. Try again later.";
                Self::new(Code::ServiceUnavailable, message)
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<SessionError> for StsError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Authentication(error) => error.into(),
            SessionError::Identity(error) => error.into(),
            SessionError::Invalid { .. } => Self::validation(sentence(&error)),
            SessionError::Policy(_) => Self::new(Code::MalformedPolicyDocument, sentence(&error)),
            SessionError::RoleNotHeld { .. } => Self::new(Code::AccessDenied, sentence(&error)),
        }
    }
}

/// A signature that does not hold, in the words of this API.
impl From<S3Error> for StsError {
    fn from(error: S3Error) -> Self {
        let code = match error.code() {
            ErrorCode::SignatureDoesNotMatch => Code::SignatureDoesNotMatch,
            ErrorCode::RequestTimeTooSkewed => Code::RequestExpired,
            ErrorCode::InvalidAccessKeyId | ErrorCode::InvalidToken => Code::InvalidClientTokenId,
            ErrorCode::AccessDenied => Code::AccessDenied,
            ErrorCode::InternalError => Code::InternalFailure,
            _ => Code::IncompleteSignature,
        };
        Self::new(code, error.message())
    }
}

/// An error as a sentence.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str().trim_end_matches('.'))
}
