//! Each noun, over a real socket.
