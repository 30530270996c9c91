//! Password hashes: argon2id (RFC 9106) with its parameters and salt inside, as PHC strings.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use tokio::sync::Semaphore;
use types::Entropy;
use zeroize::Zeroizing;

use crate::IdentityError;

/// The lengths of a password in bytes: short ones are guessed, and very long ones cost time to hash.
const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 8..=1024;
/// How many hashes are computed at once: each takes 19 MiB of memory and a core for tens of milliseconds.
const HASHES_AT_ONCE: usize = 4;
/// The salt in bytes, as RFC 9106 section 3.1 recommends.
const SALT_BYTES: usize = 16;

/// Computes and checks hashes beside the threads that serve requests.
#[derive(Debug)]
pub(crate) struct Passwords {
    turns: Semaphore,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { turns: Semaphore::new(HASHES_AT_ONCE) }
    }

    /// The hash of a new password.
    pub(crate) async fn hash(&self, entropy: &dyn Entropy, password: &str) -> Result<String, IdentityError> {
        if !PASSWORD_BYTES.contains(&password.len()) {
            let rule = "it must have 8 to 1024 bytes".to_owned();
            return Err(IdentityError::Invalid { what: "password", rule });
        }
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let salt = SaltString::encode_b64(&salt).expect("16 bytes are a salt");
        let password = Zeroizing::new(password.to_owned());
        self.compute(move || {
            let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
            hash.expect("the default parameters hash every password").to_string()
        })
        .await
    }

    /// Whether `password` is the one with this hash. With no hash the same work is done and the answer is no, so that
    /// the time taken does not tell who exists.
    pub(crate) async fn verify(&self, hash: Option<String>, password: &str) -> Result<bool, IdentityError> {
        if password.len() > *PASSWORD_BYTES.end() {
            return Ok(false);
        }
        let password = Zeroizing::new(password.to_owned());
        self.compute(move || match hash.as_deref().map(PasswordHash::new) {
            Some(Ok(hash)) => Argon2::default().verify_password(password.as_bytes(), &hash).is_ok(),
            Some(Err(_)) | None => {
                let mut wasted = [0; 32];
                let _ = Argon2::default().hash_password_into(password.as_bytes(), &[0; SALT_BYTES], &mut wasted);
                false
            }
        })
        .await
    }

    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, IdentityError> {
        let lost = |what: &str| IdentityError::Unknown(format!("hashing a password {what}"));
        let _turn = self.turns.acquire().await.map_err(|_| lost("was refused"))?;
        tokio::task::spawn_blocking(work).await.map_err(|_| lost("did not end"))
    }
}
