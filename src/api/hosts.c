#include "api/hosts.h"

#include <arpa/inet.h>

enum {
    NAME_MAX_BYTES = 253
};

/* Without port, dot at the end and the SDKs' prefix. */
static struct str name_of(struct str host)
{
    if (str_starts_with(host, STR("[")))
        return str_slice(host, 0, str_find_char(host, ']') + 1);
    struct str name = str_slice(host, 0, str_find_char(host, ':'));
    if (str_ends_with(name, STR(".")))
        name.len--;
    return str_starts_with(name, STR("sync-")) ? str_slice(name, 5, name.len) : name;
}

static bool is_address(struct str name)
{
    bool six = str_starts_with(name, STR("[")) && str_ends_with(name, STR("]"));
    struct str bare = six ? str_slice(name, 1, name.len - 1) : name;
    char text[INET6_ADDRSTRLEN] = {0};
    uint8_t address[16];
    if (bare.len >= sizeof(text))
        return false;
    memcpy(text, bare.ptr, bare.len);
    return inet_pton(six ? AF_INET6 : AF_INET, text, address) == 1;
}

bool host_is_own(struct str host, struct json names)
{
    char lower[NAME_MAX_BYTES + 8];
    if (host.len == 0)
        return true;
    if (host.len > sizeof(lower))
        return false;
    for (size_t i = 0; i < host.len; i++)
        lower[i] =
            (char)(host.ptr[i] >= 'A' && host.ptr[i] <= 'Z' ? host.ptr[i] + 32 : host.ptr[i]);
    struct str name = name_of(str_of(lower, host.len));
    for (size_t i = 0; i < json_count(names); i++)
        if (str_eq(name, json_str(json_at(names, i))))
            return true;
    return str_eq(name, STR("localhost")) || str_ends_with(name, STR(".localhost")) ||
           is_address(name);
}
