# Compiler flags shared by every target.
add_library(synwhy_flags INTERFACE)
target_compile_options(synwhy_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                       -Wimplicit-fallthrough -Wswitch)
# g++ 12 at -O3 raises -Wrestrict on "literal" + string (GCC bug 105329), and would raise -Wnull-dereference inside
# <streambuf>, which is why that one is not asked for.
target_compile_options(synwhy_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# g++ 12's generic tuning clears values of 80-150 bytes (a packet, a decoded segment) with `rep stos`, 30 cycles each.
# Tuning picks among instructions every x86-64 has; it asks for no newer CPU.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(synwhy_flags INTERFACE -mtune=skylake)
endif()
if(SYNWHY_WERROR)
  target_compile_options(synwhy_flags INTERFACE -Werror)
endif()
if(SYNWHY_SANITIZE)
  target_compile_options(synwhy_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(synwhy_flags INTERFACE -fsanitize=address,undefined)
endif()
if(SYNWHY_TSAN)
  target_compile_options(synwhy_flags INTERFACE -fsanitize=thread)
  target_link_options(synwhy_flags INTERFACE -fsanitize=thread)
endif()
if(SYNWHY_COVERAGE)
  target_compile_options(synwhy_flags INTERFACE --coverage)
  target_link_options(synwhy_flags INTERFACE --coverage)
endif()
if(SYNWHY_FUZZ)
  target_compile_options(synwhy_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(synwhy_flags INTERFACE -fsanitize=address,undefined)
endif()
