# gfx950: the same kernels as an AMD code object, by a ROCm installation's clang or by the compiler that
# scripts/setup.sh extracts from Debian's packages into .deps/hip (scripts/hip_root.sh). Which one: the first that
# compiles for gfx950. The code object is embedded; kernels/gpu/hip/device.cpp loads it through a runtime found by dlopen.
# tests/gpu/gfx950.py audits it.
option(DECODESCOPE_HIP "compile the kernels for gfx950, where a compiler is found" ON)
set(hip_missing "")
if(NOT DECODESCOPE_HIP)
  set(hip_missing "DECODESCOPE_HIP=OFF")
elseif(DECODESCOPE_SANITIZE)
  set(hip_missing "a sanitizer build")
else()
  set(hip_missing "no gfx950 compiler")
  if(EXISTS ${deps}/hip_setup)
    set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${deps}/hip_setup)
    file(STRINGS ${deps}/hip_setup hip_setup)
    list(LENGTH hip_setup hip_setup_lines)
    if(hip_setup_lines GREATER 1)
      list(GET hip_setup 1 hip_setup)
      string(APPEND hip_missing ", ${hip_setup}")
    endif()
  endif()
  set(hip_check ${CMAKE_BINARY_DIR}/generated/gfx950_check)
  file(WRITE ${hip_check}.hip "#include <hip/hip_runtime.h>\n__global__ void k(float* x) { x[threadIdx.x] = fmaxf(x[threadIdx.x], 0.f); }\n")
  # DECODESCOPE_HIPCC names one compiler; empty: where they are expected
  set(DECODESCOPE_HIPCC "" CACHE FILEPATH "clang++ that compiles HIP for gfx950")
  set(hip_candidates ${DECODESCOPE_HIPCC})
  if(NOT hip_candidates)
    set(hip_candidates $ENV{ROCM_PATH}/bin/amdclang++ /opt/rocm/bin/amdclang++ ${deps}/hip/bin/hip-clang++)
  endif()
  foreach(hipcc ${hip_candidates})
    if(hip_missing AND EXISTS ${hipcc})
      execute_process(COMMAND ${hipcc} -x hip --offload-arch=gfx950 -O1 --offload-device-only --no-gpu-bundle-output
        -c ${hip_check}.hip -o ${hip_check}.hsaco RESULT_VARIABLE hip_failed OUTPUT_QUIET ERROR_QUIET)
      if(hip_failed)
        set(hip_missing "${hipcc} does not compile for gfx950")
      else()
        set(hip_compiler ${hipcc})
        set(hip_missing "")
      endif()
    endif()
  endforeach()
endif()
# For the audit: the compiler, or why there is none.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/gfx950_compiler CONTENT "@hip_compiler@\n@hip_missing@\n" @ONLY)
if(hip_missing)
  message(STATUS "gfx950 kernels: left out, ${hip_missing}")
  target_compile_definitions(ds_gpu PRIVATE "DS_NO_HIP=\"${hip_missing}\"")
  return()
endif()

# Twice: plain, and with a stamp of the device's clock a block (DS_STAMPED).
set(hip_objects)
foreach(form plain stamped)
  set(hip_out ${CMAKE_BINARY_DIR}/generated/gfx950_kernels.hsaco)
  set(hip_define)
  if(form STREQUAL stamped)
    set(hip_out ${CMAKE_BINARY_DIR}/generated/gfx950_kernels_stamped.hsaco)
    set(hip_define -DDS_STAMPED=1)
  endif()
  add_custom_command(OUTPUT ${hip_out} ${hip_out}.usage
    COMMAND ${CMAKE_SOURCE_DIR}/scripts/compile_gpu.sh ${hip_out}.usage ${hip_compiler} -x hip --offload-arch=gfx950
      -std=c++20 -O3 -ffp-contract=off --offload-device-only --no-gpu-bundle-output -fuse-cuid=none ${hip_define}
      -Rpass-analysis=kernel-resource-usage -I${CMAKE_SOURCE_DIR} -Xclang -dependency-file -Xclang ${hip_out}.d
      -Xclang -MT -Xclang ${hip_out} -c ${CMAKE_SOURCE_DIR}/kernels/gpu/hip/kernels.hip -o ${hip_out}
    DEPENDS ${CMAKE_SOURCE_DIR}/kernels/gpu/hip/kernels.hip ${CMAKE_SOURCE_DIR}/scripts/compile_gpu.sh ${hip_compiler}
    DEPFILE ${hip_out}.d VERBATIM COMMENT "gfx950 kernels, ${form}")
  list(APPEND hip_objects ${hip_out})
endforeach()
add_custom_target(gfx950 DEPENDS ${hip_objects})
add_library(ds_hip STATIC kernels/gpu/hip/device.cpp kernels/gpu/hip/library.cpp kernels/gpu/hip/profiler.cpp)
target_include_directories(ds_hip PUBLIC ${CMAKE_SOURCE_DIR})
set_source_files_properties(${hip_objects} PROPERTIES GENERATED TRUE)
ds_embed(ds_hip ${hip_objects})
# Each needs the other, as with ds_cuda.
target_link_libraries(ds_hip PUBLIC ds_options ds_kernels ds_gpu PRIVATE ${CMAKE_DL_LIBS})
target_compile_definitions(ds_gpu PRIVATE DS_WITH_HIP=1)
target_link_libraries(ds_gpu PUBLIC ds_hip)
message(STATUS "gfx950 kernels: ${hip_compiler}")
