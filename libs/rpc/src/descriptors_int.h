/* The FileDescriptorSets built into the library, and a reader for them: which methods stream, which
 * file defines a symbol. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"
#include "base/str.h"

enum { MAX_FILE_IMPORTS = 32 };

struct descriptor_file {
    struct str name;
    struct str bytes; /* the FileDescriptorProto */
    struct str imports[MAX_FILE_IMPORTS];
    size_t import_count;
    struct descriptor_file *next;
};

struct descriptors {
    struct descriptor_file *files;
    struct map by_name;   /* file name -> file */
    struct map by_symbol; /* full name without leading dot -> file */
    struct symbol_name *names;
};

void descriptors_init(struct descriptors *descriptors);
void descriptors_fini(struct descriptors *descriptors);
