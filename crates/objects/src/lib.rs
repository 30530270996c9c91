//! What S3 means: bucket, object, version, multipart, listing. No HTTP, no XML.
