#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| s3_protocol::fuzzing::fuzz_names(data));
