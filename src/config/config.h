/* The configuration file, pawl.yaml: what carries out the tasks, and the settings.
 *
 * Its two parts know themselves what their keys mean (task/bindings.h,
 * config/settings.h); here it is one text, in which any other key is refused.
 * An empty text is a configuration: nothing is bound, everything has its default.
 * Errors: INVALID_YAML, INVALID_CONFIG with line and column, TOO_LARGE.
 * Ownership: arena. Immutable.
 */
#ifndef PAWL_CONFIG_CONFIG_H
#define PAWL_CONFIG_CONFIG_H

#include "config/settings.h"
#include "task/bindings.h"

enum {
    CONFIG_SIZE_MAX = 1 << 20, /* bytes */
};

struct config {
    struct bindings bindings;
    struct settings settings;
};

/* `folder`, the file's, is made absolute by the caller. */
MUST_CHECK bool config_parse(struct arena *a, struct str text, struct str folder,
                             struct config *ret_config, struct err *reterr);

#endif
