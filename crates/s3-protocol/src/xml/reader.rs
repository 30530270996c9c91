//! Reads a document into a tree.
//!
//! Names lose their prefix, so that any way to write the namespace is the same. Comments, processing instructions and
//! the declaration are skipped. A DTD, and any entity but the five of XML and character references, is refused: no
//! text expands.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::{ErrorCode, S3Error};

/// The deepest nesting of a document: those of S3 have at most seven levels.
const MAX_DEPTH: usize = 16;
/// The most elements of a document: 10,000 parts with four elements each are the largest in use.
const MAX_ELEMENTS: usize = 100_000;

/// An element: its text, and the elements in it. Attributes are read where they mean something (`xsi:type`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Element {
    /// The name, without its prefix.
    pub name: String,
    /// All text directly inside it.
    pub text: String,
    /// The value of its attribute `type`, without regard to the prefix.
    pub kind: Option<String>,
    /// The elements in it.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a whole document, whose root must be called `root`.
    ///
    /// # Errors
    /// `MalformedXML`.
    pub fn parse(document: &[u8], root: &str) -> Result<Self, S3Error> {
        let element = parse(document).ok_or(ErrorCode::MalformedXML)?;
        if element.name == root { Ok(element) } else { Err(ErrorCode::MalformedXML.into()) }
    }

    /// The first element in this one with that name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The elements in this one with that name.
    pub fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first element in this one with that name, exactly.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The same without white space at its ends: for numbers and words.
    pub fn word_of(&self, name: &str) -> Option<&str> {
        self.text_of(name).map(str::trim)
    }
}

fn parse(document: &[u8]) -> Option<Element> {
    let text = std::str::from_utf8(document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document)).ok()?;
    // The one character that not even a reference can stand for.
    if text.contains('\0') {
        return None;
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut elements = 0;
    let mut root = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                if root.is_some() || open.len() == MAX_DEPTH || elements > MAX_ELEMENTS {
                    return None;
                }
                open.push(begin(&start)?);
            }
            Event::End(_) => {
                let element = open.pop()?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => root = Some(element),
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content().ok()?)?,
            Event::CData(text) => append(&mut open, &text.xml10_content().ok()?)?,
            Event::GeneralRef(reference) => append(&mut open, resolve(&reference)?.encode_utf8(&mut [0; 4]))?,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::DocType(_) | Event::Empty(_) => return None,
            Event::Eof => return root.filter(|_| open.is_empty()),
        }
    }
}

fn begin(start: &BytesStart<'_>) -> Option<Element> {
    let name = std::str::from_utf8(start.local_name().into_inner()).ok()?.to_owned();
    let mut kind = None;
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        if attribute.key.local_name().as_ref() == b"type" {
            kind = Some(attribute.unescape_value().ok()?.into_owned());
        }
    }
    Some(Element { name, kind, ..Element::default() })
}

/// Text outside the root may be white space only.
fn append(open: &mut [Element], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => {
            element.text.push_str(text);
            Some(())
        }
        None => text.trim().is_empty().then_some(()),
    }
}

fn resolve(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok()?;
    }
    match reference.decode().ok()?.as_ref() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_the_same() {
        for document in [
            "<A><B> x&amp;y </B><C/></A>",
            "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A xmlns=\"urn:x\"><B> x&#38;y </B><C></C></A>\n",
            "<s:A xmlns:s=\"urn:x\"><!-- c --><s:B> x<![CDATA[&]]>y </s:B><?pi?><s:C /></s:A>",
        ] {
            let root = Element::parse(document.as_bytes(), "A").expect(document);
            assert_eq!(root.text_of("B"), Some(" x&y "), "{document}");
            assert_eq!(root.word_of("B"), Some("x&y"), "{document}");
            assert_eq!(root.text_of("C"), Some(""), "{document}");
            assert_eq!(root.children("B").count(), 1);
        }
        let typed = Element::parse(b"<A xsi:type=\"CanonicalUser\"/>", "A").expect("a document");
        assert_eq!(typed.kind.as_deref(), Some("CanonicalUser"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = format!("{}{}", "<A>".repeat(MAX_DEPTH + 1), "</A>".repeat(MAX_DEPTH + 1));
        let wide = format!("<A>{}</A>", "<B/>".repeat(MAX_ELEMENTS));
        for document in [
            "",
            "text",
            "<A>",
            "<A></B>",
            "<A/><A/>",
            "<A/>text",
            "<B/>",
            "<A>&unknown;</A>",
            "<A>&#0;</A>",
            "<A>\0</A>",
            "<!DOCTYPE A [<!ENTITY x \"y\">]><A>&x;</A>",
            "<!DOCTYPE A><A/>",
            &deep,
            &wide,
        ] {
            let short: String = document.chars().take(40).collect();
            assert_eq!(Element::parse(document.as_bytes(), "A").expect_err(&short).code(), ErrorCode::MalformedXML);
        }
        assert!(Element::parse(b"<A>\xff</A>", "A").is_err());
    }
}
