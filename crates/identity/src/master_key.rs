//! The key under which secrets are encrypted at rest.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use types::Entropy;
use zeroize::Zeroizing;

/// The nonce of AES-GCM in bytes (NIST SP 800-38D). Random for every record: with 96 bits, 2^32 records under one key
/// are safe.
const NONCE_BYTES: usize = 12;
/// The salt of what is sealed by the thousand: see [`MasterKey::seal_many`].
const SALT_BYTES: usize = 16;

/// A 256-bit key for AES-256-GCM. Wiped from memory when dropped, and never shown by `Debug`.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// A text is not a master key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a master key is 32 bytes, written as 64 hex digits or in base64")]
pub struct MasterKeyError;

impl MasterKey {
    /// A fresh random key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Reads a key of 64 hex digits; white space around it is no matter.
    ///
    /// # Errors
    /// [`MasterKeyError`] where the text is anything else.
    pub fn from_hex(text: &str) -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).map_err(|_| MasterKeyError)?;
        Ok(Self(bytes))
    }

    /// Reads a key of 64 hex digits or of 32 bytes in base64.
    ///
    /// # Errors
    /// [`MasterKeyError`] where the text is neither.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        Self::from_hex(text).or_else(|_| {
            let decoded = Zeroizing::new(BASE64.decode(text.trim()).map_err(|_| MasterKeyError)?);
            let bytes: [u8; 32] = decoded.as_slice().try_into().map_err(|_| MasterKeyError)?;
            Ok(Self(Zeroizing::new(bytes)))
        })
    }

    /// The key as 64 hex digits, to be kept in a file that only the server can read.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_slice()))
    }

    /// Encrypts `secret` for the record `name`: nonce, ciphertext and tag, in hex.
    pub(crate) fn seal(&self, entropy: &dyn Entropy, name: &str, secret: &[u8]) -> String {
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce);
        let sealed = self
            .cipher()
            .encrypt(&nonce.into(), Payload { msg: secret, aad: name.as_bytes() })
            .expect("AES-GCM refuses only texts beyond 64 GiB");
        format!("{}{}", hex::encode(nonce), hex::encode(sealed))
    }

    /// What [`Self::seal`] encrypted for the record `name`; `None` where it is another record's or key's, or damaged.
    pub(crate) fn open(&self, name: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = hex::decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let opened = self.cipher().decrypt(&(*nonce).into(), Payload { msg: sealed, aad: name.as_bytes() });
        opened.ok().map(Zeroizing::new)
    }

    /// Encrypts `secret` under the name `name`: salt, nonce, ciphertext and tag. Each text has a key of its own, derived
    /// from the master key with the random salt, so that any number of them is safe (NIST SP 800-108 with HMAC-SHA256
    /// as the function, and 32 bytes, which is one block of it).
    pub(crate) fn seal_many(&self, entropy: &dyn Entropy, name: &str, secret: &[u8]) -> Vec<u8> {
        let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
        entropy.fill(&mut salt);
        entropy.fill(&mut nonce);
        let sealed = self
            .derived(name, &salt)
            .cipher()
            .encrypt(&nonce.into(), Payload { msg: secret, aad: name.as_bytes() })
            .expect("AES-GCM refuses only texts beyond 64 GiB");
        [&salt[..], &nonce[..], &sealed].concat()
    }

    /// What [`Self::seal_many`] encrypted under this name; `None` where it is of another name or key, or damaged.
    pub(crate) fn open_many(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (salt, sealed) = sealed.split_first_chunk::<SALT_BYTES>()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let cipher = self.derived(name, salt).cipher();
        let opened = cipher.decrypt(&(*nonce).into(), Payload { msg: sealed, aad: name.as_bytes() });
        opened.ok().map(Zeroizing::new)
    }

    fn derived(&self, name: &str, salt: &[u8; SALT_BYTES]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        mac.update(&[1]);
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(salt);
        Self(Zeroizing::new(mac.finalize().into_bytes().into()))
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use types::SeededEntropy;

    use super::*;

    #[test]
    fn a_key_is_read_in_hex_and_base64() {
        let key = MasterKey::generate(&SeededEntropy::new(1));
        let hex = key.to_hex();
        for text in [hex.to_string(), format!("{}\n", hex.to_uppercase()), BASE64.encode(*key.0)] {
            assert_eq!(MasterKey::parse(&text).expect("a key").0, key.0);
        }
        for text in ["", "abcd", &hex[1..], &format!("{}0", *hex), &BASE64.encode([0; 31])] {
            assert!(MasterKey::parse(text).is_err(), "{text}");
        }
        assert!(!format!("{key:?}").contains(&hex[..8]));
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_name_and_key_only() {
        let entropy = SeededEntropy::new(2);
        let (key, other) = (MasterKey::generate(&entropy), MasterKey::generate(&entropy));
        let sealed = key.seal(&entropy, "ann", b"secret");
        assert_ne!(sealed, key.seal(&entropy, "ann", b"secret"));
        assert_eq!(key.open("ann", &sealed).as_deref().map(Vec::as_slice), Some(b"secret".as_slice()));
        assert_eq!(key.open("bob", &sealed), None);
        assert_eq!(other.open("ann", &sealed), None);
        for damaged in ["", "00", "xyz", &sealed[2..], &sealed[..sealed.len() - 2]] {
            assert_eq!(key.open("ann", damaged), None, "{damaged}");
        }
    }

    #[test]
    fn each_of_many_has_a_key_of_its_own() {
        let entropy = SeededEntropy::new(3);
        let (key, other) = (MasterKey::generate(&entropy), MasterKey::generate(&entropy));
        let sealed = key.seal_many(&entropy, "session", b"secret");
        assert_ne!(sealed[..SALT_BYTES], key.seal_many(&entropy, "session", b"secret")[..SALT_BYTES]);
        assert_eq!(key.open_many("session", &sealed).as_deref().map(Vec::as_slice), Some(b"secret".as_slice()));
        assert_eq!(key.open_many("other", &sealed), None);
        assert_eq!(other.open_many("session", &sealed), None);
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(key.open_many("session", &damaged), None, "byte {at}");
            assert_eq!(key.open_many("session", &sealed[..at]), None, "{at} bytes");
        }
    }
}
