/* The OpenAPI 3.1 document, made from the route table and the message descriptors. */
#pragma once

#include "base/buf.h"

void openapi_write(struct buf *out);
