// SIMT emulator: runs GPU kernels from their own source on the CPU, one fibre a lane. Waves of 32 or 64.
// What it catches: wave operations and barriers that not all lanes take, reads of shared memory that nobody
// wrote (it is poisoned with NaN for every block), writes past it, and missing barriers: waves and lanes run
// forward, reversed and shuffled (then waves also take turns between barriers), and results must not differ. Blocks
// run one after the other.
// Errors: std::runtime_error. Thread rule: one launch at a time a thread.
#pragma once
#include <functional>

#include "kernels/gpu/launch.h"

namespace simt {

enum class Order { forward, reversed, shuffled };

struct Grid {
  int64_t x = 1, y = 1;
  int threads = 256, wave = 64;
  int64_t lds_bytes = 0;
  Order order = Order::forward;
};

void launch(const Grid&, const std::function<void()>& kernel);

// The clock and the units of the device that all launches of this process run on. Time passes with every read, with every
// step of a wave and between launches. Block i runs on unit i % units.
struct DeviceClock {
  uint64_t ticks = 1000;
  uint64_t step = 1;                // what a read shows is a multiple of it
  uint64_t between_launches = 700;  // ticks
  unsigned units = 8;
  std::function<unsigned(unsigned)> id = [](unsigned unit) { return unit; };     // as the hardware numbers it
  std::function<int64_t(unsigned)> ahead = [](unsigned) { return int64_t{0}; };  // ticks by which a unit's clock is
};
DeviceClock& device_clock();

// A backend of kernels/verify.h: part.count workers -> forward, reversed, shuffled; the first part does all.
const kernels::Backend& backend(int wave);
// Why the backend can't do this launch; empty when it can.
std::string refused(int wave, const kernels::OpArgs&);

}  // namespace simt
