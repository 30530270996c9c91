//! Signing keys of version 4, and a cache of them.

use std::collections::HashMap;

use hmac::{Hmac, Mac as _};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use types::HexText;
use zeroize::ZeroizeOnDrop;

use super::sigv4::SCOPE_END;

/// What a version 4 signature is bound to (SigV4 guide, "credential scope").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scope<'a> {
    /// The public half of the key.
    pub access_key: &'a str,
    /// The day, `20130524`.
    pub day: &'a str,
    /// Any region: clients rarely set one that means something.
    pub region: &'a str,
    /// `s3`, `sts` or `iam`.
    pub service: &'a str,
    /// The scope without the key, as it stands in the string to sign.
    pub to_sign: &'a str,
}

impl<'a> Scope<'a> {
    /// The services whose signatures are accepted.
    pub const SERVICES: [&'static str; 3] = ["s3", "sts", "iam"];

    /// Reads `KEY/DAY/REGION/SERVICE/aws4_request`, or `None`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.rsplitn(5, '/');
        let (end, service, region) = (parts.next()?, parts.next()?, parts.next()?);
        let (day, access_key) = (parts.next()?, parts.next()?);
        let day_is_one = day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit());
        let valid = end == SCOPE_END && Self::SERVICES.contains(&service) && day_is_one && !access_key.is_empty();
        valid.then(|| Self { access_key, day, region, service, to_sign: &text[access_key.len() + 1..] })
    }
}

/// A derived key, good for one scope. It is a secret for a day.
#[derive(Clone, ZeroizeOnDrop)]
pub struct SigningKey([u8; 32]);

impl SigningKey {
    /// Derives the key (SigV4 guide, "Calculate the signature").
    pub fn derive(secret: &str, scope: &Scope<'_>) -> Self {
        let mut first = Vec::with_capacity(4 + secret.len());
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.as_bytes());
        let mut key = hmac_sha256(&first, scope.day.as_bytes());
        zeroize::Zeroize::zeroize(&mut first);
        for part in [scope.region, scope.service, SCOPE_END] {
            key = hmac_sha256(&key, part.as_bytes());
        }
        Self(key)
    }

    /// The signature of `text`, in hex.
    pub fn sign(&self, text: &[u8]) -> HexText<64> {
        HexText::lower(&hmac_sha256(&self.0, text))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// Remembers derived keys, so that a client's next request costs one HMAC rather than five.
///
/// Bounded: two generations of at most `capacity` keys each. When the young one is full, the old one is forgotten. A
/// key is found by a hash over secret and scope, so a changed secret never meets an old key.
#[derive(Debug)]
pub struct SigningKeyCache {
    capacity: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<[u8; 32], SigningKey>,
    old: HashMap<[u8; 32], SigningKey>,
}

impl SigningKeyCache {
    /// A cache that holds at most twice `capacity` keys.
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), generations: Mutex::default() }
    }

    /// The key for this secret and scope, derived if it is not remembered.
    pub fn key(&self, secret: &str, scope: &Scope<'_>) -> SigningKey {
        let name = Self::name(secret, scope);
        {
            let mut generations = self.generations.lock();
            if let Some(key) = generations.young.get(&name) {
                return key.clone();
            }
            if let Some(key) = generations.old.remove(&name) {
                generations.insert(name, key.clone(), self.capacity);
                return key;
            }
        }
        let key = SigningKey::derive(secret, scope);
        self.generations.lock().insert(name, key.clone(), self.capacity);
        key
    }

    fn name(secret: &str, scope: &Scope<'_>) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [secret, scope.access_key, scope.day, scope.region, scope.service] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

impl Generations {
    fn insert(&mut self, name: [u8; 32], key: SigningKey, capacity: usize) {
        if self.young.len() >= capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(day: &str) -> String {
        format!("AKID/{day}/us-east-1/iam/aws4_request")
    }

    /// The example of the SigV4 guide, "Deriving a signing key".
    #[test]
    fn derivation_is_the_documented_one() {
        let credential = credential("20150830");
        let scope = Scope::parse(&credential).expect("a scope");
        let key = SigningKey::derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", &scope);
        assert_eq!(hex::encode(key.0), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    #[test]
    fn the_cache_is_bounded_and_never_mixes_secrets() {
        let cache = SigningKeyCache::new(4);
        for round in 0..3 {
            for day in 0..20 {
                let credential = credential(&format!("201508{day:02}"));
                let scope = Scope::parse(&credential).expect("a scope");
                for secret in ["one", "two"] {
                    assert_eq!(cache.key(secret, &scope).0, SigningKey::derive(secret, &scope).0, "{round}");
                }
            }
        }
        let generations = cache.generations.lock();
        assert!(generations.young.len() <= 4 && generations.old.len() <= 4);
    }

    #[test]
    fn scopes_are_read_from_the_right() {
        let scope = Scope::parse("a/b/20130524/eu/s3/aws4_request").expect("a scope");
        assert_eq!((scope.access_key, scope.to_sign), ("a/b", "20130524/eu/s3/aws4_request"));
        for text in [
            "",
            "AKID",
            "AKID/20130524/us-east-1/s3",
            "AKID/20130524/us-east-1/s3/aws3_request",
            "AKID/20130524/us-east-1/ec2/aws4_request",
            "AKID/2013/us-east-1/s3/aws4_request",
            "/20130524/us-east-1/s3/aws4_request",
        ] {
            assert_eq!(Scope::parse(text), None, "{text}");
        }
    }
}
