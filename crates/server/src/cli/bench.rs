//! `commonhold bench`: load for S3 endpoints, this machine's limits, and the targets that hold one against the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::admin::size::parse_size;
use ::bench::targets::Setup;
use ::bench::{
    BenchError, Credentials, Measurement, Operation, PayloadSigning, Server, Stop, Target, Workload, limits, prepare,
    report, run as drive, scale, targets,
};
use clap::{Args, ValueEnum};
use serde::Serialize;
use storage::Engine;
use storage_embedded::{EmbeddedStore, Options};
use types::OsEntropy;

use super::output::{print_json, print_line};
use super::{CliError, runtime};

/// Where the engine that `--targets` measures without HTTP has its files, in the folder of `--dir`.
const ENGINE_FOLDER: &str = "bench-engine";
/// Where the store that `--scale` fills has its files, in the folder of `--dir`.
const SCALE_FOLDER: &str = "bench-scale";
/// Where the store that `--start` starts has its files, in the folder of `--dir`.
const OWN_FOLDER: &str = "bench-store";

/// What to measure, and with what.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// An S3 endpoint, as http://HOST:PORT. Given twice, both are measured in turn and compared.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    endpoint: Vec<String>,
    /// The access key; for a second endpoint, given twice, unless it is the same.
    #[arg(long, value_name = "KEY", env = "AWS_ACCESS_KEY_ID", value_delimiter = ',', default_value = "")]
    access_key: Vec<String>,
    /// The secret; twice as the access key. Better given by the environment.
    #[arg(long, value_name = "SECRET", env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true, value_delimiter = ',')]
    secret_key: Vec<String>,
    /// The region of the signatures.
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    region: String,
    /// The bucket, made where it is missing. Objects stay in it.
    #[arg(long, default_value = "bench")]
    bucket: String,
    /// What requests do.
    #[arg(long, value_enum, default_value_t = Work::Mixed)]
    operation: Work,
    /// The size of an object.
    #[arg(long, default_value = "4KiB", value_parser = parse_size)]
    size: u64,
    /// The size of a range.
    #[arg(long, default_value = "256KiB", value_parser = parse_size)]
    range_size: u64,
    /// Makes PUTs multipart uploads of parts of this size.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    part_size: Option<u64>,
    /// How many parts of an upload travel at a time.
    #[arg(long, default_value_t = 8)]
    parallel_parts: usize,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How long each measurement takes, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    duration: u64,
    /// How many requests each measurement takes, instead of a duration.
    #[arg(long)]
    count: Option<u64>,
    /// How many objects are there to be read, listed or deleted.
    #[arg(long, default_value_t = 1000)]
    objects: u64,
    /// How often everything is measured; endpoints alternate.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Sign bodies too, with SHA-256.
    #[arg(long)]
    sign_payload: bool,
    /// Measure this machine's limits too.
    #[arg(long)]
    limits: bool,
    /// Measure the project's targets on the endpoint instead of one operation; row names that may follow choose among
    /// them.
    #[arg(long, value_name = "ROW", num_args = 0..)]
    targets: Option<Vec<String>>,
    /// Measure what only a full store shows, on a server of its own: start, memory, list, deletes, parts, uploads; the
    /// beginnings of names that may follow choose among them. The store stays in the folder of --dir, so that another run
    /// finds it filled.
    #[arg(long, value_name = "ROW", num_args = 0..)]
    scale: Option<Vec<String>>,
    /// The objects of the full store.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    scale_objects: u64,
    /// The parts, of 5 MiB, of the object of many parts.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    scale_parts: u64,
    /// The size of each of the 64 uploads that are in flight together: the store sets it aside for all of them.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_size)]
    scale_upload_size: u64,
    /// Measure a store of its own instead of an endpoint: it is started on a data directory in the folder of --dir, and
    /// removed at the end.
    #[arg(long, conflicts_with = "scale")]
    start: bool,
    /// The program that --start and --scale start; this one where it is not given.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Measure a decision under a policy of the greatest size; nothing is started for it.
    #[arg(long)]
    policy: bool,
    /// Where the limits' files are written and removed again: a folder on the store's device.
    #[arg(long, value_name = "FOLDER", default_value = "./commonhold-bench")]
    dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Work {
    Put,
    Get,
    Range,
    Head,
    Delete,
    List,
    ListEach,
    Mixed,
}

