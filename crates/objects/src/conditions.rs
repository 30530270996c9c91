//! Whether the conditions of a request hold (RFC 9110 section 13.2.2; S3 API pages of GetObject, PutObject, CopyObject).

use policy::Existence;
use types::{Conditions, ETag, Timestamp, VersionId};

use crate::ObjectError;
use crate::object::ObjectInfo;
use crate::record::VersionRecord;

/// Checks a read of an object that exists.
///
/// # Errors
/// [`ObjectError::PreconditionFailed`], or [`ObjectError::NotModified`], which tells `version`.
pub(crate) fn check_read(
    conditions: &Conditions,
    info: &ObjectInfo,
    version: Option<VersionId>,
) -> Result<(), ObjectError> {
    match broken(conditions, &info.etag, info.last_modified) {
        None => Ok(()),
        Some(Broken::Precondition(condition)) => Err(ObjectError::PreconditionFailed { condition }),
        Some(Broken::Modification(_)) => {
            Err(ObjectError::NotModified { etag: info.etag, last_modified: info.last_modified, version })
        }
    }
}

/// Checks the source of a copy: whatever does not hold fails the copy.
///
/// # Errors
/// [`ObjectError::PreconditionFailed`].
pub(crate) fn check_source(conditions: &Conditions, info: &ObjectInfo) -> Result<(), ObjectError> {
    match broken(conditions, &info.etag, info.last_modified) {
        None => Ok(()),
        Some(Broken::Precondition(condition) | Broken::Modification(condition)) => {
            Err(ObjectError::PreconditionFailed { condition })
        }
    }
}

/// What must hold when an object is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteTerms<'a> {
    /// What the request asks.
    pub(crate) conditions: &'a Conditions,
    /// What the grant is for.
    pub(crate) existence: Existence,
}

impl WriteTerms<'_> {
    /// Checks them against the current object of the key; a delete marker is no object.
    ///
    /// # Errors
    /// Those of [`check_write`], and [`ObjectError::AccessDenied`].
    pub(crate) fn check(&self, current: Option<&ETag>) -> Result<(), ObjectError> {
        check_write(self.conditions, current)?;
        if self.existence.agrees_with(current.is_some()) { Ok(()) } else { Err(ObjectError::AccessDenied) }
    }
}

/// Checks a write to a key whose current object has the tag `current`; a delete marker is no object.
///
/// # Errors
/// [`ObjectError::NoSuchKey`] where `If-Match` meets nothing, [`ObjectError::PreconditionFailed`].
pub(crate) fn check_write(conditions: &Conditions, current: Option<&ETag>) -> Result<(), ObjectError> {
    if let Some(named) = &conditions.if_match {
        if current.is_none() {
            return Err(ObjectError::NoSuchKey);
        }
        if !named.matches(current) {
            return Err(ObjectError::PreconditionFailed { condition: "If-Match" });
        }
    }
    if conditions.if_none_match.as_ref().is_some_and(|named| named.matches(current)) {
        return Err(ObjectError::PreconditionFailed { condition: "If-None-Match" });
    }
    Ok(())
}

/// Checks a delete that would remove or hide `current`. Where there is nothing, only `If-Match` is broken; a delete
/// marker is there, but has neither tag, time nor size (S3 user guide, "How to perform conditional deletes").
///
/// # Errors
/// [`ObjectError::NoSuchKey`] where `If-Match` meets nothing, [`ObjectError::PreconditionFailed`].
pub(crate) fn check_delete(conditions: &Conditions, current: Option<&VersionRecord>) -> Result<(), ObjectError> {
    let Some(version) = current else { return check_write(conditions, None) };
    let object = version.object();
    let failed = |condition| Err(ObjectError::PreconditionFailed { condition });
    let etag = object.map(|object| &object.etag);
    if conditions.if_match.as_ref().is_some_and(|named| !named.matches(etag)) {
        return failed("If-Match");
    }
    let modified = object.map(|_| version.modified.as_secs());
    if conditions.last_modified.is_some_and(|wanted| modified != Some(wanted.as_secs())) {
        return failed("x-amz-if-match-last-modified-time");
    }
    if conditions.size.is_some_and(|wanted| object.map(|object| object.size) != Some(wanted)) {
        return failed("x-amz-if-match-size");
    }
    check_write(conditions, etag)
}

