# gfx950: the same kernels as an AMD code object, by a ROCm installation's clang or by the compiler that
# scripts/hip_root.sh extracts from Debian's packages into .deps/hip. So far it is compiled and audited
# (tests/gpu/gfx950.sh, docs/results/gfx950-isa.md); no host code loads it yet, and doctor says so.
option(DECODESCOPE_HIP "compile the kernels for gfx950, where a compiler is found" ON)
find_program(DECODESCOPE_HIPCC NAMES hip-clang++ amdclang++ PATHS ${CMAKE_SOURCE_DIR}/.deps/hip/bin /opt/rocm/bin)
if(NOT DECODESCOPE_HIP OR NOT DECODESCOPE_HIPCC OR DECODESCOPE_SANITIZE)
  message(STATUS "gfx950 kernels: left out, no compiler for them (scripts/hip_root.sh fetches one)")
  return()
endif()
set(hip_out ${CMAKE_BINARY_DIR}/generated/gfx950_kernels.hsaco)
add_custom_command(OUTPUT ${hip_out} ${hip_out}.usage
  COMMAND ${CMAKE_SOURCE_DIR}/scripts/compile_gpu.sh ${hip_out}.usage ${DECODESCOPE_HIPCC} -x hip --offload-arch=gfx950
    -std=c++20 -O3 -ffp-contract=off --offload-device-only --no-gpu-bundle-output -fuse-cuid=none
    -Rpass-analysis=kernel-resource-usage -I${CMAKE_SOURCE_DIR} -Xclang -dependency-file -Xclang ${hip_out}.d
    -Xclang -MT -Xclang ${hip_out} -c ${CMAKE_SOURCE_DIR}/kernels/gpu/hip/kernels.hip -o ${hip_out}
  DEPENDS ${CMAKE_SOURCE_DIR}/kernels/gpu/hip/kernels.hip ${CMAKE_SOURCE_DIR}/scripts/compile_gpu.sh
  DEPFILE ${hip_out}.d VERBATIM COMMENT "gfx950 kernels")
add_custom_target(gfx950 ALL DEPENDS ${hip_out})
message(STATUS "gfx950 kernels: ${DECODESCOPE_HIPCC}")
