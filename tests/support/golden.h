/* Folders of files, each with the text that a program made of it before.
 *
 * Prints TAP. With UPDATE=1 in the environment the texts are rewritten instead;
 * the difference is then reviewed like code.
 */
#ifndef PAWL_TESTS_SUPPORT_GOLDEN_H
#define PAWL_TESTS_SUPPORT_GOLDEN_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    GOLDEN_FILES_MAX = 1000,
    GOLDEN_SIZE_MAX = 1 << 22
};

struct golden;

struct golden *golden_open(const char *folder);

/* For each file of the folder with this ending, by name: `make` turns its text into
 * another, which must be what stands in the .txt beside it. */
void golden_each(struct golden *g, const char *ending,
                 void (*make)(struct arena *a, struct str text, struct buf *to));

/* One more test; `why` is shown when it fails. */
void golden_check(struct golden *g, const char *name, bool ok, const char *why);

/* Prints the plan, frees, gives the exit status. No file at all is a failure. */
int golden_close(struct golden *g);

#endif
