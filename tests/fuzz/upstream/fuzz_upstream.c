/*
 * Input: a byte that chooses the resource ('a' on: one of it, 'A' on: a page), then the body of an
 * answer of Twilio. What is read packs, unpacks and is UTF-8, with SIDs of its kind; what is
 * refused says so with one of the reasons that the header names.
 */
#include <string.h>

#include "base/macros.h"
#include "base/parse.h"
#include "fuzz.h"
#include "rpc/pb.h"
#include "twilio_json.h"

enum { ARENA_BYTES = 8 << 20, MAX_INPUT_BYTES = 1 << 16 };

static void message_check(struct arena *arena, const ProtobufCMessage *message)
{
    struct err err = {0};
    ProtobufCMessage *again = NULL;
    INVARIANT(pb_check_utf8(message, &err) == ERR_OK);
    size_t bytes = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    if (packed == NULL)
        return;
    INVARIANT(protobuf_c_message_pack(message, packed) == bytes);
    enum err_code code = pb_decode(arena, message->descriptor,
                                   (struct str){(const char *)packed, bytes}, &again, &err);
    INVARIANT(code == ERR_OK || arena_is_exhausted(arena));
}

static void refusal_check(struct arena *arena, enum err_code code, const struct err *err)
{
    if (arena_is_exhausted(arena))
        return;
    INVARIANT((code == ERR_UNAVAILABLE && strcmp(err->reason, "UPSTREAM_GARBLED") == 0) ||
              (code == ERR_FAILED_PRECONDITION &&
               (strcmp(err->reason, "UPSTREAM_NOT_TWILIO") == 0 ||
                (strcmp(err->reason, "UPSTREAM_UNEXPECTED") == 0 && err->field[0] != '\0'))));
    INVARIANT(str_is_utf8(str_from(err->detail)));
}

static void page_run(struct arena *arena, enum twilio_resource resource, struct str body)
{
    struct twilio_page page;
    struct err err = {0};
    enum err_code code = twilio_read_page(arena, resource, body, &page, &err);
    if (code != ERR_OK) {
        refusal_check(arena, code, &err);
        return;
    }
    INVARIANT(strpbrk(page.next_query, " \r\n#") == NULL);
    for (size_t i = 0; i < page.count; i++) {
        INVARIANT(parse_is_sid(str_from(page.items[i].sid), twilio_prefix(resource)));
        INVARIANT((page.items[i].message == NULL) == (page.items[i].detail[0] != '\0'));
        if (page.items[i].message != NULL)
            message_check(arena, page.items[i].message);
    }
}

static void item_run(struct arena *arena, enum twilio_resource resource, struct str body)
{
    ProtobufCMessage *message = NULL;
    struct err err = {0};
    enum err_code code = twilio_read(arena, resource, body, &message, &err);
    if (code == ERR_OK)
        message_check(arena, message);
    else
        refusal_check(arena, code, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > MAX_INPUT_BYTES)
        return 0;
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    char *copy = arena_str_dup(arena, (struct str){(const char *)data + 1, size - 1});
    struct str body = {copy, size - 1};
    bool is_page = data[0] >= 'A' && data[0] <= 'Z';
    unsigned which = (unsigned)data[0] - (is_page ? 'A' : 'a');
    enum twilio_resource resource = (enum twilio_resource)(which % TWILIO_RESOURCE_COUNT);
    if (is_page)
        page_run(arena, resource, body);
    else
        item_run(arena, resource, body);
    return 0;
}
