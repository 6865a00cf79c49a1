#include "base/panic.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static panic_handler *installed;

void panic_handler_set(panic_handler *handler)
{
    installed = handler;
}

void panic(const char *file, int line, const char *what)
{
    if (installed)
        installed(file, line, what);
    fprintf(stderr, "pawl: %s:%d: %s\n", file, line, what);
    abort();
}
