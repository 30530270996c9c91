//! What the fuzzer calls: one function a surface, each of which must neither panic nor hang on any input. A short run
//! is among the tests; `/fuzz` wraps the same functions for `cargo fuzz`.
