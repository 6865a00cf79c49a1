/* Executions played under virtual time against what they gave before.
 *
 *   flow_golden FOLDER            compares FOLDER/x.json with FOLDER/x.txt
 *   UPDATE=1 flow_golden FOLDER   rewrites the texts; review the difference
 *
 * What a file holds: support/game.h. The text holds the outcome, the history with AWS's
 * ids and the steps; player.c has compared fold and snapshot on the way. In the end the
 * folder must have shown every kind of event.
 */
#include "support/game.h"
#include "support/golden.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SHOWN_MAX = 600
}; /* bytes of one event's details */

static bool seen[EVENT_KIND_LIMIT];

static void print_cut(struct buf *to, struct json value)
{
    struct buf text = BUF_INIT(0);
    json_write(&text, value);
    buf_append(to, str_slice(buf_str(&text), 0, SHOWN_MAX));
    if (text.len > SHOWN_MAX)
        buf_printf(to, "... of %zu bytes", text.len);
    buf_release(&text);
}

/* ---- printing ---- */

static void print_event(struct buf *to, struct json event)
{
    int64_t id = 0, previous = 0;
    if (!json_to_int64(json_get(event, STR("id")), &id) ||
        !json_to_int64(json_get(event, STR("previousEventId")), &previous))
        buf_append(to, STR("?"));
    buf_printf(to, "%3lld <%-3lld +%gs " STR_FMT, (long long)id, (long long)previous,
               json_to_double(json_get(event, STR("timestamp"))) -
                   (double)GAME_CLOCK_START_MS / 1000,
               STR_ARG(json_str(json_get(event, STR("type")))));
    const struct json_member *members = json_members(event);
    for (size_t i = 0; i < json_count(event); i++) {
        if (!str_ends_with(json_str(members[i].key), STR("EventDetails")))
            continue;
        buf_append(to, STR(" "));
        print_cut(to, members[i].value);
    }
    buf_append(to, STR("\n"));
}

static void print_step(struct buf *to, const struct step *s)
{
    buf_printf(to, "%3u " STR_FMT " %s", s->index, STR_ARG(s->path), step_status_name(s->status));
    if (s->has_error)
        buf_printf(to, " error=" STR_FMT, STR_ARG(s->error));
    for (size_t i = 0; i < s->attempt_count; i++)
        buf_printf(to, " %u:%s", s->attempts[i].number, step_status_name(s->attempts[i].status));
    if (s->generation)
        buf_printf(to, " generation=%u", s->generation);
    buf_append(to, STR("\n"));
}

static void print_outcome(struct buf *to, const struct player *p)
{
    static const char *const names[] = {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"};
    struct str text;
    buf_printf(to, "%s\n", names[run_status(p->live)]);
    if (!json_is_absent(run_output(p->live))) {
        buf_append(to, STR("output "));
        print_cut(to, run_output(p->live));
        buf_append(to, STR("\n"));
    }
    if (run_error(p->live, &text))
        buf_printf(to, "error " STR_FMT "\n", STR_ARG(text));
    if (run_cause(p->live, &text))
        buf_printf(to, "cause " STR_FMT "\n", STR_ARG(text));
    struct flow_pause pause = run_pause(p->live);
    if (pause.asked)
        buf_printf(to, "%s: " STR_FMT "\n", pause.quiet ? "paused" : "pausing",
                   STR_ARG(pause.text));
    buf_append(to, STR("\nhistory\n"));
    for (size_t i = 0; i < p->history.count; i++)
        print_event(to, p->history.items[i]);
    buf_append(to, STR("\nsteps\n"));
    for (size_t i = 0; i < p->steps.count; i++)
        print_step(to, &p->steps.items[i]);
}

static void note_kinds(struct json history)
{
    for (size_t i = 0; i < json_count(history); i++)
        for (uint32_t kind = 0; kind < EVENT_KIND_LIMIT; kind++)
            if (event_kind_known(kind) &&
                str_eq(str_of_cstr(event_name((enum event_kind)kind)),
                       json_str(json_get(json_at(history, i), STR("type")))))
                seen[kind] = true;
}

static void show(struct arena *a, struct str text, struct buf *to)
{
    struct player *p = game_play(a, text, NULL, NULL, to);
    if (!p)
        return;
    if (p->problem)
        buf_printf(to, "PROBLEM %s\n", p->problem);
    print_outcome(to, p);
    note_kinds(json_array_done(&p->history));
    player_free(p);
}

int main(int argc, char **argv)
{
    struct golden *g = golden_open(argc > 1 ? argv[1] : "");
    golden_each(g, ".json", show);
    struct buf missing = BUF_INIT(0);
    for (uint32_t kind = 0; kind < EVENT_KIND_LIMIT; kind++)
        if (event_kind_known(kind) && event_shape((enum event_kind)kind) != SHAPE_OURS &&
            !seen[kind])
            buf_printf(&missing, " %s", event_name((enum event_kind)kind));
    golden_check(g, "every kind of event was shown", missing.len == 0, buf_cstr(&missing));
    buf_release(&missing);
    return golden_close(g);
}
