//! Concurrent conditional writes, deletes and reads of few keys over HTTP, by clients of the real program, which is
//! killed under them and started again: what they were told is linearizable for each key.

mod support;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use simulation::history::{Condition, Event, Operation, Outcome, Value, check};
use support::http::{Answer, connect, read_answer};
use support::sigv4::signed_head;
use support::{BINARY, manager};
use testkit::{AccessKey, TestServer};
use types::{Entropy, SeededEntropy};

/// Clients that ask at the same time, each on a connection of its own.
const CLIENTS: u64 = 6;
/// The keys they share.
const KEYS: u8 = 3;
/// Answers after which the program is killed, round by round; in the last round it is not.
const KILLED_AFTER: [Option<usize>; 4] = [Some(150), Some(60), Some(300), None];
/// Requests of a client in a round, at most.
const REQUESTS: usize = 120;
/// How long a round may take until its answers are there, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bodies that are packed, and every fourth that is not, in bytes.
const SIZES: (usize, usize) = (100, 70_000);

/// What the clients share.
struct Recording {
    address: SocketAddr,
    key: AccessKey,
    now: AtomicU64,
    next_value: AtomicU64,
    answered: AtomicUsize,
    events: Mutex<Vec<Event>>,
}

#[test]
fn what_clients_are_told_is_linearizable_also_where_the_program_is_killed() {
    let mut server = TestServer::start(BINARY);
    let recording = Recording {
        address: server.s3_address(),
        key: manager(&server),
        now: AtomicU64::new(1),
        next_value: AtomicU64::new(1),
        answered: AtomicUsize::new(0),
        events: Mutex::default(),
    };
    let made = Client::new(&recording, 0).ask("PUT", "/data", &[], "").expect("an answer");
    assert_eq!(made.status, 200, "{made:?}");
    for (round, killed_after) in (0..).zip(KILLED_AFTER) {
        recording.answered.store(0, Ordering::SeqCst);
        let clients: Vec<Client<'_>> = (0..CLIENTS).map(|at| Client::new(&recording, round * CLIENTS + at)).collect();
        thread::scope(|scope| {
            for mut client in clients {
                scope.spawn(move || client.work());
            }
            if let Some(killed_after) = killed_after {
                let deadline = Instant::now() + PATIENCE;
                while recording.answered.load(Ordering::SeqCst) < killed_after {
                    assert!(Instant::now() < deadline, "the clients get no answers\n{}", server.log());
                    thread::sleep(Duration::from_millis(1));
                }
                server.kill();
            }
        });
        if killed_after.is_some() {
            server.start_again();
        }
        Client::new(&recording, u64::MAX).read_all();
    }
    let events = recording.events.into_inner().unwrap_or_else(PoisonError::into_inner);
    let unanswered = events.iter().filter(|event| event.returned.is_none()).count();
    assert!(unanswered > 0, "the program was killed under its clients");
    let refused = |event: &&Event| matches!(event.operation, Operation::Put { outcome: Outcome::Refused, .. });
    assert!(events.iter().filter(refused).count() > 10, "clients met each other");
    check(&events).unwrap_or_else(|error| panic!("{error}"));
}

/// A client, with what it saw last of each key: a value, and its entity tag.
struct Client<'a> {
    recording: &'a Recording,
    stream: TcpStream,
    dice: SeededEntropy,
    seen: [Option<(Value, String)>; KEYS as usize],
}

impl<'a> Client<'a> {
    fn new(recording: &'a Recording, seed: u64) -> Self {
        let stream = connect(recording.address);
        Self { recording, stream, dice: SeededEntropy::new(seed), seen: Default::default() }
    }

    /// Sends a request; `None` where no whole answer comes.
    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        headers.push(("content-length", &length));
        let host = self.recording.address.to_string();
        let head = signed_head(&self.recording.key, method, &host, path, &headers);
        self.stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
        let answer = read_answer(&mut self.stream)?;
        let length = header(&answer, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        (answer.body.len() == length).then_some(answer)
    }

