# Language level, warnings, sanitizers and hardening: one place for every target of ours.
# Generated code is built without these warnings (see TrTargets.cmake).
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

set(TR_SANITIZE "" CACHE STRING "Comma-separated sanitizers: address,undefined or thread")
option(TR_FUZZ "Build libFuzzer targets (clang)" OFF)
option(TR_COVERAGE "Measure coverage" OFF)
option(TR_ANALYZE "Run gcc -fanalyzer" OFF)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

add_library(tr_options INTERFACE)
target_compile_definitions(tr_options INTERFACE _POSIX_C_SOURCE=200809L)
target_link_libraries(tr_options INTERFACE Threads::Threads)
target_compile_options(tr_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wcast-align
  -Wcast-qual -Wformat=2 -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wdouble-promotion
  -Wimplicit-fallthrough -fno-common)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tr_options INTERFACE -Wjump-misses-init -Wlogical-op)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
  add_compile_options(-fstack-protector-strong)
  target_compile_definitions(tr_options INTERFACE _FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro -Wl,-z,now)
else()
  target_compile_definitions(tr_options INTERFACE TR_DEBUG=1)
endif()
if(TR_SANITIZE)
  add_compile_options(-fsanitize=${TR_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g -O1)
  add_link_options(-fsanitize=${TR_SANITIZE})
  target_compile_definitions(tr_options INTERFACE TR_SANITIZE=1)
endif()
if(TR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link) # coverage feedback from the libraries
endif()
if(TR_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
if(TR_ANALYZE)
  target_compile_options(tr_options INTERFACE -fanalyzer -Wnull-dereference -O1)
endif()