/// One measurement of a run, as JSON has it.
#[derive(Serialize)]
struct Row {
    endpoint: String,
    round: usize,
    requests_per_second: f64,
    bytes_per_second: f64,
    #[serde(flatten)]
    measurement: Measurement,
}

/// All of a run, as JSON has it.
#[derive(Default, Serialize)]
struct Results {
    limits: Vec<limits::Limit>,
    measurements: Vec<Row>,
    /// The second endpoint's rate as a share of the first's, of each round.
    ratios: Vec<f64>,
    targets: Vec<targets::Outcome>,
    scale: Vec<scale::Finding>,
    policy: Vec<scale::Finding>,
}

/// Measures and prints.
///
/// # Errors
/// Where nothing can be measured, or a target could not be.
pub(crate) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let runtime = runtime::for_server()?;
    let results = runtime.block_on(measure(arguments)).map_err(|error| CliError::Failed(error.to_string()))?;
    if arguments.json {
        return print_json(&results);
    }
    if !results.limits.is_empty() {
        print_line(&report::limits(&results.limits))?;
    }
    let rows: Vec<_> = results.measurements.into_iter().map(|row| (row.endpoint, row.measurement)).collect();
    if !rows.is_empty() {
        print_line(&report::measurements(&rows))?;
    }
    if !results.ratios.is_empty() {
        let each: Vec<String> = results.ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        print_line(&format!("rate of the second endpoint to that of the first, each round: {}", each.join(" ")))?;
    }
    if !results.targets.is_empty() {
        print_line(&report::outcomes(&results.targets))?;
    }
    for findings in [&results.scale, &results.policy] {
        if !findings.is_empty() {
            print_line(&report::findings(findings))?;
        }
    }
    Ok(())
}

async fn measure(arguments: &Arguments) -> Result<Results, BenchError> {
    let mut results = Results::default();
    let duration = Duration::from_secs(arguments.duration);
    if arguments.limits {
        results.limits = limits::measure(&arguments.dir, arguments.connections, duration).await?;
    }
    if arguments.policy {
        results.policy = ::bench::policy::measure();
        return Ok(results);
    }
    if let Some(only) = &arguments.scale {
        results.scale = measure_full_store(arguments, only.clone()).await?;
        return Ok(results);
    }
    if arguments.start {
        let folder = arguments.dir.join(OWN_FOLDER);
        let (server, _) = Server::start(&program(arguments)?, &folder).await?;
        let (endpoint, bucket) = (server.endpoint(), &arguments.bucket);
        let store = Target::new("its own", &endpoint, bucket, server.credentials(), payload_signing(arguments))?;
        let measured = measure_endpoints(arguments, &[store], &mut results).await;
        server.stop().await?;
        std::fs::remove_dir_all(&folder)
            .map_err(|error| BenchError::Io { what: folder.display().to_string(), error })?;
        measured?;
    } else {
        measure_endpoints(arguments, &endpoints(arguments)?, &mut results).await?;
    }
    Ok(results)
}

async fn measure_endpoints(
    arguments: &Arguments,
    endpoints: &[Target],
    results: &mut Results,
) -> Result<(), BenchError> {
    match (&arguments.targets, endpoints.first()) {
        (Some(only), Some(store)) => results.targets = hold_to_targets(arguments, store.clone(), only.clone()).await?,
        // Limits alone need no endpoint.
        _ if arguments.limits && !arguments.start && arguments.access_key.iter().all(String::is_empty) => {}
        _ => compare(arguments, endpoints, results).await?,
    }
    Ok(())
}

fn payload_signing(arguments: &Arguments) -> PayloadSigning {
    if arguments.sign_payload { PayloadSigning::Signed } else { PayloadSigning::Unsigned }
}

/// The program that is started to be measured.
fn program(arguments: &Arguments) -> Result<PathBuf, BenchError> {
    let program = arguments.program.clone().map_or_else(std::env::current_exe, Ok);
    program.map_err(|error| BenchError::Io { what: "this program's file".to_owned(), error })
}

