/* The server that a command asks: --endpoint, else $PAWL_ENDPOINT, else whoever holds
 * the data directory.
 *
 * Ownership: client_close; answers are arena. Errors: those of cli/client.h, and
 * UNREACHABLE, saying what to start, when nobody serves.
 */
#ifndef PAWL_CLI_REMOTE_H
#define PAWL_CLI_REMOTE_H

#include "cli/cli.h"
#include "cli/client.h"

enum {
    REMOTE_VALUE_SHOWN_MAX = 2000
};

MUST_CHECK bool remote_open(const struct cli *cli, struct client **ret, struct err *reterr);

/* An operation whose one argument is a text. */
MUST_CHECK bool remote_ask(struct client *c, struct arena *a, const char *operation,
                           const char *member, struct str value, struct json *ret_answer,
                           struct err *reterr);

/* What follows `member` in all pages of a List operation, at most `most` of it. */
MUST_CHECK bool remote_list(struct client *c, struct arena *a, const char *operation,
                            struct json arguments, const char *member, size_t most,
                            struct json *ret_items, bool *ret_more, struct err *reterr);

/* Of a machine or an activity by its name, or of an ARN itself, which may have a
 * qualifier. NOT_FOUND suggests the nearest name. */
MUST_CHECK bool remote_machine_arn(struct client *c, struct arena *a, const char *name,
                                   struct str *ret_arn, struct err *reterr);
MUST_CHECK bool remote_activity_arn(struct client *c, struct arena *a, const char *name,
                                    struct str *ret_arn, struct err *reterr);

/* Seconds since 1970, as the API has times. */
struct wall_ms remote_time(struct json seconds);

/* One line of a page: "  started  2026-03-01 12:00:00Z"; none for an empty value, of which
 * REMOTE_VALUE_SHOWN_MAX characters are shown. */
void remote_print_fact(struct out *o, const char *title, struct str value);

/* An answer as JSON on stdout. */
void remote_print_json(struct cli *cli, struct json value);

#endif
