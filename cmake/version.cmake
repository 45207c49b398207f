# ds_version: `decodescope_version()` and `decodescope_commit()`. The commit is read at build time, when the log of HEAD
# has moved, so that a stored run names the sources that made it.
execute_process(COMMAND git rev-parse --git-path logs/HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                OUTPUT_VARIABLE head_log OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
set(version_depends)
if(head_log)
  cmake_path(ABSOLUTE_PATH head_log BASE_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(EXISTS ${head_log})
    set(version_depends ${head_log})
  endif()
endif()
set(version_cpp ${CMAKE_BINARY_DIR}/generated/version.cpp)
add_custom_command(OUTPUT ${version_cpp}
  COMMAND ${CMAKE_COMMAND} -DOUT=${version_cpp} -DSOURCE=${CMAKE_SOURCE_DIR} -DVERSION=${PROJECT_VERSION} -P ${CMAKE_SOURCE_DIR}/cmake/write_version.cmake
  DEPENDS ${version_depends} ${CMAKE_SOURCE_DIR}/cmake/write_version.cmake VERBATIM)
add_library(ds_version STATIC ${version_cpp})
