/* The small texts of HTTP: titles of statuses, dates, problems, percent signs.
 *
 * Pure. Ownership: arena, or appended to a buffer.
 */
#ifndef PAWL_NET_HTTP_TEXT_H
#define PAWL_NET_HTTP_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"

enum {
    HTTP_DATE_SIZE = 32
};

/* "Sun, 06 Nov 1994 08:49:37 GMT"; returns the length. */
size_t http_date(struct wall_ms at, char to[static HTTP_DATE_SIZE]);

/* {"type":"about:blank","title","status","code","detail"} (RFC 9457). */
void http_problem(struct buf *to, int status, struct str code, struct str detail);

/* "%41" to "A"; with plus, "+" to a blank. False: a malformed escape, or a NUL. */
MUST_CHECK bool http_decode(struct arena *a, struct str text, bool plus, struct str *ret_text);

/* The first value of a name in "a=1&b=2", decoded; false: not there, or malformed. */
bool http_query_value(struct arena *a, struct str query, struct str name, struct str *ret_value);

#endif
