#include "http/http.h"

static const char *const method_names[HTTP_METHOD_COUNT] = {"",
#define X(name) #name,
                                                            HTTP_METHODS(X)
#undef X
};

const char *http_method_name(enum http_method method)
{
    return method > HTTP_METHOD_NONE && method < HTTP_METHOD_COUNT ? method_names[method] : "";
}
