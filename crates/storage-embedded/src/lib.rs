//! The default engine: one log, an index behind it, large blobs as files. The only std::fs.
