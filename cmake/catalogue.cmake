# causes/*.md -> generated/core/cause.hpp (the enum) and generated/catalogue_data.cpp (facts and prose).
# The generator runs on the building machine and never carries sanitizer or fuzzer flags.
find_package(PkgConfig REQUIRED)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)

set(SYNWHY_GENERATED ${PROJECT_BINARY_DIR}/generated)
set(SYNWHY_CATALOGUE_SOURCES ${SYNWHY_GENERATED}/catalogue_data.cpp)
file(GLOB catalogue_tool_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/catalogue/*.cpp)
file(GLOB catalogue_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/causes/*.md ${PROJECT_SOURCE_DIR}/causes/*.toml)

add_executable(synwhy_catalogue_tool ${catalogue_tool_sources})
target_compile_options(synwhy_catalogue_tool PRIVATE -Wall -Wextra -Wshadow -fno-sanitize=all
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)  # false alarm of g++ 12 on "literal" + string
target_link_options(synwhy_catalogue_tool PRIVATE -fno-sanitize=all)
target_link_libraries(synwhy_catalogue_tool PRIVATE PkgConfig::TOMLPLUSPLUS)

add_custom_command(
  OUTPUT ${SYNWHY_GENERATED}/core/cause.hpp ${SYNWHY_CATALOGUE_SOURCES}
  COMMAND synwhy_catalogue_tool ${PROJECT_SOURCE_DIR}/causes ${SYNWHY_GENERATED}
  DEPENDS synwhy_catalogue_tool ${catalogue_pages}
  COMMENT "Catalogue of causes"
  VERBATIM)
add_custom_target(synwhy_catalogue DEPENDS ${SYNWHY_GENERATED}/core/cause.hpp ${SYNWHY_CATALOGUE_SOURCES})

# Dependencies of an INTERFACE library are followed by whoever links it: every library waits for the generated header.
add_dependencies(synwhy_flags synwhy_catalogue)
