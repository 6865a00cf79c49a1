/* The heap: order by time and by coming, against a list that is searched. */
#include "base/heap.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    THINGS = 300,
    CHANGES = 20000,
    TIMES = 40, /* few, so that many things share one */
};

struct thing {
    int before; /* so that the node is not its first member */
    struct heap_node node;
    int64_t at;
    uint64_t came; /* 0: it is not in */
};

static const struct thing *first_of(const struct thing *things)
{
    const struct thing *first = NULL;
    for (size_t i = 0; i < THINGS; i++) {
        const struct thing *t = &things[i];
        if (t->came &&
            (!first || t->at < first->at || (t->at == first->at && t->came < first->came)))
            first = t;
    }
    return first;
}

static void assert_first(const struct heap *h, const struct thing *things)
{
    const struct thing *wanted = first_of(things);
    struct heap_node *first = heap_first(h);
    assert_ptr_equal(first ? HEAP_THING(first, struct thing, node) : NULL, wanted);
    if (wanted)
        assert_int_equal(first->at, wanted->at);
}

static void play(struct arena *a, uint64_t seed)
{
    static struct thing things[THINGS];
    struct heap h = {.arena = a};
    struct rng rng = rng_seeded(seed);
    memset(things, 0, sizeof(things));
    assert_null(heap_first(&h));
    for (uint64_t i = 1; i <= CHANGES; i++) {
        struct thing *t = &things[rng_below(&rng, THINGS)];
        if (rng_below(&rng, 2)) {
            t->at = (int64_t)rng_below(&rng, TIMES) - TIMES / 2;
            t->came = i;
            heap_set(&h, &t->node, t->at);
        } else {
            t->came = 0;
            heap_remove(&h, &t->node);
        }
        assert_first(&h, things);
    }
    for (struct heap_node *n; (n = heap_first(&h));) {
        assert_first(&h, things);
        HEAP_THING(n, struct thing, node)->came = 0;
        heap_remove(&h, n);
    }
    assert_null(first_of(things));
    heap_release(&h);
}

static void the_first_is_the_earliest_that_came_first(void **state)
{
    (void)state;
    play(NULL, 1);
    play(NULL, 2);
}

static void its_table_may_lie_in_an_arena(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    play(a, 3);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_the_earliest_that_came_first),
        cmocka_unit_test(its_table_may_lie_in_an_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