fn endpoints(arguments: &Arguments) -> Result<Vec<Target>, BenchError> {
    let payload = payload_signing(arguments);
    let nth = |list: &[String], at: usize| list.get(at).or(list.last()).cloned().unwrap_or_default();
    let target = |(at, endpoint): (usize, &String)| {
        let credentials = Credentials {
            access_key: nth(&arguments.access_key, at),
            secret_key: nth(&arguments.secret_key, at),
            region: arguments.region.clone(),
        };
        Target::new(endpoint, endpoint, &arguments.bucket, credentials, payload)
    };
    arguments.endpoint.iter().enumerate().map(target).collect()
}

/// Measures the endpoints in turn, round by round.
async fn compare(arguments: &Arguments, endpoints: &[Target], results: &mut Results) -> Result<(), BenchError> {
    let workload = workload(arguments);
    for round in 1..=arguments.rounds.max(1) {
        let mut rates = Vec::new();
        for target in endpoints {
            prepare(target, &workload).await?;
            let measurement = drive(target, &workload).await?;
            rates.push(measurement.rate());
            results.measurements.push(Row {
                endpoint: target.name().to_owned(),
                round,
                requests_per_second: measurement.rate(),
                bytes_per_second: measurement.throughput(),
                measurement,
            });
        }
        if let [first, second, ..] = rates[..] {
            results.ratios.push(second / first.max(f64::MIN_POSITIVE));
        }
    }
    Ok(())
}

fn workload(arguments: &Arguments) -> Workload {
    let operation = match (arguments.operation, arguments.part_size) {
        (Work::Put, Some(part_size)) => Operation::PutMultipart { part_size, parallel_parts: arguments.parallel_parts },
        (Work::Put, None) => Operation::Put,
        (Work::Get, _) => Operation::Get,
        (Work::Range, _) => Operation::Range { range_size: arguments.range_size },
        (Work::Head, _) => Operation::Head,
        (Work::Delete, _) => Operation::Delete,
        (Work::List, _) => Operation::List,
        (Work::ListEach, _) => Operation::ListEach,
        (Work::Mixed, _) => Operation::Mixed,
    };
    Workload {
        operation,
        size: arguments.size,
        connections: arguments.connections,
        stop: arguments.count.map_or(Stop::After(Duration::from_secs(arguments.duration)), Stop::Count),
        objects: arguments.objects,
        prefix: format!("{}/{}/", operation.name(), report::size(arguments.size).replace(' ', "")),
    }
}

/// Measures the targets, with an engine of their own for the row without HTTP.
async fn hold_to_targets(
    arguments: &Arguments,
    store: Target,
    only: Vec<String>,
) -> Result<Vec<targets::Outcome>, BenchError> {
    let folder = arguments.dir.join(ENGINE_FOLDER);
    let engine = open_engine(&folder).await?;
    let setup = Setup {
        store,
        folder: arguments.dir.clone(),
        engine: Some(Engine::new(Arc::clone(&engine))),
        duration: Duration::from_secs(arguments.duration),
        rounds: arguments.rounds,
        only,
    };
    let outcomes = targets::measure(&setup, |outcome| eprintln!("{}: {:.2}", outcome.name, outcome.ratio)).await;
    drop(setup);
    engine.close().await.map_err(|error| BenchError::Engine(error.to_string()))?;
    drop(engine);
    std::fs::remove_dir_all(&folder).map_err(|error| BenchError::Engine(error.to_string()))?;
    Ok(outcomes)
}

/// Measures what only a full store shows.
async fn measure_full_store(arguments: &Arguments, only: Vec<String>) -> Result<Vec<scale::Finding>, BenchError> {
    let setup = scale::Setup {
        program: program(arguments)?,
        folder: arguments.dir.join(SCALE_FOLDER),
        objects: arguments.scale_objects.max(1),
        parts: arguments.scale_parts.max(1),
        upload_bytes: arguments.scale_upload_size.max(1),
        duration: Duration::from_secs(arguments.duration),
        rounds: arguments.rounds,
        only,
    };
    Ok(scale::measure(&setup, |progress| eprintln!("{progress}")).await)
}

async fn open_engine(folder: &Path) -> Result<Arc<EmbeddedStore>, BenchError> {
    let folder = folder.to_owned();
    let open = move || {
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        EmbeddedStore::open_directory(&folder, Options::default(), &OsEntropy).map_err(|error| error.to_string())
    };
    tokio::task::spawn_blocking(open).await?.map_err(BenchError::Engine)
}
