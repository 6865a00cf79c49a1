/* Executions played from a file, under virtual time.
 *
 * A file is {"about", "definition", "input"?, "tasks"?, "seconds"?, "stop"?,
 * "strict"?, "turn_states"?, "memory"?, "fill"?, "then"?}. `then` lists what follows, each
 * played to its end, or for its "seconds": {"recover": {"kind", "state"?, "data"?, "vars"?,
 * "input"?, "skips"?, "reuses"?, "until"?, "step"?, ...: struct flow_recovery}}, {"pause"}
 * with a reason, {"unpause"}, {"note"}, {"cancel"} with a
 * reason, {"review": {"approved", "changes"?, "error"?, "step"?}}. `fill` adds long texts to the
 * input, by name and length; an answer may have "fill" in place of "output". `tasks` maps a
 * function's or resource's name to its answers in turn, {"output"?, "error"?, "cause"?, "seconds"?,
 * "never"?, "beats"?}, the last of which repeats; an activity's is taken first ("taken": after how
 * many seconds, "worker"); of .waitForTaskToken these are the token's, and "call" {"output"?,
 * "error"?, "seconds"?, "never"?} what is called with it.
 */
#ifndef PAWL_TESTS_SUPPORT_GAME_H
#define PAWL_TESTS_SUPPORT_GAME_H

#include "support/player.h"

#define GAME_CLOCK_START_MS INT64_C(1700000000000)

/* Plays it to its end, or as long as it says. NULL: the file or its definition is not
 * valid, which `to` then says. Ownership: player_free, before the arena. `keep` may be
 * NULL. */
struct player *game_play(struct arena *a, struct str file, player_keep *keep, void *arg,
                         struct buf *to);

#endif
