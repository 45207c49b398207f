# ds_gpu: the launch rules of the GPU kernels (plain C++), and what of the GPU backends this machine can build.
ds_library(ds_gpu kernels/gpu ds_kernels)
