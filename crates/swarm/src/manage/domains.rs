//! `domains` of a tenant: the host names of a tenancy.
//!
//! Those below the domains of the installation are there with the tenancy; others are endpoint names, which operators add
//! and take away here too.

use http::{Method, StatusCode};
use identity::{Act, NewTenancy, TenancyChange};
use types::TenancyName;

use super::{SYSTEM, tenants};
use crate::asked::Asked;
use crate::caller::{self, Member};
use crate::error::SwarmError;
use crate::recorded::{self, nothing};
use crate::reply::Reply;
use crate::{Swarm, domain};

/// Every domain of the tenancies that the caller belongs to.
pub(super) async fn list_all(swarm: &Swarm, asked: &Asked) -> Result<Reply, SwarmError> {
    if asked.method != Method::GET {
        return Err(SwarmError::MethodNotAllowed(asked.method.clone()));
    }
    let caller = caller::identify(swarm, asked).await?;
    let mut found = Vec::new();
    for tenancy in tenants::seen(swarm, &caller) {
        found.extend(domain::all_of(swarm, &tenancy).iter().map(|name| tenants::described(name, &tenancy, asked)));
    }
    Ok(Reply::json(StatusCode::OK, &found))
}

pub(super) async fn list(swarm: &Swarm, asked: &Asked, member: &Member) -> Result<Reply, SwarmError> {
    if asked.method != Method::GET {
        return Err(SwarmError::MethodNotAllowed(asked.method.clone()));
    }
    member.check_role()?;
    let tenancy = swarm.identity.tenancy(&member.tenancy).ok_or_else(|| domain::unknown(member.tenancy.as_str()))?;
    let all = domain::all_of(swarm, &tenancy);
    let found: Vec<_> = all.iter().map(|name| tenants::described(name, &tenancy, asked)).collect();
    Ok(Reply::json(StatusCode::OK, &found))
}

/// Makes a domain: a tenancy, where the name is one below a domain of the installation; else a host name of the tenant's.
pub(super) async fn put(swarm: &Swarm, asked: &Asked, tenant: &str, name: &str) -> Result<Reply, SwarmError> {
    let caller = caller::identify(swarm, asked).await?;
    if !asked.body.is_empty() {
        let text = "a domain is made by its name alone; its settings have places of their own";
        return Err(SwarmError::NotCarried(text.to_owned()));
    }
    if let Some(found) = domain::find(swarm, name) {
        if tenant != SYSTEM && !tenant.eq_ignore_ascii_case(found.as_str()) {
            return Err(SwarmError::Conflict(format!("the domain {name} belongs to another tenant")));
        }
        caller.into_member(swarm, found)?.check_role()?;
        return Ok(Reply::done(StatusCode::OK));
    }
    let (tenancy, is_new) = match of_installation(swarm, name) {
        Some(label) => (TenancyName::new(label).map_err(|error| SwarmError::Invalid(error.to_string()))?, true),
        None => (super::tenancy_of(swarm, tenant)?, false),
    };
    let member = caller.into_member(swarm, tenancy)?;
    let action = if is_new { "tenancy.create" } else { "tenancy.set" };
    let target = format!("domain {name} of tenancy {}", member.tenancy);
    let act = recorded::act_of(asked, &member.caller, action, &member.tenancy, target, Vec::new());
    let work = async {
        member.check(swarm, &Act::Operate).await?;
        if is_new {
            swarm.identity.create_tenancy(NewTenancy::named(member.tenancy.clone())).await?;
        } else {
            set_endpoints(swarm, &member.tenancy, |endpoints| endpoints.push(name.to_ascii_lowercase())).await?;
        }
        Ok(Reply::done(StatusCode::CREATED))
    };
    recorded::record(swarm, act, work, nothing).await
}

/// Takes an endpoint name away from its tenancy.
pub(super) async fn delete(swarm: &Swarm, asked: &Asked, name: &str) -> Result<Reply, SwarmError> {
    let tenancy = domain::find(swarm, name).ok_or_else(|| domain::unknown(name))?;
    let member = caller::identify(swarm, asked).await?.into_member(swarm, tenancy)?;
    let target = format!("domain {name} of tenancy {}", member.tenancy);
    let act = recorded::act_of(asked, &member.caller, "tenancy.set", &member.tenancy, target, Vec::new());
    let work = async {
        member.check(swarm, &Act::Operate).await?;
        if of_installation(swarm, name).is_some() || name.eq_ignore_ascii_case(member.tenancy.as_str()) {
            let text = "this domain goes with its tenancy: delete the tenant of the same name, once it has no bucket";
            return Err(SwarmError::NotCarried(text.to_owned()));
        }
        set_endpoints(swarm, &member.tenancy, |all| all.retain(|other| !other.eq_ignore_ascii_case(name))).await?;
        Ok(Reply::done(StatusCode::OK))
    };
    recorded::record(swarm, act, work, nothing).await
}

/// What stands before a domain of the installation that the name ends with.
fn of_installation<'a>(swarm: &Swarm, name: &'a str) -> Option<&'a str> {
    let domains = swarm.access.domains();
    let mut all = domains.internal().iter().chain(domains.external());
    all.find_map(|domain| {
        let at = name.len().checked_sub(domain.len()).filter(|at| name.is_char_boundary(*at))?;
        let (label, rest) = name.split_at(at);
        label.strip_suffix('.').filter(|_| rest.eq_ignore_ascii_case(domain))
    })
}

async fn set_endpoints(
    swarm: &Swarm,
    tenancy: &TenancyName,
    edit: impl FnOnce(&mut Vec<String>),
) -> Result<(), SwarmError> {
    let current = swarm.identity.tenancy(tenancy).ok_or_else(|| domain::unknown(tenancy.as_str()))?;
    let mut endpoints = current.endpoints.clone();
    edit(&mut endpoints);
    let change = TenancyChange { endpoints: Some(endpoints), ..TenancyChange::default() };
    swarm.identity.change_tenancy(tenancy, change).await?;
    Ok(())
}
