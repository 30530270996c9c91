//! Further host names under which a tenancy is served.

use crate::IdentityError;

/// The longest host name, in bytes (RFC 1035 section 2.3.4).
const MAX_HOST_BYTES: usize = 253;

/// A host name of letters, digits and `-` in labels (RFC 1123 section 2.1), and no IP address.
pub(super) fn check_endpoint(endpoint: &str) -> Result<(), IdentityError> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_address = endpoint.parse::<std::net::IpAddr>().is_ok();
    if endpoint.len() > MAX_HOST_BYTES || is_address || !endpoint.split('.').all(label) {
        let rule = format!("{endpoint:?} is no host name like data.example.org, without scheme and port");
        return Err(IdentityError::Invalid { what: "endpoint name", rule });
    }
    Ok(())
}

/// Names as they are compared and kept: in lower case and in order, each once.
pub(super) fn normal_endpoints(endpoints: Vec<String>) -> Vec<String> {
    let mut endpoints: Vec<_> = endpoints.iter().map(|endpoint| endpoint.trim().to_ascii_lowercase()).collect();
    endpoints.sort();
    endpoints.dedup();
    endpoints
}
