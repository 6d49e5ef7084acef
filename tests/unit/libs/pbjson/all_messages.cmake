# cmake -DGENERATED_DIR=... -DOUT=... -P all_messages.cmake
file(GLOB_RECURSE headers RELATIVE ${GENERATED_DIR} ${GENERATED_DIR}/taskrouter/*.pb-c.h)
list(SORT headers)
set(includes "")
set(rows "")
foreach(header ${headers})
  string(APPEND includes "#include \"${header}\"\n")
  file(STRINGS ${GENERATED_DIR}/${header} lines REGEX "^extern const ProtobufCMessageDescriptor ")
  foreach(line ${lines})
    string(REGEX REPLACE "^extern const ProtobufCMessageDescriptor ([a-z0-9_]+).*" "\\1" name "${line}")
    string(APPEND rows "    &${name},\n")
  endforeach()
endforeach()
file(WRITE ${OUT} "#include \"all_messages.h\"\n\n${includes}
const ProtobufCMessageDescriptor *const all_messages[] = {\n${rows}};
const size_t all_messages_count = sizeof all_messages / sizeof all_messages[0];\n")
