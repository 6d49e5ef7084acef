/*
 * Bytes from the wire as any of our messages. Input: the message, the arena's ceiling, the bytes.
 * What decodes is packed and decodes to the same; under a low ceiling the same bytes give the same
 * answer or "too large", never another.
 */
#include <string.h>

#include "all_messages.h"
#include "base/macros.h"
#include "fuzz.h"
#include "rpc/pb.h"

enum { ARENA_BYTES = 64 << 20 };

static struct str packed(struct arena *arena, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(arena, len);
    INVARIANT(bytes != NULL);
    (void)protobuf_c_message_pack(message, bytes);
    return (struct str){(const char *)bytes, len};
}

/* protobuf-c takes a field number 0 written in two bytes and then refuses what it writes itself;
 * what we do not know is never sent on, so it is taken out, level by level. */
static void forget_unknown(ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const char *base = (const char *)message;
        uint32_t which = field->id;
        size_t count = 1;
        ProtobufCMessage **items = NULL;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
            memcpy(&which, base + field->quantifier_offset, sizeof which);
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&count, base + field->quantifier_offset, sizeof count);
            memcpy(&items, base + field->offset, sizeof items);
        } else {
            items = (void *)((char *)message + field->offset);
        }
        for (size_t k = 0; which == field->id && k < count; k++) {
            if (items[k] != NULL)
                forget_unknown(items[k]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 64 << 10)
        return 0;
    const ProtobufCMessageDescriptor *type = all_messages[data[0] % all_messages_count];
    struct str bytes = {(const char *)data + 2, size - 2};
    struct err err = {0};
    struct err low_err = {0};
    ProtobufCMessage *message = NULL;
    ProtobufCMessage *again = NULL;
    ProtobufCMessage *small = NULL;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    AUTO(arena_cleanup) struct arena *low = arena_new((size_t)64 << data[1] % 12);
    enum err_code low_code = pb_decode(low, type, bytes, &small, &low_err);
    enum err_code code = pb_decode(arena, type, bytes, &message, &err);
    INVARIANT(low_code == code || low_code == ERR_RESOURCE_EXHAUSTED);
    INVARIANT(low_code != ERR_RESOURCE_EXHAUSTED || arena_is_exhausted(low));
    INVARIANT(!arena_is_exhausted(arena) || code == ERR_RESOURCE_EXHAUSTED);
    if (code != ERR_OK) {
        INVARIANT(code == ERR_INVALID_ARGUMENT || code == ERR_RESOURCE_EXHAUSTED);
        INVARIANT(err.detail[0] != '\0');
        return 0;
    }
    forget_unknown(message);
    struct str first = packed(arena, message);
    code = pb_decode(arena, type, first, &again, &err);
    INVARIANT(code == ERR_OK);
    INVARIANT(str_eq(packed(arena, again), first));
    return 0;
}
