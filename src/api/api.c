#include "api/api_internal.h"

#include <stdlib.h>

enum {
    STOP_GRACE_MS = 500 /* for peers to take what they were answered */
};

struct api *api_new(const struct api_options *options)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        panic(__FILE__, __LINE__, "out of memory");
    api->options = *options;
    api->rng = rng_seeded(options->seed);
    api->server = http_server_new(&(struct http_server_options){
        .loop = options->loop,
        .limits = options->limits,
        .handler = routes_handle,
        .arg = api,
    });
    return api;
}

bool api_listen_unix(struct api *api, const char *path, struct err *reterr)
{
    return http_server_listen_unix(api->server, path, reterr);
}

bool api_listen_tcp(struct api *api, const char *address, uint16_t port, uint16_t *ret_port,
                    struct err *reterr)
{
    return http_server_listen_tcp(api->server, address, port, ret_port, reterr);
}

void api_followed(struct api *api, execution_key key)
{
    watches_notify(api, key);
}

size_t api_followers(const struct api *api)
{
    return api->followers;
}

void api_stop(struct api *api)
{
    struct err err;
    if (api->stopping)
        return;
    api->stopping = true;
    /* Stopping first: then every answer from now on closes its connection. */
    http_server_stop(api->server, STOP_GRACE_MS, NULL, NULL);
    watches_stop(api);
    err_set(&err, ERR_INTERRUPTED,
            "this process is stopping, and what was asked may have been done or not");
    polls_stop(api, &err);
    while (api->calls)
        call_fail(api->calls, &err);
}

void api_free(struct api *api)
{
    if (!api)
        return;
    ASSERT(api->stopping && !api->calls && !api->followers);
    http_server_free(api->server);
    errands_free(api);
    machines_release(&api->machines);
    free(api);
}
