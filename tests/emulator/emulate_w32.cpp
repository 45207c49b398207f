#define GPU_WAVE 32
#include "tests/emulator/emulate.inl"
