//! [`Access`]: who a request is, in which tenancy, and what it may do.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use identity::{Identity, IdentityError, KeyRecord, Session, Standing, TenancyGroup, UserStatus};
use policy::{Caller, DefaultPolicy, Facts, Principal, Resource, Role};
use types::{AccessKeyId, Clock, TenancyName, Timestamp, UserName};

use crate::credential::Credential;
use crate::grant::{ActionType, Denied, Grant, Target, TenancyTarget, authorize};
use crate::host::{self, Domains, HostTarget, NamedTenancy};
use crate::log_in::Failures;
use crate::session::vouched_for;

/// A request is nobody's that could be told.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// There is no such key, or no longer: InvalidAccessKeyId.
    #[error("the access key does not exist or has expired")]
    UnknownKey,
    /// The session token was not made here, or is not the one of the access key: InvalidToken.
    #[error("the session token is not one of this store, or not the one of this access key")]
    InvalidToken,
    /// The session is over, or was ended: ExpiredToken.
    #[error("the session has expired or was ended")]
    ExpiredToken,
    /// The owner is disabled: AccessDenied.
    #[error("the owner of the access key, {0}, is disabled")]
    OwnerDisabled(UserName),
    /// The key's owner holds no role in the key's tenancy, or no longer: AccessDenied.
    #[error("{user} holds no role in tenancy {tenancy}")]
    OwnerWithoutRole {
        /// The owner.
        user: UserName,
        /// The key's tenancy.
        tenancy: TenancyName,
    },
    /// The tenancy does not exist. It is to be answered as a bucket that does not exist.
    #[error("there is no such tenancy")]
    UnknownTenancy,
    /// The request names no tenancy, neither by host nor by key, and there is no default one: AccessDenied.
    #[error("the request names no tenancy, and there is no default one")]
    NoTenancy,
    /// The directory or the store failed: the request can be tried again.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// The one way from requests to grants.
pub struct Access {
    identity: Arc<Identity>,
    domains: Domains,
    default_tenancy: Option<TenancyName>,
    clock: Arc<dyn Clock>,
    failures: Failures,
}

impl Access {
    /// Access by `identity`, for hosts in `domains`; `default_tenancy` is that of requests which name none.
    pub fn new(
        identity: Arc<Identity>,
        domains: Domains,
        default_tenancy: Option<TenancyName>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { identity, domains, default_tenancy, clock, failures: Failures::default() }
    }

    /// Who there is.
    pub const fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// The domains that hosts are read by.
    pub const fn domains(&self) -> &Domains {
        &self.domains
    }

    /// The tenancy of requests that name none.
    pub const fn default_tenancy(&self) -> Option<&TenancyName> {
        self.default_tenancy.as_ref()
    }

    /// What a `Host` header names: `[<bucket>.]<tenancy>.<domain>[:port]` or an endpoint name. A missing or strange one
    /// names nothing.
    pub fn resolve_host(&self, host: Option<&str>) -> HostTarget {
        host.map_or(HostTarget::NONE, |host| host::resolve(&self.domains, &self.identity, host))
    }

    /// The tenancy that a request is for: that of its host, else that of the credential that signed it, else the default one.
    ///
    /// # Errors
    /// [`AuthenticationError::UnknownTenancy`] where the host names one that does not exist or the default one does
    /// not, and [`AuthenticationError::NoTenancy`].
    pub fn resolve_tenancy(
        &self,
        host: &HostTarget,
        credential: Option<&Credential>,
    ) -> Result<TenancyName, AuthenticationError> {
        match (&host.tenancy, credential, &self.default_tenancy) {
            (NamedTenancy::Known(tenancy), _, _) => Ok(tenancy.clone()),
            (NamedTenancy::Unknown, _, _) => Err(AuthenticationError::UnknownTenancy),
            (NamedTenancy::None, Some(credential), _) => Ok(credential.tenancy().clone()),
            (NamedTenancy::None, None, Some(default)) => match self.identity.tenancy(default) {
                Some(_) => Ok(default.clone()),
                None => Err(AuthenticationError::UnknownTenancy),
            },
            (NamedTenancy::None, None, None) => Err(AuthenticationError::NoTenancy),
        }
    }

