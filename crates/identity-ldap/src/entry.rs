//! What a server sends about an entry. It is read without trust in its form: what is not as it should be is left out.

use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag};

/// The tag of a search result entry (RFC 4511 section 4.5.2).
const SEARCH_RESULT_ENTRY: u64 = 4;

/// An entry, with the attributes that were asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Its distinguished name.
    pub(crate) dn: String,
    /// Names in lower case, with their values as texts; values that are no text are left out.
    attributes: Vec<(String, Vec<String>)>,
}

impl Entry {
    /// Reads an entry; `None` for what is none, such as a reference to another server.
    pub(crate) fn read(result: ResultEntry) -> Option<Self> {
        let mut parts = constructed(result.0.match_id(SEARCH_RESULT_ENTRY)?)?.into_iter();
        let dn = text(parts.next()?)?;
        let attributes = constructed(parts.next()?)?.into_iter().filter_map(attribute).collect();
        Some(Self { dn, attributes })
    }

    /// All values of an attribute.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        let found = self.attributes.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values)
    }

    /// The first value of an attribute.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// A part of an attribute's values that the server sends in parts (MS-ADTS section 3.1.1.3.1.3.3), with the number
    /// at which the next part begins, if there is one.
    pub(crate) fn part(&self, name: &str) -> Option<(&[String], Option<usize>)> {
        let head = format!("{};range=", name.to_ascii_lowercase());
        self.attributes.iter().find_map(|(own, values)| {
            let (_, last) = own.strip_prefix(&head)?.split_once('-')?;
            Some((values.as_slice(), last.parse::<usize>().ok().map(|last| last.saturating_add(1))))
        })
    }
}

fn attribute(tag: StructureTag) -> Option<(String, Vec<String>)> {
    let mut parts = constructed(tag)?.into_iter();
    let name = text(parts.next()?)?.to_ascii_lowercase();
    let values = constructed(parts.next()?)?.into_iter().filter_map(text).collect();
    Some((name, values))
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn text(tag: StructureTag) -> Option<String> {
    match tag.payload {
        PL::P(bytes) => String::from_utf8(bytes).ok(),
        PL::C(_) => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use ldap3::asn1::TagClass;

    use super::*;

    fn primitive(bytes: &[u8]) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(bytes.to_vec()) }
    }

    fn sequence(id: u64, parts: Vec<StructureTag>) -> StructureTag {
        let class = if id == SEARCH_RESULT_ENTRY { TagClass::Application } else { TagClass::Universal };
        StructureTag { class, id, payload: PL::C(parts) }
    }

    fn values(name: &[u8], values: &[&[u8]]) -> StructureTag {
        sequence(16, vec![primitive(name), sequence(17, values.iter().map(|value| primitive(value)).collect())])
    }

    /// An entry for the tests of other files.
    pub(crate) fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
        let attributes = attributes.iter().map(|(name, values)| {
            (name.to_ascii_lowercase(), values.iter().map(|value| (*value).to_owned()).collect())
        });
        Entry { dn: dn.to_owned(), attributes: attributes.collect() }
    }

    #[test]
    fn what_is_malformed_is_left_out() {
        let good = values(b"UID", &[b"ann", b"\xff\xfe", b"annie"]);
        let bad = [
            primitive(b"x"),
            sequence(16, vec![]),
            sequence(16, vec![primitive(b"cn")]),
            sequence(16, vec![sequence(16, vec![]), sequence(17, vec![])]),
            values(b"\xff", &[b"x"]),
        ];
        let attributes: Vec<_> = bad.into_iter().chain([good]).collect();
        let whole = sequence(SEARCH_RESULT_ENTRY, vec![primitive(b"cn=x"), sequence(16, attributes)]);
        let read = Entry::read(ResultEntry::new(whole)).expect("an entry");
        assert_eq!(
            (read.dn.as_str(), read.all("uid"), read.first("cn")),
            ("cn=x", &["ann".to_owned(), "annie".to_owned()][..], None)
        );

        for malformed in [
            primitive(b"x"),
            sequence(SEARCH_RESULT_ENTRY, vec![]),
            sequence(SEARCH_RESULT_ENTRY, vec![primitive(b"cn=x")]),
            sequence(SEARCH_RESULT_ENTRY, vec![primitive(b"\xff"), sequence(16, vec![])]),
            sequence(SEARCH_RESULT_ENTRY, vec![primitive(b"cn=x"), primitive(b"y")]),
            sequence(19, vec![primitive(b"ldap://other")]),
        ] {
            assert_eq!(Entry::read(ResultEntry::new(malformed)), None);
        }
    }

    #[test]
    fn values_in_parts_tell_where_the_next_part_begins() {
        for (name, next) in
            [("member;range=0-1499", Some(Some(1500))), ("member;range=1500-*", Some(None)), ("member", None)]
        {
            let read = entry("cn=x", &[(name, &["a"])]);
            assert_eq!(read.part("member").map(|(_, next)| next), next, "{name}");
        }
    }
}
