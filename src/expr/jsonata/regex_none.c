/* Until regular expressions are there: no pattern is one. */
#include "expr/jsonata/jsonata_internal.h"

bool jx_regex_compile(UNUSED struct arena *a, UNUSED struct str pattern, UNUSED struct str flags,
                      UNUSED const struct jx_regex **ret_regex)
{
    return false;
}

bool jx_regex_match(UNUSED struct jx *x, UNUSED const struct jx_regex *regex,
                    UNUSED struct str subject, UNUSED size_t from, UNUSED bool *ret_found,
                    UNUSED struct jx_match *ret_match)
{
    UNREACHABLE("no regular expression was compiled");
}