enum Broken {
    /// One that asks for a certain state.
    Precondition(&'static str),
    /// One that asks for a change.
    Modification(&'static str),
}

/// A tag outweighs the date that goes with it; dates count in seconds.
fn broken(conditions: &Conditions, etag: &ETag, modified: Timestamp) -> Option<Broken> {
    let seconds = modified.as_secs();
    match (&conditions.if_match, conditions.if_unmodified_since) {
        (Some(named), _) if !named.matches(Some(etag)) => return Some(Broken::Precondition("If-Match")),
        (None, Some(since)) if seconds > since.as_secs() => {
            return Some(Broken::Precondition("If-Unmodified-Since"));
        }
        _ => {}
    }
    match (&conditions.if_none_match, conditions.if_modified_since) {
        (Some(named), _) if named.matches(Some(etag)) => Some(Broken::Modification("If-None-Match")),
        (None, Some(since)) if seconds <= since.as_secs() => Some(Broken::Modification("If-Modified-Since")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use types::{Conditions, ETag, EtagMatch, Timestamp};

    use super::{Broken, broken, check_delete, check_write};
    use crate::ObjectError;
    use crate::record::{Content, Naming, ObjectRecord, Order, VersionKind, VersionRecord};

    #[test]
    fn tags_outweigh_dates() {
        let (this, other) = (ETag::whole([1; 16]), ETag::whole([2; 16]));
        let tags = |tag| Some(EtagMatch::Tags(vec![tag]));
        let (before, at, after) = (Timestamp::from_secs(9), Timestamp::from_secs(10), Timestamp::from_secs(11));
        let modified = Timestamp(at.0 + 999_999);
        let none = Conditions::default;
        for (conditions, expected) in [
            (none(), ""),
            (Conditions { if_match: tags(this), ..none() }, ""),
            (Conditions { if_match: tags(other), ..none() }, "If-Match"),
            (Conditions { if_match: Some(EtagMatch::Any), ..none() }, ""),
            (Conditions { if_match: tags(this), if_unmodified_since: Some(before), ..none() }, ""),
            (Conditions { if_unmodified_since: Some(before), ..none() }, "If-Unmodified-Since"),
            (Conditions { if_unmodified_since: Some(at), ..none() }, ""),
            (Conditions { if_none_match: tags(this), ..none() }, "If-None-Match"),
            (Conditions { if_none_match: tags(other), if_modified_since: Some(after), ..none() }, ""),
            (Conditions { if_modified_since: Some(at), ..none() }, "If-Modified-Since"),
            (Conditions { if_modified_since: Some(before), ..none() }, ""),
            (Conditions { if_match: tags(other), if_none_match: tags(this), ..none() }, "If-Match"),
        ] {
            let name = match broken(&conditions, &this, modified) {
                None => "",
                Some(Broken::Precondition(name) | Broken::Modification(name)) => name,
            };
            assert_eq!(name, expected, "{conditions:?}");
        }
    }

    #[test]
    fn writes_ask_for_a_tag_or_for_absence() {
        let (this, other) = (ETag::whole([1; 16]), ETag::whole([2; 16]));
        let matching = |named| Conditions { if_match: Some(named), ..Conditions::default() };
        let absent = Conditions { if_none_match: Some(EtagMatch::Any), ..Conditions::default() };
        assert!(check_write(&absent, None).is_ok());
        assert!(matches!(check_write(&absent, Some(&this)), Err(ObjectError::PreconditionFailed { .. })));
        assert!(check_write(&matching(EtagMatch::Tags(vec![this])), Some(&this)).is_ok());
        assert!(matches!(check_write(&matching(EtagMatch::Any), None), Err(ObjectError::NoSuchKey)));
        let wrong = check_write(&matching(EtagMatch::Tags(vec![other])), Some(&this));
        assert!(matches!(wrong, Err(ObjectError::PreconditionFailed { condition: "If-Match" })));
    }

    fn version(kind: VersionKind) -> VersionRecord {
        let (write, modified) = (types::WriteId([0; 16]), Timestamp(10_999_999));
        VersionRecord { write, order: Order([0; 16]), naming: Naming::Id, modified, owner: None, kind }
    }

    #[test]
    fn deletes_ask_for_a_tag_a_time_or_a_size() {
        let (this, other) = (ETag::whole([1; 16]), ETag::whole([2; 16]));
        let object = version(VersionKind::Object(ObjectRecord {
            size: 7,
            etag: this,
            checksum: None,
            acl: policy::Acl { grants: Vec::new() },
            metadata: crate::object::ObjectMetadata::default(),
            content: Content::Empty,
        }));
        let marker = version(VersionKind::DeleteMarker);
        let none = Conditions::default;
        let tag = |tag| Conditions { if_match: Some(EtagMatch::Tags(vec![tag])), ..none() };
        let any = Conditions { if_match: Some(EtagMatch::Any), ..none() };
        let at = |second| Conditions { last_modified: Some(Timestamp::from_secs(second)), ..none() };
        let sized = |size| Conditions { size: Some(size), ..none() };
        for (conditions, with_object, with_marker, with_nothing) in [
            (none(), "", "", ""),
            (tag(this), "", "If-Match", "absent"),
            (tag(other), "If-Match", "If-Match", "absent"),
            (any, "", "If-Match", "absent"),
            (at(10), "", "x-amz-if-match-last-modified-time", ""),
            (at(11), "x-amz-if-match-last-modified-time", "x-amz-if-match-last-modified-time", ""),
            (sized(7), "", "x-amz-if-match-size", ""),
            (sized(0), "x-amz-if-match-size", "x-amz-if-match-size", ""),
        ] {
            for (current, expected) in
                [(Some(&object), with_object), (Some(&marker), with_marker), (None, with_nothing)]
            {
                let broken = match check_delete(&conditions, current) {
                    Ok(()) => "",
                    Err(ObjectError::PreconditionFailed { condition }) => condition,
                    Err(ObjectError::NoSuchKey) => "absent",
                    Err(error) => panic!("{error}"),
                };
                assert_eq!(broken, expected, "{conditions:?} {current:?}");
            }
        }
    }
}