    /// Asks until the program is gone.
    fn work(&mut self) {
        for _ in 0..REQUESTS {
            let key = u8::try_from(self.dice.next_u64() % u64::from(KEYS)).expect("a key");
            let called = self.recording.now.fetch_add(1, Ordering::SeqCst);
            let (operation, told) = match self.dice.next_u64() % 10 {
                0..4 => self.get(key),
                4..9 => self.put(key),
                _ => self.delete(key),
            };
            self.note(key, called, operation, told);
            if told == Told::Nothing {
                return;
            }
        }
    }

    fn read_all(&mut self) {
        for key in 0..KEYS {
            let called = self.recording.now.fetch_add(1, Ordering::SeqCst);
            let (operation, told) = self.get(key);
            assert_eq!(told, Told::Outcome);
            self.note(key, called, operation, told);
        }
    }

    fn note(&self, key: u8, called: u64, operation: Operation, told: Told) {
        let returned = match told {
            Told::Outcome => Some(self.recording.now.fetch_add(1, Ordering::SeqCst)),
            Told::Nothing => None,
            Told::NotDone => return,
        };
        self.recording.answered.fetch_add(usize::from(returned.is_some()), Ordering::SeqCst);
        let mut events = self.recording.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(Event { key, called, returned, operation });
    }

    fn get(&mut self, key: u8) -> (Operation, Told) {
        let Some(answer) = self.ask("GET", &path(key), &[], "") else { return (Operation::Get(None), Told::Nothing) };
        let seen = &mut self.seen[usize::from(key)];
        *seen = match answer.status {
            200 => {
                let value = answer.body.split(' ').next().and_then(|value| value.parse().ok());
                let value = value.filter(|value| answer.body == body(*value));
                let value = value.unwrap_or_else(|| panic!("nobody wrote this: {answer:?}"));
                Some((value, tag(&answer)))
            }
            404 => None,
            _ => panic!("a read fails: {answer:?}"),
        };
        (Operation::Get(seen.as_ref().map(|(value, _)| *value)), Told::Outcome)
    }

    fn put(&mut self, key: u8) -> (Operation, Told) {
        let value = self.recording.next_value.fetch_add(1, Ordering::SeqCst);
        let seen = self.seen[usize::from(key)].clone();
        let (condition, headers) = match (&seen, self.dice.next_u64() % 4) {
            (_, 0) => (Condition::Always, vec![]),
            (Some((expected, tag)), _) => (Condition::Holds(*expected), vec![("if-match", tag.as_str())]),
            (None, _) => (Condition::Absent, vec![("if-none-match", "*")]),
        };
        let answer = self.ask("PUT", &path(key), &headers, &body(value));
        let put = |outcome| Operation::Put { value, condition, outcome };
        let Some(answer) = answer else { return (put(Outcome::Done), Told::Nothing) };
        match answer.status {
            200 => {
                self.seen[usize::from(key)] = Some((value, tag(&answer)));
                (put(Outcome::Done), Told::Outcome)
            }
            404 | 412 => (put(Outcome::Refused), Told::Outcome),
            // Others came between too often.
            409 | 503 => (put(Outcome::Refused), Told::NotDone),
            _ => panic!("a write fails: {answer:?}"),
        }
    }

    fn delete(&mut self, key: u8) -> (Operation, Told) {
        match self.ask("DELETE", &path(key), &[], "") {
            None => (Operation::Delete, Told::Nothing),
            Some(answer) => {
                assert_eq!(answer.status, 204, "{answer:?}");
                (Operation::Delete, Told::Outcome)
            }
        }
    }
}

/// What a client was told of its request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    Outcome,
    /// That it was not done, for a reason that says nothing about the key.
    NotDone,
    /// The connection ended.
    Nothing,
}

fn path(key: u8) -> String {
    format!("/data/key-{key}")
}

fn body(value: Value) -> String {
    let size = if value.is_multiple_of(4) { SIZES.1 } else { SIZES.0 };
    format!("{value} {}", "x".repeat(size))
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut fields = answer.head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn tag(answer: &Answer) -> String {
    header(answer, "etag").expect("an entity tag").to_owned()
}
