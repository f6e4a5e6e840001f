# Linux with glibc on 64-bit x86 or Arm; anything else stops here, with one line.
include(CheckSymbolExists)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  check_symbol_exists(__GLIBC__ features.h HOMELAB_HAVE_GLIBC)
endif()
if(NOT HOMELAB_HAVE_GLIBC OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|aarch64|arm64)$" OR NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
  message(FATAL_ERROR "needs Linux with glibc on x86_64 or aarch64, found ${CMAKE_SYSTEM_NAME} on ${CMAKE_SYSTEM_PROCESSOR}")
endif()
