/* What a workflow's errors mean, in a person's words: the human voice.
 *
 * The technical voice is the error's name and cause as the workflow has them;
 * this table adds one sentence that says what happened and what to do. All of
 * it stands in tests/golden/messages.txt, to be read as prose.
 * Thread safe: constant data.
 */
#ifndef PAWL_ENGINE_MESSAGES_H
#define PAWL_ENGINE_MESSAGES_H

#include "base/str.h"

struct message {
    struct str error; /* its name, or a pattern with '*' */
    struct str text;
};

/* In order: the first that matches an error's name speaks for it. The last
 * matches all. */
extern const struct message messages[];
extern const size_t message_count;

/* An execution or step may fail without an error name: give the empty str. */
struct str message_of(struct str error);

#endif
