# scenarios/*.toml and scenarios/scripts/*.toml -> generated/scenarios_data.cpp, so that the program needs no files.
set(SYNWHY_SCENARIO_SOURCES ${PROJECT_BINARY_DIR}/generated/scenarios_data.cpp)
file(GLOB scenario_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scenarios/*.toml
     ${PROJECT_SOURCE_DIR}/scenarios/scripts/*.toml)
add_custom_command(
  OUTPUT ${SYNWHY_SCENARIO_SOURCES}
  COMMAND ${CMAKE_COMMAND} -DFOLDER=${PROJECT_SOURCE_DIR}/scenarios -DOUTPUT=${SYNWHY_SCENARIO_SOURCES}
          -P ${PROJECT_SOURCE_DIR}/cmake/embed_scenarios.cmake
  DEPENDS ${scenario_files} ${PROJECT_SOURCE_DIR}/cmake/embed_scenarios.cmake
  COMMENT "Scenarios"
  VERBATIM)
