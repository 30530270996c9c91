//! What a Swarm site has, as its own answers tell it.
//!
//! A file holds `{"domains": […]}`; the lists in it are those of the site, as they came: tokens those of
//! `/.TOKEN/?format=json`, buckets those of `/?format=json`, the policy that of `etc/policy.json`. A site does not tell the
//! secrets of tokens; where they are known, they are written beside them as `secret`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Method;
use s3_client::{Call, ClientError, Connection};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use types::Timestamp;
use zeroize::Zeroizing;

use super::SwarmError;

/// The most bytes of a file.
pub const FILE_BYTES: u64 = 64 * 1024 * 1024;

/// What a site has.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// Its domains.
    pub domains: Vec<Domain>,
}

/// A storage domain.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Its name, which is a host name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Its policy.
    #[serde(default)]
    pub policy: Option<Value>,
    /// Its tokens.
    #[serde(default)]
    pub tokens: Vec<Token>,
    /// Its buckets.
    #[serde(default)]
    pub buckets: Vec<Bucket>,
}

/// A token. Fields that mean nothing here are passed over, as the site has many.
#[derive(Clone, PartialEq, Deserialize)]
pub struct Token {
    /// The token itself.
    pub name: String,
    /// Whose it is.
    pub x_owner_meta: String,
    /// Its description.
    #[serde(default)]
    pub x_custom_meta_source: String,
    /// Until when it works, in brackets at the front.
    #[serde(default)]
    pub lifepoint: String,
    /// Its secret for S3, where it is known.
    #[serde(default)]
    pub secret: Option<Zeroizing<String>>,
}

impl Token {
    /// When it ends; `None` where it does not say.
    pub fn expires(&self) -> Option<Timestamp> {
        let date = self.lifepoint.split(']').next()?.strip_prefix('[')?;
        Timestamp::parse_http_date(date)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("owner", &self.x_owner_meta).finish_non_exhaustive()
    }
}

/// A bucket.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Whose it is, where the site tells it.
    #[serde(default)]
    pub x_owner_meta: String,
}

/// Who asks a site.
#[derive(Clone)]
pub struct Login {
    /// Their name there.
    pub user: String,
    /// Their password.
    pub password: Zeroizing<String>,
}

impl Login {
    /// The header `authorization`.
    pub(super) fn basic(&self) -> Zeroizing<String> {
        let pair = Zeroizing::new(format!("{}:{}", self.user, self.password.as_str()));
        Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())))
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A list of things that have names.
#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Inventory {
    /// Reads a file.
    ///
    /// # Errors
    /// [`SwarmError::Inventory`]
    pub fn parse(text: &[u8]) -> Result<Self, SwarmError> {
        serde_json::from_slice(text).map_err(|error| SwarmError::Inventory(error.to_string()))
    }

    /// Asks a live site, as the user of `login`: for its domains, and of each for what the user is shown. Of tokens those are the
    /// user's own, unless the site knows them as an administrator of tokens and `owners` names others.
    ///
    /// # Errors
    /// [`SwarmError::Site`] where the list of domains is refused. What a domain does not tell is left out.
    pub async fn of_site(connection: &mut Connection, login: &Login, owners: &[String]) -> Result<Self, SwarmError> {
        let mut site = Site { connection, basic: login.basic() };
        let listed: Vec<Named> =
            site.get(Call::bucket(Method::GET, "").query("domains", "").query("format", "json")).await?;
        let mut domains = Vec::with_capacity(listed.len());
        for Named { name } in listed {
            domains.push(site.domain(name, owners).await?);
        }
        Ok(Self { domains })
    }
}

struct Site<'a> {
    connection: &'a mut Connection,
    basic: Zeroizing<String>,
}

impl Site<'_> {
    async fn get<T: DeserializeOwned>(&mut self, call: Call) -> Result<T, ClientError> {
        let answer = self.connection.send(call.header("authorization", self.basic.as_str())).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| ClientError::Document { what: "the site".to_owned(), problem: error.to_string() })
    }

    /// The same; the default where it is refused.
    async fn get_if_any<T: DeserializeOwned + Default>(&mut self, call: Call) -> Result<T, ClientError> {
        match self.get(call).await {
            Err(error) if error.refusal().is_some_and(|(status, _)| status.is_client_error()) => Ok(T::default()),
            outcome => outcome,
        }
    }

    async fn domain(&mut self, name: String, owners: &[String]) -> Result<Domain, ClientError> {
        let path = format!("manage/tenants/_system/domains/{name}/etc/policy.json");
        let policy: Option<Value> = self.get_if_any(Call::object(Method::GET, "_admin", &path)).await?;
        let of_domain = |call: Call| call.query("domain", &*name).query("format", "json");
        let buckets: Vec<Bucket> = self.get_if_any(of_domain(Call::bucket(Method::GET, ""))).await?;
        let list = || of_domain(Call::bucket(Method::GET, ".TOKEN/"));
        let mut tokens: Vec<Token> = self.get_if_any(list()).await?;
        for owner in owners {
            let theirs: Vec<Token> = self.get_if_any(list().query("x-owner-meta", owner)).await?;
            tokens.extend(theirs);
        }
        tokens.sort_by(|one, other| one.name.cmp(&other.name));
        tokens.dedup_by(|one, other| one.name == other.name);
        Ok(Domain { name, description: String::new(), policy, tokens, buckets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_a_site_are_read_as_they_are() {
        let text = br#"{"domains":[{"name":"cedadev-o.s3.jc.rl.ac.uk","tokens":[
            {"name":"7f4093275cf517334a14efd07cc1d3cf","last_modified":"2021-01-21T10:00:00.000000Z","x_owner_meta":"mjones07",
             "x_custom_meta_source":"cedadev-o","lifepoint":"[Wed, 21 Jan 2026 00:00:00 GMT] reps=2, [] delete","secret":"s"}],
            "buckets":[{"name":"b","x_owner_meta":"ahuggan","bytes":5}]}]}"#;
        let inventory = Inventory::parse(text).expect("an inventory");
        let domain = &inventory.domains[0];
        assert_eq!(domain.tokens[0].expires().map(Timestamp::to_date).as_deref(), Some("2026-01-21"));
        assert_eq!(domain.buckets[0].x_owner_meta, "ahuggan");
        assert!(!format!("{inventory:?}").contains("7f40"));
        for bad in [&b"{"[..], br#"{"domain":[]}"#, br#"{"domains":[{}]}"#] {
            assert!(Inventory::parse(bad).is_err());
        }
    }
}
