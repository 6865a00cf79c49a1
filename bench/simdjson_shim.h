/* simdjson's DOM parser for a benchmark in C. */
#ifndef PAWL_BENCH_SIMDJSON_SHIM_H
#define PAWL_BENCH_SIMDJSON_SHIM_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Keeps a padded copy of the text, parsed once; NULL when it is not JSON. Lives
 * as long as the process. */
void *simdjson_shim_open(const char *text, size_t size);

/* Parses it again. */
bool simdjson_shim_parse(void *shim);

/* Writes the parsed document; returns how many bytes that took. */
size_t simdjson_shim_write(void *shim);

#ifdef __cplusplus
}
#endif

#endif
