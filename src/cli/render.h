/* How executions and steps look: the one place for marks, tables and errors. */
#ifndef PAWL_CLI_RENDER_H
#define PAWL_CLI_RENDER_H

#include "cli/cli.h"
#include "journal/journal.h"
#include "os/children.h"
#include "store/store.h"

/* "✔", "✘"... and its colour. */
struct cell mark_of_step(enum step_status status);
struct cell mark_of_execution(enum execution_status status);
struct cell status_cell(enum execution_status status);

/* What people call a step by: where the definition has x-step, that of its state
 * or of the branch it is in, or 0; else its place in the order of entering, from 1. */
int64_t step_number(const struct machine *machine, const struct step *step);
/* " %4d  ", blanks for 0. */
void print_step_number(struct out *o, int64_t number);

/* A table of executions: id, name, machine, status, started, duration. */
struct table executions_table(struct arena *a);
void executions_add(struct table *t, const struct execution_row *row, struct wall_ms now);

/* A cause is often a JSON object with the message inside: then that, else the cause. */
struct str cause_message(struct arena *a, struct str cause);

/* The error in its two voices, each line after `prefix`. */
void print_error(struct out *o, const char *prefix, bool has_error, struct str error,
                 bool has_cause, struct str cause);

/* The tail of what a command said on stderr (or stdout) in an attempt's log. */
void print_log_tail(struct out *o, const char *prefix, struct json log, size_t lines_max);

/* "pawl show ID" with the --data and --config that this command was given. */
void print_next_command(struct out *o, const struct cli *cli, const char *words,
                        const struct uuid *id);

/* The command line as it was given, without this option and --json, and a line's end. */
void print_same_command(struct out *o, const struct cli *cli, const char *without);

/* What became of commands that a killed process had left; nothing when there were
 * none. `file`: where they were noted. */
void print_children_found(struct out *o, struct children_found found, const char *file);

/* {"id","name","arn","machine","status","startedAt","stoppedAt"?} */
struct json execution_shown(struct arena *a, const struct execution_row *row);
struct json time_shown(struct arena *a, struct wall_ms at);

#endif
