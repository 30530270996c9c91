//! How full a disk is.

use std::io;
use std::path::Path;

use portal::DiskSpace;

/// The disk that `folder` is on.
///
/// # Errors
/// Those of the system.
pub(crate) fn space(folder: &Path) -> io::Result<DiskSpace> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(DiskSpace {
        total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_room_and_no_more_than_it_is_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let DiskSpace { total_bytes, free_bytes } = space(folder.path()).expect("measured");
        assert!(total_bytes > 0 && free_bytes <= total_bytes, "{free_bytes} of {total_bytes}");
        space(&folder.path().join("absent")).expect_err("there is no such folder");
    }
}
