//! What tests share: free ports, a running server, clients.
