//! What goes wrong, as a page that says what to do. A handler answers with the [`PageError`] alone; [`layer`] makes the page of
//! it, for which it needs to know who looks at it.

use askama::Template;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use identity::IdentityError;
use notify::NotifyError;
use objects::ObjectError;

use crate::audited::NotDone;
use crate::page::{Layout, Part, View, page_with};

/// Why there is not the page that was asked for.
#[derive(Clone, Debug)]
pub(crate) enum PageError {
    /// There is none, or not for this person: which of them is not told.
    NotFound,
    /// The person may not do this.
    NotAllowed,
    /// What was filled in is not as it must be.
    Refused(String),
    /// The form does not come from a page of ours, or from one that was shown before logging in anew.
    FormForged,
    /// The form is larger than any of ours.
    FormTooLarge,
    /// The form lacks a field.
    FormUnreadable(String),
    /// The directory, the engine, or whatever else failed.
    Failed(String),
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    layout: Layout,
    title: &'a str,
    text: &'a str,
}

/// What [`layer`] finds, and makes the page of.
impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Makes a page of the error that a handler, or what it takes from a request, answered with. Headers that go with it, such as
/// cookies, stay.
pub(crate) async fn layer(view: View, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<PageError>() {
        Some(error) => {
            let mut page = error.answer(&view);
            page.headers_mut().extend(std::mem::take(response.headers_mut()));
            page
        }
        None => response,
    }
}

impl PageError {
    /// The page that says so.
    pub(crate) fn answer(&self, view: &View) -> Response {
        let (status, title, text) = self.words();
        // The head is that of whom the browser claims to be: it said so itself.
        let user = view.login_token().map(|token| token.user().to_string());
        let page = ErrorPage { layout: Layout { user, ..view.layout(None, Part::Other, title) }, title, text };
        let mut response = page_with(status, &page);
        response.extensions_mut().insert(NotDone(self.name()));
        response
    }

    /// A rule forbids it, in the rule's words.
    pub(crate) fn refused(error: &impl ToString) -> Self {
        let text = error.to_string();
        let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
        Self::Refused(format!("{}{rest}.", first.to_uppercase()))
    }

    /// Its name in the audit log.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::NotAllowed => "NotAllowed",
            Self::Refused(_) => "Refused",
            Self::FormForged => "FormForged",
            Self::FormTooLarge => "FormTooLarge",
            Self::FormUnreadable(_) => "FormUnreadable",
            Self::Failed(_) => "Failed",
        }
    }

    fn words(&self) -> (StatusCode, &str, &str) {
        match self {
            Self::NotFound => {
                let text = "There is no such page, or it is not for you. Perhaps your role there has ended.";
                (StatusCode::NOT_FOUND, "Not found", text)
            }
            Self::NotAllowed => (
                StatusCode::FORBIDDEN,
                "Not allowed",
                "Your role does not let you do this. Ask the bucket's owner, or a manager of the object store.",
            ),
            Self::Refused(text) => (StatusCode::BAD_REQUEST, "That did not work", text),
            Self::FormForged => {
                let text = "This form was shown before you logged in anew, or did not come from this portal. Nothing \
                            was changed. Go back, load the page again, and repeat what you did.";
                (StatusCode::FORBIDDEN, "Please repeat that", text)
            }
            Self::FormTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too much text", "The form is larger than 128 KiB."),
            Self::FormUnreadable(text) => (StatusCode::BAD_REQUEST, "That did not work", text),
            Self::Failed(error) => {
                tracing::error!(error, "a page failed");
                let text = "Something failed here. Please try again in a minute; if it goes on, tell the operators.";
                (StatusCode::SERVICE_UNAVAILABLE, "Something failed", text)
            }
        }
    }
}

impl From<IdentityError> for PageError {
    fn from(error: IdentityError) -> Self {
        use IdentityError as E;
        match error {
            E::NoSuchTenancy(_) | E::NoSuchKey(_) | E::NoSuchRequest(_) => Self::NotFound,
            E::NotAllowed { .. } | E::NotOperator { .. } => Self::NotAllowed,
            E::WrongMasterKey | E::Damaged { .. } | E::Storage(_) | E::Unknown(_) | E::DirectoryAway { .. } => {
                Self::Failed(error.to_string())
            }
            other => Self::refused(&other),
        }
    }
}

impl From<ObjectError> for PageError {
    fn from(error: ObjectError) -> Self {
        use ObjectError as E;
        match error {
            E::NoSuchBucket | E::NoSuchKey | E::NoSuchVersion | E::DeleteMarker { .. } => Self::NotFound,
            E::BucketNotEmpty => {
                Self::Refused("The bucket still holds objects, versions or uploads in progress.".to_owned())
            }
            E::BucketAlreadyOwnedByYou | E::BucketAlreadyExists { .. } => {
                Self::Refused("There is a bucket of this name already.".to_owned())
            }
            E::InvalidRequest(_)
            | E::InvalidArgument(_)
            | E::TooManyBuckets
            | E::PublicAccessBlocked(_)
            | E::AccessControlListNotSupported
            | E::InvalidBucketAclWithObjectOwnership
            | E::EntityTooLarge
            | E::QuotaExceeded(_) => Self::refused(&error),
            E::Payload(_) => {
                Self::FormUnreadable("The upload broke off before its end: nothing was stored.".to_owned())
            }
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<NotifyError> for PageError {
    fn from(error: NotifyError) -> Self {
        match error {
            NotifyError::Identity(error) => error.into(),
            NotifyError::NoSuchEntry(_) => Self::NotFound,
            NotifyError::Contention | NotifyError::NoMailServer => Self::refused(&error),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<audit::AuditError> for PageError {
    fn from(error: audit::AuditError) -> Self {
        Self::Failed(format!("the audit log: {error}"))
    }
}

impl From<metering::MeteringError> for PageError {
    fn from(error: metering::MeteringError) -> Self {
        Self::Failed(format!("the history of use: {error}"))
    }
}

impl From<access::Denied> for PageError {
    fn from(_: access::Denied) -> Self {
        Self::NotAllowed
    }
}
