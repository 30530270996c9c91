//! One request on its way through an action.

use std::net::IpAddr;
use std::sync::Arc;

use access::{Credential, HostTarget, NamedTenancy, SessionRequest};
use policy::Principal;
use s3_protocol::auth::Credentials;
use s3_protocol::{Query, RequestHead};
use types::{AccessKeyId, TenancyName};

use crate::actions::Action;
use crate::error::{Code, StsError};
use crate::parameters::Parameters;
use crate::role_arn::RoleArn;
use crate::service::StsService;

/// The name of a session whose holder gives it none.
const UNNAMED: &str = "session";

/// A request whose parameters have been read. Nothing is proven yet.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a StsService,
    pub(crate) action: Action,
    pub(crate) head: RequestHead<'a>,
    pub(crate) host: &'a HostTarget,
    pub(crate) body: &'a [u8],
    pub(crate) source: IpAddr,
    pub(crate) parameters: &'a Parameters,
    pub(crate) request_id: &'a str,
}

/// Who signed a request, proven.
pub(crate) struct Caller {
    pub(crate) credential: Credential,
    /// Who that is in the credential's own tenancy.
    pub(crate) principal: Arc<Principal>,
}

impl Call<'_> {
    /// Verifies the request's signature and says who made it.
    ///
    /// # Errors
    /// `MissingAuthenticationToken`, `InvalidClientTokenId`, `ExpiredToken`, `SignatureDoesNotMatch`, `AccessDenied`.
    pub(crate) async fn caller(&self) -> Result<Caller, StsError> {
        let query = Query::parse(self.head.raw_query())?;
        let credentials = Credentials::parse(&self.head, &query)?;
        let id = credentials.access_key().ok_or_else(|| {
            StsError::new(Code::MissingAuthenticationToken, "The request must be signed with an access key.")
        })?;
        let token = credentials.security_token(&self.head, &query)?;
        let id = AccessKeyId::new(id)
            .map_err(|_| StsError::new(Code::InvalidClientTokenId, "The access key does not exist."))?;
        let access = &self.service.access;
        let credential = access.find_credential(&id, token).await?;
        let (now, keys) = (self.service.clock.now(), &self.service.signing_keys);
        credentials.verify_with_body(credential.secret(), &self.head, self.body, now, keys)?;
        self.check_host(credential.tenancy())?;
        let principal = access.principal_for(&credential, credential.tenancy()).await?;
        self.service.check_source(&principal, self.source)?;
        access.note_use(&credential, self.source, self.action.name()).await;
        Ok(Caller { credential, principal })
    }

    /// The tenancy that the host names is the credential's own, where it names one.
    fn check_host(&self, own: &TenancyName) -> Result<(), StsError> {
        match &self.host.tenancy {
            NamedTenancy::None => Ok(()),
            NamedTenancy::Known(tenancy) if tenancy == own => Ok(()),
            NamedTenancy::Known(_) | NamedTenancy::Unknown => {
                Err(StsError::new(Code::AccessDenied, "The access key is one of another tenancy."))
            }
        }
    }

    /// `RoleArn`, where it is given.
    pub(crate) fn role_arn(&self) -> Result<Option<RoleArn>, StsError> {
        self.parameters.get("RoleArn").map(RoleArn::parse).transpose()
    }

    /// The tenancy of a request that no key signs: that of its host, else that of `RoleArn`, else the default one.
    ///
    /// # Errors
    /// `AccessDenied` where none is named, and `ValidationError` where host and `RoleArn` name two.
    pub(crate) fn tenancy(&self, role: Option<&RoleArn>) -> Result<TenancyName, StsError> {
        let named = role.and_then(|role| role.tenancy.as_ref());
        match (&self.host.tenancy, named) {
            (NamedTenancy::Known(host), Some(named)) if host != named => {
                Err(StsError::validation(format!("RoleArn names tenancy {named}, and the request went to {host}.")))
            }
            (NamedTenancy::None, Some(named)) => Ok(named.clone()),
            _ => Ok(self.service.access.resolve_tenancy(self.host, None)?),
        }
    }

    /// The session that the parameters ask for.
    pub(crate) fn session(&self, role: Option<&RoleArn>) -> Result<SessionRequest, StsError> {
        const HOUR_SECONDS: u64 = 3600;
        if ["PolicyArns.member.1.arn", "Tags.member.1.Key"].iter().any(|name| self.parameters.get(name).is_some()) {
            let message = "PolicyArns and Tags are not part of this store: give the policy itself as Policy.";
            return Err(StsError::validation(message));
        }
        Ok(SessionRequest {
            name: self.parameters.get("RoleSessionName").unwrap_or(UNNAMED).to_owned(),
            role: role.map(|role| role.role),
            policy: self.parameters.get("Policy").map(str::to_owned),
            seconds: self.parameters.duration_seconds(HOUR_SECONDS)?,
        })
    }
}
