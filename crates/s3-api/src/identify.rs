//! Who sends a request, and for which tenancy.
//!
//! A tenancy that does not exist is noticed only after the signature, and answered as a private bucket: so it can not be
//! told from one that does.

use std::sync::Arc;

use access::{AuthenticationError, Credential, HostTarget};
use identity::IdentityError;
use objects::multipart::MAX_PART_BYTES;
use policy::Principal;
use s3_protocol::auth::{Credentials, PayloadMode, SignatureFacts};
use s3_protocol::post_form::PostForm;
use s3_protocol::{ErrorCode, Query, RequestHead, S3Error};
use types::AccessKeyId;

use crate::authorize::denied;
use crate::errors;
use crate::request_body::RequestBody;
use crate::service::S3Service;

/// The sender of a request, proven.
pub(crate) struct Sender {
    pub(crate) principal: Arc<Principal>,
    /// What they signed with; `None` for an anonymous request.
    pub(crate) credential: Option<Credential>,
    pub(crate) signature: Option<SignatureFacts>,
    pub(crate) payload_mode: PayloadMode,
}

impl S3Service {
    /// Verifies the signature of a request's head and says who sent it.
    ///
    /// # Errors
    /// Those of [`Credentials`], InvalidAccessKeyId, InvalidToken, ExpiredToken, and AccessDenied for people who may do nothing any more.
    pub(crate) async fn identify(
        &self,
        head: &RequestHead<'_>,
        query: &Query,
        host: &HostTarget,
        request_id: &str,
    ) -> Result<Sender, S3Error> {
        let credentials = Credentials::parse(head, query)?;
        let token = credentials.security_token(head, query)?;
        let credential = match credentials.access_key() {
            Some(id) => Some(self.find_credential(id, token, request_id).await?),
            None => None,
        };
        let secret = credential.as_ref().map_or("", Credential::secret);
        let verified = credentials.verify(secret, head, self.clock.now(), &self.signing_keys)?;
        let principal = self.principal(host, credential.as_ref(), request_id).await?;
        Ok(Sender { principal, credential, signature: verified.signature, payload_mode: verified.payload })
    }

    /// Reads the fields of a form, and says who signed its policy, or that nobody did. Only the form counts: a signature
    /// in the head says nothing about the fields.
    ///
    /// # Errors
    /// Those of [`PostForm::read`] and [`PostForm::credentials`], InvalidAccessKeyId, SignatureDoesNotMatch, and
    /// AccessDenied as [`S3Service::identify`].
    pub(crate) async fn identify_form(
        &self,
        head: &RequestHead<'_>,
        host: &HostTarget,
        body: &RequestBody,
        request_id: &str,
    ) -> Result<(Sender, PostForm), S3Error> {
        let form = PostForm::read(body.handle(), head, self.config.stall, MAX_PART_BYTES).await?;
        let credentials = form.credentials()?;
        let credential = match credentials.access_key() {
            Some(id) => Some(self.find_credential(id, form.security_token(), request_id).await?),
            None => None,
        };
        let signature = match &credential {
            Some(credential) => credentials.verify(credential.secret(), form.policy(), &self.signing_keys)?,
            None => None,
        };
        let principal = self.principal(host, credential.as_ref(), request_id).await?;
        Ok((Sender { principal, credential, signature, payload_mode: PayloadMode::Unsigned }, form))
    }

    /// The key or session that a request claims to be signed with.
    ///
    /// # Errors
    /// InvalidAccessKeyId, InvalidToken, ExpiredToken.
    async fn find_credential(&self, id: &str, token: Option<&str>, request_id: &str) -> Result<Credential, S3Error> {
        let unknown = || S3Error::new(ErrorCode::InvalidAccessKeyId).with_field("AWSAccessKeyId", id);
        let id = AccessKeyId::new(id).map_err(|_| unknown())?;
        self.access.find_credential(&id, token).await.map_err(|error| match error {
            AuthenticationError::UnknownKey => unknown(),
            other => authentication_error(&other, request_id),
        })
    }

    /// Who a request is whose signature was made with `credential`, or that has none.
    ///
    /// # Errors
    /// AccessDenied, ExpiredToken.
    async fn principal(
        &self,
        host: &HostTarget,
        credential: Option<&Credential>,
        request_id: &str,
    ) -> Result<Arc<Principal>, S3Error> {
        let refused = |error: AuthenticationError| authentication_error(&error, request_id);
        let tenancy = self.access.resolve_tenancy(host, credential).map_err(refused)?;
        match credential {
            Some(credential) => self.access.principal_for(credential, &tenancy).await.map_err(refused),
            None => Ok(self.access.anonymous(tenancy)),
        }
    }
}

fn authentication_error(error: &AuthenticationError, request_id: &str) -> S3Error {
    match error {
        AuthenticationError::UnknownKey => S3Error::new(ErrorCode::InvalidAccessKeyId),
        AuthenticationError::InvalidToken => S3Error::new(ErrorCode::InvalidToken),
        AuthenticationError::ExpiredToken => S3Error::new(ErrorCode::ExpiredToken),
        AuthenticationError::OwnerDisabled(_) | AuthenticationError::OwnerWithoutRole { .. } => {
            denied().with_message("The owner of the access key may do nothing here any more.")
        }
        AuthenticationError::UnknownTenancy | AuthenticationError::NoTenancy => denied(),
        AuthenticationError::Identity(error @ IdentityError::DirectoryAway { .. }) => {
            tracing::warn!(request_id, %error, "a request can not be told whose it is");
            S3Error::new(ErrorCode::ServiceUnavailable)
                .with_message("The directory of people does not answer, so it is not known whose this request is.")
        }
        AuthenticationError::Identity(error) => errors::internal(error, request_id),
    }
}
