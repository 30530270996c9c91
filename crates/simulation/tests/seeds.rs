//! Some thousands of seeds, and that a seed replays. More: `cargo run -p simulation -- --minutes 480`.

use std::thread;

use simulation::run_many;

/// Seeds of one run of the tests: what two cores do in about two minutes.
const SEEDS: u64 = 3000;
/// Seeds that are run again.
const REPLAYED: u64 = 8;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_deleted_comes_back() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let total = run_many(0..SEEDS, threads, None, &|violation| {
        eprintln!("{violation}\nto see it again: cargo run -p simulation -- --seed {}", violation.seed);
    });
    let seeds: Vec<u64> = total.violations.iter().map(|violation| violation.seed).collect();
    assert_eq!(seeds, [0; 0], "seeds with a violation");
    assert_eq!(total.runs, SEEDS);
}

/// Also beside others.
#[test]
fn a_seed_replays() {
    for seed in 100_000..100_000 + REPLAYED {
        let alone = simulation::run(seed).unwrap();
        let beside = thread::scope(|scope| {
            let threads = [(); 2].map(|()| scope.spawn(|| simulation::run(seed).unwrap()));
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(beside, [alone; 2], "seed {seed}");
    }
}
