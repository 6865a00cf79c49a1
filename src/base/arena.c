#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define EACH_ITS_OWN_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_ITS_OWN_MALLOC 1
#endif
#endif
#ifndef EACH_ITS_OWN_MALLOC
#define EACH_ITS_OWN_MALLOC 0
#endif

enum {
    CHUNK_SIZE_FIRST = 4096,
    CHUNK_SIZE_LARGEST = 1 << 20,
    LARGE_PAGE = 2 << 20,
};

struct chunk {
    struct chunk *older;
    size_t size, used;
    bool mapped; /* by itself, for large pages */
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct chunk *newest;
    size_t size_max, used, allocations;
    bool large_pages;
};

struct arena *arena_new(size_t size_max)
{
    struct arena *a = calloc(1, sizeof(*a));
    if (!a)
        panic(__FILE__, __LINE__, "out of memory");
    a->size_max = size_max ? size_max : SIZE_MAX;
    return a;
}

void arena_use_large_pages(struct arena *a)
{
    a->large_pages = true;
}

static void chunk_free(struct chunk *c)
{
    if (c->mapped)
        (void)munmap(c, sizeof(*c) + c->size);
    else
        free(c);
}

static void free_down_to(struct arena *a, const struct chunk *keep)
{
    while (a->newest != keep) {
        struct chunk *c = a->newest;
        a->newest = c->older;
        chunk_free(c);
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    free_down_to(a, NULL);
    free(a);
}

#ifdef MADV_HUGEPAGE
static void ask_for_large_pages(void *memory, size_t size)
{
    (void)madvise(memory, size, MADV_HUGEPAGE); /* a wish: there may be none */
}
#else
static void ask_for_large_pages(void *memory, size_t size)
{
    (void)memory;
    (void)size;
}
#endif

/* Not out of the heap, whose pages are small where something of them was ever used. NULL: none.
 * What is mapped beyond a multiple of large pages is given back. */
static struct chunk *map_large(size_t total)
{
    char *memory =
        mmap(NULL, total + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    size_t before = LARGE_PAGE - ((uintptr_t)memory & (LARGE_PAGE - 1));
    (void)munmap(memory, before);
    if (before < LARGE_PAGE)
        (void)munmap(memory + before + total, LARGE_PAGE - before);
    ask_for_large_pages(memory + before, total);
    return (struct chunk *)(void *)(memory + before);
}

/* At least so large; NULL: out of memory. */
static struct chunk *chunk_new(const struct arena *a, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct chunk) - 2 * (size_t)LARGE_PAGE)
        return NULL;
    bool mapped = !EACH_ITS_OWN_MALLOC && a->large_pages;
    size_t total = size + sizeof(struct chunk);
    if (mapped)
        total = (total + LARGE_PAGE - 1) & ~(size_t)(LARGE_PAGE - 1);
    struct chunk *c = mapped ? map_large(total) : malloc(total);
    if (c)
        *c = (struct chunk){.size = total - sizeof(*c), .mapped = mapped};
    return c;
}

static void add_chunk(struct arena *a, size_t needed)
{
    size_t size = needed;
    if (!EACH_ITS_OWN_MALLOC) {
        size_t grown = a->newest ? a->newest->size * 2 : CHUNK_SIZE_FIRST;
        if (grown > CHUNK_SIZE_LARGEST)
            grown = CHUNK_SIZE_LARGEST;
        if (size < grown)
            size = grown;
    }
    struct chunk *c = chunk_new(a, size);
    if (!c)
        panic(__FILE__, __LINE__, "out of memory");
    c->older = a->newest;
    a->newest = c;
}

static void *take(struct arena *a, size_t size, size_t align)
{
    struct chunk *c = a->newest;
    size_t start = c ? (c->used + align - 1) & ~(align - 1) : 0;
    if (EACH_ITS_OWN_MALLOC || !c || start > c->size || c->size - start < size) {
        add_chunk(a, size);
        c = a->newest;
        start = 0;
    }
    c->used = start + size;
    a->used += size;
    a->allocations++;
    return c->bytes + start;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return take(a, size, alignof(max_align_t));
}

char *arena_alloc_text(struct arena *a, size_t size)
{
    return take(a, size, 1);
}

void *arena_zalloc(struct arena *a, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        panic(__FILE__, __LINE__, "allocation size overflows");
    void *p = arena_alloc(a, total);
    if (total)
        memset(p, 0, total);
    return p;
}

void *arena_dup(struct arena *a, const void *ptr, size_t size)
{
    void *copy = arena_alloc(a, size);
    if (size)
        memcpy(copy, ptr, size);
    return copy;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *copy = arena_alloc_text(a, s.len);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return str_of(copy, s.len);
}

char *arena_cstr(struct arena *a, struct str s)
{
    char *copy = arena_alloc_text(a, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

struct str arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    ASSERT(len >= 0);
    char *text = arena_alloc_text(a, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, args);
    return str_of(text, (size_t)len);
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t larger = *capacity ? *capacity * 2 : 8;
    size_t total;
    if (__builtin_mul_overflow(larger, size, &total))
        panic(__FILE__, __LINE__, "allocation size overflows");
    void *grown = arena_alloc(a, total);
    if (count)
        memcpy(grown, items, count * size);
    *capacity = larger;
    return grown;
}

bool arena_room(const struct arena *a, size_t size)
{
    return a->used <= a->size_max && size <= a->size_max - a->used;
}

bool arena_over(const struct arena *a)
{
    return a->used > a->size_max;
}

void arena_allow(struct arena *a, size_t more)
{
    a->size_max = more && more < SIZE_MAX - a->used ? a->used + more : SIZE_MAX;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}

size_t arena_allocations(const struct arena *a)
{
    return a->allocations;
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){a->newest, a->newest ? a->newest->used : 0, a->used};
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
    /* Keep one ordinary chunk when rewinding to empty, so that a scratch arena
     * in a loop does not go back to malloc every time. */
    if (!EACH_ITS_OWN_MALLOC && !mark.chunk && a->newest) {
        while (a->newest->older || a->newest->size > CHUNK_SIZE_LARGEST) {
            struct chunk *c = a->newest;
            a->newest = c->older;
            chunk_free(c);
            if (!a->newest)
                break;
        }
        if (a->newest)
            a->newest->used = 0;
    } else {
        free_down_to(a, mark.chunk);
        if (a->newest)
            a->newest->used = mark.chunk_used;
    }
    a->used = mark.used;
}
