# The only ways a target of ours is made. Each directory is one target, and the link list of the
# target is the dependency rule: a header of a target that is not linked cannot be found.

# Adds each subdirectory of DIR that has a CMakeLists.txt.
function(tr_add_subdirectories dir)
  file(GLOB lists CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${dir}/*/CMakeLists.txt")
  foreach(list ${lists})
    get_filename_component(sub "${list}" DIRECTORY)
    add_subdirectory("${sub}")
  endforeach()
endfunction()

# tr_library(<name> [DEPS <targets>...] [PKGS <pkg-config modules>...])
# libs/<name>: public headers in include/<name>, sources in src. DEPS are other libs by bare name
# ("base") or any CMake target; PKGS are visible to users of the lib only when its headers need them.
function(tr_library name)
  cmake_parse_arguments(A "" "" "DEPS;PKGS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "src/*.c")
  if(sources)
    add_library(tr_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(tr_${name} PRIVATE tr_options)
    target_include_directories(tr_${name} PRIVATE src)
  else()
    add_library(tr_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(tr_${name} ${scope} include)
  foreach(dep ${A_DEPS})
    if(EXISTS "${CMAKE_SOURCE_DIR}/libs/${dep}/CMakeLists.txt")
      target_link_libraries(tr_${name} ${scope} tr_${dep})
    else()
      target_link_libraries(tr_${name} ${scope} ${dep})
    endif()
  endforeach()
  foreach(pkg ${A_PKGS})
    tr_pkg(${pkg})
    target_link_libraries(tr_${name} ${scope} PkgConfig::${pkg})
  endforeach()
endfunction()

# Imports a pkg-config module once, as PkgConfig::<module>; its headers count as system headers.
macro(tr_pkg module)
  if(NOT TARGET PkgConfig::${module})
    pkg_check_modules(${module} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  endif()
endmacro()

# tr_service_part(<svc> <part> [DEPS ...] [SQL <files>...])
# services/<svc>/<part>: one static library; headers are included by bare name and are visible only
# to parts that list it in DEPS. Parts of the same service are named by bare part name.
function(tr_service_part svc part)
  cmake_parse_arguments(A "" "" "DEPS;SQL" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${part}/*.c")
  set(target ${svc}-${part})
  set(generated "")
  foreach(sql ${A_SQL})
    tr_embed_sql(${CMAKE_CURRENT_SOURCE_DIR}/${part}/${sql} out)
    list(APPEND generated ${out})
  endforeach()
  add_library(${target} STATIC ${sources} ${generated})
  target_include_directories(${target} PUBLIC ${part} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/sql)
  target_link_libraries(${target} PRIVATE tr_options)
  tr_link_deps(${target} ${svc} ${A_DEPS})
endfunction()

# Links DEPS: a part of the same service, a lib by bare name, or a plain target.
function(tr_link_deps target svc)
  foreach(dep ${ARGN})
    if(EXISTS "${CMAKE_SOURCE_DIR}/services/${svc}/${dep}")
      target_link_libraries(${target} PUBLIC ${svc}-${dep})
    elseif(EXISTS "${CMAKE_SOURCE_DIR}/libs/${dep}/CMakeLists.txt")
      target_link_libraries(${target} PUBLIC tr_${dep})
    else()
      target_link_libraries(${target} PUBLIC ${dep})
    endif()
  endforeach()
endfunction()

# tr_service(<svc> DEPS <parts and libs>...): main.c app.c config.c and the migrations, embedded.
# app.c and config.c are also a library (<svc>-core), so that tests can start the service in process.
function(tr_service svc)
  cmake_parse_arguments(A "" "" "DEPS" ${ARGN})
  file(GLOB core CONFIGURE_DEPENDS "*.c")
  list(FILTER core EXCLUDE REGEX "/main\\.c$")
  file(GLOB migrations CONFIGURE_DEPENDS "migrations/*.sql")
  tr_embed_migrations(${svc} generated ${migrations})
  add_library(${svc}-core STATIC ${core} ${generated})
  target_include_directories(${svc}-core PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}
                             PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/sql)
  target_link_libraries(${svc}-core PRIVATE tr_options)
  tr_link_deps(${svc}-core ${svc} ${A_DEPS})
  add_executable(${svc} main.c)
  target_link_libraries(${svc} PRIVATE ${svc}-core tr_options)
  set_target_properties(${svc} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# tr_embed_sql(<file.sql> <out-var>): "-- name:" blocks as C (see tools/sqlembed). Gives <stem>_sql.h
# and <stem>_sql.c in the build tree's sql/ folder.
function(tr_embed_sql file out_var)
  get_filename_component(stem "${file}" NAME_WE)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/sql)
  set(c ${dir}/${stem}_sql.c)
  set(h ${dir}/${stem}_sql.h)
  add_custom_command(OUTPUT ${c} ${h}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}
    COMMAND tr_sqlembed statements ${file} ${c} ${h}
    DEPENDS tr_sqlembed ${file} VERBATIM)
  set(${out_var} ${c} ${h} PARENT_SCOPE)
endfunction()

# tr_embed_migrations(<svc> <out-var> <files>...): migrations.h and migrations.c with
# "const struct db_migration <svc>_migrations[]" ('-' becomes '_') and its count.
function(tr_embed_migrations svc out_var)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/sql)
  string(REPLACE "-" "_" ident ${svc})
  add_custom_command(OUTPUT ${dir}/migrations.c ${dir}/migrations.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}
    COMMAND tr_sqlembed migrations ${ident} ${dir}/migrations.c ${dir}/migrations.h ${ARGN}
    DEPENDS tr_sqlembed ${ARGN} VERBATIM)
  set(${out_var} ${dir}/migrations.c ${dir}/migrations.h PARENT_SCOPE)
endfunction()

# tr_tests(LABEL <label> [TIMEOUT s] [COST n: the greater the sooner] DEPS ...): each test_*.c is one executable and
# one CTest entry named <label>.<dir>.<file>. Services' programs are found through TR_BIN_DIR.
function(tr_tests)
  cmake_parse_arguments(A "" "LABEL;TIMEOUT;COST" "DEPS;SOURCES;REQUIRES" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  if(NOT A_COST)
    set(A_COST 0)
  endif()
  file(GLOB tests CONFIGURE_DEPENDS "test_*.c")
  file(RELATIVE_PATH where "${CMAKE_SOURCE_DIR}/tests" "${CMAKE_CURRENT_SOURCE_DIR}")
  string(REPLACE "/" "." where "${where}")
  foreach(test ${tests})
    get_filename_component(stem "${test}" NAME_WE)
    set(target ${where}.${stem})
    add_executable(${target} ${test} ${A_SOURCES})
    target_link_libraries(${target} PRIVATE tr_options tr_testing)
    foreach(dep ${A_DEPS})
      if(EXISTS "${CMAKE_SOURCE_DIR}/libs/${dep}/CMakeLists.txt")
        target_link_libraries(${target} PRIVATE tr_${dep})
      else()
        target_link_libraries(${target} PRIVATE ${dep})
      endif()
    endforeach()
    foreach(required ${A_REQUIRES})
      add_dependencies(${target} ${required})
    endforeach()
    add_test(NAME ${target} COMMAND ${target})
    set_tests_properties(${target} PROPERTIES LABELS "${A_LABEL}" TIMEOUT ${A_TIMEOUT} COST ${A_COST}
      ENVIRONMENT "TR_BIN_DIR=${CMAKE_BINARY_DIR}/bin;TR_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
  endforeach()
endfunction()
