//! Runs seeds of the simulation: one, a range, or as many as fit into some minutes.

use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

/// Seeds of a run that is not told which.
const SEEDS: Range<u64> = 0..1000;

/// Simulates the store on a disk that fails, and compares it with a model of S3.
#[derive(Parser)]
#[command(name = "simulation")]
struct Arguments {
    /// The one seed to run; what happened is printed.
    #[arg(long, conflicts_with_all = ["seeds", "minutes"])]
    seed: Option<u64>,
    /// The seeds to run, as A..B.
    #[arg(long, value_parser = range)]
    seeds: Option<Range<u64>>,
    /// Run seeds one after another, from the first of --seeds on, for so many minutes.
    #[arg(long)]
    minutes: Option<u64>,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("a range is written A..B")?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text:?}: {error}"));
    Ok(number(from)?..number(to)?)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seeds = match (arguments.seed, arguments.seeds, arguments.minutes) {
        (Some(seed), ..) => seed..seed.saturating_add(1),
        (None, Some(seeds), None) => seeds,
        (None, seeds, Some(_)) => seeds.map_or(0, |seeds| seeds.start)..u64::MAX,
        (None, None, None) => SEEDS,
    };
    let started = Instant::now();
    let end = arguments.minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    let (mut runs, mut answers) = (0_u64, 0);
    for seed in seeds {
        if end.is_some_and(|end| started.elapsed() >= end) {
            break;
        }
        match simulation::run(seed) {
            Ok(report) => {
                runs += 1;
                answers += report.answers;
                if arguments.seed.is_some() {
                    println!("digest {:016x}", report.digest);
                }
            }
            Err(violation) => {
                eprintln!("{violation}");
                eprintln!("to see it again: cargo run -p simulation -- --seed {seed}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{runs} seeds, {answers} answers, {:.1} s, no violation", started.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
