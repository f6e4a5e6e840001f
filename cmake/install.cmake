include(CMakePackageConfigHelpers)
set(homelab_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/homelab)

install(TARGETS homelab EXPORT homelab-shared-targets)
install(TARGETS homelab_static EXPORT homelab-static-targets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/homelab DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(EXISTS ${PROJECT_SOURCE_DIR}/schema)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/schema/ DESTINATION ${CMAKE_INSTALL_DATADIR}/homelab/schema FILES_MATCHING PATTERN *.json)
endif()

# Two files, so that a program that links the shared library needs none of the dependencies' headers.
install(EXPORT homelab-shared-targets NAMESPACE homelab:: DESTINATION ${homelab_package_dir})
install(EXPORT homelab-static-targets NAMESPACE homelab:: DESTINATION ${homelab_package_dir})
string(REPLACE " >= " ">=" homelab_requires_cmake "${homelab_requires}")
string(REPLACE ", " " " homelab_requires_cmake "${homelab_requires_cmake}")
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/homelab-config.cmake.in ${PROJECT_BINARY_DIR}/homelab-config.cmake
  INSTALL_DESTINATION ${homelab_package_dir} NO_SET_AND_CHECK_MACRO)
# Until 1.0 a minor release may break; from then on the major number says so.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/homelab-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/homelab-config.cmake ${PROJECT_BINARY_DIR}/homelab-config-version.cmake
  DESTINATION ${homelab_package_dir})

# Relative to the .pc file, so that the tree may be moved; absolute where the folders were given so.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(homelab_pc_prefix ${CMAKE_INSTALL_PREFIX})
  set(homelab_pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
  set(homelab_pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH homelab_pc_up ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  string(REGEX REPLACE "/$" "" homelab_pc_up "${homelab_pc_up}")
  set(homelab_pc_prefix "\${pcfiledir}/${homelab_pc_up}")
  set(homelab_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(homelab_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
foreach(name homelab homelab-static)
  configure_file(${PROJECT_SOURCE_DIR}/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
