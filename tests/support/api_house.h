/* The API over real sockets, on an engine under virtual time and a store in memory,
 * and a client that drives both while it waits.
 *
 * Nothing runs by itself: whoever waits turns the house. Long polls end after
 * HOUSE_WAIT_MS of real time.
 */
#ifndef PAWL_TESTS_SUPPORT_API_HOUSE_H
#define PAWL_TESTS_SUPPORT_API_HOUSE_H

#include "api/api.h"
#include "base/buf.h"
#include "support/engine_world.h"

#include <uv.h>

enum {
    HOUSE_WAIT_MS = 300
};

struct house {
    struct world world;
    uv_loop_t loop;
    struct api *api;
    uint16_t port;
    bool woken, still; /* still: the clocks do not jump */
    struct arena *arena;
    char folder[64];               /* on disk */
    struct visibility *visibility; /* on disk; nobody steps it */
};

/* For cmocka: *state becomes the house. */
int house_setup(void **state);
/* The same with a store on disk, and its projection. */
int house_setup_on_disk(void **state);
int house_teardown(void **state);

/* A few moves of loop and world. */
void house_turn(struct house *h);

/* ---- a client ---- */

struct answer {
    int status;
    struct str head, body;
};

int house_connect(struct house *h);
void house_send(struct house *h, int fd, struct str bytes);
/* What is there; false at the end. */
bool house_receive(int fd, struct buf *to);
/* Until the server closes, or the text holds `part`. */
struct str house_hear(struct house *h, int fd, const char *part);
struct answer house_parse(struct str text);

/* Sends a request of HTTP/1.0; the answer is still to be heard. */
int house_begin(struct house *h, const char *method, const char *path, const char *headers,
                const char *body);
struct answer house_ask(struct house *h, const char *method, const char *path, const char *headers,
                        const char *body);
/* An operation of the Step Functions API. */
struct answer house_aws(struct house *h, const char *operation, const char *body);
int house_begin_aws(struct house *h, const char *operation, const char *body);
/* POST /api/v1/run of machine "m"; rest: more members, each behind a comma. */
struct answer house_run(struct house *h, const char *definition, const char *rest);
/* The same; gives the execution's ARN. */
const char *house_started(struct house *h, const char *definition, const char *rest);

struct json house_json(struct house *h, struct str text);
/* A member's text: of a string what it holds, else its JSON. */
const char *house_member(struct house *h, struct str body, const char *name);
/* {"executionArn": arn, rest} */
const char *house_with_arn(struct house *h, const char *arn, const char *rest);

void assert_problem(struct house *h, struct answer a, int status, const char *code);
/* message: a part of it. */
void assert_exception(struct house *h, struct answer a, const char *type, const char *message);

#endif
