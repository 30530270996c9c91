//! Clients that are slow, idle, greedy or too many, and a server that ends while they are there.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::http::{Answer, connect, exchange, get, read_answer, read_to_end};
use support::sigv4::signed_head;
use support::{BINARY, manager, send_signal, server_with_limits, wait};
use testkit::{AccessKey, TestServer};

fn host(server: &TestServer) -> String {
    server.s3_address().to_string()
}

fn make_bucket(server: &TestServer, key: &AccessKey) {
    let head = signed_head(key, "PUT", &host(server), "/bucket", &[("content-length", "0")]);
    let answer = exchange(server.s3_address(), &head);
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Starts an upload of 10 bytes and sends the first 4.
fn start_upload(server: &TestServer, key: &AccessKey) -> TcpStream {
    let mut stream = connect(server.s3_address());
    let head = signed_head(key, "PUT", &host(server), "/bucket/key", &[("content-length", "10")]);
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(b"0123").expect("sent");
    stream
}

/// Whether something becomes true within a few seconds: listeners and connections end side by side.
fn soon(mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !holds() {
        if began.elapsed() > Duration::from_secs(5) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Waits until the upload's handler reads its body: the server then has it in flight.
fn let_it_arrive() {
    std::thread::sleep(Duration::from_millis(300));
}

#[test]
fn a_client_that_never_finishes_its_headers_is_cut() {
    let server = server_with_limits("header_timeout_seconds = 1");
    let settings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for start in ["", "G", "GET / HTTP/1.1\r\nHost: x\r\n", "PRI * HTTP/2.0\r\n", settings] {
        let mut stream = connect(server.s3_address());
        stream.write_all(start.as_bytes()).expect("sent");
        let began = Instant::now();
        let answer = read_to_end(&mut stream);
        let took = began.elapsed();
        assert!(took > Duration::from_millis(500), "{start:?} was cut after {took:?}");
        assert!(took < Duration::from_secs(5), "{start:?} was cut after {took:?}");
        assert_eq!(answer.is_empty(), start != settings, "{:?}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn an_idle_connection_is_closed_and_a_used_one_is_kept() {
    let server = server_with_limits("header_timeout_seconds = 10\nidle_timeout_seconds = 2");
    let mut stream = connect(server.s3_address());
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        assert!(read_answer(&mut stream).is_some(), "kept alive");
        std::thread::sleep(Duration::from_millis(1200));
    }
    let began = Instant::now();
    assert!(read_to_end(&mut stream).is_empty());
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_stalled_upload_is_given_up() {
    let server = server_with_limits("stall_timeout_seconds = 1");
    let key = manager(&server);
    make_bucket(&server, &key);
    let mut stream = start_upload(&server, &key);
    let began = Instant::now();
    let answer = String::from_utf8_lossy(&read_to_end(&mut stream)).into_owned();
    assert!(began.elapsed() < Duration::from_secs(8), "after {:?}", began.elapsed());
    assert!(answer.is_empty() || answer.contains("RequestTimeout"), "{answer}");
}

#[test]
fn a_refused_upload_leaves_the_connection_usable() {
    let server = TestServer::start(BINARY);
    let mut stream = connect(server.s3_address());
    for _ in 0..5 {
        stream.write_all(b"PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n").expect("sent");
        std::thread::sleep(Duration::from_millis(50));
        stream.write_all(b"abcdef").expect("the connection is kept");
        let answer = read_answer(&mut stream).expect("an answer");
        assert!(answer.status == 403 && !answer.head.to_lowercase().contains("connection: close"), "{answer:?}");
    }
}

/// More than the server reads before it answers. The client sends all of it before it looks for an answer, as simple ones
/// do, and neither is it cut nor is the answer lost.
#[test]
fn a_refused_upload_of_any_length_is_told_why() {
    const BODY_BYTES: usize = 200 << 20;
    let server = TestServer::start(BINARY);
    let mut stream = connect(server.s3_address());
    let head = format!("PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: {BODY_BYTES}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let piece = vec![0; 1 << 20];
    for _ in 0..BODY_BYTES / piece.len() {
        stream.write_all(&piece).expect("the server reads on");
    }
    let answer = read_answer(&mut stream).expect("an answer");
    assert_eq!(answer.status, 403, "{answer:?}");
}

/// A client that asks before it sends a body, and is answered without having been told to go on, may or may not send it;
/// neither side can use the connection further, and the answer says so. Told to go on, it keeps the connection.
#[test]
fn an_answer_instead_of_100_continue_ends_the_connection() {
    let server = TestServer::start(BINARY);
    let key = manager(&server);
    make_bucket(&server, &key);
    let expect = ("expect", "100-continue");
    let refused = "PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n";
    let empty = signed_head(&key, "PUT", &host(&server), "/bucket/empty", &[("content-length", "0"), expect]);
    for (head, status) in [(refused, 403), (&empty, 200)] {
        let answer = exchange(server.s3_address(), head);
        assert_eq!(
            (answer.status, answer.head.to_lowercase().contains("connection: close")),
            (status, true),
            "{answer:?}"
        );
    }
    let mut stream = connect(server.s3_address());
    let head = signed_head(&key, "PUT", &host(&server), "/bucket/key", &[("content-length", "6"), expect]);
    stream.write_all(head.as_bytes()).expect("sent");
    assert_eq!(read_answer(&mut stream).expect("an interim answer").status, 100);
    stream.write_all(b"abcdef").expect("sent");
    let answer = read_answer(&mut stream).expect("an answer");
    assert_eq!((answer.status, answer.head.to_lowercase().contains("connection: close")), (200, false), "{answer:?}");
}

#[test]
fn a_reader_that_stops_is_cut_and_a_slow_one_is_not() {
    const OBJECT_BYTES: usize = 48 << 20;
    let server = server_with_limits("stall_timeout_seconds = 1\nidle_timeout_seconds = 2");
    let key = manager(&server);
    make_bucket(&server, &key);
    let length = OBJECT_BYTES.to_string();
    let mut stream = connect(server.s3_address());
    let head = signed_head(&key, "PUT", &host(&server), "/bucket/key", &[("content-length", &length)]);
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&vec![7; OBJECT_BYTES]).expect("sent");
    assert_eq!(read_answer(&mut stream).expect("an answer").status, 200);

    let get = signed_head(&key, "GET", &host(&server), "/bucket/key", &[]);
    let [mut slow, mut stopped] = [connect(server.s3_address()), connect(server.s3_address())];
    for stream in [&mut slow, &mut stopped] {
        stream.write_all(get.as_bytes()).expect("sent");
    }
    let mut piece = vec![0; 4 << 20];
    let mut received = 0;
    for _ in 0..8 {
        slow.read_exact(&mut piece).expect("more");
        received += piece.len();
        std::thread::sleep(Duration::from_millis(400));
    }
    received += read_to_end(&mut slow).len();
    assert!(received > OBJECT_BYTES, "{received} bytes came");
    assert!(read_to_end(&mut stopped).len() < OBJECT_BYTES, "the connection was closed in the middle");
}

#[test]
fn headers_have_a_bound() {
    let server = TestServer::start(BINARY);
    let with = |bytes: usize| {
        let filler = "x".repeat(1000);
        let headers: String = (0..bytes / 1000).map(|at| format!("x-amz-meta-{at}: {filler}\r\n")).collect();
        exchange(server.s3_address(), &format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"))
    };
    let refused = |answer: &Answer| answer.body.contains("RequestHeaderSectionTooLarge");
    assert!(!refused(&with(4_000)));
    let large = with(12_000);
    assert!(large.status == 400 && refused(&large), "{large:?}");
    assert!(large.head.to_lowercase().contains("x-amz-request-id"), "{large:?}");
    let huge = with(60_000);
    assert!(huge.status == 431 || (huge.status == 400 && refused(&huge)), "{huge:?}");
}

#[test]
fn above_the_bound_connections_wait() {
    let server = server_with_limits("connections = 2");
    let ask = |stream: &mut TcpStream| {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    };
    // The harness's own look at the port has to be over.
    std::thread::sleep(Duration::from_millis(300));
    let mut first = [connect(server.s3_address()), connect(server.s3_address())];
    for stream in &mut first {
        ask(stream);
        assert!(read_answer(stream).is_some());
    }
    let mut third = connect(server.s3_address());
    ask(&mut third);
    third.set_read_timeout(Some(Duration::from_millis(700))).expect("a time-out");
    assert!(third.read(&mut [0; 1]).is_err(), "the third one waits");
    drop(first);
    third.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    assert!(read_answer(&mut third).is_some(), "its turn comes");
}

#[test]
fn ending_finishes_what_is_in_flight() {
    let mut server = server_with_limits("shutdown_timeout_seconds = 20");
    let key = manager(&server);
    make_bucket(&server, &key);
    let mut upload = start_upload(&server, &key);
    let mut idle = connect(server.s3_address());
    let_it_arrive();
    send_signal(server.process_id(), Signal::TERM);
    assert!(read_to_end(&mut idle).is_empty(), "idle connections are closed");
    assert!(soon(|| TcpStream::connect(server.s3_address()).is_err()), "no new connections");
    upload.write_all(b"456789").expect("sent");
    let answer = read_answer(&mut upload).expect("an answer");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(wait(&mut server).success());

    server.start_again();
    let head = signed_head(&key, "GET", &host(&server), "/bucket/key", &[]);
    assert_eq!(exchange(server.s3_address(), &head).body, "0123456789");
}

#[test]
fn ending_does_not_wait_for_ever() {
    let mut server = server_with_limits("shutdown_timeout_seconds = 1");
    let key = manager(&server);
    make_bucket(&server, &key);
    let mut upload = start_upload(&server, &key);
    let_it_arrive();
    let began = Instant::now();
    send_signal(server.process_id(), Signal::INT);
    read_to_end(&mut upload);
    assert!(wait(&mut server).success());
    assert!(began.elapsed() < Duration::from_secs(10), "after {:?}", began.elapsed());
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = server_with_limits("shutdown_timeout_seconds = 60");
    let key = manager(&server);
    make_bucket(&server, &key);
    let _upload = start_upload(&server, &key);
    let_it_arrive();
    send_signal(server.process_id(), Signal::TERM);
    let_it_arrive();
    send_signal(server.process_id(), Signal::TERM);
    assert_eq!(wait(&mut server).code(), Some(130));
}

#[test]
fn monitoring_answers_and_every_metric_is_explained() {
    let server = TestServer::start(BINARY);
    let key = manager(&server);
    make_bucket(&server, &key);
    let address = server.metrics_url();
    let address = address.trim_start_matches("http://").split('/').next().expect("an address");
    let address = address.parse().expect("an address");
    assert_eq!(get(address, "/healthz").status, 200);
    assert_eq!(get(address, "/readyz").status, 200);
    assert_eq!(get(address, "/other").status, 404);
    let metrics = get(address, "/metrics");
    assert_eq!(metrics.status, 200);
    for part in [
        "commonhold_s3_requests_total{operation=\"CreateBucket\",status=\"200\"} 1",
        "commonhold_tenancy_bytes{tenancy=\"t\"} 0",
        "commonhold_disk_free_bytes ",
        "commonhold_uptime_seconds ",
        "commonhold_job_runs_total{job=\"expire_keys\",outcome=\"done\"}",
    ] {
        assert!(metrics.body.contains(part), "{part} is not in\n{}", metrics.body);
    }
    let page = include_str!("../../../docs/metrics.md");
    for line in metrics.body.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).expect("a name");
        assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/metrics.md");
    }
}
