//! The service on a real HTTP/1.1 connection: what only shows on the wire.

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3_api::ConnectionInfo;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::harness::Who::{Nobody, Owner, User};
use crate::harness::World;

/// Larger than any answer here.
const WIRE_BYTES: usize = 64 * 1024;

fn connect(world: &World) -> DuplexStream {
    let (client, server) = tokio::io::duplex(WIRE_BYTES);
    let service = Arc::clone(&world.service);
    tokio::spawn(async move {
        let handler = service_fn(move |request| {
            let service = Arc::clone(&service);
            let connection = ConnectionInfo { remote: ([127, 0, 0, 1], 1).into(), tls: false };
            async move { Ok::<_, std::convert::Infallible>(service.handle(request, connection).await) }
        });
        // What goes wrong on the connection shows at the client's end.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(server), handler).await;
    });
    client
}

/// Reads until the head of a response is there, and as much of its body as it says.
async fn read_response(client: &mut DuplexStream, method: &str) -> (String, Vec<u8>) {
    let mut read = Vec::new();
    let head = loop {
        let mut byte = [0];
        client.read_exact(&mut byte).await.expect("a response");
        read.push(byte[0]);
        if read.ends_with(b"\r\n\r\n") {
            break String::from_utf8(read).expect("a head of text");
        }
    };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let bodyless = method == "HEAD" || [" 100 ", " 204 ", " 304 "].iter().any(|status| head[..16].contains(status));
    let mut body = vec![0; if bodyless { 0 } else { length.unwrap_or(0) }];
    client.read_exact(&mut body).await.expect("a body");
    (head, body)
}

#[tokio::test]
async fn a_body_is_asked_for_only_from_who_may_send_it() {
    let world = World::with_bucket("bkt").await;
    for (who, status) in [(Owner, "HTTP/1.1 100 Continue"), (User, "HTTP/1.1 403"), (Nobody, "HTTP/1.1 403")] {
        let mut client = connect(&world);
        let head = world.head(who, "PUT", "/bkt/k", &[]);
        let request = format!("{head}expect: 100-continue\r\ncontent-length: 5\r\n\r\n");
        client.write_all(request.as_bytes()).await.expect("sent");
        let (head, _) = read_response(&mut client, "PUT").await;
        assert!(head.starts_with(status), "{who:?}: {head}");
        if who == Owner {
            client.write_all(b"hello").await.expect("sent");
            let (head, _) = read_response(&mut client, "PUT").await;
            assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        }
    }
}

/// Responses without a body leave the connection in order for the next request.
#[tokio::test]
async fn one_connection_serves_many_requests() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"hello").await;
    let etag = "\"5d41402abc4b2a76b9719d911017c592\"";
    let mut client = connect(&world);
    for (method, target, header, status, length) in [
        ("HEAD", "/bkt/k", None, "200", Some("5")),
        ("HEAD", "/bkt/absent", None, "404", None),
        ("GET", "/bkt/k", Some(("if-none-match", etag)), "304", None),
        ("GET", "/bkt/absent", None, "404", None),
        ("DELETE", "/bkt/absent", None, "204", None),
        ("GET", "/bkt/k", Some(("range", "bytes=1-2")), "206", Some("2")),
        ("GET", "/bkt/k", None, "200", Some("5")),
    ] {
        let headers: Vec<(&str, &str)> = header.into_iter().collect();
        let request = world.head(Owner, method, target, &headers) + "\r\n";
        client.write_all(request.as_bytes()).await.expect("sent");
        let (head, body) = read_response(&mut client, method).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {target}: {head}");
        if let Some(length) = length {
            assert!(head.contains(&format!("content-length: {length}\r\n")), "{method} {target}: {head}");
        }
        assert!(head.contains("date: ") && head.contains("server: Commonhold\r\n"), "{head}");
        assert_eq!(body.starts_with(b"<?xml"), method == "GET" && status == "404", "{method} {target}");
    }
}

/// A client that sends all before it reads gets its answer, and can go on.
#[tokio::test]
async fn a_refused_body_is_read_to_its_end() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/there", b"x").await;
    let mut client = connect(&world);
    let body = vec![0; 4 * WIRE_BYTES];
    let put_once = [("if-none-match", "*")];
    for (who, headers, status) in [(User, &[][..], "403"), (Nobody, &[], "403"), (Owner, &put_once, "412")] {
        let head = world.head(who, "PUT", "/bkt/there", headers);
        let request = format!("{head}content-length: {}\r\n\r\n", body.len());
        client.write_all(request.as_bytes()).await.expect("sent");
        client.write_all(&body).await.expect("the connection is still open");
        let (head, _) = read_response(&mut client, "PUT").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{who:?}: {head}");
    }
}
