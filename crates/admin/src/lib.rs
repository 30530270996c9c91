//! The administration API over the local socket, and its typed client.
