//! Whether the conditions of a request hold (RFC 9110 section 13.2.2; S3 API pages of GetObject, PutObject, CopyObject).

use types::{Conditions, ETag, Timestamp, VersionId};

use crate::ObjectError;
use crate::object::ObjectInfo;

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

/// Checks a write to, or a delete of, a key whose current object has the tag `current`; a delete marker is no object.
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

    use super::{Broken, broken, check_write};
    use crate::ObjectError;

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
}
