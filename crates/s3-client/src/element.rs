//! Documents of S3 as trees: they are small, and flat enough to be read by names.

use quick_xml::Reader;
use quick_xml::events::Event;

/// How deep elements may stand in each other; S3's documents have five levels.
const DEPTH: usize = 16;

/// An element with what is in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Element {
    /// Its name, without a prefix.
    pub name: String,
    /// The text in it.
    pub content: String,
    /// The elements in it.
    pub children: Vec<Self>,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        let mut reader = Reader::from_reader(document);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(start) => {
                    if open.len() > DEPTH {
                        return Err("its elements stand too deep in each other".to_owned());
                    }
                    open.push(Self::named(start.local_name().as_ref()));
                }
                Event::Empty(start) => {
                    let element = Self::named(start.local_name().as_ref());
                    open.last_mut().ok_or("it ends before it begins")?.children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop().ok_or("it ends before it begins")?;
                    open.last_mut().ok_or("it ends before it begins")?.children.push(element);
                }
                Event::Text(text) => {
                    let text = text.decode().map_err(|error| error.to_string())?;
                    open.last_mut().ok_or("it ends before it begins")?.content.push_str(&text);
                }
                Event::CData(text) => {
                    let text = text.decode().map_err(|error| error.to_string())?;
                    open.last_mut().ok_or("it ends before it begins")?.content.push_str(&text);
                }
                Event::GeneralRef(reference) => {
                    let character = resolved(&reference)?;
                    open.last_mut().ok_or("it ends before it begins")?.content.push_str(&character);
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        let root = open.pop().filter(|_| open.is_empty()).ok_or("it ends in the middle")?;
        root.children.into_iter().next().ok_or_else(|| "there is no element in it".to_owned())
    }

    fn named(name: &[u8]) -> Self {
        Self { name: String::from_utf8_lossy(name).into_owned(), ..Self::default() }
    }

    /// The first element of this name in it.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The elements of this name in it.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first element of this name in it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.content.as_str())
    }
}

/// What `&amp;`, `&#38;` and their like stand for.
fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(|error| error.to_string())?;
    let known = [("amp", "&"), ("lt", "<"), ("gt", ">"), ("quot", "\""), ("apos", "'")];
    let found = known.into_iter().find(|(of, _)| *of == name).map(|(_, text)| text.to_owned());
    found.ok_or_else(|| format!("&{name}; is not known"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_by_names() {
        let document = br#"<?xml version="1.0"?><L xmlns="http://s3"><IsTruncated>true</IsTruncated>
            <Contents><Key>a&amp;b&#233;</Key><Size>1</Size></Contents><x:Contents><Key><![CDATA[<]]></Key></x:Contents><E/></L>"#;
        let root = Element::parse(document).expect("a document");
        assert_eq!((root.name.as_str(), root.text("IsTruncated")), ("L", Some("true")));
        let keys: Vec<_> = root.all("Contents").filter_map(|contents| contents.text("Key")).collect();
        assert_eq!(keys, ["a&b\u{e9}", "<"]);
        assert!(root.child("E").is_some());
    }

    #[test]
    fn nonsense_is_refused() {
        let deep = "<a>".repeat(100);
        for bad in ["", "no element", "<a>", "<a></b>", "<a>&nothing;</a>", deep.as_str()] {
            assert!(Element::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
