//! Credentials to Principal; Principal and request to Grant.
