//! `/_admin/manage/…`: the management API of the Content Gateway, as far as there is something here that it could mean.
//!
//! A path names a [`Scope`] (everything, a tenant, a domain, a bucket) and what of it is asked for. Each of those is a file
//! of its own. What the Gateway keeps and this store has elsewhere, or not at all, is answered with 501 and a text that says
//! where to go.

mod buckets;
mod documents;
mod domains;
mod quota;
mod tenants;
mod tokens;
mod usage;

use http::{Method, StatusCode};
use serde_json::json;

use types::{BucketName, TenancyName};

use crate::asked::Asked;
use crate::caller::{self, Member};
use crate::error::SwarmError;
use crate::reply::Reply;
use crate::{Swarm, domain};

pub(crate) use buckets::list as list_buckets;
pub(crate) use documents::read as read_policy;
pub(crate) use tenants::seen as tenancies_seen;

/// The tenant that stands for all: Swarm counts the domains that belong to nobody's tenant to it.
const SYSTEM: &str = "_system";

/// What a request is about.
enum Scope {
    /// Every tenancy.
    Root,
    /// A tenancy, by the name of its tenant or that of a domain of it.
    Tenancy(TenancyName),
    /// A bucket of a tenancy.
    Bucket(TenancyName, BucketName),
}

/// What of it is asked for, with what the path says beyond that.
enum Part<'a> {
    Itself,
    Domains,
    Documents,
    Document(&'a str),
    Tokens,
    Token(&'a str),
    Usage(&'a [String]),
    Quota(&'a [String]),
    Buckets,
    /// Whether writes wait for a second copy.
    ReplicateOnWrite,
}

/// Answers a request of the management API.
pub(crate) async fn serve(swarm: &Swarm, asked: &Asked) -> Result<Reply, SwarmError> {
    let path = asked.path.get(2..).unwrap_or_default();
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    match (&asked.method, words.as_slice()) {
        (&Method::GET, ["version"]) => return Ok(Reply::json(StatusCode::OK, &json!({ "version": swarm.version }))),
        (&Method::GET, ["meter", "status"]) => return Ok(Reply::json(StatusCode::OK, &json!({ "enabled": true }))),
        (_, ["tenants"]) => return tenants::list(swarm, asked).await,
        (&Method::PUT, ["tenants", tenant]) => return tenants::create(swarm, asked, tenant).await,
        (&Method::PUT, ["tenants", tenant, "domains", name]) => return domains::put(swarm, asked, tenant, name).await,
        (&Method::DELETE, ["tenants", _, "domains", name]) => return domains::delete(swarm, asked, name).await,
        (_, ["tenants", SYSTEM, "domains"]) => return domains::list_all(swarm, asked).await,
        _ => {}
    }
    let (scope, rest) = scope(swarm, path)?;
    match scope {
        Scope::Root => root(swarm, asked, rest).await,
        Scope::Tenancy(tenancy) => {
            let member = caller::identify(swarm, asked).await?.into_member(swarm, tenancy)?;
            of_tenancy(swarm, asked, &member, rest).await
        }
        Scope::Bucket(tenancy, bucket) => {
            let member = caller::identify(swarm, asked).await?.into_member(swarm, tenancy)?;
            of_bucket(swarm, asked, &member, &bucket, rest).await
        }
    }
}

async fn root(swarm: &Swarm, asked: &Asked, rest: &[String]) -> Result<Reply, SwarmError> {
    let caller = caller::identify(swarm, asked).await?;
    match part(rest)? {
        Part::Usage(what) => usage::of_all(swarm, asked, &caller, what).await,
        Part::Documents | Part::Document(_) => Err(SwarmError::NotCarried(
            "there are no documents of the root: settings of all tenancies are in the configuration file".to_owned(),
        )),
        _ => Err(nothing_there()),
    }
}

async fn of_tenancy(swarm: &Swarm, asked: &Asked, member: &Member, rest: &[String]) -> Result<Reply, SwarmError> {
    match part(rest)? {
        Part::Itself => tenants::itself(swarm, asked, member).await,
        Part::Domains => domains::list(swarm, asked, member).await,
        Part::Documents => documents::list(asked, member),
        Part::Document(name) => documents::serve(swarm, asked, member, name).await,
        Part::Tokens => tokens::all(swarm, asked, member).await,
        Part::Token(id) => tokens::one(swarm, asked, member, id).await,
        Part::Usage(what) => usage::of_tenancy(swarm, asked, member, what).await,
        Part::Quota(what) => quota::serve(swarm, asked, member, &identity::QuotaScope::Tenancy, what).await,
        Part::Buckets => buckets::list(swarm, asked, member).await,
        Part::ReplicateOnWrite => replicate_on_write(asked, member),
    }
}

async fn of_bucket(
    swarm: &Swarm,
    asked: &Asked,
    member: &Member,
    bucket: &BucketName,
    rest: &[String],
) -> Result<Reply, SwarmError> {
    match part(rest)? {
        Part::Itself => buckets::itself(swarm, asked, member, bucket).await,
        Part::Usage(what) => usage::of_bucket(swarm, asked, member, bucket, what).await,
        Part::Quota(what) => {
            quota::serve(swarm, asked, member, &identity::QuotaScope::Bucket(bucket.clone()), what).await
        }
        Part::Documents | Part::Document(_) => Err(SwarmError::NotCarried(
            "a bucket's policy is read and written by S3 (GET and PUT ?policy) or in the portal".to_owned(),
        )),
        _ => Err(nothing_there()),
    }
}

/// The scope that a path begins with, and the rest of the path.
fn scope<'a>(swarm: &Swarm, path: &'a [String]) -> Result<(Scope, &'a [String]), SwarmError> {
    let [first, tenant, rest @ ..] = path else { return Ok((Scope::Root, path)) };
    if first != "tenants" {
        return Ok((Scope::Root, path));
    }
    let (tenancy, rest) = match rest {
        [domains, name, rest @ ..] if domains == "domains" => (in_tenant(swarm, tenant, name)?, rest),
        rest => (tenancy_of(swarm, tenant)?, rest),
    };
    match rest {
        [buckets, name, rest @ ..] if buckets == "buckets" => {
            let bucket = BucketName::new(name).map_err(|error| SwarmError::Invalid(error.to_string()))?;
            Ok((Scope::Bucket(tenancy, bucket), rest))
        }
        rest => Ok((Scope::Tenancy(tenancy), rest)),
    }
}

/// The tenancy of a tenant's name, in any case.
fn tenancy_of(swarm: &Swarm, tenant: &str) -> Result<TenancyName, SwarmError> {
    let name = TenancyName::new(&tenant.to_ascii_lowercase()).ok();
    let found = name.and_then(|name| swarm.identity.tenancy(&name));
    found.map(|tenancy| tenancy.name.clone()).ok_or_else(|| no_tenant(tenant))
}

/// The tenancy of a domain, which must be one of the tenant.
fn in_tenant(swarm: &Swarm, tenant: &str, name: &str) -> Result<TenancyName, SwarmError> {
    let found = domain::find(swarm, name).ok_or_else(|| domain::unknown(name))?;
    match tenant {
        SYSTEM => Ok(found),
        tenant if tenant.eq_ignore_ascii_case(found.as_str()) => Ok(found),
        _ => Err(domain::unknown(name)),
    }
}

fn part(rest: &[String]) -> Result<Part<'_>, SwarmError> {
    let words: Vec<&str> = rest.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(Part::Itself),
        ["domains"] => Ok(Part::Domains),
        ["etc"] => Ok(Part::Documents),
        ["etc", name] => Ok(Part::Document(name)),
        ["tokens"] => Ok(Part::Tokens),
        ["tokens", id] => Ok(Part::Token(id)),
        ["meter", "usage", ..] => Ok(Part::Usage(&rest[2..])),
        ["quota", ..] => Ok(Part::Quota(&rest[1..])),
        ["buckets"] => Ok(Part::Buckets),
        ["rsw"] => Ok(Part::ReplicateOnWrite),
        _ => Err(nothing_there()),
    }
}

fn replicate_on_write(asked: &Asked, member: &Member) -> Result<Reply, SwarmError> {
    check_leads(member)?;
    match (&asked.method, asked.parameter("state")) {
        (&Method::GET, _) => Ok(Reply::json(StatusCode::OK, &json!({ "state": "disabled" }))),
        (&Method::PUT, Some("disabled")) => Ok(Reply::done(StatusCode::OK)),
        (&Method::PUT, _) => Err(SwarmError::NotCarried(
            "every write is durable before it is answered; whether there is a second copy is a matter of the machine's \
             disks and of backups"
                .to_owned(),
        )),
        (method, _) => Err(SwarmError::MethodNotAllowed(method.clone())),
    }
}

/// Refuses those who do not decide for others in the tenancy.
fn check_leads(member: &Member) -> Result<(), SwarmError> {
    member.check_role()?;
    match member.leads() {
        true => Ok(()),
        false => Err(SwarmError::Forbidden(format!("managers and deputies of {} see this", member.tenancy))),
    }
}

fn no_tenant(name: &str) -> SwarmError {
    SwarmError::NotFound(format!("there is no tenant {name:?}"))
}

fn nothing_there() -> SwarmError {
    SwarmError::NotFound("the management API has nothing of this name here".to_owned())
}
