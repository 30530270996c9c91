//! `IpAddress` and `NotIpAddress`: addresses and ranges, of IPv4 and IPv6.

use std::net::IpAddr;

use super::Test;
use crate::IpNetwork;
use crate::document::Refusal;
use crate::template::Variables;

/// The ranges that are accepted.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct IpAddressTest(Vec<IpNetwork>);

pub(super) fn parse(operator: &str, values: &[&str], _: Variables) -> Option<Result<Test, Refusal>> {
    if !matches!(operator, "IpAddress" | "NotIpAddress") {
        return None;
    }
    let networks = values.iter().map(|value| value.parse().map_err(|error: String| Refusal::here(error)));
    Some(networks.collect::<Result<_, _>>().map(|networks| Test::IpAddress(IpAddressTest(networks))))
}

impl IpAddressTest {
    pub(super) fn accepts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whether it is not wider than AWS lets a policy be that is not public: /8, and /32 of IPv6.
    pub(super) fn is_bounded(&self) -> bool {
        self.0.iter().all(|network| network.prefix_bits() >= if network.is_ipv4() { 8 } else { 32 })
    }
}
