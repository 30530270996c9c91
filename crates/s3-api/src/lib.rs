//! The S3 operations, one file each: what it needs, what it does, how errors map.
