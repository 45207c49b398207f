// A stand-in for libamdhip64, for tests: a shared library with the calls that kernels/gpu/hip makes, on host memory.
// It does only what the calls promise, as late as they allow and in as odd an order: nothing that was put on a stream
// runs before somebody must see it; streams drain one at a time; a graph's nodes run last ready first. A forgotten wait
// or synchronisation therefore reads poison. Kernels are executed by `execute`, for which the tests take the emulator.
// Thread rule: one thread.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fake_hip {

struct State {
  // What it pretends to be.
  std::string name = "AMD Instinct MI355X", arch = "gfx950:sramecc+:xnack-";
  int devices = 1, wave = 64, units = 8, lds_bytes = 160 * 1024;
  int64_t memory = int64_t{1} << 32;

  // The `after`-th call from now of this name returns this code; a code that breaks the device stays.
  std::string fail;
  int code = 0, after = 1;
  int broken = 0;  // what every call returns since

  // kernel "ds_fill" -> bytes of its arguments, 0 = there is no such kernel; and its execution, which may throw. The
  // stamped form "ds_fill_stamped" takes the address of its slots as a second argument: the eight bytes behind the first.
  std::function<int64_t(const std::string&)> argument_bytes;
  std::function<void(const std::string&, int64_t x, int64_t y, int threads, int64_t lds_bytes, const void* args)> execute;

  // What a profiler under the runtime would be told; may be empty.
  std::function<void(const std::string& kernel)> loaded;  // "ds_fill.kd"
  std::function<void(uint64_t stream, bool enter)> stream;
  std::function<uint64_t(const char* call)> launching;  // numbers the call
  std::function<void(const std::string& kernel, uint64_t call, uint64_t queue)> dispatched;

  std::vector<std::string> log;  // "hipModuleLaunchKernel ds_fill 4x1 256 0 stream 0"
  int64_t used = 0;              // bytes that are allocated
  int streams = 0, events = 0, graphs = 0, modules = 0;  // that are alive
};

}  // namespace fake_hip

extern "C" fake_hip::State* fake_hip_state();
