//! The text of access lines, written without the detours that a formatter for every kind of event takes.
//!
//! Each request has one, so what it costs is a part of every request. The line is the one that `tracing-subscriber`
//! would write; a test compares them.

use std::fmt::{self, Write as _};

use s3_api::observe::ACCESS_LOG;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;
use types::{Clock as _, SystemClock};

/// What most lines fit in.
const LINE_BYTES: usize = 512;

/// Formats access lines itself, and leaves all others, and those with colours, to `others`.
pub(super) struct AccessLine<F> {
    pub(super) others: F,
}

impl<S, N, F> FormatEvent<S, N> for AccessLine<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if event.metadata().target() != ACCESS_LOG || writer.has_ansi_escapes() {
            return self.others.format_event(context, writer, event);
        }
        let mut fields = Fields { line: String::with_capacity(LINE_BYTES), outcome: Ok(()) };
        fields.line.push_str(&SystemClock.now().to_rfc3339_micros());
        write!(fields.line, " {:>5} {ACCESS_LOG}:", event.metadata().level().as_str())?;
        event.record(&mut fields);
        fields.outcome?;
        fields.line.push('\n');
        writer.write_str(&fields.line)
    }
}

/// Writes ` name=value` of each field, and the message as it is.
struct Fields {
    line: String,
    outcome: fmt::Result,
}

impl Fields {
    fn name(&mut self, field: &Field) {
        self.line.push(' ');
        if field.name() != "message" {
            self.line.push_str(field.name());
            self.line.push('=');
        }
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        self.outcome = self.outcome.and_then(|()| write!(self.line, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        if !is_plain {
            return self.record_debug(field, &value);
        }
        self.name(field);
        self.line.push('"');
        self.line.push_str(value);
        self.line.push('"');
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field);
        self.outcome = self.outcome.and_then(|()| write!(self.line, "{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing_subscriber::fmt::format::Format;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `tell` makes under a formatter, each without its time.
    fn lines<F>(format: F, tell: impl FnOnce()) -> Vec<String>
    where
        F: FormatEvent<tracing_subscriber::Registry, tracing_subscriber::fmt::format::DefaultFields>
            + Send
            + Sync
            + 'static,
    {
        use tracing_subscriber::layer::SubscriberExt as _;
        let sink = Sink::default();
        let of_layer = sink.clone();
        let layer = tracing_subscriber::fmt::layer().event_format(format).with_ansi(false);
        let layer = layer.with_writer(move || of_layer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), tell);
        let text = String::from_utf8(sink.0.lock().clone()).expect("text");
        let without_time = |line: &str| {
            let (time, rest) = line.split_once(' ').expect("a time");
            assert_eq!((time.len(), &time[10..11], &time[26..]), ("2026-11-23T08:38:02.782506Z".len(), "T", "Z"));
            rest.to_owned()
        };
        text.lines().map(without_time).collect()
    }

    #[test]
    fn lines_are_those_of_the_common_format() {
        let tell = || {
            for key in ["k", "", "a b=c", "q\"uote", "back\\slash", "new\nline", "Grüße €", "\u{1b}[31m", "tab\t\u{7f}"]
            {
                let (nothing, remote) = (None::<&str>, std::net::SocketAddr::from(([127, 0, 0, 1], 80)));
                tracing::info!(
                    target: ACCESS_LOG, id = %"0A", %remote, key = Some(key), key2 = key, nothing, status = 200_u16,
                    bytes = u64::MAX, "request"
                );
            }
            tracing::warn!(other = "x", "said");
        };
        let ours = lines(AccessLine { others: Format::default() }, tell);
        assert_eq!(ours, lines(Format::default(), tell));
        assert_eq!(ours.len(), 10);
        assert!(
            ours[0].starts_with(" INFO commonhold::access: request id=0A remote=127.0.0.1:80 key=\"k\" key2=\"k\"")
        );
    }
}
