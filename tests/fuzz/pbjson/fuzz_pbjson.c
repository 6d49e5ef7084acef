/* Any JSON as any of our messages: what is read can be written, and reads back the same. The first
 * byte chooses the message, the second the dialect. */
#include <stdint.h>

#include "all_messages.h"
#include "base/macros.h"
#include "fuzz.h"
#include "pbjson/pbjson.h"

enum { ARENA_BYTES = 8 << 20 };

static struct str packed(struct arena *arena, const ProtobufCMessage *msg)
{
    size_t len = protobuf_c_message_get_packed_size(msg);
    uint8_t *bytes = arena_alloc(arena, len);
    INVARIANT(bytes != NULL);
    (void)protobuf_c_message_pack(msg, bytes);
    return (struct str){(const char *)bytes, len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pbjson_options *const dialects[] = {&pbjson_canonical, &pbjson_event,
                                                            &pbjson_rest};
    if (size < 2 || size > (64 << 10))
        return 0;
    const ProtobufCMessageDescriptor *type = all_messages[data[0] % all_messages_count];
    const struct pbjson_options *options = dialects[data[1] % ARRAY_LEN(dialects)];
    struct str text = {(const char *)data + 2, size - 2};
    struct err err = {0};
    struct pbjson_mask mask = {0};
    ProtobufCMessage *msg = NULL;
    ProtobufCMessage *again = NULL;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    if (pbjson_decode(text, type, options, arena, &msg, &mask, &err) != ERR_OK)
        return 0;
    enum err_code code = pbjson_check_text(msg, &err);
    INVARIANT(code == ERR_OK);
    code = pbjson_text(msg, options, arena, &text, &err);
    INVARIANT(code == ERR_OK);
    code = pbjson_decode(text, type, options, arena, &again, &mask, &err);
    /* In the REST dialect a JSON text is embedded as it is: one with, say, a key twice or a level
     * too many is then refused within the document. Whoever stores JSON texts checks them. */
    if (options == &pbjson_rest)
        return 0;
    INVARIANT(code == ERR_OK);
    INVARIANT(str_eq(packed(arena, msg), packed(arena, again)));
    return 0;
}
