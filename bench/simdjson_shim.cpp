#include "simdjson_shim.h"

#include <simdjson.h>

namespace
{
struct shim {
    simdjson::padded_string text;
    simdjson::dom::parser parser;
    simdjson::dom::element document;

    shim(const char *bytes, size_t size) : text(bytes, size)
    {
    }

    bool parse()
    {
        return parser.parse(text).get(document) == simdjson::SUCCESS;
    }
};
} // namespace

void *simdjson_shim_open(const char *text, size_t size)
{
    auto *s = new shim(text, size);
    if (s->parse())
        return s;
    delete s;
    return nullptr;
}

bool simdjson_shim_parse(void *s)
{
    return static_cast<shim *>(s)->parse();
}

size_t simdjson_shim_write(void *s)
{
    return simdjson::to_string(static_cast<shim *>(s)->document).size();
}
