/* The configuration file that a command goes by: pawl.yaml, read and checked.
 *
 * Ownership: arena. Errors: those of files and of config_parse, whose line and
 * column are in the file.
 */
#ifndef PAWL_CLI_CONFIG_FILE_H
#define PAWL_CLI_CONFIG_FILE_H

#include "config/config.h"

struct config_file {
    struct str text, folder; /* as read; absolute */
    struct config config;
};

/* "pawl.yaml" in the folder, when that is there; NULL else. */
const char *config_file_find(struct arena *a, struct str folder);

/* path NULL: nothing is bound, and every setting has its default. */
MUST_CHECK bool config_file_read(struct arena *a, const char *path, struct config_file *ret,
                                 struct err *reterr);

#endif
