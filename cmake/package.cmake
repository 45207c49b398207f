# `cd build/release && cpack -G DEB` (needs dpkg-dev) and `cpack -G TGZ`. The .deb depends on the system's libraries; the archive
# carries them, so that it can be copied to any machine with glibc 2.35 and started there.
include(GNUInstallDirs)
set(CPACK_PACKAGE_VENDOR "Decodescope")
set(CPACK_PACKAGE_CONTACT "the Decodescope developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Workbench for tuning LLM decode: GPU traces, idle time, A/B of kernels")
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR "TGZ;DEB")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Looked up at run time, so dpkg-shlibdeps does not see them: software rendering and the X11 side of GLFW.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libgl1-mesa-dri, zenity | kdialog")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_SOURCE_DIR}/cmake/package_choice.cmake)

install(TARGETS decodescope decodescope-record RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(FILES LICENSE README.md docs/FIGURES.md docs/ARCHITECTURE.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/decodescope COMPONENT program)
install(FILES assets/desktop/decodescope.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications COMPONENT program)
install(FILES assets/desktop/decodescope.svg DESTINATION ${CMAKE_INSTALL_DATADIR}/icons/hicolor/scalable/apps COMPONENT program)

# The archive's libraries: all that the two programs load but the C and C++ runtimes (a carried libstdc++ older than the
# machine's would keep its GL driver from loading).
install(CODE [[
  file(GET_RUNTIME_DEPENDENCIES
    EXECUTABLES "$<TARGET_FILE:decodescope>" "$<TARGET_FILE:decodescope-record>"
    RESOLVED_DEPENDENCIES_VAR found UNRESOLVED_DEPENDENCIES_VAR missing
    POST_EXCLUDE_REGEXES "/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*|libstdc\\+\\+|libgcc_s)\\.so")
  if(missing)
    message(FATAL_ERROR "libraries that can't be found: ${missing}")
  endif()
  file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/decodescope" TYPE SHARED_LIBRARY FOLLOW_SYMLINK_CHAIN FILES ${found})
]] COMPONENT libraries)
include(CPack)
