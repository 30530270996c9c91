//! Log-ins by name and password, with a bound on how often someone may guess.
//!
//! Wrong passwords are counted by name and by address. Whoever reaches one of the bounds waits, whether the next
//! password is right or not, so that nothing is learned by going on. Keys and sessions that exist work all the while.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use identity::{IdentityError, User};
use parking_lot::Mutex;
use types::{Timestamp, UserName};

use crate::authentication::Access;

/// Wrong passwords for one name in [`WINDOW_SECONDS`].
const FAILURES_OF_NAME: u32 = 10;
/// Wrong passwords from one address in [`WINDOW_SECONDS`]: many people may share one.
const FAILURES_OF_ADDRESS: u32 = 50;
/// From the first wrong password on, how long it counts.
const WINDOW_SECONDS: u64 = 15 * 60;
/// The leading bits of an IPv6 address that count: one customer has all addresses behind them.
const IPV6_PREFIX_BITS: u32 = 64;
/// How many names and addresses are watched, each, in each of two generations.
const WATCHED: usize = 16 * 1024;

/// A log-in failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogInError {
    /// There is no such person, they are disabled, or it is not their password. Which of them is not told.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// There were too many wrong passwords, and this one was not looked at.
    #[error("there were too many wrong passwords; the next may be tried in {wait_seconds} seconds")]
    TooManyFailures {
        /// How long it takes until the next is looked at.
        wait_seconds: u64,
    },
    /// The directory failed or is away.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// The wrong passwords of the last minutes, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    names: Mutex<Generations<String>>,
    addresses: Mutex<Generations<IpAddr>>,
}

/// Counts by name: when the young generation is full, the old one is forgotten.
#[derive(Debug)]
struct Generations<K> {
    young: HashMap<K, Count>,
    old: HashMap<K, Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Timestamp,
    failures: u32,
}

impl Access {
    /// The person of this name, where this is their password. `source` is where the request came from.
    ///
    /// # Errors
    /// [`LogInError`].
    pub async fn log_in(&self, name: &str, password: &str, source: IpAddr) -> Result<User, LogInError> {
        let (now, failures) = (self.clock().now(), self.failures());
        // Counted before it is looked at, so that guesses side by side count too.
        failures.begin(name, source, now)?;
        let verified = match UserName::new(name) {
            Ok(name) => self.identity().directory().verify_password(&name, password).await,
            Err(_) => Ok(None),
        };
        match verified {
            Ok(Some(user)) => {
                failures.forgive(name, source);
                Ok(user)
            }
            Ok(None) => Err(LogInError::Wrong),
            Err(error) => {
                failures.take_back(name, source);
                Err(error.into())
            }
        }
    }
}

impl Failures {
    /// Counts one more attempt.
    fn begin(&self, name: &str, source: IpAddr, now: Timestamp) -> Result<(), LogInError> {
        let address = network(source);
        let mut addresses = self.addresses.lock();
        addresses.check(&address, FAILURES_OF_ADDRESS, now)?;
        let mut names = self.names.lock();
        let name = name.to_owned();
        names.check(&name, FAILURES_OF_NAME, now)?;
        names.add(name, now);
        addresses.add(address, now);
        Ok(())
    }

    /// The password was right: nothing speaks against the name any more, and the attempt does not count for the address.
    fn forgive(&self, name: &str, source: IpAddr) {
        self.addresses.lock().take_back(&network(source));
        self.names.lock().forget(&name.to_owned());
    }

    /// The attempt told nothing.
    fn take_back(&self, name: &str, source: IpAddr) {
        self.addresses.lock().take_back(&network(source));
        self.names.lock().take_back(&name.to_owned());
    }
}

fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !(u128::MAX >> IPV6_PREFIX_BITS)).into()),
    }
}

impl<K> Default for Generations<K> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash> Generations<K> {
    fn check(&self, key: &K, bound: u32, now: Timestamp) -> Result<(), LogInError> {
        let Some(count) = self.young.get(key).or_else(|| self.old.get(key)) else { return Ok(()) };
        let end = count.since.plus_secs(WINDOW_SECONDS);
        if count.failures < bound || end <= now {
            return Ok(());
        }
        Err(LogInError::TooManyFailures { wait_seconds: (end.as_secs() - now.as_secs()).max(1) })
    }

    fn add(&mut self, key: K, now: Timestamp) {
        let count = self.young.get(&key).or_else(|| self.old.get(&key)).copied();
        let count = count.filter(|count| now < count.since.plus_secs(WINDOW_SECONDS));
        let count = count.unwrap_or(Count { since: now, failures: 0 });
        if self.young.len() >= WATCHED && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, Count { failures: count.failures.saturating_add(1), ..count });
    }

    fn take_back(&mut self, key: &K) {
        for counts in [&mut self.young, &mut self.old] {
            if let Some(count) = counts.get_mut(key) {
                count.failures = count.failures.saturating_sub(1);
            }
        }
    }

    fn forget(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
#[path = "log_in_tests.rs"]
mod tests;
