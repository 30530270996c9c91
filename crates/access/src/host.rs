//! What a `Host` header names: `[<bucket>.]<tenancy>.<domain>[:port]`, or a tenancy's endpoint name in place of
//! `<tenancy>.<domain>`.
//!
//! Source: S3 user guide, "Virtual hosting of general purpose buckets". Host names are read in any case (RFC 9110
//! section 4.2.3); the bucket is taken as written, because bucket names are told apart by case.

use identity::Identity;
use types::{BucketName, TenancyName};

/// The domains under which tenancies are served, `s3.example.org`, in lower case.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Domains {
    internal: Vec<String>,
    external: Vec<String>,
}

/// From which side a request comes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Endpoint {
    /// Through an internal domain.
    Internal,
    /// Through an external domain.
    External,
    /// Through anything else: an endpoint name of a tenancy, an IP address, `localhost`.
    Other,
}

/// The tenancy that a host names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NamedTenancy {
    /// None: the key that signs decides.
    None,
    /// This one, which exists.
    Known(TenancyName),
    /// One that does not exist. The answer must be that of a bucket that does not exist, whatever else is wrong.
    Unknown,
}

/// What a host names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostTarget {
    /// The tenancy.
    pub tenancy: NamedTenancy,
    /// The bucket, for requests in virtual-host style.
    pub bucket: Option<BucketName>,
    /// From which side the request comes.
    pub endpoint: Endpoint,
}

impl Domains {
    /// These domains, in any case, with or without a dot at either end.
    pub fn new(internal: &[String], external: &[String]) -> Self {
        let normal = |domains: &[String]| {
            domains
                .iter()
                .map(|domain| domain.trim().trim_matches('.').to_ascii_lowercase())
                .filter(|domain| !domain.is_empty())
                .collect()
        };
        Self { internal: normal(internal), external: normal(external) }
    }

    /// The domains for requests from inside.
    pub fn internal(&self) -> &[String] {
        &self.internal
    }

    /// The domains for requests from anywhere.
    pub fn external(&self) -> &[String] {
        &self.external
    }

    /// What stands before the longest domain that `host` (in lower case) ends with: nothing for the domain itself.
    fn split<'a>(&self, host: &'a str) -> Option<(&'a str, Endpoint)> {
        let internal = self.internal.iter().map(|domain| (domain, Endpoint::Internal));
        let external = self.external.iter().map(|domain| (domain, Endpoint::External));
        internal
            .chain(external)
            .filter_map(|(domain, endpoint)| {
                let before = host.strip_suffix(domain.as_str())?;
                let labels = if before.is_empty() { before } else { before.strip_suffix('.')? };
                Some((labels, endpoint))
            })
            .min_by_key(|(labels, _)| labels.len())
    }
}

impl HostTarget {
    /// That nothing is named.
    pub const NONE: Self = Self { tenancy: NamedTenancy::None, bucket: None, endpoint: Endpoint::Other };
}

/// What the `Host` header (or the `:authority` of HTTP/2) names, given the tenancies that there are.
pub(crate) fn resolve(domains: &Domains, identity: &Identity, header: &str) -> HostTarget {
    let Some(written) = host_name(header) else { return HostTarget::NONE };
    let host = written.to_ascii_lowercase();
    if let Some((bucket, tenancy)) = by_endpoint_name(identity, written, &host) {
        return HostTarget { tenancy: NamedTenancy::Known(tenancy), bucket, endpoint: Endpoint::Other };
    }
    let Some((labels, endpoint)) = domains.split(&host) else { return HostTarget::NONE };
    if labels.is_empty() {
        return HostTarget { tenancy: NamedTenancy::None, bucket: None, endpoint };
    }
    let label_start = labels.rfind('.').map_or(0, |dot| dot + 1);
    let known = TenancyName::new(&labels[label_start..]).ok().filter(|name| identity.tenancy(name).is_some());
    let tenancy = known.map_or(NamedTenancy::Unknown, NamedTenancy::Known);
    // Lower case keeps the length in bytes, so the place in `labels` is the place in what was written.
    let bucket = label_start.checked_sub(1).and_then(|end| BucketName::new(&written[..end]).ok());
    HostTarget { tenancy, bucket, endpoint }
}

/// The longest endpoint name of a tenancy that the host ends with, and the bucket before it.
fn by_endpoint_name(identity: &Identity, written: &str, host: &str) -> Option<(Option<BucketName>, TenancyName)> {
    let starts = std::iter::once(0).chain(host.match_indices('.').map(|(dot, _)| dot + 1));
    for start in starts {
        if let Some(tenancy) = identity.tenancy_of_endpoint(&host[start..]) {
            let bucket = start.checked_sub(1).and_then(|end| BucketName::new(&written[..end]).ok());
            return Some((bucket, tenancy));
        }
    }
    None
}

/// The name without port and final dot; `None` for IP addresses and what is no name.
fn host_name(header: &str) -> Option<&str> {
    let header = header.trim();
    if header.starts_with('[') {
        return None;
    }
    let name = header.split_once(':').map_or(header, |(name, _port)| name);
    let name = name.strip_suffix('.').unwrap_or(name);
    let has_empty_label = name.split('.').any(str::is_empty);
    let is_name = name.is_ascii() && !has_empty_label && name.parse::<std::net::Ipv4Addr>().is_err();
    is_name.then_some(name)
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
