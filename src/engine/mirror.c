#include "engine/mirror.h"

#include <stdio.h>

struct mirror {
    struct run *run;
    struct journal_reader *reader;
};

struct mirror *mirror_new(const struct machine *machine, const struct flow_identity *identity,
                          const struct flow_limits *limits)
{
    struct run *run = run_new(machine, identity, limits);
    struct mirror *m = ARENA_NEW(run_arena(run), struct mirror);
    m->run = run;
    m->reader = journal_reader_new(run_arena(run));
    return m;
}

void mirror_free(struct mirror *m)
{
    if (m)
        run_free(m->run);
}

void mirror_take(struct mirror *m, const struct journal_row *row)
{
    struct journal_turn turn;
    struct err err = {0};
    if (!journal_fold(m->reader, row, m->run, &turn, &err)) {
        fprintf(stderr, "%s\n", err.message);
        panic(__FILE__, __LINE__, "a turn that was just written cannot be folded");
    }
}

void mirror_compare(const struct mirror *m, const struct run *run)
{
    struct buf live = BUF_INIT(0), folded = BUF_INIT(0);
    run_dump(run, &live);
    run_dump(m->run, &folded);
    if (!str_eq(buf_str(&live), buf_str(&folded))) {
        size_t at = 0;
        while (at < live.len && at < folded.len && live.ptr[at] == folded.ptr[at])
            at++;
        size_t from = at > 200 ? at - 200 : 0;
        fprintf(stderr, "live:   ..." STR_FMT "\nfolded: ..." STR_FMT "\n",
                STR_ARG(str_slice(buf_str(&live), from, at + 200)),
                STR_ARG(str_slice(buf_str(&folded), from, at + 200)));
        panic(__FILE__, __LINE__, "the folded journal is not the run that wrote it");
    }
    buf_release(&live);
    buf_release(&folded);
}
