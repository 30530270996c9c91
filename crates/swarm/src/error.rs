//! What goes wrong, in words for whoever asked.

use audit::Outcome;
use http::StatusCode;
use identity::IdentityError;
use objects::ObjectError;

/// A request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SwarmError {
    /// Nobody could be told from the request.
    #[error("{0}")]
    Unauthenticated(String),
    /// The person may not.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The path has no such method.
    #[error("{0} is not possible here")]
    MethodNotAllowed(http::Method),
    /// It breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// It is there already, or not as it would have to be.
    #[error("{0}")]
    Conflict(String),
    /// There is nothing here that it could mean.
    #[error("{0}")]
    NotCarried(String),
    /// There were too many wrong passwords.
    #[error("there were too many wrong passwords; the next may be tried in {wait_seconds} seconds")]
    TooManyFailures {
        /// How long it takes until the next is looked at.
        wait_seconds: u64,
    },
    /// The directory or the store failed.
    #[error("the store can not do this now; try again in a minute")]
    Failed(String),
}

impl SwarmError {
    /// What was sent breaks this rule.
    pub(crate) fn invalid(rule: &str) -> Self {
        Self::Invalid(rule.to_owned())
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::NotCarried(_) => StatusCode::NOT_IMPLEMENTED,
            Self::TooManyFailures { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its name in the audit log.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "Unauthenticated",
            Self::Forbidden(_) => "NotAllowed",
            Self::NotFound(_) => "NotFound",
            Self::MethodNotAllowed(_) => "MethodNotAllowed",
            Self::Invalid(_) => "Invalid",
            Self::Conflict(_) => "Conflict",
            Self::NotCarried(_) => "NotCarried",
            Self::TooManyFailures { .. } => "TooManyFailures",
            Self::Failed(_) => "Failed",
        }
    }

    /// How an act ended that failed so.
    pub(crate) const fn outcome(&self) -> Outcome {
        match self {
            Self::Failed(_) => Outcome::Failed,
            _ => Outcome::Refused,
        }
    }
}

impl From<IdentityError> for SwarmError {
    fn from(error: IdentityError) -> Self {
        use IdentityError as E;
        let text = error.to_string();
        match error {
            E::NoSuchTenancy(_) | E::NoSuchKey(_) | E::NoSuchUser(_) => Self::NotFound(text),
            E::NotAllowed { .. } | E::NotOperator { .. } | E::NoRole { .. } | E::Suspended(_) => Self::Forbidden(text),
            E::TenancyExists(_) | E::TenancyHasBuckets { .. } | E::EndpointTaken { .. } | E::Contention => {
                Self::Conflict(text)
            }
            E::WrongMasterKey
            | E::Damaged { .. }
            | E::Storage(_)
            | E::Unknown(_)
            | E::DirectoryAway { .. }
            | E::DirectoryRefused { .. } => Self::Failed(text),
            _ => Self::Invalid(text),
        }
    }
}

impl From<ObjectError> for SwarmError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::NoSuchBucket => Self::NotFound("there is no such bucket".to_owned()),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<metering::MeteringError> for SwarmError {
    fn from(error: metering::MeteringError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<access::Denied> for SwarmError {
    fn from(denied: access::Denied) -> Self {
        Self::Forbidden(denied.to_string())
    }
}
