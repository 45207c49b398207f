# The CUDA backend: kernels by nvcc for sm_90a, the runtime linked statically, so that the binary starts where
# there is no CUDA at all. Without nvcc, or with DECODESCOPE_CUDA=OFF, it is left out. nvcc runs as a custom
# command: CMake's own CUDA language knows no compiler newer than itself.
option(DECODESCOPE_CUDA "the CUDA backend, where nvcc is found" ON)
find_program(DECODESCOPE_NVCC nvcc PATHS /usr/local/cuda/bin)
set(cuda_missing "no nvcc")
if(NOT DECODESCOPE_CUDA)
  set(cuda_missing "DECODESCOPE_CUDA=OFF")
elseif(DECODESCOPE_SANITIZE)
  set(cuda_missing "a sanitizer build")
elseif(DECODESCOPE_NVCC)
  execute_process(COMMAND ${DECODESCOPE_NVCC} --version OUTPUT_VARIABLE nvcc_version ERROR_QUIET)
  string(REGEX MATCH "V([0-9]+\\.[0-9]+\\.[0-9]+)" _ "${nvcc_version}")
  set(nvcc_version ${CMAKE_MATCH_1})
  cmake_path(GET DECODESCOPE_NVCC PARENT_PATH cuda_bin)
  cmake_path(GET cuda_bin PARENT_PATH cuda_root)
  find_library(CUDART_STATIC cudart_static PATHS ${cuda_root}/lib64 ${cuda_root}/lib /usr/lib/x86_64-linux-gnu NO_DEFAULT_PATH)
  find_path(CUDA_HEADERS cuda_runtime_api.h PATHS ${cuda_root}/include /usr/include NO_DEFAULT_PATH)
  if(nvcc_version VERSION_LESS 13.0)
    set(cuda_missing "nvcc ${nvcc_version}, 13.0 is needed")
  elseif(CUDART_STATIC AND CUDA_HEADERS AND EXISTS ${CUDA_HEADERS}/cupti.h)
    set(cuda_missing "")
  else()
    set(cuda_missing "nvcc without the static runtime, its headers or CUPTI")
  endif()
endif()
if(cuda_missing)
  message(STATUS "CUDA backend: left out, ${cuda_missing}")
  target_compile_definitions(ds_gpu PRIVATE "DS_NO_CUDA=\"${cuda_missing}\"")
  return()
endif()

# Constants and layouts of kernels/*.h are constexpr functions: callable on the device by --expt-relaxed-constexpr.
# -fmad=false: one rounding a product and one a sum, as everywhere, unless a kernel asks for a fused one.
# Twice: plain, and with a stamp of the device's clock a block (DS_STAMPED).
set(cuda_objects)
foreach(form plain stamped)
  set(cuda_out ${CMAKE_BINARY_DIR}/generated/cuda_kernels_${form}.o)
  set(cuda_define)
  if(form STREQUAL stamped)
    set(cuda_define -DDS_STAMPED=1)
  endif()
  add_custom_command(OUTPUT ${cuda_out} ${cuda_out}.usage
    COMMAND ${CMAKE_SOURCE_DIR}/scripts/compile_gpu.sh ${cuda_out}.usage ${DECODESCOPE_NVCC} -std=c++20 -O3
      -gencode=arch=compute_90a,code=sm_90a --expt-relaxed-constexpr -fmad=false -Xptxas=-v -lineinfo ${cuda_define}
      -I${CMAKE_SOURCE_DIR} -MD -MF ${cuda_out}.d -MT ${cuda_out} -c ${CMAKE_SOURCE_DIR}/kernels/gpu/cuda/kernels.cu -o ${cuda_out}
    DEPENDS ${CMAKE_SOURCE_DIR}/kernels/gpu/cuda/kernels.cu ${CMAKE_SOURCE_DIR}/scripts/compile_gpu.sh
    DEPFILE ${cuda_out}.d VERBATIM COMMENT "sm_90a kernels, ${form}")
  set_source_files_properties(${cuda_out} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  list(APPEND cuda_objects ${cuda_out})
endforeach()
add_library(ds_cuda STATIC kernels/gpu/cuda/device.cpp kernels/gpu/cuda/nvml.cpp kernels/gpu/cuda/profiler.cpp ${cuda_objects})
target_include_directories(ds_cuda PUBLIC ${CMAKE_SOURCE_DIR})
target_include_directories(ds_cuda SYSTEM PRIVATE ${CUDA_HEADERS})
# Each needs the other: the device asks the launch rules for names, those list the devices. CMake repeats both when linking.
target_link_libraries(ds_cuda PUBLIC ds_options ds_kernels ds_gpu PRIVATE ${CUDART_STATIC} ${CMAKE_DL_LIBS} rt)
target_compile_definitions(ds_gpu PRIVATE DS_WITH_CUDA=1)
target_link_libraries(ds_gpu PUBLIC ds_cuda)
set(cuda_hint "")
if(NOT nvcc_version MATCHES "^13\\.0")  # copy16_once() in kernels/gpu/gpu.h
  set(cuda_hint "; copies without the cache hint (steps 1 to 5 % longer): its machine code for that was not looked at")
endif()
message(STATUS "CUDA backend: nvcc ${nvcc_version}, sm_90a${cuda_hint}")
