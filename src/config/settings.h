/* The settings of pawl.yaml: every limit under its name, and what is done in more
 * ways than one.
 *
 *   aws_limits: strict          # or off: sizes and counts as AWS bounds them
 *   express_history: keep       # or drop: synchronous Express executions in the store
 *   verify: on                  # or off: run the commands that definitions name as x-verify;
 *                               # not given: on, but off for pawl serve, where others define
 *   hosts: [pawl.example.org]   # names that requests may ask for, besides localhost
 *   limits:
 *     memory_max: 512MiB
 *     http_idle_ms: 75s
 *
 * A limit is a whole number of its unit, or a text with one: B, KiB, MiB, GiB for
 * bytes; ms, s, min, h for times. What is not given has its default. One table makes
 * the keys, their checks and docs/limits.md.
 * Errors: INVALID_CONFIG with line and column. Ownership: plain data, but for the hosts.
 */
#ifndef PAWL_CONFIG_SETTINGS_H
#define PAWL_CONFIG_SETTINGS_H

#include "json/yaml_reader.h"
#include "net/http_limits.h"

/* name, unit, default, least, what */
#define PROCESS_LIMIT_TABLE(X)                                                                     \
    X(memory_max, BYTES, 512 << 20, 64 << 20,                                                      \
      "memory of the process: bodies of requests, executions, caches, streams")                    \
    X(runs_live_max, COUNT, 1024, 16, "executions in memory at once; the others wait on disk")     \
    X(express_live_max, COUNT, 512, 16, "of them Express ones, which cannot wait on disk")         \
    X(express_memory_max, BYTES, 64 << 20, 1 << 20, "memory of one of these; it is stopped")       \
    X(machines_max, COUNT, 100000, 1, "state machines; AWS's quota")                               \
    X(activities_max, COUNT, 100000, 1, "activities; AWS's quota")                                 \
    X(activity_polls_max, COUNT, 10000, 1, "workers waiting at one activity")

enum {
    SETTINGS_HOSTS_MAX = 100,     /* limit hosts_max */
    SETTINGS_HOST_SIZE_MAX = 253, /* bytes of one: the most that DNS takes */
};

enum limit_unit {
    LIMIT_BYTES,
    LIMIT_COUNT,
    LIMIT_MS,
};

enum settings_verify {
    VERIFY_AS_USUAL, /* on where the user's own definitions run, off in a server */
    VERIFY_ON,
    VERIFY_OFF,
};

struct settings {
    bool aws_limits_strict;
    enum settings_verify verify;
    bool express_history_keep;
    struct json hosts; /* array of texts in lower case, or absent; the reader's arena */
#define SETTINGS_MEMBER(name, unit, value, least, what) size_t name;
    PROCESS_LIMIT_TABLE(SETTINGS_MEMBER)
#undef SETTINGS_MEMBER
    struct http_limits http; /* keys: http_<name> */
};

/* One row of the table of limits. */
struct limit {
    const char *name; /* as the file has it */
    enum limit_unit unit;
    size_t offset; /* in struct settings, of a size_t */
    size_t value;  /* the default */
    size_t least, most;
    const char *what;
};

extern const struct limit limits[];
extern const size_t limit_count;

struct settings settings_default(void);

/* The keys of the file that are settings; the others are somebody else's. Ends with
 * NULL. */
extern const char *const settings_keys[];

/* Reads them from the file's root, which may be absent. */
MUST_CHECK bool settings_read(const struct yaml_reader *r, struct settings *ret_settings);

#endif
