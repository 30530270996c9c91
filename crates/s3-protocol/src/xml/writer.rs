//! Writes a document.

use std::fmt::Write as _;

use super::NAMESPACE;

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
        self.text(name, &number.to_string());
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

    fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn escape(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\n' | '\t' => self.out.push(c),
                c if c.is_control() => {
                    let _ = write!(self.out, "&#x{:x};", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
    }
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
