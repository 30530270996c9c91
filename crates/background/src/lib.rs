//! Jobs that run beside the requests: finishing interrupted work, reaping, expiry.
