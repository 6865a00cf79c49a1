#include "config/config.h"

/* Every key that the file may hold at its top. */
static bool check_top(const struct yaml_reader *r)
{
    enum {
        KEYS_MAX = 16
    };
    const char *keys[KEYS_MAX] = {BINDINGS_KEY};
    size_t count = 1;
    for (const char *const *key = settings_keys; *key; key++) {
        ASSERT(count + 1 < KEYS_MAX);
        keys[count++] = *key;
    }
    if (!json_is_object(r->root))
        return yaml_refuse(r, STR(""), false,
                           "the configuration must be a mapping with the key " BINDINGS_KEY);
    return yaml_check_keys(r, r->root, STR(""), keys);
}

bool config_parse(struct arena *a, struct str text, struct str folder, struct config *ret_config,
                  struct err *reterr)
{
    struct yaml_reader r;
    struct config config;
    if (text.len > CONFIG_SIZE_MAX)
        return err_set(reterr, ERR_TOO_LARGE,
                       "the configuration is larger than the limit of %d bytes", CONFIG_SIZE_MAX);
    if (!yaml_reader_open(&r, a, text, reterr))
        return false;
    if (!json_is_absent(r.root) && !json_is_null(r.root) && !check_top(&r))
        return false;
    if (!bindings_read(&r, folder, &config.bindings) || !settings_read(&r, &config.settings))
        return false;
    *ret_config = config;
    return true;
}
