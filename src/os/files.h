/* Whole files in, with a limit and an error that says which file and why.
 *
 * Ownership: everything returned is arena. Threads: any; these calls block.
 * Errors: NOT_FOUND, PERMISSION, TOO_LARGE, IO.
 */
#ifndef PAWL_OS_FILES_H
#define PAWL_OS_FILES_H

#include "base/arena.h"
#include "base/err.h"

/* "-" stands for stdin. The bytes are followed by a NUL that len does not count. */
MUST_CHECK bool file_read(struct arena *a, const char *path, size_t size_max, struct str *ret_text,
                          struct err *reterr);

/* Until the end of an open descriptor, which stays open; `name` is for errors. */
MUST_CHECK bool file_read_fd(struct arena *a, int fd, const char *name, size_t size_max,
                             struct str *ret_text, struct err *reterr);

/* The path with the working directory before it unless it begins with '/'.
 * Links and ".." stay as they are. */
MUST_CHECK bool path_absolute(struct arena *a, struct str path, struct str *ret_path,
                              struct err *reterr);

/* What lies before the last name: "a/b" -> "a", "b" -> ".", "/b" -> "/".
 * Borrows path. */
struct str path_folder(struct str path);

#endif
