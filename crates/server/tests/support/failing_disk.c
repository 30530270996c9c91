/* Makes calls of a program fail, as a disk does that breaks: to be preloaded (ld.so(8), LD_PRELOAD).
 *
 * While the directory FAILING_DISK has a file with the name of a call, the call fails with EIO for every file whose
 * path contains what is written there. Each call that failed adds a byte to the file "failed". */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(const char *call, int file) {
    int before = errno;
    const char *directory = getenv("FAILING_DISK");
    char name[4096], link[64], wanted[256], path[4096];
    if (!directory || snprintf(name, sizeof name, "%s/%s", directory, call) >= (int)sizeof name) return 0;
    int plan = open(name, O_RDONLY | O_CLOEXEC);
    if (plan < 0) {
        errno = before;
        return 0;
    }
    ssize_t length = read(plan, wanted, sizeof wanted - 1);
    close(plan);
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t path_length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0 || path_length < 0) return 0;
    wanted[length] = path[path_length] = 0;
    if (!strstr(path, wanted)) return 0;
    if (snprintf(name, sizeof name, "%s/failed", directory) < (int)sizeof name) {
        int count = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (count >= 0) {
            /* The kernel's own, not the one below. */
            syscall(SYS_write, count, ".", 1);
            close(count);
        }
    }
    errno = EIO;
    return 1;
}

int fdatasync(int file) {
    return fails("fdatasync", file) ? -1 : (int)syscall(SYS_fdatasync, file);
}

int fsync(int file) {
    return fails("fsync", file) ? -1 : (int)syscall(SYS_fsync, file);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    return fails("pwrite", file) ? -1 : (ssize_t)syscall(SYS_pwrite64, file, bytes, length, offset);
}
