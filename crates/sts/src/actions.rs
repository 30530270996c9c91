//! The actions, one file each.

mod assume_role;
mod assume_role_with_ldap_identity;
mod assume_role_with_web_identity;
mod get_caller_identity;
mod get_session_token;

use std::sync::Arc;

use identity::Session;
use policy::Principal;

use crate::caller::Call;
use crate::error::{Code, StsError};

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// A session of the caller's own, narrowed.
    AssumeRole,
    /// A session for a name and password of the directory.
    AssumeRoleWithLdapIdentity,
    /// A session for an ID token of an identity provider.
    AssumeRoleWithWebIdentity,
    /// Who the caller is.
    GetCallerIdentity,
    /// A session with all that the caller's key may.
    GetSessionToken,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 5] = [
        Self::AssumeRole,
        Self::AssumeRoleWithLdapIdentity,
        Self::AssumeRoleWithWebIdentity,
        Self::GetCallerIdentity,
        Self::GetSessionToken,
    ];

    /// The name, as it stands in `Action`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AssumeRole => "AssumeRole",
            Self::AssumeRoleWithLdapIdentity => "AssumeRoleWithLDAPIdentity",
            Self::AssumeRoleWithWebIdentity => "AssumeRoleWithWebIdentity",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::GetSessionToken => "GetSessionToken",
        }
    }

    /// The action of this name.
    ///
    /// # Errors
    /// `InvalidAction`.
    pub(crate) fn parse(name: &str) -> Result<Self, StsError> {
        Self::ALL.into_iter().find(|action| action.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            StsError::new(Code::InvalidAction, format!("There is no action {name:?} here. There are {known}."))
        })
    }
}

/// An answer: the document, who was answered, and the session that was made for them, if one was.
pub(crate) struct Answer {
    pub(crate) document: String,
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) session: Option<Arc<Session>>,
}

/// Does what is asked.
///
/// # Errors
/// [`StsError`].
pub(crate) async fn perform(call: &Call<'_>) -> Result<Answer, StsError> {
    match call.action {
        Action::AssumeRole => assume_role::perform(call).await,
        Action::AssumeRoleWithLdapIdentity => assume_role_with_ldap_identity::perform(call).await,
        Action::AssumeRoleWithWebIdentity => assume_role_with_web_identity::perform(call).await,
        Action::GetCallerIdentity => get_caller_identity::perform(call).await,
        Action::GetSessionToken => get_session_token::perform(call).await,
    }
}