    /// The key of this id, for verifying a signature made with its secret; or the session, where a request brings the
    /// session's token along.
    ///
    /// # Errors
    /// [`AuthenticationError::UnknownKey`] where there is no such key or it has expired,
    /// [`AuthenticationError::InvalidToken`] and [`AuthenticationError::ExpiredToken`].
    pub async fn find_credential(
        &self,
        id: &AccessKeyId,
        token: Option<&str>,
    ) -> Result<Credential, AuthenticationError> {
        let now = self.clock.now();
        let Some(token) = token else {
            let key = self.identity.key(id).await?.filter(|key| !key.info.is_expired(now));
            return key.map(Credential::Key).ok_or(AuthenticationError::UnknownKey);
        };
        let session = self.identity.open_session(token).filter(|session| session.info.id == *id);
        let session = session.ok_or(AuthenticationError::InvalidToken)?;
        if session.info.is_expired(now) {
            return Err(AuthenticationError::ExpiredToken);
        }
        Ok(Credential::Session(session))
    }

    /// Who a request is that was signed with `credential` and is for `tenancy`. Keys and sessions are for one tenancy:
    /// in any other, their owner is a stranger who has signed, whatever roles they hold there.
    ///
    /// # Errors
    /// [`AuthenticationError::UnknownKey`] where the key has expired or its owner is gone,
    /// [`AuthenticationError::ExpiredToken`] where the session has expired or was ended, or what it came from has,
    /// [`AuthenticationError::OwnerDisabled`] and [`AuthenticationError::OwnerWithoutRole`].
    pub async fn principal_for(
        &self,
        credential: &Credential,
        tenancy: &TenancyName,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        match credential {
            Credential::Key(key) => self.principal_for_key(key, tenancy).await,
            Credential::Session(session) => self.principal_for_session(session, tenancy).await,
        }
    }

    /// Notes that a request signed with `credential` came from `source` for `operation`: the last use of the key, or of
    /// the key that the session came from.
    pub async fn note_use(&self, credential: &Credential, source: IpAddr, operation: &str) {
        match credential {
            Credential::Key(key) => self.identity.note_use(key, source, operation),
            Credential::Session(session) => {
                let Some(id) = &session.info.key else { return };
                // From memory: the request was allowed because the key is there.
                if let Ok(Some(key)) = self.identity.key(id).await {
                    self.identity.note_use(&key, source, operation);
                }
            }
        }
    }

    async fn principal_for_key(
        &self,
        key: &KeyRecord,
        tenancy: &TenancyName,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        let (now, info) = (self.clock.now(), &key.info);
        if info.is_expired(now) {
            return Err(AuthenticationError::UnknownKey);
        }
        let standing = self.identity.standing(&info.owner).await?.ok_or(AuthenticationError::UnknownKey)?;
        let role = role_held(&standing, &info.tenancy, now)?;
        Ok(Arc::new(Principal {
            caller: Caller::Person { name: info.owner.clone(), key: Some(info.id.clone()) },
            role: Some(role).filter(|_| *tenancy == info.tenancy),
            groups: standing.groups(now),
            key_scope: key.scope.clone(),
            ..Principal::anonymous(tenancy.clone())
        }))
    }

    async fn principal_for_session(
        &self,
        session: &Session,
        tenancy: &TenancyName,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        let (now, info) = (self.clock.now(), &session.info);
        let standing = self.identity.standing(&info.owner).await?.ok_or(AuthenticationError::ExpiredToken)?;
        let was_ended = standing.sessions_ended.is_some_and(|until| info.issued <= until);
        if info.is_expired(now) || was_ended {
            return Err(AuthenticationError::ExpiredToken);
        }
        let key_scope = match &info.key {
            Some(id) => self.key_behind(session, id, now).await?.scope.clone(),
            None => None,
        };
        let held = role_held(&standing, &info.tenancy, now)?;
        let role = info.role.map_or(held, |cap| held.min(cap));
        let mut groups = standing.groups(now);
        if role != held {
            let lost = TenancyGroup::ALL.into_iter().filter(|kind| !kind.includes(role));
            let lost: Vec<String> = lost.map(|kind| kind.name_in(&info.tenancy)).collect();
            groups.retain(|group| !lost.contains(group));
        }
        groups.extend(info.groups.iter().cloned());
        Ok(Arc::new(Principal {
            caller: Caller::Person { name: info.owner.clone(), key: Some(info.id.clone()) },
            tenancy: tenancy.clone(),
            role: Some(role).filter(|_| *tenancy == info.tenancy),
            groups,
            key_scope,
            session_policies: info.policies.clone(),
        }))
    }

    /// The key that a session came from: still the same one, and good.
    async fn key_behind(
        &self,
        session: &Session,
        id: &AccessKeyId,
        now: Timestamp,
    ) -> Result<Arc<KeyRecord>, AuthenticationError> {
        let info = &session.info;
        let key = self.identity.key(id).await?.filter(|key| {
            // An id can be used again, for another key.
            let is_same = key.info.owner == info.owner && key.info.tenancy == info.tenancy;
            is_same && key.info.created <= info.issued && !key.info.is_expired(now)
        });
        key.ok_or(AuthenticationError::ExpiredToken)
    }

