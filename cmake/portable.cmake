# synwhy_portable: the program without any shared library, for hosts whose C library is older than this machine's.
# It links the same object files as synwhy, so it costs one link. Left out where a library has no static archive here.
set(SYNWHY_FOLDERS cli tun diagnose emit capture host lab truth sim model core)
set(SYNWHY_STATIC_LIBRARIES)
set(SYNWHY_STATIC_MISSING)
foreach(name archive z lzma zstd lz4 bz2)
  find_library(SYNWHY_STATIC_${name} lib${name}.a)
  mark_as_advanced(SYNWHY_STATIC_${name})
  if(SYNWHY_STATIC_${name})
    list(APPEND SYNWHY_STATIC_LIBRARIES ${SYNWHY_STATIC_${name}})
  else()
    list(APPEND SYNWHY_STATIC_MISSING lib${name}.a)
  endif()
endforeach()

if(SYNWHY_STATIC_MISSING OR SYNWHY_SANITIZE OR SYNWHY_TSAN OR SYNWHY_FUZZ)
  message(STATUS "synwhy_portable is not built here; missing: ${SYNWHY_STATIC_MISSING}")
else()
  add_executable(synwhy_portable src/cli/main.cpp)
  if(NOT SYNWHY_TESTS)
    set_target_properties(synwhy_portable PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
  target_include_directories(synwhy_portable PRIVATE src ${PROJECT_BINARY_DIR}/generated)
  set(archives ${SYNWHY_FOLDERS})
  list(TRANSFORM archives REPLACE "(.+)" "$<TARGET_FILE:synwhy_\\1>")
  # The folders by file: their targets would bring the shared libraries along.
  target_link_libraries(synwhy_portable PRIVATE synwhy_flags -static -Wl,--start-group ${archives} -Wl,--end-group
                        ${SYNWHY_STATIC_LIBRARIES})
  foreach(folder ${SYNWHY_FOLDERS})
    add_dependencies(synwhy_portable synwhy_${folder})
  endforeach()
  set_target_properties(synwhy_portable PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/portable
                        RUNTIME_OUTPUT_NAME synwhy LINK_DEPENDS "${archives}")
endif()
