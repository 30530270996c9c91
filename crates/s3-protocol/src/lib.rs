//! Bytes to typed requests and back: routing, signatures, chunked bodies, XML, forms, errors. No storage, no tenancies.
