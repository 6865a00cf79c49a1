/* The fields of a journaled event: one table for the encoder, the decoder and
 * the page that documents them (docs/adr/0006-journal.md; a test compares).
 *
 * Names are short since a chain of ten states writes twenty-two events. They are
 * stored for ever: never reuse or change one. A field that is added needs a
 * meaning for its absence that is right for every older journal.
 */
#ifndef PAWL_JOURNAL_FIELDS_H
#define PAWL_JOURNAL_FIELDS_H

#include "asl/machine.h"
#include "flow/event.h"

/* How a field is spelled, and when it is left out:
 * KIND     number of EVENT_TABLE; never left out, and written first
 * U32      0
 * ORDINAL  1, since most work succeeds at its first attempt
 * STATE    position of a state in the definition; STATE_NO_NONE
 * I64      0
 * REAL     0
 * SLOT     index among the own turn's values, or [turn, index]; no value
 * FLAGGED  text; when its has_ flag is false, so that "" and none differ
 * TEXT     text; empty
 * JSON     any value; absent
 */

/* type, short name, member of struct flow_event, what it says */
#define JOURNAL_FIELD_TABLE(X)                                                                     \
    X(KIND, "k", kind, "what happened: a number of EVENT_TABLE")                                   \
    X(U32, "f", frame, "branch or iteration it happened in; 0 is the top level")                   \
    X(STATE, "s", state, "position of the state in the definition")                                \
    X(U32, "n", step, "index of the step: states entered before this one")                         \
    X(ORDINAL, "a", attempt, "attempt of the step's work, from 1")                                 \
    X(U32, "g", generation, "reruns before this one")                                              \
    X(STATE, "x", next, "state to go to")                                                          \
    X(U32, "ch", child, "frame of the branch or iteration that it speaks of")                      \
    X(JSON, "in", within, "Parallels and Maps around the state: [[step, index], ...]")             \
    X(U32, "i", index, "index of the iteration, branch or retrier")                                \
    X(I64, "l", length, "items of a Map")                                                          \
    X(I64, "t", timeout, "timeout, seconds")                                                       \
    X(I64, "h", heartbeat, "heartbeat timeout, seconds")                                           \
    X(I64, "mc", concurrency, "iterations of a Map at a time")                                     \
    X(I64, "tc", tolerated_count, "iterations that may fail; -1: none given")                      \
    X(REAL, "tp", tolerated_percentage, "percentage of iterations that may fail")                  \
    X(I64, "w", wake_ms, "timer or deadline, UTC milliseconds")                                    \
    X(SLOT, "v", value, "input, output, parameters or items, as the kind has it")                  \
    X(SLOT, "av", assigned, "object of the variables assigned")                                    \
    X(FLAGGED, "e", error, "error name")                                                           \
    X(FLAGGED, "c", cause, "cause")                                                                \
    X(TEXT, "tx", text, "ARN of a Map Run, name of a worker, field at fault, or role of a task")   \
    X(JSON, "lg", log, "how a command went")

#endif
