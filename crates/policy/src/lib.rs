//! Who may do what: roles, default policies and ACLs, as a pure function with a trace. No I/O, no async, no storage.
