// A stand-in for rocprofiler-sdk, for tests: a shared library with the calls that kernels/gpu/hip/profiler.cpp makes. What
// a runtime would tell it (tests/gpu/lib/fake_hip.h does) goes in through State; records come out of its buffer late and
// from another thread. Its numbers of kinds and operations are not the real ones: they must be asked for by name.
// Thread rule: one thread.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fake_rocprofiler {

struct State {
  uint32_t version[3] = {1, 2, 1};
  bool knows_streams = true;      // older ones have no HIP_STREAM
  bool old_callbacks = false;     // records of callbacks and calls as before 1.0, without an ancestor
  bool knows_calls = true;        // older ones can't say what a call is named
  uint64_t record_bytes = 184;    // what the records say they are long
  int start_code = 0;             // what beginning to trace answers, 0 = done
  int late_flushes = 2;           // of these, nothing comes out yet

  std::vector<std::string> log;   // "start tracing"

  // What a runtime tells.
  std::function<void(const std::string& kernel)> loaded;           // "ds_fill.kd": a code object holds it
  std::function<void(uint64_t stream, bool enter)> stream;         // around a call that has one
  std::function<uint64_t(const char* call)> launching;             // in between: what belongs to this call
  std::function<void(const std::string& kernel, uint64_t call, uint64_t queue)> dispatched;
};

}  // namespace fake_rocprofiler

extern "C" fake_rocprofiler::State* fake_rocprofiler_state();
