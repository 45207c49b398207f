# ds_gpu: the launch rules of the GPU kernels (plain C++) and the backends that this machine can build.
# -DDECODESCOPE_CUDA=OFF, -DDECODESCOPE_HIP=OFF leave one out; what is left out says so in `doctor`.
ds_library(ds_gpu kernels/gpu ds_kernels)
# One rounding a product and one a sum on every vendor, unless a kernel asks for a fused one by name.
target_compile_options(ds_gpu PRIVATE -ffp-contract=off)
set_target_properties(ds_gpu PROPERTIES UNITY_BUILD OFF)   # one file twice, for waves of 32 and of 64
include(cuda)
include(hip)
