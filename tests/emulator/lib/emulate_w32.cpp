#define GPU_WAVE 32
#include "tests/emulator/lib/emulate.inl"
