# ds_options: what every target of ours is compiled with.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2")   # asserts stay on: they guard the figures, and cost under a percent
if(DECODESCOPE_SANITIZE)
  set(CMAKE_CXX_FLAGS_DEBUG "-g1")     # lines of a stack are enough; all of -g makes 140 MB of one library
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
add_library(ds_options INTERFACE)
target_compile_options(ds_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wno-missing-field-initializers>)
find_package(Threads REQUIRED)
target_link_libraries(ds_options INTERFACE Threads::Threads)
# Sanitized builds are made once and thrown away: ten files in one take a third of the time. A name that two files of a
# folder define for themselves is an error there; tests/scripts/sanitizers.sh then builds file by file.
if(DECODESCOPE_SANITIZE)
  option(DECODESCOPE_UNITY "compile ten files as one" ON)
endif()
if(DECODESCOPE_UNITY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 10)
endif()
if(DECODESCOPE_SANITIZE)
  # Globally, so that ImGui is instrumented too and its containers agree with ours. Not optimized: building takes far
  # longer than running (kernels/ has an -O1 of its own).
  add_compile_options(-fsanitize=${DECODESCOPE_SANITIZE} -fno-omit-frame-pointer -O0)
  add_link_options(-fsanitize=${DECODESCOPE_SANITIZE})
  if(DECODESCOPE_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
