/* Journals of every release stay readable: each tests/golden/journal/NAME.journal is
 * read, folded and viewed, and the result compared with NAME.expect.
 *
 * A line of a journal is a row of a store: turn, rules version, cause, time (UTC ms),
 * checksum (hexadecimal) and body, with a blank between, as this gives them:
 *   sqlite3 -separator ' ' FILE "SELECT turn, rules_version, cause, at,
 *     printf('%016x', checksum), body FROM journal WHERE execution = ... ORDER BY turn"
 * Its definition is the file RELEASE.asl.json, RELEASE being what stands before the
 * first '-' of its name.
 * UPDATE=1 rewrites what is expected, never a journal: review the difference, since
 * a line that changed is an old journal that means something else now.
 */
#include "asl/compile.h"
#include "journal/fields.h"
#include "journal/journal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t secret[32];

static const struct flow_identity identity = {
    .execution_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:execution:m:x"),
    .name = STR_INIT("x"),
    .machine_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:stateMachine:m"),
    .machine_name = STR_INIT("m"),
    .role_arn = STR_INIT("arn:aws:iam::000000000000:role/pawl"),
    .region = STR_INIT("us-east-1"),
    .account = STR_INIT("000000000000"),
    .secret = secret,
};

/* ---- files ---- */

static struct str path_of(struct arena *a, struct str name, const char *extension)
{
    const char *root = getenv("PAWL_SOURCE_ROOT");
    return arena_printf(a, "%s/tests/golden/journal/" STR_FMT "%s", root ? root : ".",
                        STR_ARG(name), extension);
}

/* Empty when there is no such file. */
static struct str read_file(struct arena *a, struct str path)
{
    struct buf b = BUF_INIT(0);
    FILE *file = fopen(arena_cstr(a, path), "rb");
    char part[4096];
    size_t size;
    while (file && (size = fread(part, 1, sizeof(part), file)) > 0)
        buf_append(&b, str_of(part, size));
    if (file)
        fclose(file);
    struct str text = arena_str(a, buf_str(&b));
    buf_release(&b);
    return text;
}

static bool write_file(struct arena *a, struct str path, struct str text)
{
    FILE *file = fopen(arena_cstr(a, path), "wb");
    if (!file)
        return false;
    bool written = fwrite(text.ptr, 1, text.len, file) == text.len;
    return fclose(file) == 0 && written;
}

/* ---- rows ---- */

/* What stands before the next `end`, which is skipped. */
static struct str take(struct str *rest, char end)
{
    size_t at = str_find_char(*rest, end);
    struct str part = str_slice(*rest, 0, at);
    *rest = str_slice(*rest, at == SIZE_MAX ? at : at + 1, rest->len);
    return part;
}

static int64_t take_number(struct str *rest)
{
    int64_t number = -1;
    return str_to_int64(take(rest, ' '), &number) ? number : -1;
}

static struct journal_row take_row(struct arena *a, struct str line)
{
    struct journal_row row = {
        .turn = (uint32_t)take_number(&line),
        .rules_version = (uint16_t)take_number(&line),
        .cause = (uint8_t)take_number(&line),
    };
    row.at.ms = take_number(&line);
    row.checksum = strtoull(arena_cstr(a, take(&line, ' ')), NULL, 16);
    row.body = line;
    return row;
}

/* ---- what a journal comes to ---- */

static void show_json(struct buf *b, const char *name, struct json value)
{
    buf_printf(b, " %s=", name);
    json_write(b, value);
}

