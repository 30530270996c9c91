//! The built-in directory, tenancies, roles, keys. No S3, no HTTP.
