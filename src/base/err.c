#include "base/err.h"

#include "base/utf8.h"

#include <stdio.h>

static const struct {
    const char *name;
    int exit_status, http_status;
    const char *remedy;
} table[ERR_COUNT] = {
#define ERR_ROW(name, exit_status, http_status, remedy) {#name, exit_status, http_status, remedy},
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

/* Writes at text[from..]; a text that does not fit ends in "..." at a
 * character boundary, so that what is shown stays UTF-8. */
PRINTF_LIKE(4, 0)
static void write_cut(char *text, size_t size, size_t from, const char *format, va_list args)
{
    if (from + 1 >= size)
        return;
    int wrote = vsnprintf(text + from, size - from, format, args);
    if (wrote < 0 || (size_t)wrote < size - from)
        return;
    size_t end = utf8_floor(str_of(text, size - 1), size - 4);
    memcpy(text + end, "...", 4);
}

bool err_set_at(struct err *e, enum err_code code, const char *file, int line, const char *format,
                ...)
{
    if (!e)
        return false;
    *e = (struct err){.code = code, .offset = SIZE_MAX, .file = file, .file_line = line};
    va_list args;
    va_start(args, format);
    write_cut(e->message, sizeof(e->message), 0, format, args);
    va_end(args);
    return false;
}

void err_detail(struct err *e, const char *format, ...)
{
    if (!e)
        return;
    size_t from = strlen(e->detail);
    if (from && from + 3 < sizeof(e->detail)) {
        memcpy(e->detail + from, "; ", 3);
        from += 2;
    }
    va_list args;
    va_start(args, format);
    write_cut(e->detail, sizeof(e->detail), from, format, args);
    va_end(args);
}

void err_context(struct err *e, const char *format, ...)
{
    if (!e)
        return;
    char old[ERR_MESSAGE_MAX];
    memcpy(old, e->message, sizeof(old));
    va_list args;
    va_start(args, format);
    write_cut(e->message, sizeof(e->message), 0, format, args);
    va_end(args);
    size_t used = strlen(e->message);
    if (used + 3 < sizeof(e->message))
        snprintf(e->message + used, sizeof(e->message) - used, ": %.*s",
                 (int)(sizeof(e->message) - used - 3), old);
}

const char *err_name(enum err_code code)
{
    ASSERT(code < ERR_COUNT);
    return table[code].name;
}

enum err_code err_of_name(struct str name)
{
    for (unsigned i = 0; i < ERR_COUNT; i++)
        if (str_eq(name, str_of_cstr(err_name((enum err_code)i))))
            return (enum err_code)i;
    return ERR_INTERNAL;
}

int err_exit_status(enum err_code code)
{
    ASSERT(code < ERR_COUNT);
    return table[code].exit_status;
}

int err_http_status(enum err_code code)
{
    ASSERT(code < ERR_COUNT);
    return table[code].http_status;
}

const char *err_remedy(enum err_code code)
{
    ASSERT(code < ERR_COUNT);
    return table[code].remedy;
}
