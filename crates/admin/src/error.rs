//! Errors as they travel: what is wrong, and what to do.

use access::{AuthenticationError, Denied};
use audit::AuditError;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use identity::IdentityError;
use metering::MeteringError;
use notify::NotifyError;
use objects::ObjectError;
use serde::{Deserialize, Serialize};
use types::{BucketName, TenancyName};

/// The body of every answer that is not a success.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong, for programs and for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// A name that stays the same, as in `NoSuchTenancy`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do; empty where there is no advice.
    #[serde(default)]
    pub hint: String,
}

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    detail: ErrorDetail,
}

impl ApiError {
    fn new(status: StatusCode, code: &str, message: impl ToString, hint: &str) -> Self {
        let detail = ErrorDetail { code: code.to_owned(), message: message.to_string(), hint: hint.to_owned() };
        Self { status, detail }
    }

    pub(crate) fn invalid(message: impl ToString, hint: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message, hint)
    }

    pub(crate) fn busy(message: impl ToString) -> Self {
        Self::new(StatusCode::CONFLICT, "Busy", message, "Wait until it ends, or stop it.")
    }

    pub(crate) fn no_such_bucket(tenancy: &TenancyName, bucket: &BucketName) -> Self {
        let message = format!("there is no bucket {bucket} in tenancy {tenancy}");
        Self::new(
            StatusCode::NOT_FOUND,
            "NoSuchBucket",
            message,
            "See those there are with: commonhold admin usage TENANCY",
        )
    }

    pub(crate) fn no_policy(bucket: &BucketName) -> Self {
        let hint = "See how one begins with: commonhold admin policy preset";
        Self::new(StatusCode::NOT_FOUND, "NoSuchBucketPolicy", format!("bucket {bucket} has no policy"), hint)
    }

    /// What was asked for ended, and the audit log does not have it.
    pub(crate) fn unrecorded(error: &AuditError) -> Self {
        let message = format!("the change may have been made, but it could not be recorded: {error}");
        let hint = "Look at how it is now, and at the server's log.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "NotRecorded", message, hint)
    }

    pub(crate) fn no_such_call() -> Self {
        let hint = "Use a commonhold program of the server's version.";
        Self::new(StatusCode::NOT_FOUND, "NoSuchCall", "the server does not know this call", hint)
    }

    fn internal(error: impl ToString) -> Self {
        let message = error.to_string();
        tracing::error!(error = message, "an administrative request failed");
        let hint = "The server's log has more. Nothing or only a part may have been done: look, then try again.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message, hint)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, axum::Json(ErrorBody { error: self.detail })).into_response()
    }
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        use IdentityError as E;
        const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
        const CONFLICT: StatusCode = StatusCode::CONFLICT;
        let (status, code, hint) = match &error {
            E::NoSuchTenancy(_) => {
                (NOT_FOUND, "NoSuchTenancy", "See those there are with: commonhold admin tenancy list")
            }
            E::NoSuchUser(_) => (NOT_FOUND, "NoSuchUser", "See those there are with: commonhold admin user list"),
            E::NoSuchKey(_) => (NOT_FOUND, "NoSuchKey", "See those there are with: commonhold admin key list"),
            E::NoRole { .. } => {
                (CONFLICT, "NoRole", "Grant one with: commonhold admin role grant TENANCY USER USER|DEPUTY|MANAGER")
            }
            E::TenancyExists(_) => {
                (CONFLICT, "TenancyExists", "Change it with: commonhold admin tenancy set, or choose another name.")
            }
            E::TenancyHasBuckets { .. } => {
                (CONFLICT, "TenancyHasBuckets", "Delete its buckets first, with any S3 client.")
            }
            E::EndpointTaken { .. } => {
                (CONFLICT, "EndpointTaken", "A host name serves one tenancy: take it from the other first.")
            }
            E::NoSuchRequest(_) => {
                (NOT_FOUND, "NoSuchRequest", "See those there are with: commonhold admin request list")
            }
            E::NotAllowed { .. } | E::NotOperator { .. } => (StatusCode::FORBIDDEN, "NotAllowed", ""),
            E::Suspended(_) => (CONFLICT, "Suspended", "Lift it with: commonhold admin user reactivate USER"),
            E::NotSuspended(_) => (CONFLICT, "NotSuspended", ""),
            E::RequestOpen(_) => (CONFLICT, "RequestOpen", "Wait for its decision, or withdraw it."),
            E::RequestState { .. } => (CONFLICT, "RequestState", "See it with: commonhold admin request show REQUEST"),
            E::RoleHeld { .. } => (CONFLICT, "RoleHeld", "A role can be asked for again in its last 65 days."),
            E::JoiningClosed(_) => (CONFLICT, "JoiningClosed", "Ask its managers to grant the role."),
            E::TenancyEnded(_) => {
                (CONFLICT, "TenancyEnded", "Set another end with: commonhold admin tenancy set --ends")
            }
            E::TooOften { .. } => (StatusCode::TOO_MANY_REQUESTS, "TooOften", "Try again tomorrow."),
            E::UserExists(_) => (CONFLICT, "UserExists", "Choose another name."),
            E::KeyExists(_) => (CONFLICT, "KeyExists", "Delete it first, or let the server choose the id."),
            E::Invalid { .. } => (StatusCode::BAD_REQUEST, "InvalidRequest", ""),
            E::TooMany { .. } => (CONFLICT, "TooMany", "Delete those that are no longer used."),
            E::DirectoryAway { .. } => {
                let hint = "See what fails with: commonhold admin directory check";
                (StatusCode::SERVICE_UNAVAILABLE, "DirectoryAway", hint)
            }
            E::DirectoryRefused { .. } => (CONFLICT, "DirectoryRefused", "Let the service account do it."),
            E::SessionTooLarge { .. } => (StatusCode::BAD_REQUEST, "SessionTooLarge", "Give it a shorter policy."),
            E::Contention => (CONFLICT, "Contention", "Look at how it is now, and try again."),
            E::WrongMasterKey | E::Damaged { .. } | E::Storage(_) | E::Unknown(_) => return Self::internal(error),
        };
        Self::new(status, code, error, hint)
    }
}

