//! The objects of a domain, copied by [`crate::s3`] with keys that are made for it.
//!
//! At the site that is a token with a secret for S3, of whoever asks it; here an access key of the person who imports. Both
//! are deleted when the copy ends, whatever came of it, and end by themselves where it was killed.

use std::sync::Arc;

use admin::AdminClient;
use admin::key::CreateKey;
use http::Method;
use policy::KeyScope;
use s3_client::{Call, Client, ClientError, Connection, Credentials};
use serde::Serialize;
use tokio::sync::watch;
use types::{AccessKeyId, Entropy, TenancyName, Timestamp, UserName};
use zeroize::Zeroizing;

use super::SwarmError;
use super::inventory::{Domain, Login};
use crate::s3::{self, Looks, Mode, ObjectAcls, S3Import, SourceEtags, Versions};
use crate::{Report, Tally};

/// What a report calls the objects of a domain that could not be copied.
pub(super) const WHAT: &str = "the objects";
/// How long the keys live at most, and so a copy of a domain, in days. One that needs longer is run again.
const KEY_DAYS: u64 = 30;
/// Their description, in the lists of both sides.
const DESCRIPTION: &str = "commonhold import";
/// Random bytes of the secret at the site.
const SECRET_BYTES: usize = 32;
const REGION: &str = "us-east-1";

/// How objects are copied.
pub struct ObjectCopy {
    /// Where the site has `/.TOKEN/`.
    pub site: Client,
    /// Who asks it.
    pub login: Login,
    /// Where the site has S3; requests name the domain as their host.
    pub from: Client,
    /// Where this store has S3.
    pub to: Client,
    /// The person here who owns what is copied, until buckets get their owners: a MANAGER of each tenancy.
    pub importer: UserName,
    /// What of each object.
    pub versions: Versions,
    /// What the source's ETags are.
    pub etags: SourceEtags,
    /// What of object ACLs.
    pub acls: ObjectAcls,
    /// Objects that are copied at a time.
    pub parallel: usize,
    /// What a dry run looks at.
    pub looks: Looks,
    /// The time.
    pub now: Timestamp,
    /// What secrets are made of.
    pub entropy: Arc<dyn Entropy>,
    /// Gets the tally of each domain as its copy begins.
    pub progress: watch::Sender<Arc<Tally>>,
}

/// What became of the objects of a domain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DomainObjects {
    /// Which.
    pub domain: String,
    /// What became of them.
    #[serde(flatten)]
    pub report: Report,
    /// Keys of the copy that could not be deleted, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys_left: Vec<String>,
}

impl ObjectCopy {
    /// Copies the objects of `domain` to `tenancy`, or counts them in a dry run, which makes and deletes the token at the
    /// site, too.
    ///
    /// # Errors
    /// [`SwarmError`], where the site gives no token, the server no key, or the copy comes to no end.
    pub(super) async fn copy(
        &self,
        server: &AdminClient,
        domain: &Domain,
        tenancy: &TenancyName,
        dry_run: bool,
    ) -> Result<DomainObjects, SwarmError> {
        let theirs = self.make_token(&domain.name).await?;
        let mut keys_left = Vec::new();
        let from = self.from.as_host(&domain.name, theirs.clone());
        let report = match dry_run {
            true => self.run(domain, from, self.to.clone(), Mode::Survey).await,
            false => self.run_with_key(server, domain, tenancy, from, &mut keys_left).await,
        };
        if let Err(error) = self.delete_token(&domain.name, &theirs).await {
            keys_left.push(format!("a token {DESCRIPTION:?} of {} at {}: {error}", self.login.user, domain.name));
        }
        Ok(DomainObjects { domain: domain.name.clone(), report: report?, keys_left })
    }

    async fn run_with_key(
        &self,
        server: &AdminClient,
        domain: &Domain,
        tenancy: &TenancyName,
        from: Client,
        keys_left: &mut Vec<String>,
    ) -> Result<Report, SwarmError> {
        let new = CreateKey {
            tenancy: tenancy.clone(),
            user: self.importer.clone(),
            description: DESCRIPTION.to_owned(),
            expires: Some(self.ends()),
            scope: KeyScope::default(),
            access_key: None,
            secret: None,
        };
        let ours = server.create_key(&new).await?;
        let id: AccessKeyId = ours.key.access_key;
        let credentials = Credentials {
            access_key: id.as_str().to_owned(),
            secret_key: Zeroizing::new(ours.secret.expose().to_owned()),
            region: REGION.to_owned(),
        };
        let report = self.run(domain, from, self.to.with_credentials(credentials), Mode::Copy).await;
        if let Err(error) = server.delete_key(&id).await {
            keys_left.push(format!("the access key {id} of {} in {tenancy}: {error}", self.importer));
        }
        report
    }

    async fn run(&self, domain: &Domain, from: Client, to: Client, mode: Mode) -> Result<Report, SwarmError> {
        let tally = Arc::new(Tally::default());
        self.progress.send_replace(Arc::clone(&tally));
        let import = S3Import {
            from,
            to,
            buckets: domain.buckets.iter().map(|bucket| bucket.name.clone()).collect(),
            prefix: String::new(),
            versions: self.versions,
            etags: self.etags,
            acls: self.acls,
            parallel: self.parallel,
            mode,
            looks: self.looks,
        };
        Ok(s3::run(import, tally).await?)
    }

    fn ends(&self) -> Timestamp {
        self.now.plus_secs(KEY_DAYS * 24 * 60 * 60)
    }

    async fn make_token(&self, domain: &str) -> Result<Credentials, ClientError> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        self.entropy.fill(&mut *bytes);
        let secret_key = Zeroizing::new(hex::encode(*bytes));
        let call = self.of_tokens(Method::POST, "", domain);
        let call = call.header("x-user-secret-key-meta", secret_key.as_str());
        let call = call.header("x-user-token-expires-meta", self.ends().to_date());
        let call = call.header("x-custom-meta-source", DESCRIPTION);
        let answer = Connection::new(self.site.clone()).send(call).await?;
        // The second word is the token, in all versions of the Gateway.
        let text = String::from_utf8_lossy(&answer.body);
        let token = text.split_whitespace().nth(1).ok_or_else(|| ClientError::Document {
            what: "the request for a token".to_owned(),
            problem: "it does not tell the token".to_owned(),
        })?;
        Ok(Credentials { access_key: token.to_owned(), secret_key, region: REGION.to_owned() })
    }

    async fn delete_token(&self, domain: &str, token: &Credentials) -> Result<(), ClientError> {
        let call = self.of_tokens(Method::DELETE, &token.access_key, domain);
        Connection::new(self.site.clone()).send(call).await.map(|_| ())
    }

    fn of_tokens(&self, method: Method, token: &str, domain: &str) -> Call {
        let call = match token {
            "" => Call::bucket(method, ".TOKEN/"),
            token => Call::object(method, ".TOKEN", token),
        };
        call.query("domain", domain).header("authorization", self.login.basic().as_str())
    }
}
