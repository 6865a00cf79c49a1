/* Replays a fuzz target's corpus as a test: every file of the folder given is one
 * input and one line of TAP. An input that harms the target ends the program, which
 * the runner counts as a failure.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    INPUT_SIZE_MAX = 1 << 20
};

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool replay(const char *folder, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return false;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    /* Exactly as large as the input, so that a read past its end is seen. */
    bool fine = false;
    uint8_t *data = NULL;
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (size < 0 || size > INPUT_SIZE_MAX || fseek(file, 0, SEEK_SET) != 0)
        goto done;
    data = malloc((size_t)size + (size == 0));
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
        goto done;
    LLVMFuzzerTestOneInput(data, (size_t)size);
    fine = true;
done:
    free(data);
    fclose(file);
    return fine;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    struct dirent **entries;
    int count = scandir(argv[1], &entries, visible, alphasort);
    if (count <= 0) {
        fprintf(stderr, "no corpus in %s: %s\n", argv[1], count < 0 ? strerror(errno) : "empty");
        return 1;
    }
    int failed = 0;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        bool fine = replay(argv[1], entries[i]->d_name);
        failed += !fine;
        printf("%s %d - %s\n", fine ? "ok" : "not ok", i + 1, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return failed != 0;
}
