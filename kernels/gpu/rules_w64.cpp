#define GPU_WAVE 64
#include "kernels/gpu/rules.inl"
