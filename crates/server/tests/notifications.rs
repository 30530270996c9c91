//! What people are told, by the real program: inboxes, and mail over the wire to a server of this test.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::BINARY;
use testkit::{ServerConfig, TestServer};

/// Longer than an event waits before it is told (5 s), on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mail server that takes everything, and sends each mail's text to the test.
fn mail_server() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            // A client that breaks off is no matter.
            std::thread::spawn(move || talk(stream, &sender).ok());
        }
    });
    (port, receiver)
}

fn talk(mut stream: TcpStream, mails: &Sender<String>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 test ESMTP\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let answer = match line.get(..4).unwrap_or_default() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mut text = Vec::new();
                for line in lines.by_ref() {
                    match line? {
                        line if line == "." => break,
                        line => text.push(line),
                    }
                }
                mails.send(text.join("\n")).map_err(std::io::Error::other)?;
                "250 taken"
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => "250 good",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

fn wait_for_inbox(server: &TestServer, user: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let inbox = server.admin(&["inbox", "list", user]);
        if inbox["unread"].as_u64().is_some_and(|unread| unread > 0) {
            return inbox;
        }
        assert!(Instant::now() < deadline, "{inbox}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_grant_is_told_in_the_inbox_and_by_mail() {
    let (port, mails) = mail_server();
    let extra_toml = format!(
        "\n[mail]\nserver = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nfrom = \"Store <store@example.org>\"\n\
         site_name = \"Example Store\"\noperators = [\"ops@example.org\"]\n"
    );
    let mut server = TestServer::start_with(BINARY, &ServerConfig { extra_toml, ..ServerConfig::default() });
    server.create_tenancy("t");
    server.admin(&["user", "create", "ann", "--email", "ann@example.org"]);
    server.admin(&["role", "grant", "t", "ann", "USER"]);
    let inbox = wait_for_inbox(&server, "ann");
    let entry = &inbox["entries"][0];
    assert_eq!((&entry["kind"], &inbox["unread"]), (&Value::from("grant_created"), &Value::from(1)));
    let mail = mails.recv_timeout(PATIENCE).expect("a mail");
    for part in ["From: Store <store@example.org>", "To: ann@example.org", "Subject: Example Store: you are USER in t"]
    {
        assert!(mail.contains(part), "{part} is not in\n{mail}");
    }
    let id = entry["id"].as_str().expect("an id");
    assert_eq!(server.admin(&["inbox", "read", id, "--user", "ann"])["subject"], entry["subject"]);
    assert_eq!(server.admin(&["inbox", "list", "ann"])["unread"], 0);
    server.admin(&["mail", "test", "ops@example.org"]);
    assert!(mails.recv_timeout(PATIENCE).expect("a mail").contains("To: ops@example.org"));

    // Over a restart nothing is told twice.
    server.stop_process();
    server.start_again();
    assert_eq!(server.admin(&["inbox", "list", "ann"])["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.admin(&["mail", "queue"]), Value::Array(Vec::new()));
    server.admin(&["inbox", "delete", id, "--user", "ann"]);
    assert!(mails.try_recv().is_err());
    assert!(server.try_admin(&["inbox", "list", "nobody"]).expect_err("refused").contains("there is no user"));
}

#[test]
fn without_a_mail_server_there_is_the_inbox() {
    let server = TestServer::start(BINARY);
    server.create_tenancy("t");
    server.create_key("t", "ann", "USER");
    wait_for_inbox(&server, "ann");
    let refused = server.try_admin(&["mail", "test", "ann@example.org"]).expect_err("no server");
    assert!(refused.contains("mail.server"), "{refused}");
}
