# scenarios/*.toml and scenarios/scripts/*.toml -> generated/scenario_files.cpp: the scenarios that come with the binary.
#
# src/sim/library.hpp declares what the generated file defines. A target takes it with
#   target_sources(TARGET PRIVATE ${SYNWHY_SCENARIO_SOURCES})
file(GLOB scenario_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scenarios/*.toml
     ${PROJECT_SOURCE_DIR}/scenarios/scripts/*.toml)
set(SYNWHY_SCENARIO_SOURCES ${PROJECT_BINARY_DIR}/generated/scenario_files.cpp)

add_custom_command(
  OUTPUT ${SYNWHY_SCENARIO_SOURCES}
  COMMAND ${CMAKE_COMMAND} -D OUTPUT=${SYNWHY_SCENARIO_SOURCES} -D FOLDER=${PROJECT_SOURCE_DIR}/scenarios
          -P ${PROJECT_SOURCE_DIR}/cmake/embed_scenarios.cmake
  DEPENDS ${scenario_files} ${PROJECT_SOURCE_DIR}/cmake/embed_scenarios.cmake
  COMMENT "Scenarios"
  VERBATIM)
