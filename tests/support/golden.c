#include "support/golden.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct golden {
    const char *folder;
    bool update;
    unsigned count, failed;
};

struct golden *golden_open(const char *folder)
{
    struct golden *g = calloc(1, sizeof(*g));
    if (!g)
        panic(__FILE__, __LINE__, "out of memory");
    const char *update = getenv("UPDATE");
    g->folder = folder;
    g->update = update && *update == '1';
    return g;
}

static bool read_file(struct arena *a, const char *path, struct str *ret_text)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    char *bytes = arena_alloc_text(a, GOLDEN_SIZE_MAX);
    *ret_text = str_of(bytes, fread(bytes, 1, GOLDEN_SIZE_MAX, f));
    fclose(f);
    return true;
}

static bool write_file(const char *path, struct str text)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return false;
    bool ok = fwrite(text.ptr, 1, text.len, f) == text.len;
    return fclose(f) == 0 && ok;
}

void golden_check(struct golden *g, const char *name, bool ok, const char *why)
{
    printf("%s %u - %s\n", ok ? "ok" : "not ok", ++g->count, name);
    if (!ok) {
        g->failed++;
        printf("# %s\n", why);
    }
}

/* The first line that differs, both ways. */
static void print_difference(struct str due, struct str made)
{
    size_t line = 1, i = 0, start = 0;
    for (; i < due.len && i < made.len && due.ptr[i] == made.ptr[i]; i++) {
        if (due.ptr[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    struct str a = str_slice(due, start, due.len), b = str_slice(made, start, made.len);
    printf("# line %zu\n#   was  " STR_FMT "\n#   is   " STR_FMT "\n", line,
           STR_ARG(str_slice(a, 0, str_find_char(a, '\n'))),
           STR_ARG(str_slice(b, 0, str_find_char(b, '\n'))));
}

static void one_file(struct golden *g, const char *name, size_t stem,
                     void (*make)(struct arena *a, struct str text, struct buf *to))
{
    struct arena *a = arena_new(0);
    char *path = arena_cstr(a, arena_printf(a, "%s/%s", g->folder, name));
    char *beside = arena_cstr(a, arena_printf(a, "%s/%.*s.txt", g->folder, (int)stem, name));
    struct buf made = BUF_INIT(0);
    struct str text, due = STR("");
    if (!read_file(a, path, &text)) {
        golden_check(g, name, false, "cannot be read");
    } else {
        make(a, text, &made);
        bool there = read_file(a, beside, &due);
        if (g->update && !str_eq(due, buf_str(&made)))
            golden_check(g, name, write_file(beside, buf_str(&made)), "its text cannot be written");
        else
            golden_check(g, name, there && str_eq(due, buf_str(&made)),
                         there ? "differs; UPDATE=1 rewrites the text" : "has no text beside it");
        if (!g->update && there && !str_eq(due, buf_str(&made)))
            print_difference(due, buf_str(&made));
    }
    buf_release(&made);
    arena_free(a);
}

void golden_each(struct golden *g, const char *ending,
                 void (*make)(struct arena *a, struct str text, struct buf *to))
{
    struct dirent **entries;
    int count = scandir(g->folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        struct str name = str_of_cstr(entries[i]->d_name);
        if (i < GOLDEN_FILES_MAX && str_ends_with(name, str_of_cstr(ending)))
            one_file(g, entries[i]->d_name, name.len - strlen(ending), make);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (g->count == 0)
        golden_check(g, "the folder holds files", false, g->folder);
}

int golden_close(struct golden *g)
{
    int status = g->failed != 0;
    printf("1..%u\n", g->count);
    free(g);
    return status;
}
