//! [`Access`]: who a request is, in which tenancy, and what it may do.

use std::fmt;
use std::sync::Arc;

use identity::{Identity, IdentityError, KeyRecord, UserStatus};
use policy::{BucketFacts, Caller, DefaultPolicy, Facts, ObjectFacts, Principal, Resource};
use types::{AccessKeyId, Clock, TenancyName, UserName};

use crate::grant::{ActionType, Denied, Grant, authorize};
use crate::host::{self, Domains, HostTarget, NamedTenancy};

/// A request is nobody's that could be told.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// There is no such key, or no longer: InvalidAccessKeyId.
    #[error("the access key does not exist or has expired")]
    UnknownKey,
    /// The key's owner is disabled: AccessDenied.
    #[error("the owner of the access key, {0}, is disabled")]
    OwnerDisabled(UserName),
    /// The key's owner holds no role in the key's tenancy, or no longer: AccessDenied.
    #[error("the owner of the access key, {user}, holds no role in tenancy {tenancy}")]
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
}

impl Access {
    /// Access by `identity`, for hosts in `domains`; `default_tenancy` is that of requests which name none.
    pub fn new(
        identity: Arc<Identity>,
        domains: Domains,
        default_tenancy: Option<TenancyName>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { identity, domains, default_tenancy, clock }
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

    /// The tenancy that a request is for: that of its host, else that of the key that signed it, else the default one.
    ///
    /// # Errors
    /// [`AuthenticationError::UnknownTenancy`] where the host names one that does not exist or the default one does
    /// not, and [`AuthenticationError::NoTenancy`].
    pub fn resolve_tenancy(
        &self,
        host: &HostTarget,
        key: Option<&KeyRecord>,
    ) -> Result<TenancyName, AuthenticationError> {
        match (&host.tenancy, key, &self.default_tenancy) {
            (NamedTenancy::Known(tenancy), _, _) => Ok(tenancy.clone()),
            (NamedTenancy::Unknown, _, _) => Err(AuthenticationError::UnknownTenancy),
            (NamedTenancy::None, Some(key), _) => Ok(key.info.tenancy.clone()),
            (NamedTenancy::None, None, Some(default)) => match self.identity.tenancy(default) {
                Some(_) => Ok(default.clone()),
                None => Err(AuthenticationError::UnknownTenancy),
            },
            (NamedTenancy::None, None, None) => Err(AuthenticationError::NoTenancy),
        }
    }

    /// The key of this id, for verifying a signature made with its secret.
    ///
    /// # Errors
    /// [`AuthenticationError::UnknownKey`] where there is none or it has expired.
    pub async fn find_key(&self, id: &AccessKeyId) -> Result<Arc<KeyRecord>, AuthenticationError> {
        let key = self.identity.key(id).await?;
        key.filter(|key| !key.info.is_expired(self.clock.now())).ok_or(AuthenticationError::UnknownKey)
    }

    /// Who a request is that was signed with `key` and is for `tenancy`. A key is for one tenancy: in any other, its
    /// owner is a stranger who has signed, whatever roles they hold there.
    ///
    /// # Errors
    /// [`AuthenticationError::UnknownKey`] where the key has expired or its owner is gone,
    /// [`AuthenticationError::OwnerDisabled`] and [`AuthenticationError::OwnerWithoutRole`].
    pub async fn principal_for_key(
        &self,
        key: &KeyRecord,
        tenancy: &TenancyName,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        let (now, info) = (self.clock.now(), &key.info);
        if info.is_expired(now) {
            return Err(AuthenticationError::UnknownKey);
        }
        let standing = self.identity.standing(&info.owner).await?.ok_or(AuthenticationError::UnknownKey)?;
        if standing.user.status == UserStatus::Disabled {
            return Err(AuthenticationError::OwnerDisabled(info.owner.clone()));
        }
        let role = standing.role_in(&info.tenancy, now).ok_or_else(|| AuthenticationError::OwnerWithoutRole {
            user: info.owner.clone(),
            tenancy: info.tenancy.clone(),
        })?;
        Ok(Arc::new(Principal {
            caller: Caller::Person { name: info.owner.clone(), key: Some(info.id.clone()) },
            role: Some(role).filter(|_| *tenancy == info.tenancy),
            groups: standing.groups(now),
            ..Principal::anonymous(tenancy.clone())
        }))
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

    /// Decides whether `principal` may do `A` to `target`, under the default policy of the target's tenancy. `bucket`
    /// and `object` are what is known of them, where they exist.
    ///
    /// # Errors
    /// [`Denied`], where no rule allows it or the principal is one of another tenancy.
    pub fn authorize<A: ActionType>(
        &self,
        principal: &Arc<Principal>,
        target: A::Target,
        bucket: Option<BucketFacts<'_>>,
        object: Option<ObjectFacts<'_>>,
    ) -> Result<Grant<A>, Denied> {
        let default_policy = self.default_policy(&principal.tenancy);
        authorize(principal, target, Facts { default_policy, bucket, object, ..Facts::about(Resource::Tenancy) })
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("domains", &self.domains).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "authentication_tests.rs"]
mod tests;
