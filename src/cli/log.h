/* What a server says while it runs: one line an event, as text or as JSON.
 *
 *   2026-03-01T12:00:00.123Z info  listening  http://127.0.0.1:8083
 *   {"time":"2026-03-01T12:00:00.123Z","level":"info","event":"listening","message":"..."}
 *
 * A line is written at once and whole, appended to the file or to stderr, so that
 * others may append to the same. What cannot be written is dropped: a server does not
 * end because its log does. Control characters are shown as blanks in text.
 * Ownership: log_close. Threads: one.
 */
#ifndef PAWL_CLI_LOG_H
#define PAWL_CLI_LOG_H

#include "base/err.h"
#include "base/time.h"
#include "store/store.h"
#include "task/task.h"

enum log_level {
    LOG_INFO,
    LOG_WARNING,
    LOG_ERROR,
};

struct log {
    const char *path; /* NULL: stderr */
    int fd;
    bool json;
};

/* path: NULL for stderr. Borrowed. Errors: NOT_FOUND, PERMISSION, IO. */
MUST_CHECK bool log_open(const char *path, bool json, struct log *ret, struct err *reterr);
/* The file by its name again, which another may have been moved away from. On an
 * error the old one stays. */
MUST_CHECK bool log_reopen(struct log *l, struct err *reterr);
void log_close(struct log *l);

/* event: a word with '-', "listening". execution: NULL for none. */
void log_line(const struct log *l, enum log_level level, const char *event,
              const struct uuid *execution, const char *format, ...) PRINTF_LIKE(5, 6);

/* A line that a command wrote for its task, as event "command", with the execution, "machine",
 * "step" and "attempt": nothing of its payload, its environment or its token. */
void log_command(const struct log *l, const struct task_request *task, struct str line);

/* Its message, with code and detail. */
void log_err(const struct log *l, enum log_level level, const char *event,
             const struct uuid *execution, const struct err *err);

#endif
