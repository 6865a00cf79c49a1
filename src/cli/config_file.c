#include "cli/config_file.h"

#include "os/files.h"

static bool file_exists(const char *path)
{
    struct arena *scratch = arena_new(0);
    struct str text;
    struct err err = {0};
    bool there =
        file_read(scratch, path, CONFIG_SIZE_MAX, &text, &err) || err.code != ERR_NOT_FOUND;
    arena_free(scratch);
    return there;
}

const char *config_file_find(struct arena *a, struct str folder)
{
    const char *path = arena_cstr(a, arena_printf(a, STR_FMT "/pawl.yaml", STR_ARG(folder)));
    return file_exists(path) ? path : NULL;
}

bool config_file_read(struct arena *a, const char *path, struct config_file *ret,
                      struct err *reterr)
{
    struct config_file file = {.text = STR("")};
    struct str folder = path ? path_folder(str_of_cstr(path)) : STR(".");
    if ((path && !file_read(a, path, CONFIG_SIZE_MAX, &file.text, reterr)) ||
        !path_absolute(a, folder, &file.folder, reterr) ||
        !config_parse(a, file.text, file.folder, &file.config, reterr))
        return false;
    *ret = file;
    return true;
}
