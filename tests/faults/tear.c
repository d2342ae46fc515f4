/* A write that is torn: the TEAR_K-th write to the file TEAR_PATH takes only its first TEAR_BYTES bytes, and then
   TEAR_THEN happens: kill (SIGKILL), short (the count is told), ENOSPC or EIO (an error is told).
   gcc -shared -fPIC -O2 -o tear.so tear.c -ldl; LD_PRELOAD=tear.so. The environment is read at each write. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t write(int descriptor, const void *bytes, size_t length) {
  static ssize_t (*real)(int, const void *, size_t);
  static int seen;
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "write");

  const char *wanted = getenv("TEAR_PATH"), *then = getenv("TEAR_THEN"), *count = getenv("TEAR_BYTES"),
             *k = getenv("TEAR_K");
  if (!wanted || !then || !count || !k) return real(descriptor, bytes, length);
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t found = readlink(link, path, sizeof path - 1);
  path[found < 0 ? 0 : found] = 0;
  if (strcmp(path, wanted) || ++seen != atoi(k)) return real(descriptor, bytes, length);

  size_t torn = strtoul(count, 0, 10);
  ssize_t done = torn ? real(descriptor, bytes, torn < length ? torn : length) : 0;
  if (!strcmp(then, "kill")) kill(getpid(), SIGKILL);
  if (!strcmp(then, "short")) return done;
  errno = !strcmp(then, "EIO") ? EIO : ENOSPC;
  return -1;
}
