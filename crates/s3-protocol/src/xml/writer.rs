//! Writes a document.

use std::fmt::Write as _;

use super::NAMESPACE;
use crate::params::EncodingType;
use crate::percent;

/// A document in the making. Text is escaped so that every Unicode text is read back as it was: control characters
/// and `\r`, which a reader would change, stand as references.
#[derive(Debug)]
pub struct XmlWriter {
    out: String,
}

impl Default for XmlWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl XmlWriter {
    /// A document with nothing but its declaration.
    pub fn new() -> Self {
        Self { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") }
    }

    /// A whole document with this root, in the namespace of S3.
    pub fn document(root: &str, content: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self::new();
        xml.with_attributes(root, &[("xmlns", NAMESPACE)], content);
        xml.finish()
    }

    /// A piece of a document that begins with `text`.
    pub(super) fn piece(text: String) -> Self {
        Self { out: text }
    }

    /// The root of a document that has no namespace.
    pub fn plain_root(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.with_attributes(name, &[], content);
    }

    /// An element with elements in it.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.with_attributes(name, &[], content);
    }

    /// An element with attributes.
    pub fn with_attributes(&mut self, name: &str, attributes: &[(&str, &str)], content: impl FnOnce(&mut Self)) {
        self.out.push('<');
        self.out.push_str(name);
        for (attribute, value) in attributes {
            self.out.push(' ');
            self.out.push_str(attribute);
            self.out.push_str("=\"");
            self.escape(value);
            self.out.push('"');
        }
        self.out.push('>');
        content(self);
        self.close(name);
    }

    /// An element with text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        self.escape(text);
        self.close(name);
    }

    /// An element with text, where there is some.
    pub fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// An element with a number.
    pub fn number(&mut self, name: &str, number: u64) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        self.digits(number);
        self.close(name);
    }

    /// An element with `true` or `false`.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.text(name, if value { "true" } else { "false" });
    }

    /// Text directly in the element at hand.
    pub fn content(&mut self, text: &str) {
        self.escape(text);
    }

    /// The document.
    pub fn finish(self) -> String {
        self.out
    }

    /// The start of a root in the namespace of S3, whose end is for the caller to write.
    pub(super) fn open(&mut self, root: &str) {
        for text in ["<", root, " xmlns=\"", NAMESPACE, "\">"] {
            self.out.push_str(text);
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Tags, or text in which nothing has to be escaped, as they are.
    #[inline]
    pub(super) fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A text as a listing of this encoding shows it.
    pub(super) fn shown(&mut self, text: &str, encoding: EncodingType) {
        match encoding {
            EncodingType::None => self.escape(text),
            EncodingType::Url => percent::push_path(&mut self.out, text),
        }
    }

    /// A number, without an element around it.
    pub(super) fn digits(&mut self, mut number: u64) {
        // A u64 has at most 20 digits.
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.ascii(&digits[at..]);
    }

    /// Bytes as hex digits.
    pub(super) fn hex(&mut self, bytes: &[u8; 16]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 32];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        self.ascii(&hex);
    }

    /// Digits that were put together outside. What is no ASCII is left out.
    pub(super) fn ascii(&mut self, text: &[u8]) {
        self.out.push_str(std::str::from_utf8(text).unwrap_or_default());
    }

    /// Copies what stands for itself in runs: nearly all text is one.
    fn escape(&mut self, mut text: &str) {
        // Looks at every byte, because a loop without an early end is one for the vector unit.
        if !text.bytes().fold(false, |found, byte| found | may_be_escaped(byte)) {
            self.out.push_str(text);
            return;
        }
        while let Some(at) = text.bytes().position(may_be_escaped) {
            let (plain, rest) = text.split_at(at);
            self.out.push_str(plain);
            let mut characters = rest.chars();
            match characters.next() {
                Some('&') => self.out.push_str("&amp;"),
                Some('<') => self.out.push_str("&lt;"),
                Some('>') => self.out.push_str("&gt;"),
                Some('"') => self.out.push_str("&quot;"),
                Some(c) if c.is_control() && c != '\n' && c != '\t' => {
                    let _ = write!(self.out, "&#x{:x};", u32::from(c));
                }
                Some(c) => self.out.push(c),
                None => {}
            }
            text = characters.as_str();
        }
        self.out.push_str(text);
    }
}

/// Whether a character that begins with this byte may have to be escaped. `C2` begins the controls U+0080 to U+009F, and
/// some characters that stand for themselves; no byte of these stands within a character.
const fn may_be_escaped(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'&') | (byte == b'<') | (byte == b'>') | (byte == 0x7f) | (byte == 0xc2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Element;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_is_read_back(text in "\\PC*|[\u{1}-\u{ff}]*") {
            let mut xml = XmlWriter::new();
            xml.with_attributes("A", &[("type", text.trim())], |xml| xml.text("B", &text));
            let root = Element::parse(xml.finish().as_bytes(), "A").expect("a document");
            prop_assert_eq!(root.text_of("B"), Some(text.as_str()));
        }
    }

    #[test]
    fn documents_have_the_namespace() {
        let document = XmlWriter::document("A", |xml| {
            xml.number("N", 7);
            xml.boolean("B", false);
            xml.optional("O", None);
        });
        assert_eq!(
            document,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <N>7</N><B>false</B></A>"
        );
    }
}
