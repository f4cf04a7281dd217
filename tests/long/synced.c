/* Loaded before libc: writes down how much of each file was there when it was last synced to disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int told(int file, const char *name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct stat seen;
    int known = fstat(file, &seen);
    int answer = real(file);
    char link[64], path[4096], line[4200];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (answer == 0 && known == 0 && length > 0) {
        path[length] = 0;
        int log = open(getenv("SYNCED"), O_WRONLY | O_APPEND | O_CREAT, 0600);
        int size = snprintf(line, sizeof line, "%lld %s\n", (long long)seen.st_size, path);
        if (write(log, line, size) != size)
            abort();
        close(log);
    }
    return answer;
}

int fsync(int file) { return told(file, "fsync"); }
int fdatasync(int file) { return told(file, "fdatasync"); }
