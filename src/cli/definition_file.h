/* A definition that a command takes from a file: read, checked, its problems told.
 *
 * Ownership: the command line's arena.
 */
#ifndef PAWL_CLI_DEFINITION_FILE_H
#define PAWL_CLI_DEFINITION_FILE_H

#include "asl/compile.h"
#include "cli/cli.h"

struct definition_file {
    struct str text; /* as it stands there: JSON or YAML */
    struct str name; /* "flows/order.asl.json": "order"; of stdin: "stdin" */
    const struct machine *machine;
};

/* path "-": stdin. Gives 0, or the exit status of what it has printed. */
int definition_file_read(struct cli *cli, const char *path, struct definition_file *ret);

/* What aws_limits: strict asks of it beyond that; as above. */
int definition_file_check_documented(struct cli *cli, const char *path, struct str text,
                                     const struct machine *machine);

/* The text as JSON, whatever it was. */
struct str definition_file_json(struct arena *a, const struct definition_file *file);

#endif
