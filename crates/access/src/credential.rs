//! What signs requests: an access key, or a session.

use std::sync::Arc;

use identity::{KeyRecord, Session};
use types::{AccessKeyId, TenancyName, Timestamp, UserName};

/// What signed a request.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An access key, which is good until it is deleted.
    Key(Arc<KeyRecord>),
    /// A session, which ends by itself.
    Session(Arc<Session>),
}

impl Credential {
    /// Its access key.
    pub fn id(&self) -> &AccessKeyId {
        match self {
            Self::Key(key) => &key.info.id,
            Self::Session(session) => &session.info.id,
        }
    }

    /// Its secret, for verifying a signature.
    pub fn secret(&self) -> &str {
        match self {
            Self::Key(key) => key.secret.expose(),
            Self::Session(session) => session.secret.expose(),
        }
    }

    /// Whose it is.
    pub fn owner(&self) -> &UserName {
        match self {
            Self::Key(key) => &key.info.owner,
            Self::Session(session) => &session.info.owner,
        }
    }

    /// When it was given out, where it is temporary.
    pub fn issued(&self) -> Option<Timestamp> {
        match self {
            Self::Key(_) => None,
            Self::Session(session) => Some(session.info.issued),
        }
    }

    /// The tenancy that it is for.
    pub fn tenancy(&self) -> &TenancyName {
        match self {
            Self::Key(key) => &key.info.tenancy,
            Self::Session(session) => &session.info.tenancy,
        }
    }
}
