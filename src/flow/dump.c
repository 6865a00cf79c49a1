/* run_dump: a run as text, for comparing a fold with the live run. */
#include "flow/flow_internal.h"

static void dump_slot(struct buf *to, const char *name, struct slot slot)
{
    if (json_is_absent(slot.value))
        return;
    buf_printf(to, " %s=%u.%u:", name, slot.turn, slot.index);
    json_write(to, slot.value);
}

static void dump_text(struct buf *to, const char *name, bool has, struct str text)
{
    if (!has)
        return;
    buf_printf(to, " %s=", name);
    json_write_string(to, text);
}

static void dump_fan(struct buf *to, const struct fan_out *fan)
{
    buf_printf(to,
               " fan{map=%d hidden=%d count=%u started=%u active=%u ok=%u failed=%u chain=%u "
               "concurrency=%lld tolerated=%lld/%g",
               fan->is_map, fan->hidden, fan->count, fan->started, fan->active, fan->succeeded,
               fan->failed, fan->chain, (long long)fan->concurrency,
               (long long)fan->tolerated_count, fan->tolerated_percentage);
    dump_slot(to, "items", fan->items);
    for (uint32_t i = 0; i < fan->count; i++) {
        if (fan->children[i] != FRAME_NONE)
            buf_printf(to, " child%u=%u", i, fan->children[i]);
        if (fan->results)
            dump_slot(to, "result", fan->results[i]);
    }
    buf_append(to, STR("}"));
}

static void dump_frame(struct buf *to, const struct run *run, const struct frame *f)
{
    buf_printf(to,
               "frame %u parent=%d scope=%u index=%u phase=%d state=%d next=%d step=%u attempt=%u "
               "generation=%u entered=%u<%u@%lld last=%u history=%u/%u retries=%u wake=%lld "
               "heartbeat=%lld timeout=%lld submitted=%u heart_stopped=%u reviewed=%u halted=%u "
               "path=" STR_FMT,
               f->id, (int)f->parent, f->scope, f->index, (int)f->phase, (int)f->state,
               (int)f->next, f->step, f->attempt, f->generation, f->entered_id, f->before_id,
               (long long)f->entered_at.ms, f->last_id, f->history, f->history_count,
               f->retry_count, (long long)f->wake_ms, (long long)f->heartbeat_seconds,
               (long long)f->timeout_seconds, f->submitted, f->heart_stopped, f->reviewed,
               f->halted, STR_ARG(f->path));
    const struct state *state = frame_state(run, f);
    for (size_t i = 0; f->retrier_used && state && i < state->retrier_count; i++)
        buf_printf(to, " retrier%zu=%u", i, f->retrier_used[i]);
    dump_slot(to, "data", f->data);
    dump_slot(to, "result", f->result);
    for (size_t i = 0; i < f->assigned_count; i++)
        dump_slot(to, "assigned", f->assigned[i]);
    dump_text(to, "error", f->has_error, f->error);
    dump_text(to, "cause", f->has_cause, f->cause);
    if (f->fan)
        dump_fan(to, f->fan);
    buf_append(to, STR("\n"));
}

static void dump_used(struct buf *to, const char *name, const struct path_entry *entries,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(to, " %s=" STR_FMT "#%u%s", name, STR_ARG(entries[i].path), entries[i].place,
                   entries[i].used ? "!" : "");
}

static void dump_recovery(struct buf *to, const struct run *run)
{
    const struct recovery *r = &run->recovery;
    buf_printf(to, " live=%u redrives=%u@%lld paused=%u solo=%u prior=%u", run->frames_live,
               run->redrive_count, (long long)run->redriven_at.ms, run->paused, run->solo,
               run->prior_status);
    buf_printf(to, " canceling=%u until_phase=" STR_FMT, run->canceling, STR_ARG(r->until_phase));
    dump_text(to, "cancel_cause", run->has_cancel_cause, run->cancel_cause);
    dump_text(to, "pause", run->paused > 0, run->pause_text);
    dump_slot(to, "recovery", r->asked);
    dump_slot(to, "solo_vars", run->solo_vars);
    dump_slot(to, "prior_output", run->prior_output);
    dump_text(to, "prior_error", run->prior_has_error, run->prior_error);
    dump_text(to, "prior_cause", run->prior_has_cause, run->prior_cause);
    dump_used(to, "skip", r->skips, r->skip_count);
    dump_used(to, "reuse", r->reuses, r->reuse_count);
    for (size_t i = 0; i < r->until_count; i++)
        buf_printf(to, " until=%u%s", r->until[i], r->until_left[i] ? "!" : "");
}

void run_dump(const struct run *run, struct buf *to)
{
    buf_printf(to,
               "run status=%d turns=%u steps=%u started=%lld stopped=%lld last=%lld "
               "deadline=%lld ids=%u",
               (int)run->status, run->turns, run->step_count, (long long)run->started_at.ms,
               (long long)run->stopped_at.ms, (long long)run->last_at.ms,
               (long long)run->deadline_ms, run->history_count);
    dump_slot(to, "input", run->input);
    dump_slot(to, "output", run->output);
    dump_text(to, "error", run->has_error, run->error);
    dump_text(to, "cause", run->has_cause, run->cause);
    dump_recovery(to, run);
    buf_append(to, STR("\n"));
    for (uint32_t i = 0; i < run->frame_count; i++)
        if (run->frames[i])
            dump_frame(to, run, run->frames[i]);
}
