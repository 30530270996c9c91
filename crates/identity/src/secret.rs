//! The secret half of an access key.

use types::Entropy;
use zeroize::Zeroizing;

use crate::IdentityError;

/// The characters of a secret that is made here: none needs quoting anywhere.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The length of a secret that is made here: that of AWS, and 238 bits.
const GENERATED_CHARS: usize = 40;
/// The lengths of a secret that is brought along, in bytes: long enough not to be guessed, short enough for a header.
const IMPORTED_BYTES: std::ops::RangeInclusive<usize> = 8..=128;

/// The secret half of an access key. Wiped from memory when dropped, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A fresh secret of 40 letters and digits, each equally likely.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        // The bytes below the largest multiple of 62 are spread evenly over the alphabet; the others are drawn again.
        const FAIR: u8 = (256 / ALPHABET.len() * ALPHABET.len()) as u8;
        let mut secret = Zeroizing::new(String::with_capacity(GENERATED_CHARS));
        let mut bytes = Zeroizing::new([0; 64]);
        while secret.len() < GENERATED_CHARS {
            entropy.fill(bytes.as_mut_slice());
            let fair = bytes.iter().filter(|byte| **byte < FAIR);
            let missing = GENERATED_CHARS - secret.len();
            secret.extend(fair.take(missing).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])));
        }
        Self(secret)
    }

    /// Takes over a secret that exists: 8 to 128 visible ASCII characters.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`], which does not tell the secret.
    pub fn import(secret: &str) -> Result<Self, IdentityError> {
        let broken = |rule: &str| Err(IdentityError::Invalid { what: "secret", rule: rule.to_owned() });
        if !IMPORTED_BYTES.contains(&secret.len()) {
            return broken("it must have 8 to 128 characters");
        }
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return broken("only visible ASCII characters may stand in it");
        }
        Ok(Self(Zeroizing::new(secret.to_owned())))
    }

    /// What was decrypted; `None` where it is no text.
    pub(crate) fn decrypted(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(|text| Self(Zeroizing::new(text.to_owned())))
    }

    /// The secret itself: to sign with, or to show to its owner once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use types::SeededEntropy;

    use super::*;

    #[test]
    fn every_character_is_equally_likely() {
        let entropy = SeededEntropy::new(3);
        let mut counts = HashMap::new();
        for _ in 0..5_000 {
            let secret = Secret::generate(&entropy);
            assert_eq!(secret.expose().len(), GENERATED_CHARS);
            for c in secret.expose().chars() {
                *counts.entry(c).or_insert(0u32) += 1;
            }
        }
        assert_eq!(counts.len(), ALPHABET.len());
        // 200,000 draws over 62 characters: 3,226 each with a standard deviation of 56. Taking each byte modulo 62
        // would give eight of them 3,906.
        for (c, count) in counts {
            assert!((2_900..3_550).contains(&count), "{c}: {count}");
        }
    }

    #[test]
    fn imported_secrets_are_checked_and_never_told() {
        for good in ["12345678", "a/b+c=defg~!", &"x".repeat(128)] {
            let secret = Secret::import(good).expect(good);
            assert_eq!(secret.expose(), good);
            assert!(!format!("{secret:?}").contains(good));
        }
        for bad in ["1234567", &"x".repeat(129), "with space", "naïve-secret", "tab\tbetween"] {
            let error = Secret::import(bad).expect_err(bad);
            assert!(!error.to_string().contains(bad));
        }
    }
}
