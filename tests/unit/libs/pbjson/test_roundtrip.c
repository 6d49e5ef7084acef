/* Every message of the descriptor set, randomly filled, survives JSON and back to the byte. */
#include <stdio.h>
#include <stdlib.h>

#include "all_messages.h"
#include "base/alloc.h"
#include "pbjson/pbjson.h"
#include "random_message.h"
#include "testing.h"

enum { ROUNDS = 60, ARENA_BYTES = 4 << 20 };

static struct str packed(struct arena *arena, const ProtobufCMessage *msg)
{
    size_t size = protobuf_c_message_get_packed_size(msg);
    uint8_t *bytes = arena_alloc(arena, size);
    (void)protobuf_c_message_pack(msg, bytes);
    return (struct str){(const char *)bytes, size};
}

static bool survives(struct arena *arena, const ProtobufCMessage *msg,
                     const struct pbjson_options *options)
{
    struct err err = {0};
    struct str json = {0};
    ProtobufCMessage *again = NULL;
    if (pbjson_text(msg, options, arena, &json, &err) != ERR_OK ||
        pbjson_decode(json, msg->descriptor, options, arena, &again, NULL, &err) != ERR_OK) {
        (void)printf("\n    %s: %s\n    %.*s", msg->descriptor->name, err.detail, STR_ARG(json));
        return false;
    }
    if (str_eq(packed(arena, msg), packed(arena, again)))
        return true;
    (void)printf("\n    %s came back changed: %.*s", msg->descriptor->name, STR_ARG(json));
    return false;
}

static void all_survive(const struct pbjson_options *options)
{
    uint64_t state = 20261122;
    struct arena *arena = arena_new(ARENA_BYTES);
    for (size_t i = 0; i < all_messages_count; i++) {
        for (int round = 0; round < ROUNDS; round++) {
            const ProtobufCMessage *msg = random_message(arena, all_messages[i], &state);
            CHECK(survives(arena, msg, options));
            arena_reset(arena);
        }
    }
    arena_free(arena);
}

static void canonical(void)
{
    all_survive(&pbjson_canonical);
}

static void rest(void)
{
    struct pbjson_options options = pbjson_rest;
    options.hidden_fields = NULL; /* what is not written cannot survive */
    all_survive(&options);
}

static void snake_case(void)
{
    static const struct pbjson_options options = {.flags =
                                                      PBJSON_SNAKE_CASE | PBJSON_EMIT_DEFAULTS};
    all_survive(&options);
}

/* The least of the wire format: one field of a length-delimited message. */
struct field {
    uint64_t number;
    struct str bytes; /* empty unless length-delimited */
};

static uint64_t take_varint(struct str *rest)
{
    uint64_t value = 0;
    for (unsigned shift = 0; rest->len > 0 && shift < 64; shift += 7) {
        unsigned char c = (unsigned char)rest->ptr[0];
        rest->ptr++;
        rest->len--;
        value |= (uint64_t)(c & 0x7FU) << shift;
        if (c < 0x80)
            break;
    }
    return value;
}

static bool take_field(struct str *rest, struct field *out)
{
    if (rest->len == 0)
        return false;
    uint64_t tag = take_varint(rest);
    *out = (struct field){.number = tag >> 3};
    if ((tag & 7U) == 0) {
        (void)take_varint(rest);
    } else if ((tag & 7U) == 2) {
        size_t len = (size_t)take_varint(rest);
        if (len > rest->len)
            return false;
        out->bytes = (struct str){rest->ptr, len};
        rest->ptr += len;
        rest->len -= len;
    } else {
        return false;
    }
    return true;
}

static bool is_listed(struct str package, struct str message)
{
    char name[256];
    (void)snprintf(name, sizeof name, "%.*s.%.*s", STR_ARG(package), STR_ARG(message));
    for (size_t i = 0; i < all_messages_count; i++) {
        if (strcmp(all_messages[i]->name, name) == 0)
            return true;
    }
    (void)printf("\n    not tested: %s", name);
    return false;
}

/* FileDescriptorSet.file = 1; FileDescriptorProto.package = 2, .message_type = 4;
 * DescriptorProto.name = 1. */
static void nothing_of_the_set_is_left_out(void)
{
    struct buf set;
    char chunk[4096];
    FILE *file = fopen(TR_DESCRIPTOR_SET, "rb");
    REQUIRE(file != NULL);
    buf_init(&set, 0);
    for (size_t n = fread(chunk, 1, sizeof chunk, file); n > 0;
         n = fread(chunk, 1, sizeof chunk, file))
        buf_append(&set, chunk, n);
    (void)fclose(file);
    struct str files = buf_str(&set);
    struct field proto;
    size_t seen = 0;
    while (take_field(&files, &proto)) {
        struct str rest = proto.bytes;
        struct str package = {0};
        struct field part;
        while (take_field(&rest, &part)) {
            if (part.number == 2)
                package = part.bytes;
            struct field name;
            if (part.number != 4 || !str_starts_with(package, STR("taskrouter.")) ||
                !take_field(&part.bytes, &name))
                continue;
            CHECK(name.number == 1 && is_listed(package, name.bytes));
            seen++;
        }
    }
    CHECK_I64(seen, all_messages_count);
    buf_fini(&set);
}

static const struct test_case cases[] = {
    {"every message survives canonical JSON",        canonical                     },
    {"every message survives the REST dialect",      rest                          },
    {"every message survives snake_case names",      snake_case                    },
    {"no message of the descriptor set is left out", nothing_of_the_set_is_left_out},
};

int main(int argc, char **argv)
{
    return testing_main("pbjson round trip", cases, ARRAY_LEN(cases), argc, argv);
}
