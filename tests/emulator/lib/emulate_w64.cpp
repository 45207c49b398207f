#define GPU_WAVE 64
#include "tests/emulator/lib/emulate.inl"