    /// The role that a person holds in a tenancy now, and its end.
    ///
    /// # Errors
    /// [`AuthenticationError::OwnerDisabled`], and [`AuthenticationError::OwnerWithoutRole`], also where there is no such
    /// person.
    pub(crate) async fn role_for_session(
        &self,
        owner: &UserName,
        tenancy: &TenancyName,
    ) -> Result<(Role, Option<Timestamp>), AuthenticationError> {
        let now = self.clock.now();
        let standing = self
            .identity
            .standing(owner)
            .await?
            .ok_or_else(|| AuthenticationError::OwnerWithoutRole { user: owner.clone(), tenancy: tenancy.clone() })?;
        let role = role_held(&standing, tenancy, now)?;
        let grant = standing.roles.iter().find(|grant| grant.tenancy == *tenancy && grant.is_active(now));
        Ok((role, grant.and_then(|grant| grant.expires)))
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) const fn failures(&self) -> &Failures {
        &self.failures
    }

    /// Who a person is who has logged in, in `tenancy`: without a role where they hold none there. `vouched` are the groups that
    /// an identity provider said they are in, which count as in their sessions. `None` where there is no such tenancy.
    pub fn principal_for_login(
        &self,
        standing: &Standing,
        vouched: &[String],
        tenancy: &TenancyName,
    ) -> Option<Arc<Principal>> {
        self.identity.tenancy(tenancy)?;
        let mut principal = self.principal_of(tenancy, standing);
        principal.groups.extend(vouched_for(vouched.iter().cloned()));
        Some(Arc::new(principal))
    }

    /// A request without credentials, for `tenancy`.
    pub fn anonymous(&self, tenancy: TenancyName) -> Arc<Principal> {
        Arc::new(Principal::anonymous(tenancy))
    }

    /// The operator or a job of the store itself, in `tenancy`. To be called only for what came through the local
    /// socket or from inside the process.
    pub fn operator(&self, tenancy: TenancyName) -> Arc<Principal> {
        Arc::new(Principal { caller: Caller::Operator, ..Principal::anonymous(tenancy) })
    }

    /// What a tenancy allows its members where nothing else decides; the stricter policy for one that does not exist.
    pub fn default_policy(&self, tenancy: &TenancyName) -> DefaultPolicy {
        self.identity.tenancy(tenancy).map_or(DefaultPolicy::Owner, |tenancy| tenancy.default_policy)
    }

    /// Decides whether `principal` may do `A` to `target`, given what is known of it. The resource of the decision is the
    /// target, and the default policy that of the tenancy, whatever the facts say.
    ///
    /// # Errors
    /// [`Denied`], where no rule allows it or the principal is one of another tenancy.
    pub fn authorize<A: ActionType>(
        &self,
        principal: &Arc<Principal>,
        target: A::Target,
        facts: Facts<'_>,
    ) -> Result<Grant<A>, Denied> {
        let default_policy = self.default_policy(&principal.tenancy);
        let bucket = Target::resource(&target).bucket();
        let quota = self.identity.quotas().state(Target::tenancy(&target), bucket, principal.user(), self.clock.now());
        authorize(principal, target, Facts { default_policy, quota, ..facts })
    }

    /// Decides whether `principal` may do `A` to their tenancy as a whole.
    ///
    /// # Errors
    /// [`Denied`], where no rule allows it.
    pub fn authorize_on_tenancy<A>(&self, principal: &Arc<Principal>) -> Result<Grant<A>, Denied>
    where
        A: ActionType<Target = TenancyTarget>,
    {
        let target = TenancyTarget { tenancy: principal.tenancy.clone() };
        self.authorize(principal, target, Facts::about(Resource::Tenancy))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("domains", &self.domains).finish_non_exhaustive()
    }
}

/// The role that someone holds who may do something.
fn role_held(standing: &Standing, tenancy: &TenancyName, now: Timestamp) -> Result<Role, AuthenticationError> {
    let user = &standing.user.name;
    if standing.user.status == UserStatus::Disabled {
        return Err(AuthenticationError::OwnerDisabled(user.clone()));
    }
    let without = || AuthenticationError::OwnerWithoutRole { user: user.clone(), tenancy: tenancy.clone() };
    standing.role_in(tenancy, now).ok_or_else(without)
}

#[cfg(test)]
#[path = "authentication_tests.rs"]
mod tests;
