/* The entry point of a fuzz target, called by libFuzzer or by the replay driver. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
