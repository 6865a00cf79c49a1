/* Bump allocation with one lifetime for everything allocated in it.
 *
 * Ownership: memory from an arena is freed by arena_free or arena_rewind and
 * never piece by piece. Allocation never returns NULL: when the system refuses
 * memory the process panics, since a durable engine is built to survive a crash.
 *
 * The maximum is a budget, not a wall: going over it sets arena_over(), which
 * parsers and evaluators ask at their step boundaries and report as an ordinary
 * limit error (ERR_MEMORY_LIMIT). A single block whose size the data decides is
 * asked for beforehand with arena_room(). So callers need no check after each
 * allocation, and no hostile input can take more than the budget plus one step.
 * See docs/adr/0002-arena-budgets.md.
 *
 * Sanitizer builds turn each allocation into its own malloc.
 * One thread at a time per arena.
 */
#ifndef PAWL_BASE_ARENA_H
#define PAWL_BASE_ARENA_H

#include "base/macros.h"
#include "base/str.h"

#include <stdalign.h>
#include <stdarg.h>

struct arena;

/* size_max: the budget in bytes; 0 stands for none. Owned: arena_free. */
struct arena *arena_new(size_t size_max);

/* From now on it takes its memory in the system's large pages, if there are any: for what will
 * be megabytes. The first touch of ten thousand small pages may cost more than what is then
 * written to them. */
void arena_use_large_pages(struct arena *a);

/* Accepts NULL. */
void arena_free(struct arena *a);

/* Uninitialised, aligned for any type. size 0 gives a valid, unusable pointer. */
void *arena_alloc(struct arena *a, size_t size);

/* Uninitialised with alignment 1: for text. */
char *arena_alloc_text(struct arena *a, size_t size);

/* count * size zeroed bytes; an overflowing product panics. */
void *arena_zalloc(struct arena *a, size_t count, size_t size);

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_zalloc((a), (count), sizeof(type)))

/* A copy of size bytes. */
void *arena_dup(struct arena *a, const void *ptr, size_t size);
struct str arena_str(struct arena *a, struct str s);

/* A NUL-terminated copy. */
char *arena_cstr(struct arena *a, struct str s);

struct str arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
struct str arena_vprintf(struct arena *a, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Grows an array of `count` items of `size` bytes to hold at least one more,
 * doubling; returns the array to use from now on (the old one stays garbage).
 * *capacity is in items and is updated. */
void *arena_grow(struct arena *a, void *items, size_t count, size_t *capacity, size_t size);

/* Would `size` more bytes stay within the budget? */
bool arena_room(const struct arena *a, size_t size);

/* Has the budget been exceeded? Stays true until rewound below it. */
bool arena_over(const struct arena *a);

/* From now on at most so many bytes more; 0: no budget. */
void arena_allow(struct arena *a, size_t more);

/* Bytes handed out and still live. */
size_t arena_used(const struct arena *a);

/* Allocations made since the arena was new, for benchmarks. */
size_t arena_allocations(const struct arena *a);

/* Everything allocated after the mark was taken is freed by the rewind. Marks
 * nest: rewinding to an outer one ends the inner ones. */
struct arena_mark {
    void *chunk;
    size_t chunk_used, used;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);

#endif
