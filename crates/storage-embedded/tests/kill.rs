//! SIGKILL of a real process on a real directory: what it had acknowledged is there afterwards.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use storage::{Batch, Blobs, Bounded, Metadata, NewBlob, Space};
use storage_embedded::{EmbeddedStore, Options};
use types::{BlobId, SeededEntropy};

/// Set in the process that is killed; its value is the data directory.
const CHILD: &str = "COMMONHOLD_KILL_TEST_DIRECTORY";
const SPACE: Space = Space(1);
const WRITERS: u64 = 4;
const ROUNDS: u64 = 12;

fn open(directory: &Path) -> Arc<EmbeddedStore> {
    let options = Options {
        segment_bytes: 1 << 20,
        memtable_bytes: 64 << 10,
        replay_bytes: 2 << 20,
        reserve_bytes: 0,
        ..Options::default()
    };
    EmbeddedStore::open_directory(directory, options, &SeededEntropy::new(1)).expect("it opens")
}

fn blob_id(writer: u64, number: u64) -> BlobId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    id[8..].copy_from_slice(&writer.to_le_bytes());
    BlobId(id)
}

fn body(writer: u64, number: u64) -> Bytes {
    let length = if number % 20 == 19 { 300_000 } else { 3000 };
    vec![(writer * 31 + number) as u8; length].into()
}

async fn next_number(store: &EmbeddedStore, writer: u64) -> u64 {
    let key = format!("w{writer}/next");
    let value = store.get(SPACE, key.as_bytes()).await.expect("it reads");
    value.map_or(0, |value| std::str::from_utf8(&value).expect("text").parse().expect("a number"))
}

/// Writes until it is killed. Says each acknowledged batch on standard output.
async fn write_for_ever(store: Arc<EmbeddedStore>, writer: u64) {
    let group = format!("w{writer}/");
    for number in next_number(&store, writer).await.. {
        let (id, content) = (blob_id(writer, number), body(writer, number));
        let keep = if content.len() > store.inline_limit() {
            let mut made = store.create(id, None).await.expect("create works");
            made.write(content).await.expect("write works");
            made.finish().await.expect("finish works");
            NewBlob::Made(id)
        } else {
            NewBlob::Inline(id, content)
        };
        let batch = Batch {
            put: vec![
                (format!("{group}next").into_bytes(), Bytes::from((number + 1).to_string())),
                (format!("{group}o/{number:08}").into_bytes(), Bytes::from_static(b"record")),
            ],
            keep: vec![keep],
            retire: number.checked_sub(10).map(|old| blob_id(writer, old)).into_iter().collect(),
            count: vec![Bounded { name: b"batches".to_vec(), delta: 1, at_most: None }],
            ..Batch::default()
        };
        store.commit(SPACE, group.as_bytes(), batch).await.expect("commit works");
        let mut out = std::io::stdout().lock();
        writeln!(out, "done {writer} {number}").and_then(|()| out.flush()).expect("the parent reads");
    }
}

async fn check(directory: &Path, acknowledged: &[u64]) {
    let store = open(directory);
    let mut total = 0;
    for writer in 0..WRITERS {
        let next = next_number(&store, writer).await;
        assert!(next >= acknowledged[writer as usize], "writer {writer}: {next} of {acknowledged:?}");
        total += next;
        for number in next.saturating_sub(10)..next {
            let expected = body(writer, number);
            let stream = store.read(blob_id(writer, number), 0..expected.len() as u64).await;
            assert!(stream.expect("a kept blob is there").collect().await.expect("it reads") == expected);
        }
        let last = format!("w{writer}/o/{:08}", next.saturating_sub(1));
        assert_eq!(store.get(SPACE, last.as_bytes()).await.expect("it reads").is_some(), next > 0);
    }
    assert_eq!(store.counters(&[b"batches".to_vec()]).await.expect("it reads"), [total as i64]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    if let Some(directory) = std::env::var_os(CHILD) {
        let store = open(Path::new(&directory));
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| tokio::spawn(write_for_ever(Arc::clone(&store), writer))).collect();
        for writer in writers {
            writer.await.expect("it is killed before");
        }
        return;
    }
    let dir = tempfile::tempdir().expect("there is room");
    let mut acknowledged = [0; WRITERS as usize];
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
            .args(["--exact", "--nocapture", "a_killed_process_loses_nothing_that_it_acknowledged"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let reader = std::thread::spawn(move || output.lines().map_while(Result::ok).collect::<Vec<_>>());
        tokio::time::sleep(Duration::from_millis(150 + round * 37 % 200)).await;
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        for line in reader.join().expect("the reader does not panic") {
            let mut words = line.split(' ');
            // The last line may be torn; the test harness says things, too.
            if let (Some("done"), Some(writer), Some(number)) = (words.next(), words.next(), words.next())
                && let (Ok(writer), Ok(number)) = (writer.parse::<usize>(), number.parse::<u64>())
            {
                acknowledged[writer] = acknowledged[writer].max(number + 1);
            }
        }
        check(dir.path(), &acknowledged).await;
    }
    assert!(acknowledged.iter().sum::<u64>() > ROUNDS, "the writers did something: {acknowledged:?}");
}
