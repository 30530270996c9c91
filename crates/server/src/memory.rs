//! The allocator, and giving memory back.
//!
//! mimalloc keeps what is free for the thread that allocated it, and gives it back to the system some moments later, when
//! that thread allocates or frees again. A thread that goes to rest does not, so it has to ask.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Gives back what this thread allocated and nobody uses. Under load this would cost more than it gains.
pub(crate) fn give_back() {
    // SAFETY: this has no conditions. It looks at the heap of the thread that calls it, and touches only what is free.
    #[expect(unsafe_code, reason = "the allocator's C function, for 60 MiB after a start (docs/experiments.md)")]
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}
