//! Ranges of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The addresses that share so many leading bits: `192.0.2.0/24`, `2001:db8::/32`, or one address alone. An IPv4 address
/// that is written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct IpNetwork {
    /// The address with all bits behind the prefix zero.
    address: IpAddr,
    prefix_bits: u8,
}

impl IpNetwork {
    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        Self::new(address.to_canonical(), self.prefix_bits) == Some(*self)
    }

    /// How many leading bits are fixed.
    pub const fn prefix_bits(&self) -> u8 {
        self.prefix_bits
    }

    /// Whether it is of IPv4 addresses.
    pub const fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }

    fn new(address: IpAddr, prefix_bits: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) => {
                let free = 32u32.checked_sub(prefix_bits.into())?;
                IpAddr::V4((v4.to_bits() & u32::MAX.checked_shl(free).unwrap_or(0)).into())
            }
            IpAddr::V6(v6) => {
                let free = 128u32.checked_sub(prefix_bits.into())?;
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(free).unwrap_or(0)))
            }
        };
        Some(Self { address, prefix_bits })
    }
}

impl FromStr for IpNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address and no range of addresses like 192.0.2.0/24 or 2001:db8::/32");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => whole,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().map_err(|_| wrong())?,
            Some(_) => return Err(wrong()),
        };
        let canonical = address.to_canonical();
        let mapped = address.is_ipv6() && canonical.is_ipv4() && bits >= 96;
        let network = if mapped { Self::new(canonical, bits - 96) } else { Self::new(address, bits) };
        network.ok_or_else(wrong)
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

impl Serialize for IpNetwork {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IpNetwork {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_ranges_and_outside() {
        for (network, address, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.77/24", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("::ffff:192.0.2.0/120", "192.0.2.9", true),
            ("0.0.0.0/0", "203.0.113.5", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::1/128", "2001:db8::1", true),
            ("10.0.0.0/31", "10.0.0.1", true),
            ("10.0.0.0/31", "10.0.0.2", false),
        ] {
            let parsed: IpNetwork = network.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), expected, "{address} in {network}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "/8", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "host"]
        {
            assert!(text.parse::<IpNetwork>().is_err(), "{text:?}");
        }
    }
}
