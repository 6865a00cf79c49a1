/* Base64, standard alphabet, with padding. Decoding accepts missing padding. */
#ifndef PAWL_BASE_BASE64_H
#define PAWL_BASE_BASE64_H

#include "base/arena.h"

struct str base64_encode(struct arena *a, struct str data);
MUST_CHECK bool base64_decode(struct arena *a, struct str text, struct str *ret_data);

#endif