#define SHOW_KIND(m)
#define SHOW_NUMBER(m, absent)                                                                     \
    if (e->m != (absent))                                                                          \
        buf_printf(b, " " #m "=%lld", (long long)e->m);
#define SHOW_U32(m) SHOW_NUMBER(m, 0)
#define SHOW_ORDINAL(m) SHOW_NUMBER(m, 1)
#define SHOW_STATE(m) SHOW_NUMBER(m, STATE_NO_NONE)
#define SHOW_I64(m) SHOW_NUMBER(m, 0)
#define SHOW_REAL(m)                                                                               \
    if (e->m != 0)                                                                                 \
        show_json(b, #m, json_double(e->m));
#define SHOW_SLOT(m)                                                                               \
    if (!json_is_absent(e->m.value))                                                               \
        show_json(b, #m, e->m.value);
#define SHOW_FLAGGED(m)                                                                            \
    if (e->has_##m)                                                                                \
        show_json(b, #m, json_string(e->m));
#define SHOW_TEXT(m)                                                                               \
    if (e->m.len)                                                                                  \
        show_json(b, #m, json_string(e->m));
#define SHOW_JSON(m)                                                                               \
    if (!json_is_absent(e->m))                                                                     \
        show_json(b, #m, e->m);
#define SHOW_FIELD(type, name, member, what) SHOW_##type(member)

static void show_event(struct buf *b, struct arena *a, const struct run *run,
                       const struct flow_event *e, struct wall_ms at)
{
    buf_printf(b, "%s", event_name(e->kind));
    JOURNAL_FIELD_TABLE(SHOW_FIELD)
    buf_append_char(b, '\n');
    struct json shown = history_event(a, run, e, at, true);
    if (!json_is_absent(shown)) {
        buf_append(b, STR("  "));
        json_write(b, shown);
        buf_append_char(b, '\n');
    }
}

static void show_turn(struct buf *b, struct arena *a, const struct run *run,
                      const struct journal_turn *turn)
{
    buf_printf(b, "turn %u, cause %d, at %lld\n", turn->number, (int)turn->cause,
               (long long)turn->at.ms);
    for (size_t i = 0; i < turn->count; i++)
        show_event(b, a, run, &turn->events[i], turn->at);
}

static void show_step(struct buf *b, const struct step *s)
{
    buf_printf(b, "%u " STR_FMT " %s %lld-%lld", s->index, STR_ARG(s->path),
               step_status_name(s->status), (long long)s->started_at.ms,
               (long long)s->stopped_at.ms);
    if (s->children_total)
        buf_printf(b, " %lld/%lld", (long long)s->children_done, (long long)s->children_total);
    for (size_t i = 0; i < s->attempt_count; i++) {
        const struct step_attempt *attempt = &s->attempts[i];
        buf_printf(b, "; attempt %u %s %lld-%lld", attempt->number,
                   step_status_name(attempt->status), (long long)attempt->started_at.ms,
                   (long long)attempt->stopped_at.ms);
    }
    buf_append_char(b, '\n');
}

static void show_end(struct buf *b, const struct run *run, const struct step_list *steps)
{
    struct str error, cause;
    buf_printf(b, "steps\n");
    for (size_t i = 0; i < steps->count; i++)
        show_step(b, &steps->items[i]);
    buf_printf(b, "status %d", (int)run_status(run));
    show_json(b, "output", run_output(run));
    if (run_error(run, &error))
        show_json(b, "error", json_string(error));
    if (run_cause(run, &cause))
        show_json(b, "cause", json_string(cause));
    buf_append_char(b, '\n');
}

static bool show_journal(struct buf *b, struct arena *a, struct run *run, struct str rows,
                         struct err *reterr)
{
    struct journal_reader *reader = journal_reader_new(run_arena(run));
    struct step_list steps = {0};
    while (!str_is_empty(rows)) {
        struct journal_row row = take_row(a, take(&rows, '\n'));
        struct journal_turn turn;
        if (!journal_fold(reader, &row, run, &turn, reterr))
            return false;
        steps_apply(&steps, a, run, turn.events, turn.count, turn.at);
        show_turn(b, a, run, &turn);
    }
    show_end(b, run, &steps);
    return true;
}

/* ---- comparing ---- */

static bool compare(struct arena *a, struct str name, struct str shown)
{
    const char *update = getenv("UPDATE");
    struct str path = path_of(a, name, ".expect");
    if (update && strcmp(update, "1") == 0)
        return write_file(a, path, shown);
    struct str expected = read_file(a, path);
    for (int line = 1; shown.len || expected.len; line++) {
        struct str is = take(&shown, '\n'), due = take(&expected, '\n');
        if (str_eq(is, due))
            continue;
        printf("# " STR_FMT ", line %d\n#  is: " STR_FMT "\n# due: " STR_FMT "\n", STR_ARG(path),
               line, STR_ARG(is), STR_ARG(due));
        return false;
    }
    return true;
}

static bool check(struct arena *a, struct str name)
{
    struct str release = str_slice(name, 0, str_find_char(name, '-'));
    struct diag_list diags = diag_list(a);
    struct flow_limits limits = flow_limits_default();
    const struct machine *machine;
    struct err err;
    if (!asl_compile(a, read_file(a, path_of(a, release, ".asl.json")), &diags, &machine, &err)) {
        printf("# " STR_FMT ".asl.json does not compile\n", STR_ARG(release));
        return false;
    }
    struct buf b = BUF_INIT(0);
    struct run *run = run_new(machine, &identity, &limits);
    bool fine = show_journal(&b, a, run, read_file(a, path_of(a, name, ".journal")), &err);
    if (fine)
        fine = compare(a, name, buf_str(&b));
    else
        printf("# %s\n", err.message);
    run_free(run);
    buf_release(&b);
    return fine;
}

static int is_journal(const struct dirent *entry)
{
    return str_ends_with(str_of_cstr(entry->d_name), STR(".journal"));
}

int main(void)
{
    struct arena *a = arena_new(0);
    struct dirent **entries;
    int failed = 0;
    int count = scandir(arena_cstr(a, path_of(a, STR(""), "")), &entries, is_journal, alphasort);
    if (count <= 0) {
        printf("Bail out! no journals in tests/golden/journal/ under $PAWL_SOURCE_ROOT\n");
        arena_free(a);
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        struct str name = str_of_cstr(entries[i]->d_name);
        name.len -= sizeof(".journal") - 1;
        bool fine = check(a, name);
        printf("%s %d - " STR_FMT "\n", fine ? "ok" : "not ok", i + 1, STR_ARG(name));
        failed += !fine;
        free(entries[i]);
    }
    free(entries);
    arena_free(a);
    return failed != 0;
}
