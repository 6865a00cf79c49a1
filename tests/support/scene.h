/* An execution that was played, as a recovery's planner is told of it, and what is made of
 * its plan.
 *
 * The journal of a player (support/player.h) is kept and folded anew whenever the story is
 * asked for. Functions answer {"by": NAME, "n": how often it was asked}, after the time that
 * is set for them, or fail while they are told to.
 * Ownership: scene_free; what it gives lies in its arena.
 */
#ifndef PAWL_TESTS_SUPPORT_SCENE_H
#define PAWL_TESTS_SUPPORT_SCENE_H

#include "recovery/plan.h"
#include "support/player.h"

enum {
    SCENE_FUNCTIONS_MAX = 64
};

struct scene {
    struct arena *arena;
    const struct machine *machine;
    struct player *player;
    struct journal_row *rows;
    size_t row_count, row_capacity;
    struct run *told; /* of the last story */
    struct step_list steps;
    struct flow_limits limits;
    struct scene_function {
        struct str name;
        bool fails;
        int64_t ms;
        unsigned asked;
    } functions[SCENE_FUNCTIONS_MAX];
    size_t function_count;
};

/* The definition is JSON text; asserted to be valid. Whoever wants other answers than those
 * of the functions sets s->player->work and ->arg. */
struct scene *scene_new(const char *definition);
struct scene *scene_new_limited(const char *definition, struct flow_limits limits);
void scene_free(struct scene *s);

const struct machine *scene_compile(struct scene *s, const char *definition);
struct json scene_json(struct scene *s, const char *text);

/* From now on it takes so long, and fails or does not. */
struct scene_function *scene_function(struct scene *s, struct str name);
void scene_takes(struct scene *s, const char *name, int64_t ms);
void scene_fails(struct scene *s, const char *name, bool fails);
unsigned scene_asked(struct scene *s, const char *name);

/* Plays to the end. */
void scene_start(struct scene *s, const char *input);
/* Takes the turn of a plan, and plays to the end. */
void scene_recover(struct scene *s, const struct plan *plan);

/* A new execution, of the target where the story has one, by the plan of a fork. */
struct scene *scene_fork(struct scene *s, const struct machine *machine, const struct plan *plan,
                         struct json input);

/* As the journal tells it by now. */
struct recovery_story scene_story(struct scene *s);

#endif
