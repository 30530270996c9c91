//! `tenants` and `tenants/{tenant}`.

use audit::Actor as AuditActor;
use http::{Method, StatusCode};
use identity::{Act, NewTenancy, Tenancy};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use types::TenancyName;

use crate::Swarm;
use crate::asked::Asked;
use crate::caller::{self, Caller, Member};
use crate::error::SwarmError;
use crate::recorded::{self, nothing};
use crate::reply::Reply;

/// The MD5 of nothing, in base64: the Gateway's record of a tenant or a domain has no content.
const MD5_OF_NOTHING: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";
/// The owner that operators' things have in Swarm.
const OWNER: &str = "admin@";
/// The field with the storage quota in bytes.
const STORAGE_LIMIT: &str = "x_caringo_meta_quota_storage_limit";

/// The tenancies in which the caller holds a role; all of them for an operator.
pub(crate) fn seen<'a>(swarm: &'a Swarm, caller: &'a Caller) -> impl Iterator<Item = std::sync::Arc<Tenancy>> + 'a {
    let now = swarm.clock.now();
    let belongs = move |name: &TenancyName| {
        caller.operates() || (caller.reaches(name) && caller.standing.role_in(name, now).is_some())
    };
    swarm.identity.tenancies().into_iter().filter(move |tenancy| belongs(&tenancy.name))
}

/// A tenant or a domain as JSON, with those of the fields asked for that there are.
pub(super) fn described(name: &str, tenancy: &Tenancy, asked: &Asked) -> Value {
    let etag = Sha256::digest(format!("{name} {} {:?}", tenancy.created.0, tenancy.quota.hard.bytes));
    let all = [
        ("name", json!(name)),
        ("lastModified", json!(tenancy.created.to_iso8601())),
        ("owner", json!(OWNER)),
        ("contentMd5", json!(MD5_OF_NOTHING)),
        ("etag", json!(hex::encode(&etag[..16]))),
        (STORAGE_LIMIT, tenancy.quota.hard.bytes.map_or(Value::Null, |bytes| json!(bytes))),
    ];
    let wanted: Option<Vec<&str>> = asked.parameter("fields").map(|fields| fields.split(',').collect());
    let is_wanted = |name: &str, value: &Value| match &wanted {
        Some(names) => names.contains(&name) && !value.is_null(),
        None => name != STORAGE_LIMIT,
    };
    let kept = all.into_iter().filter(|(name, value)| is_wanted(name, value));
    Value::Object(kept.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

pub(super) async fn list(swarm: &Swarm, asked: &Asked) -> Result<Reply, SwarmError> {
    if asked.method != Method::GET {
        return Err(SwarmError::MethodNotAllowed(asked.method.clone()));
    }
    let caller = caller::identify(swarm, asked).await?;
    let tenants = seen(swarm, &caller).map(|tenancy| described(tenancy.name.as_str(), &tenancy, asked));
    Ok(Reply::json(StatusCode::OK, &tenants.collect::<Vec<_>>()))
}

/// Makes a tenancy.
pub(super) async fn create(swarm: &Swarm, asked: &Asked, tenant: &str) -> Result<Reply, SwarmError> {
    let caller = caller::identify(swarm, asked).await?;
    let name = TenancyName::new(tenant).map_err(|error| SwarmError::Invalid(error.to_string()))?;
    if !asked.body.is_empty() {
        let text = "a tenant is made by its name alone; documents are put below etc, and not all of them can be";
        return Err(SwarmError::NotCarried(text.to_owned()));
    }
    let actor = AuditActor::Person(caller.name.clone());
    let act = recorded::act(asked, actor, "tenancy.create", Some(&name), format!("tenancies {name}"), Vec::new());
    let work = async {
        swarm.identity.check_may(&caller.actor(), &name, &Act::Operate).await?;
        swarm.identity.create_tenancy(NewTenancy::named(name.clone())).await?;
        Ok(Reply::done(StatusCode::CREATED))
    };
    recorded::record(swarm, act, work, nothing).await
}

/// What a tenant is, or its end.
pub(super) async fn itself(swarm: &Swarm, asked: &Asked, member: &Member) -> Result<Reply, SwarmError> {
    let name = &member.tenancy;
    match asked.method {
        Method::GET => {
            member.check_role()?;
            let tenancy = swarm.identity.tenancy(name).ok_or_else(|| super::no_tenant(name.as_str()))?;
            Ok(Reply::json(StatusCode::OK, &described(name.as_str(), &tenancy, asked)))
        }
        Method::DELETE => {
            let target = format!("tenancies {name}");
            let act = recorded::act_of(asked, &member.caller, "tenancy.delete", name, target, Vec::new());
            let work = async {
                member.check(swarm, &Act::Operate).await?;
                swarm.identity.delete_tenancy(name).await?;
                Ok(Reply::done(StatusCode::OK))
            };
            recorded::record(swarm, act, work, nothing).await
        }
        _ => Err(SwarmError::MethodNotAllowed(asked.method.clone())),
    }
}
