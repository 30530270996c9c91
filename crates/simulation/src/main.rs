//! Runs seeds of the simulation: one, a range, or as many as fit into some minutes.

use std::ops::Range;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use simulation::{Violation, run_many};

/// Seeds of a run that is not told which.
const SEEDS: Range<u64> = 0..1000;

/// Simulates the store on a disk that fails, and compares it with a model of S3.
///
/// A night's run: `cargo run -p simulation -- --minutes 480`
#[derive(Parser)]
#[command(name = "simulation")]
struct Arguments {
    /// The one seed to run. Prints its digest, which is the same each time, or all that led to a violation.
    #[arg(long, conflicts_with_all = ["seeds", "minutes"])]
    seed: Option<u64>,
    /// The seeds to run, as A..B.
    #[arg(long, value_parser = range)]
    seeds: Option<Range<u64>>,
    /// Run seeds, from the first of --seeds on, for so many minutes.
    #[arg(long)]
    minutes: Option<u64>,
    /// How many seeds are run at the same time [default: the machine's cores].
    #[arg(long)]
    threads: Option<usize>,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("a range is written A..B")?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text:?}: {error}"));
    Ok(number(from)?..number(to)?)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => one(seed),
        None => many(&arguments),
    }
}

fn one(seed: u64) -> ExitCode {
    match simulation::run(seed) {
        Ok(report) => {
            println!("seed {seed}: {} answers, digest {:016x}, no violation", report.answers, report.digest);
            ExitCode::SUCCESS
        }
        Err(violation) => {
            violation.events.iter().for_each(|event| println!("{event}"));
            println!("seed {seed}: {}", violation.what);
            ExitCode::FAILURE
        }
    }
}

fn many(arguments: &Arguments) -> ExitCode {
    let seeds = match (&arguments.seeds, arguments.minutes) {
        (Some(seeds), None) => seeds.clone(),
        (seeds, Some(_)) => seeds.as_ref().map_or(0, |seeds| seeds.start)..u64::MAX,
        (None, None) => SEEDS,
    };
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or_else(cores).max(1);
    let started = Instant::now();
    let end = arguments.minutes.map(|minutes| started + Duration::from_secs(minutes.saturating_mul(60)));
    let first = seeds.start;
    let total = run_many(seeds, threads, end, &tell);
    let (answers, seconds) = (total.answers, started.elapsed().as_secs_f64());
    println!("{} seeds from {first} on, {answers} answers, {seconds:.1} s", total.runs);
    if total.violations.is_empty() {
        println!("no violation");
        return ExitCode::SUCCESS;
    }
    let seeds: Vec<u64> = total.violations.iter().map(|violation| violation.seed).collect();
    println!("violations: {seeds:?}");
    ExitCode::FAILURE
}

fn tell(violation: &Violation) {
    eprintln!("{violation}");
    eprintln!("to see it again: cargo run -p simulation -- --seed {}", violation.seed);
}
