//! A bounded cache that never keeps what a change has overtaken.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::RwLock;

/// Values by name, of what was read from the store.
///
/// A reader takes a [`Ticket`] before it reads the store and gives it back with what it read. A change invalidates
/// after it was committed, which voids every ticket taken before: a value read before the change can not enter the
/// cache after it.
///
/// A full cache is emptied. That costs one read for each name in use, and saves the bookkeeping of recency on each hit.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    capacity: usize,
    state: RwLock<State<K, V>>,
}

#[derive(Debug)]
struct State<K, V> {
    generation: u64,
    values: HashMap<K, Arc<V>>,
}

/// The right to fill the cache with what is read from now on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(u64);

impl<K: Eq + Hash, V> Cache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, state: RwLock::new(State { generation: 0, values: HashMap::new() }) }
    }

    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        self.state.read().values.get(key).cloned()
    }

    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.state.read().generation)
    }

    pub(crate) fn fill(&self, ticket: Ticket, key: K, value: Arc<V>) {
        let mut state = self.state.write();
        if state.generation != ticket.0 {
            return;
        }
        if state.values.len() >= self.capacity {
            state.values.clear();
        }
        state.values.insert(key, value);
    }

    pub(crate) fn invalidate(&self, key: &K) {
        let mut state = self.state.write();
        state.generation += 1;
        state.values.remove(key);
    }

    pub(crate) fn invalidate_all(&self) {
        let mut state = self.state.write();
        state.generation += 1;
        state.values.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_does_not_enter_after_it() {
        let cache = Cache::new(8);
        let ticket = cache.ticket();
        cache.invalidate(&1);
        cache.fill(ticket, 1, Arc::new("old"));
        assert_eq!(cache.get(&1), None);
        cache.fill(cache.ticket(), 1, Arc::new("new"));
        assert_eq!(cache.get(&1).as_deref(), Some(&"new"));
        cache.invalidate_all();
        assert_eq!(cache.get(&1), None);
    }

    #[test]
    fn it_never_grows_beyond_its_capacity() {
        let cache = Cache::new(4);
        for n in 0..100 {
            cache.fill(cache.ticket(), n, Arc::new(n));
            assert!(cache.state.read().values.len() <= 4);
            assert_eq!(cache.get(&n).as_deref(), Some(&n));
        }
    }
}
