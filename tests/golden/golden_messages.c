/* All that the human voice can say, as prose to be read: tests/golden/messages.txt.
 * UPDATE=1 writes the file anew. */
#include "base/err.h"
#include "base/buf.h"
#include "engine/messages.h"

#include <stdio.h>
#include <stdlib.h>

static void write_all(struct buf *b)
{
    buf_append(b, STR("Errors of a workflow, by the error's name\n\n"));
    for (size_t i = 0; i < message_count; i++)
        buf_printf(b, STR_FMT "\n    " STR_FMT "\n",
                   STR_ARG(messages[i].error.len ? messages[i].error : STR("(no name)")),
                   STR_ARG(messages[i].text));
    buf_append(b, STR("\nErrors of Pawl, with the exit status and what to do by default\n\n"));
    for (int code = 1; code < ERR_COUNT; code++)
        buf_printf(b, "%s (%d)\n    %s\n", err_name((enum err_code)code),
                   err_exit_status((enum err_code)code), err_remedy((enum err_code)code));
}

static bool compare(struct str now, const char *path)
{
    static char before[1 << 16];
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(before, 1, sizeof(before), file) : 0;
    if (file)
        fclose(file);
    return str_eq(now, str_of(before, length));
}

static bool every_sentence_is_one(void)
{
    for (size_t i = 0; i < message_count; i++)
        if (!str_ends_with(messages[i].text, STR(".")) || messages[i].text.len > 200)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct buf b = BUF_INIT(0);
    bool good = argc == 2;
    write_all(&b);
    if (good && getenv("UPDATE")) {
        FILE *file = fopen(argv[1], "w");
        good = file && fwrite(b.ptr, 1, b.len, file) == b.len && fclose(file) == 0;
    }
    bool same = good && compare(buf_str(&b), argv[1]), prose = every_sentence_is_one();
    printf("1..2\n%sok 1 - the messages are those of messages.txt\n", same ? "" : "not ");
    printf("%sok 2 - each ends its sentence and fits two lines\n", prose ? "" : "not ");
    buf_release(&b);
    return same && prose ? 0 : 1;
}
