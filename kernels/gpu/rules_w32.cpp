#define GPU_WAVE 32
#include "kernels/gpu/rules.inl"
