//! Sessions: who may have one, and with which power.
//!
//! A session never reaches further than what it came from. Made with a key, it is bound by the key's limits for as long
//! as it lives; made with a session, by every policy, role and group of that one, and it ends with it. What it may do is
//! worked out at each request from what its owner may do then ([`Access::principal_for`]).

use identity::{IdentityError, IssuedSession, NewSession, SessionInfo, TenancyGroup};
use policy::{Policy, PolicyError, Role};
use types::{TenancyName, Timestamp, UserName};

use crate::authentication::{Access, AuthenticationError};
use crate::credential::Credential;

/// The shortest and the longest life of a session, in seconds (STS API reference, AssumeRole, with its longest role).
pub const SESSION_SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;
/// The longest policy of a session, in characters (STS API reference, AssumeRole).
pub const MAX_POLICY_CHARS: usize = 2048;
/// The lengths of a session's name (STS API reference, AssumeRole).
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=64;

/// A session that someone asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionRequest {
    /// What its holder calls it.
    pub name: String,
    /// The role above which it is not to reach; the owner's own where absent.
    pub role: Option<Role>,
    /// What it is to be narrowed to: a policy document.
    pub policy: Option<String>,
    /// How long it is to live, in seconds. It lives shorter where what it comes from ends before.
    pub seconds: u64,
}

/// A session was not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SessionError {
    /// Whoever asks may do nothing.
    #[error(transparent)]
    Authentication(#[from] AuthenticationError),
    /// A value breaks a rule.
    #[error("the {what} is not valid: {rule}")]
    Invalid {
        /// Which.
        what: &'static str,
        /// The rule.
        rule: String,
    },
    /// The policy can not be read.
    #[error("the session's policy is not valid: {0}")]
    Policy(PolicyError),
    /// A role that the owner does not hold.
    #[error("role {role} is more than {user} is in tenancy {tenancy}")]
    RoleNotHeld {
        /// The role that was asked for.
        role: Role,
        /// The owner.
        user: UserName,
        /// Where.
        tenancy: TenancyName,
    },
    /// The policies and groups are too large together, or the store failed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// What a session comes from, which bounds it.
struct Origin {
    owner: UserName,
    tenancy: TenancyName,
    parent: Option<SessionInfo>,
    key: Option<types::AccessKeyId>,
    groups: Vec<String>,
    until: Option<Timestamp>,
}

impl Access {
    /// A session for whoever signed a request with `credential`.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn session_from(
        &self,
        credential: &Credential,
        request: SessionRequest,
    ) -> Result<IssuedSession, SessionError> {
        // The credential may have lost its power since it was found.
        self.principal_for(credential, credential.tenancy()).await?;
        let (owner, tenancy) = (credential.owner().clone(), credential.tenancy().clone());
        let origin = match credential {
            Credential::Key(key) => Origin {
                owner,
                tenancy,
                parent: None,
                key: Some(key.info.id.clone()),
                groups: Vec::new(),
                until: key.info.expires,
            },
            Credential::Session(session) => Origin {
                owner,
                tenancy,
                parent: Some(session.info.clone()),
                key: session.info.key.clone(),
                groups: session.info.groups.clone(),
                until: Some(session.info.expires),
            },
        };
        self.session(origin, request).await
    }

    /// A session for a person who has shown who they are, in `tenancy`. `groups` are those that an identity provider
    /// says they are in.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn session_for(
        &self,
        owner: UserName,
        tenancy: TenancyName,
        groups: Vec<String>,
        request: SessionRequest,
    ) -> Result<IssuedSession, SessionError> {
        let groups = vouched_for(groups).collect();
        self.session(Origin { owner, tenancy, parent: None, key: None, groups, until: None }, request).await
    }

    async fn session(&self, origin: Origin, request: SessionRequest) -> Result<IssuedSession, SessionError> {
        check(&request)?;
        let now = self.clock().now();
        let Origin { owner, tenancy, parent, key, groups, until } = origin;
        let (role, role_ends) = self.role_for_session(&owner, &tenancy).await?;
        let cap = parent.as_ref().and_then(|parent| parent.role);
        let held = cap.map_or(role, |cap| role.min(cap));
        if let Some(asked) = request.role.filter(|asked| *asked > held) {
            return Err(SessionError::RoleNotHeld { role: asked, user: owner, tenancy });
        }
        let mut policies = parent.map(|parent| parent.policies).unwrap_or_default();
        if let Some(document) = request.policy {
            policies.push(Policy::parse_for_session(document.as_bytes()).map_err(SessionError::Policy)?);
        }
        let asked = now.plus_secs(request.seconds);
        let expires = [until, role_ends].into_iter().flatten().fold(asked, Timestamp::min);
        let role = request.role.or(cap);
        let name = request.name;
        Ok(self.identity().issue_session(NewSession { owner, tenancy, name, role, key, groups, policies, expires })?)
    }
}

/// What counts of the groups that an identity provider says a person is in: none that follow from roles in tenancies, which
/// nobody else's word makes.
pub(crate) fn vouched_for(groups: impl IntoIterator<Item = String>) -> impl Iterator<Item = String> {
    let follows_from_roles = |group: &String| TenancyGroup::ALL.iter().any(|kind| group.ends_with(kind.suffix()));
    groups.into_iter().filter(move |group| !follows_from_roles(group))
}

fn check(request: &SessionRequest) -> Result<(), SessionError> {
    let invalid = |what, rule: String| Err(SessionError::Invalid { what, rule });
    if !SESSION_SECONDS.contains(&request.seconds) {
        let rule = format!("it must be {} to {} seconds", SESSION_SECONDS.start(), SESSION_SECONDS.end());
        return invalid("duration", rule);
    }
    let is_known = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !NAME_CHARS.contains(&request.name.chars().count()) || !request.name.chars().all(is_known) {
        return invalid("role session name", "it must have 2 to 64 of A-Za-z0-9 _ + = , . @ -".to_owned());
    }
    if request.policy.as_ref().is_some_and(|policy| policy.chars().count() > MAX_POLICY_CHARS) {
        return invalid("policy", format!("it must have at most {MAX_POLICY_CHARS} characters"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
