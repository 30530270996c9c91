//! What goes wrong between here and an endpoint.

use std::io;

use http::StatusCode;

/// A call was not answered as it was meant.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The endpoint is not understood.
    #[error("{0:?} is no endpoint: write http://HOST[:PORT] or https://HOST[:PORT]")]
    Endpoint(String),
    /// The endpoint can not be reached.
    #[error("no connection to {authority}: {error}")]
    Connect {
        /// Which.
        authority: String,
        /// Why not.
        error: io::Error,
    },
    /// The endpoint shows a certificate that is not believed.
    #[error(
        "the certificate of {authority} is not trusted ({problem}): give the PEM file of the authority that signed it, or \
         address the endpoint by a name that stands in its certificate"
    )]
    Certificate {
        /// Whose.
        authority: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The connection broke, or what came is not HTTP.
    #[error("the endpoint broke off: {0}")]
    Http(#[from] hyper::Error),
    /// A request can not be written.
    #[error("a request can not be written: {0}")]
    Request(#[from] http::Error),
    /// Nothing came for long.
    #[error("the endpoint said nothing for {0} seconds")]
    Stalled(u64),
    /// What streams through did not come whole.
    #[error("a body broke off: {0}")]
    Body(String),
    /// The endpoint refuses.
    #[error("{what} was answered with {status} {code}: {message}")]
    Refused {
        /// Which call.
        what: String,
        /// The status.
        status: StatusCode,
        /// The code of S3's error document, where there was one.
        code: String,
        /// Its words, or the start of the body.
        message: String,
    },
    /// An answer is no document of S3.
    #[error("{what} was answered with a document that can not be read: {problem}")]
    Document {
        /// Which call.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl ClientError {
    /// The status and the code of a refusal.
    pub fn refusal(&self) -> Option<(StatusCode, &str)> {
        match self {
            Self::Refused { status, code, .. } => Some((*status, code)),
            _ => None,
        }
    }

    /// Whether the same call may go well later: what broke off, and what the endpoint says of itself.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => {
                let says_so = matches!(code.as_str(), "RequestTimeout" | "SlowDown" | "OperationAborted" | "BadDigest");
                status.is_server_error() && *status != StatusCode::NOT_IMPLEMENTED
                    || *status == StatusCode::TOO_MANY_REQUESTS
                    || says_so
            }
            Self::Connect { .. } | Self::Http(_) | Self::Stalled(_) | Self::Body(_) => true,
            Self::Endpoint(_) | Self::Certificate { .. } | Self::Request(_) | Self::Document { .. } => false,
        }
    }
}
