#include "asl/diag_codes.h"

static const struct diag_code_info codes[DIAG_CODE_COUNT] = {
#define DIAG_CODE_ROW(code, level, aws_code, text) {#code, DIAG_##level, aws_code, text},
    DIAG_CODE_TABLE(DIAG_CODE_ROW)
#undef DIAG_CODE_ROW
};

const struct diag_code_info *diag_code_info(enum diag_code code)
{
    ASSERT(code < DIAG_CODE_COUNT);
    return &codes[code];
}

const struct diag_code_info *diag_code_find(struct str name)
{
    for (size_t i = 0; i < DIAG_CODE_COUNT; i++) {
        if (str_eq(name, str_of_cstr(codes[i].name)))
            return &codes[i];
    }
    return NULL;
}
