#include "descriptors_int.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"

/* The descriptor sets that protoc wrote during the build, byte for byte. */
#define EMBED(symbol, file)                                                                        \
    __asm__(".section .rodata\n"                                                                   \
            ".balign 16\n" symbol ":\n.incbin \"" file "\"\n" symbol "_end:\n"                     \
            ".byte 0\n"                                                                            \
            ".previous\n")

EMBED("rpc_taskrouter_set", TR_DESCRIPTOR_SET);
EMBED("rpc_standard_set", TR_STANDARD_SET);
extern const char rpc_taskrouter_set[], rpc_taskrouter_set_end[];
extern const char rpc_standard_set[], rpc_standard_set_end[];

struct symbol_name {
    struct symbol_name *next;
    char text[];
};

/* Numbers of descriptor.proto. */
enum {
    SET_FILE = 1,
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    ANY_NAME = 1,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    SERVICE_METHOD = 2,
};

static bool varint_next(struct str *rest, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && rest->len > 0; shift += 7) {
        uint8_t byte = (uint8_t)*rest->ptr;
        rest->ptr++;
        rest->len--;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* Takes the next field; *out_bytes is empty unless it is length-delimited. False at the end. */
static bool field_next(struct str *rest, uint32_t *out_number, struct str *out_bytes)
{
    uint64_t key = 0;
    uint64_t len = 0;
    *out_bytes = (struct str){"", 0};
    if (!varint_next(rest, &key))
        return false;
    *out_number = (uint32_t)(key >> 3);
    switch (key & 7) {
    case 0:
        return varint_next(rest, &len);
    case 1:
        len = 8;
        break;
    case 2:
        if (!varint_next(rest, &len))
            return false;
        break;
    case 5:
        len = 4;
        break;
    default:
        return false;
    }
    if (len > rest->len)
        return false;
    if ((key & 7) == 2)
        *out_bytes = (struct str){rest->ptr, (size_t)len};
    rest->ptr += len;
    rest->len -= (size_t)len;
    return true;
}

static struct str field_find(struct str message, uint32_t wanted)
{
    uint32_t number = 0;
    struct str bytes;
    while (field_next(&message, &number, &bytes)) {
        if (number == wanted)
            return bytes;
    }
    return (struct str){"", 0};
}

static struct str symbol_add(struct descriptors *d, struct descriptor_file *file, struct str scope,
                             struct str name)
{
    size_t len = scope.len + (scope.len > 0 ? 1 : 0) + name.len;
    struct symbol_name *symbol = xcalloc(1, sizeof *symbol + len + 1);
    (void)snprintf(symbol->text, len + 1, "%.*s%s%.*s", STR_ARG(scope), scope.len > 0 ? "." : "",
                   STR_ARG(name));
    symbol->next = d->names;
    d->names = symbol;
    struct str full = {symbol->text, len};
    (void)map_put(&d->by_symbol, full, file);
    return full;
}

/* The nesting is that of our own protos, read at start only. */
static void message_index(struct descriptors *d, struct descriptor_file *file, struct str scope,
                          struct str message)
{
    struct str full = symbol_add(d, file, scope, field_find(message, ANY_NAME));
    uint32_t number = 0;
    struct str bytes;
    while (field_next(&message, &number, &bytes)) {
        if (number == MESSAGE_NESTED)
            message_index(d, file, full, bytes);
        else if (number == MESSAGE_ENUM)
            (void)symbol_add(d, file, full, field_find(bytes, ANY_NAME));
    }
}

static void service_index(struct descriptors *d, struct descriptor_file *file, struct str scope,
                          struct str service)
{
    struct str full = symbol_add(d, file, scope, field_find(service, ANY_NAME));
    uint32_t number = 0;
    struct str bytes;
    while (field_next(&service, &number, &bytes)) {
        if (number == SERVICE_METHOD)
            (void)symbol_add(d, file, full, field_find(bytes, ANY_NAME));
    }
}

static void file_index(struct descriptors *d, struct str bytes)
{
    struct str name = field_find(bytes, FILE_NAME);
    if (map_get(&d->by_name, name) != NULL)
        return; /* both sets carry the well-known types */
    struct descriptor_file *file = xcalloc(1, sizeof *file);
    file->name = name;
    file->bytes = bytes;
    file->next = d->files;
    d->files = file;
    (void)map_put(&d->by_name, name, file);
    struct str package = field_find(bytes, FILE_PACKAGE);
    struct str rest = bytes;
    uint32_t number = 0;
    struct str field;
    while (field_next(&rest, &number, &field)) {
        if (number == FILE_DEPENDENCY) {
            INVARIANT(file->import_count < MAX_FILE_IMPORTS);
            file->imports[file->import_count++] = field;
        } else if (number == FILE_MESSAGE) {
            message_index(d, file, package, field);
        } else if (number == FILE_ENUM) {
            (void)symbol_add(d, file, package, field_find(field, ANY_NAME));
        } else if (number == FILE_SERVICE) {
            service_index(d, file, package, field);
        }
    }
}

static void set_index(struct descriptors *d, const char *begin, const char *end)
{
    struct str rest = {begin, (size_t)(end - begin)};
    uint32_t number = 0;
    struct str bytes;
    while (field_next(&rest, &number, &bytes)) {
        if (number == SET_FILE)
            file_index(d, bytes);
    }
}

void descriptors_init(struct descriptors *d)
{
    *d = (struct descriptors){0};
    map_init(&d->by_name);
    map_init(&d->by_symbol);
    set_index(d, rpc_taskrouter_set, rpc_taskrouter_set_end);
    set_index(d, rpc_standard_set, rpc_standard_set_end);
}

void descriptors_fini(struct descriptors *d)
{
    map_fini(&d->by_name);
    map_fini(&d->by_symbol);
    while (d->files != NULL) {
        struct descriptor_file *file = d->files;
        d->files = file->next;
        free(file);
    }
    while (d->names != NULL) {
        struct symbol_name *symbol = d->names;
        d->names = symbol->next;
        free(symbol);
    }
}
