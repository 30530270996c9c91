//! The addresses at which a person's browser talks to the store itself: large files go there, not through the portal.
//!
//! An address is signed for one request by a session of the person ([`Access::session_for`]), which is narrowed to one key
//! of one bucket and ends within hours. So the store decides about it as about everything, and an address that gets into other
//! hands is good for that request and no longer than it says. No secret reaches the browser: it has the signature.
//!
//! How an address is signed is S3's wire, which the portal does not know: [`SignLinks`] does it.

use std::net::IpAddr;

use access::Access;
use access::session::{SessionError, SessionRequest};
use identity::{IdentityError, Login};
use serde_json::json;
use types::{BucketName, ObjectKey, Presign, TenancyName, Timestamp};
use zeroize::Zeroizing;

use crate::error::PageError;
use crate::page::View;

/// The longest that the addresses of one session live: the longest life of a session.
pub(crate) const MAX_SESSION_SECONDS: u64 = *access::session::SESSION_SECONDS.end();
/// The shortest life of a session.
const MIN_SESSION_SECONDS: u64 = *access::session::SESSION_SECONDS.start();
/// What sessions of the portal are called in logs and conditions.
const SESSION_NAME: &str = "portal";

/// Signs addresses as S3 wants them.
pub trait SignLinks: Send + Sync {
    /// The address; `None` where `store` is none.
    fn sign(&self, wanted: Presign<'_>) -> Option<String>;
}

/// What signs the addresses of a person for one key of a bucket.
pub(crate) struct Signer {
    access_key: String,
    secret: Zeroizing<String>,
    token: Option<Zeroizing<String>>,
    path: String,
    store: String,
    now: Timestamp,
    /// From when on nothing works that it signed.
    pub(crate) ends: Option<Timestamp>,
}

impl Signer {
    /// With a fresh session of the person, that may do these actions to this key and nothing else.
    pub(crate) async fn of_login(
        view: &View,
        login: &Login,
        at: (&TenancyName, &BucketName, &ObjectKey),
        actions: &[&str],
        seconds: u64,
        store: String,
    ) -> Result<Self, PageError> {
        let (tenancy, bucket, key) = at;
        let request = SessionRequest {
            name: SESSION_NAME.to_owned(),
            role: None,
            policy: Some(narrowed(bucket, key, actions)),
            seconds: seconds.clamp(MIN_SESSION_SECONDS, MAX_SESSION_SECONDS),
        };
        let access: &Access = &view.portal.access;
        let issued = access.session_for(login.user.clone(), tenancy.clone(), login.groups.clone(), request).await;
        let issued = issued.map_err(|error| no_session(&error))?;
        let session = &issued.session;
        Ok(Self {
            access_key: session.info.id.to_string(),
            secret: Zeroizing::new(session.secret.expose().to_owned()),
            token: Some(issued.token.clone()),
            path: format!("{bucket}/{key}"),
            store,
            now: view.portal.clock.now(),
            ends: Some(session.info.expires),
        })
    }

    /// With a key of the person.
    pub(crate) fn of_key(
        view: &View,
        key: (String, Zeroizing<String>, Option<Timestamp>),
        (bucket, object): (&BucketName, &ObjectKey),
        store: String,
    ) -> Self {
        let (access_key, secret, ends) = key;
        let (path, now) = (format!("{bucket}/{object}"), view.portal.clock.now());
        Self { access_key, secret, token: None, path, store, now, ends }
    }

    /// The address for one request, good for at most `seconds`.
    pub(crate) fn link(
        &self,
        view: &View,
        method: &str,
        query: &[(&str, &str)],
        seconds: u64,
    ) -> Result<String, PageError> {
        let left = self.ends.map_or(seconds, |ends| ends.as_secs().saturating_sub(self.now.as_secs()));
        let wanted = Presign {
            method,
            store: &self.store,
            path: &self.path,
            query,
            access_key: &self.access_key,
            secret: &self.secret,
            token: self.token.as_ref().map(|token| token.as_str()),
            region: &view.portal.site.region,
            now: self.now,
            seconds: seconds.min(left).max(1),
        };
        let signed = view.portal.links.sign(wanted);
        signed.ok_or_else(|| PageError::Failed("an address could not be signed".to_owned()))
    }
}

fn no_session(error: &SessionError) -> PageError {
    if matches!(error, SessionError::Identity(IdentityError::SessionTooLarge { .. })) {
        let text =
            "The names of your groups at the identity provider are too long for an address: log in with your password.";
        return PageError::Refused(text.to_owned());
    }
    PageError::Failed(format!("a session: {error}"))
}

/// A policy that allows these actions on one key. A key with a wildcard in it stands for those that it matches too, and one
/// that would make the policy too long for the bucket.
fn narrowed(bucket: &BucketName, key: &ObjectKey, actions: &[&str]) -> String {
    let of = |key: &str| {
        let resource = format!("arn:aws:s3:::{bucket}/{key}");
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]})
            .to_string()
    };
    let exact = of(key.as_str());
    // A variable in it would be put in by the policy's own rules.
    let is_plain = !key.as_str().contains("${");
    if is_plain && exact.chars().count() <= access::session::MAX_POLICY_CHARS { exact } else { of("*") }
}

/// The address of the store for the browser that asks: `None` where nothing listens that it may talk to. A page over TLS can
/// talk to TLS alone.
pub(crate) fn store_for_browser(view: &View, tenancy: &TenancyName) -> Option<String> {
    let site = &view.portal.site;
    if let Some(url) = &site.store_url {
        return Some(url.to_string());
    }
    if view.visitor.tls {
        return site.external_url(tenancy.as_str());
    }
    let host = view.host.as_deref().map(host_name).filter(|host| is_own_name(host));
    match (host, site.internal_port) {
        (Some(host), Some(port)) => Some(format!("http://{host}:{port}")),
        _ => site.internal_url(tenancy.as_str()),
    }
}

/// The address of the store that people give to others.
pub(crate) fn store_for_others(view: &View, tenancy: &TenancyName) -> Option<String> {
    let site = &view.portal.site;
    let own = site.store_url.as_ref().map(ToString::to_string);
    own.or_else(|| site.external_url(tenancy.as_str())).or_else(|| site.internal_url(tenancy.as_str()))
}

fn host_name(host: &str) -> &str {
    let end = host.rfind(':').filter(|colon| !host[*colon..].contains(']')).unwrap_or(host.len());
    &host[..end]
}

/// Whether a name is one that every machine has, or an address: the S3 listener has it too.
fn is_own_name(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_no_part_of_names() {
        for (host, name, own) in [
            ("localhost:9002", "localhost", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("[::1]:9002", "[::1]", true),
            ("[::1]", "[::1]", true),
            ("portal.example.org:80", "portal.example.org", false),
        ] {
            assert_eq!((host_name(host), is_own_name(host_name(host))), (name, own), "{host}");
        }
    }

    #[test]
    fn a_session_is_for_one_key() {
        let bucket = BucketName::new("b-1").expect("a name");
        let policy = |key: &str| narrowed(&bucket, &ObjectKey::new(key).expect("a key"), &["s3:PutObject"]);
        assert!(policy("a \"b\"").contains(r#""arn:aws:s3:::b-1/a \"b\"""#));
        for key in ["${aws:username}".to_owned(), "\u{1}".repeat(1000)] {
            assert!(policy(&key).contains(r#""arn:aws:s3:::b-1/*""#), "{key}");
        }
    }
}
