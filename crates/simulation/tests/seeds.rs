//! A bounded number of seeds, and that a seed replays. More: `cargo run -p simulation -- --seeds 0..100000`.

use std::thread;

/// Seeds of one run of the tests.
const SEEDS: u64 = 150;
/// Seeds that are run twice.
const REPLAYED: u64 = 8;
/// Threads; each has a run of its own.
const THREADS: u64 = 2;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_deleted_comes_back() {
    thread::scope(|scope| {
        for first in 0..THREADS {
            scope.spawn(move || {
                for seed in (first..SEEDS).step_by(THREADS as usize) {
                    if let Err(violation) = simulation::run(seed) {
                        panic!("{violation}\nto see it again: cargo run -p simulation -- --seed {seed}");
                    }
                }
            });
        }
    });
}

#[test]
fn a_seed_replays() {
    for seed in 1000..1000 + REPLAYED {
        let runs = [(); 2].map(|()| simulation::run(seed).unwrap());
        assert_eq!(runs[0], runs[1], "seed {seed}");
    }
}
