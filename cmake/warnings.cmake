# One interface target carries the warnings and sanitizers of everything that is built here; it is never exported.
add_library(homelab_build INTERFACE)
target_compile_definitions(homelab_build INTERFACE _GNU_SOURCE)
target_compile_options(homelab_build INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla $<$<BOOL:${HOMELAB_WERROR}>:-Werror>
  # A text cut to a buffer's size is meant so; what must not be cut is checked.
  $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>
  # Unlike gcc, clang also means functions that take a va_list.
  $<$<C_COMPILER_ID:Clang>:-Wno-format-nonliteral>)
if(HOMELAB_SANITIZE)
  target_compile_options(homelab_build INTERFACE -fsanitize=${HOMELAB_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(homelab_build INTERFACE -fsanitize=${HOMELAB_SANITIZE})
endif()
if(HOMELAB_BUILD_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "HOMELAB_BUILD_FUZZ needs clang; the compiler is ${CMAKE_C_COMPILER_ID}")
  endif()
  # Coverage feedback everywhere; only the fuzz targets link the fuzzer's main.
  target_compile_options(homelab_build INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(homelab_build INTERFACE -fsanitize=fuzzer-no-link)
endif()
