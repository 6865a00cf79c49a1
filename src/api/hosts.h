/* Is a request for this server, by the name that its header Host asks for?
 *
 * Whoever owns a name may have it lead to this machine once a browser has loaded his page by
 * it (DNS rebinding); to the browser the page and this server are then one, but what it asks
 * has that name as its Host. Own are addresses, localhost and what ends in ".localhost", and
 * the names that the settings list, each also behind the "sync-" that SDKs put before it;
 * the port does not matter. Pure.
 */
#ifndef PAWL_API_HOSTS_H
#define PAWL_API_HOSTS_H

#include "json/json.h"

/* names: an array of texts, or absent. Empty is own: a browser never leaves Host out. */
bool host_is_own(struct str host, struct json names);

#endif
