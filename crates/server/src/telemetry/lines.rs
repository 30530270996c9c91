//! How log lines reach standard error.
//!
//! A busy server writes tens of thousands of access lines a second, and a system call for each is a good part of what a
//! small request costs. So those are gathered, and a thread writes what has come together a few times a second. Every
//! other line is written where it is made, at once, and with it all that was gathered before: the log keeps its order,
//! and what an operator looks for after a crash is there.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// How long an access line waits for others, at most.
const LINGER: Duration = Duration::from_millis(50);
/// How much is gathered. Above it whoever adds a line writes, so a slow reader of the log slows requests down and takes
/// no memory. Some thousand lines.
const GATHERED_BYTES: usize = 1 << 20;

/// Standard error, or what stands for it, with the lines that wait to be written. Clones are the same.
pub(super) struct Lines<W>(Arc<Shared<W>>);

struct Shared<W> {
    gathered: Mutex<Gathered>,
    /// Told when the first line is gathered, and at the end.
    came: Condvar,
    /// Whoever writes takes what is gathered while holding this, so that lines stay in order.
    output: Mutex<W>,
}

#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    ended: bool,
}

impl<W: Write + Send + 'static> Lines<W> {
    /// Lines to `output`, and the thread that writes those that are gathered, which ends with [`Lines::end`].
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(super) fn start(output: W) -> io::Result<Self> {
        let shared = Shared { gathered: Mutex::default(), came: Condvar::new(), output: Mutex::new(output) };
        let lines = Self(Arc::new(shared));
        let of_thread = lines.clone();
        std::thread::Builder::new().name("log".to_owned()).spawn(move || of_thread.write_until_the_end())?;
        Ok(lines)
    }

    /// Writes what is gathered. Lines that come later are written at once.
    pub(super) fn end(&self) {
        self.0.gathered.lock().ended = true;
        self.0.came.notify_all();
        self.write(b"");
    }

    fn write_until_the_end(&self) {
        let mut gathered = self.0.gathered.lock();
        while !gathered.ended {
            if gathered.lines.is_empty() {
                self.0.came.wait(&mut gathered);
                continue;
            }
            drop(gathered);
            std::thread::sleep(LINGER);
            self.write(b"");
            gathered = self.0.gathered.lock();
        }
    }

    /// Keeps `line` for the next write, unless too much waits already.
    fn gather(&self, line: &[u8]) {
        let mut gathered = self.0.gathered.lock();
        if gathered.ended || gathered.lines.len() + line.len() > GATHERED_BYTES {
            drop(gathered);
            return self.write(line);
        }
        let first = gathered.lines.is_empty();
        gathered.lines.extend_from_slice(line);
        drop(gathered);
        if first {
            self.0.came.notify_one();
        }
    }

    /// Writes what is gathered, and `line` after it. A log that can not be written is no reason to fail anything.
    fn write(&self, line: &[u8]) {
        let mut output = self.0.output.lock();
        let gathered = std::mem::take(&mut self.0.gathered.lock().lines);
        let _ = output.write_all(&gathered).and_then(|()| output.write_all(line)).and_then(|()| output.flush());
    }
}

impl<W> Clone for Lines<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Where one event's line goes.
pub(super) struct LineWriter<'a, W> {
    lines: &'a Lines<W>,
    urgency: Urgency,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// It may wait for others.
    Gathered,
    AtOnce,
}

impl<W: Write + Send + 'static> Write for LineWriter<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.urgency {
            Urgency::Gathered => self.lines.gather(line),
            Urgency::AtOnce => self.lines.write(line),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a, W: Write + Send + 'static> MakeWriter<'a> for Lines<W> {
    type Writer = LineWriter<'a, W>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter { lines: self, urgency: Urgency::AtOnce }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Self::Writer {
        let urgency = if event.target() == s3_api::observe::ACCESS_LOG { Urgency::Gathered } else { Urgency::AtOnce };
        LineWriter { lines: self, urgency }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// What was written, and in how many writes.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.0.lock();
            written.0.extend_from_slice(bytes);
            written.1 += usize::from(!bytes.is_empty());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn started() -> (Sink, Lines<Sink>) {
        let sink = Sink::default();
        (sink.clone(), Lines::start(sink).expect("a thread"))
    }

    #[test]
    fn gathered_lines_are_written_together_and_soon() {
        let (sink, lines) = started();
        for _ in 0..2 {
            let before = sink.0.lock().0.len();
            for _ in 0..100 {
                lines.gather(b"line\n");
            }
            let start = Instant::now();
            while sink.0.lock().0.len() < before + 500 {
                assert!(start.elapsed() < Duration::from_secs(10));
                std::thread::yield_now();
            }
        }
        assert!(sink.0.lock().1 < 20);
        lines.end();
    }

    #[test]
    fn lines_that_are_written_at_once_keep_the_order() {
        let (sink, lines) = started();
        let mut expected = String::new();
        for n in 0..100 {
            let line = format!("{n}\n");
            expected.push_str(&line);
            match n % 10 {
                0 => lines.write(line.as_bytes()),
                _ => lines.gather(line.as_bytes()),
            }
            assert!(n % 10 > 0 || sink.0.lock().0 == expected.as_bytes());
        }
        lines.end();
        assert_eq!(sink.0.lock().0, expected.as_bytes());
        lines.gather(b"late");
        assert!(sink.0.lock().0.ends_with(b"late"));
    }

    #[test]
    fn no_more_is_gathered_than_the_bound() {
        let (sink, lines) = started();
        let line = vec![b'x'; GATHERED_BYTES / 4];
        for _ in 0..64 {
            lines.gather(&line);
            assert!(lines.0.gathered.lock().lines.len() <= GATHERED_BYTES);
        }
        lines.end();
        assert_eq!(sink.0.lock().0.len(), 64 * line.len());
    }
}
