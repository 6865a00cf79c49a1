/* What the tests of expr/ share: an environment over JSON texts, and comparing.
 * Each value is a JSON text, so that a table row reads like an example.
 */
#ifndef PAWL_TESTS_UNIT_EXPR_SUPPORT_H
#define PAWL_TESTS_UNIT_EXPR_SUPPORT_H

#include "expr/expr.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct arena *arena, *scratch;
    struct rng rng;
    struct expr_vars vars;
    struct expr_env env;
};

static inline int fixture_setup(void **state)
{
    struct arena *arena = arena_new(64 << 20);
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    f->scratch = arena_new(64 << 20);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    arena_free(f->scratch);
    arena_free(f->arena);
    return 0;
}

static inline struct json value_of(struct fixture *f, const char *text)
{
    struct json v;
    struct err e;
    if (!json_parse(f->arena, str_of_cstr(text), (struct json_limits){0}, JSON_DUPLICATES_LAST, &v,
                    &e))
        fail_msg("%s: %s", text, e.message);
    return v;
}

/* An environment with this input, everything else empty and full budgets. */
static inline struct expr_env *env_of(struct fixture *f, const char *input)
{
    f->rng = rng_seeded(1);
    f->vars = (struct expr_vars){0};
    f->env = (struct expr_env){
        .input = value_of(f, input),
        .vars = &f->vars,
        .rng = &f->rng,
        .out = f->arena,
        .scratch = f->scratch,
        .steps_left = EXPR_STEPS_MAX,
    };
    return &f->env;
}

static inline void assert_text(struct str got, const char *expected, const char *about)
{
    if (!str_eq(got, str_of_cstr(expected)))
        fail_msg("%s\n  gives    " STR_FMT "\n  expected %s", about, STR_ARG(got), expected);
}

/* The result is this JSON text, byte for byte, and no temporaries are left. */
static inline void assert_result(struct fixture *f, struct json got, const char *expected,
                                 const char *about)
{
    assert_text(json_text(f->arena, got), expected, about);
    if (arena_used(f->scratch))
        fail_msg("%s\n  leaves %zu bytes in the scratch arena", about, arena_used(f->scratch));
}

#endif
