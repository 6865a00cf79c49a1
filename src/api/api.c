#include "api/api_internal.h"

#include <stdlib.h>

enum {
    STOP_GRACE_MS = 500, /* for peers to take what they were answered */
    CATALOG_SHARD = 0,   /* whose epoch the catalog's commits carry */
};

/* The engine, too, keeps in mind what machines there are. */
static void machine_changed(void *arg, struct str machine_name)
{
    const struct api *api = arg;
    engine_forget_machine(api->options.engine, machine_name);
}

static void machine_written(void *arg)
{
    struct api *api = arg;
    catalog_forget(api->catalog);
}

static void wake(void *arg)
{
    const struct api *api = arg;
    api->options.wake(api->options.arg);
}

static struct catalog *new_catalog(struct api *api)
{
    const struct api_options *o = &api->options;
    return catalog_new(&(struct catalog_options){
        .store = o->store,
        .org = o->org,
        .shard = CATALOG_SHARD,
        .epoch = engine_epoch(o->engine, CATALOG_SHARD),
        .seed = rng_next(&api->rng),
        .machines_max = o->machines_max,
        .activities_max = o->activities_max,
        .wake = wake,
        .changed = machine_changed,
        .arg = api,
    });
}

struct api *api_new(const struct api_options *options)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        panic(__FILE__, __LINE__, "out of memory");
    api->options = *options;
    if (options->region.len == 0)
        api->options.region = STR("us-east-1");
    if (options->account.len == 0)
        api->options.account = STR("000000000000");
    api->rng = rng_seeded(options->seed);
    api->catalog = new_catalog(api);
    engine_on_machine(options->engine, machine_written, api);
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

void api_followed(struct api *api, const struct run *run, const struct execution_row *execution,
                  const struct flow_event *events, size_t count)
{
    watches_notify(api, execution->key);
    waits_told(api, run, execution, events, count);
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
    waits_stop(api, &err);
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
    catalog_free(api->catalog);
    machines_release(&api->machines);
    free(api);
}
