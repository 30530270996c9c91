//! Typed ids: an id of one kind can not be passed where another is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Entropy, HexText, Timestamp};

macro_rules! id128 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// A fresh random id.
            pub fn random(entropy: &dyn Entropy) -> Self {
                let mut bytes = [0; 16];
                entropy.fill(&mut bytes);
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(HexText::<32>::lower(&self.0).as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = hex::FromHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 16];
                hex::decode_to_slice(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }
    };
}

id128!(
    /// The name of one write-once byte string in the store. Never used twice.
    BlobId
);
id128!(
    /// A multipart upload, 32 hex digits to clients.
    UploadId
);
id128!(
    /// Marks one attempt to write, so that a retry can recognise its own work.
    WriteId
);

/// A version of an object: `null`, or an id that sorts newest first.
///
/// The text of an id is 32 hex digits: the version's place in time, inverted, then random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum VersionId {
    /// The version made while versioning was not enabled.
    Null,
    /// A version made while versioning was enabled.
    Id([u8; 16]),
}

impl VersionId {
    /// An id for a version made at `moment`: later moments sort first.
    pub fn at(moment: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes[8..]);
        bytes[..8].copy_from_slice(&(u64::MAX - moment.0).to_be_bytes());
        Self::Id(bytes)
    }

    /// The moment in the id; `None` for the null version.
    pub fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Null => None,
            Self::Id(bytes) => {
                let mut inverted = [0; 8];
                inverted.copy_from_slice(&bytes[..8]);
                Some(Timestamp(u64::MAX - u64::from_be_bytes(inverted)))
            }
        }
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Id(bytes) => f.write_str(HexText::<32>::lower(bytes).as_str()),
        }
    }
}

impl fmt::Debug for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionId({self})")
    }
}

impl FromStr for VersionId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "null" {
            return Ok(Self::Null);
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self::Id(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn later_versions_sort_first_and_survive_their_text() {
        let entropy = SeededEntropy::new(1);
        let old = VersionId::at(Timestamp::from_secs(1), &entropy);
        let new = VersionId::at(Timestamp::from_secs(2), &entropy);
        assert!(new < old);
        assert!(new.to_string() < old.to_string());
        assert_eq!(new.to_string().parse(), Ok(new));
        assert_eq!("null".parse(), Ok(VersionId::Null));
        assert_eq!(new.moment(), Some(Timestamp::from_secs(2)));
        assert!("nonsense".parse::<VersionId>().is_err());
    }
}
