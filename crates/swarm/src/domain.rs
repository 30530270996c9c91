//! Which tenancy a request names, and under which domains a tenancy is known.
//!
//! A domain of Swarm is a host name of a tenancy: `<tenancy>.<domain>` for each domain of the installation, and the
//! tenancy's own endpoint names. `?domain=` counts before the `Host`, as the Swarm Gateway has it.

use access::NamedTenancy;
use identity::Tenancy;
use types::TenancyName;

use crate::Swarm;
use crate::asked::Asked;
use crate::error::SwarmError;

/// The tenancy that a request names by `?domain=` or its `Host`.
///
/// # Errors
/// [`SwarmError::NotFound`] where it names one that does not exist.
pub(crate) fn named(swarm: &Swarm, asked: &Asked) -> Result<Option<TenancyName>, SwarmError> {
    if let Some(domain) = asked.parameter("domain").filter(|domain| !domain.is_empty()) {
        return find(swarm, domain).map(Some).ok_or_else(|| unknown(domain));
    }
    match swarm.access.resolve_host(asked.host()).tenancy {
        NamedTenancy::Known(tenancy) => Ok(Some(tenancy)),
        NamedTenancy::Unknown => Err(unknown(asked.host().unwrap_or_default())),
        NamedTenancy::None => Ok(None),
    }
}

/// The tenancy of a domain, or of this name.
pub(crate) fn find(swarm: &Swarm, domain: &str) -> Option<TenancyName> {
    let name = TenancyName::new(&domain.to_ascii_lowercase()).ok();
    if let Some(tenancy) = name.and_then(|name| swarm.identity.tenancy(&name)) {
        return Some(tenancy.name.clone());
    }
    match swarm.access.resolve_host(Some(domain)) {
        access::HostTarget { tenancy: NamedTenancy::Known(tenancy), bucket: None, .. } => Some(tenancy),
        _ => None,
    }
}

/// The domains of a tenancy, the usual one first.
pub(crate) fn all_of(swarm: &Swarm, tenancy: &Tenancy) -> Vec<String> {
    let domains = swarm.access.domains();
    let usual = domains.internal().iter().chain(domains.external()).map(|domain| format!("{}.{domain}", tenancy.name));
    usual.chain(tenancy.endpoints.iter().cloned()).collect()
}

/// What is told of a domain that no tenancy has.
pub(crate) fn unknown(domain: &str) -> SwarmError {
    SwarmError::NotFound(format!("there is no domain {domain:?}"))
}
