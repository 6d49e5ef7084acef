#include "rows.h"

static const char *const kind_names[CONFIG_KIND_COUNT] = {[CONFIG_KIND_NONE] = "none",
#define X(name, text) [CONFIG_KIND_##name] = (text),
                                                          CONFIG_KINDS(X)
#undef X
};

const char *config_kind_name(enum config_kind kind)
{
    return kind_names[kind];
}