impl From<AuditError> for ApiError {
    fn from(error: AuditError) -> Self {
        Self::internal(error)
    }
}

impl From<MeteringError> for ApiError {
    fn from(error: MeteringError) -> Self {
        Self::internal(error)
    }
}

impl From<NotifyError> for ApiError {
    fn from(error: NotifyError) -> Self {
        match error {
            NotifyError::Identity(error) => error.into(),
            NotifyError::NoSuchEntry(_) => {
                let hint = "See those there are with: commonhold admin inbox list";
                Self::new(StatusCode::NOT_FOUND, "NoSuchEntry", error, hint)
            }
            NotifyError::NoMailServer => {
                Self::new(StatusCode::CONFLICT, "NoMailServer", error, "Set mail.server, and restart the server.")
            }
            NotifyError::Mail(_) => {
                let hint = "See docs/notifications.md for the settings of [mail].";
                Self::new(StatusCode::CONFLICT, "MailRefused", error, hint)
            }
            NotifyError::Contention => {
                Self::new(StatusCode::CONFLICT, "Contention", error, "Look at how it is now, and try again.")
            }
            NotifyError::Storage(_) | NotifyError::Unknown(_) | NotifyError::Damaged { .. } | NotifyError::Text(_) => {
                Self::internal(error)
            }
        }
    }
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::PreconditionFailed { .. } => {
                let hint = "Somebody changed it meanwhile: read it again, and put your change into that.";
                Self::new(StatusCode::CONFLICT, "PreconditionFailed", error, hint)
            }
            ObjectError::PublicAccessBlocked(_) => {
                let hint = "The owner or a manager can take the block off: DeletePublicAccessBlock.";
                Self::new(StatusCode::CONFLICT, "PublicAccessBlocked", error, hint)
            }
            error => Self::internal(error),
        }
    }
}

impl From<AuthenticationError> for ApiError {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Identity(error) => error.into(),
            other => Self::new(StatusCode::CONFLICT, "NotAllowed", other, ""),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::new(StatusCode::FORBIDDEN, "NotAllowed", denied, "")
    }
}
