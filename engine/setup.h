// Setup: a RunSpec resolved and found runnable, before anything is loaded. All refusals of the
// engine are made here.
#pragma once
#include <span>

#include "engine/evict.h"
#include "engine/plan.h"
#include "trace/messages.h"
#include "trace/result.h"
#include "trace/run.h"

namespace engine {

struct Setup {
  trace::RunSpec spec;  // effective: backend resolved
  Shape shape;
  PlanOptions plan;    // of every arm; fault and placement are each arm's own
  Routing routing;     // imposed, or none
  CacheState cache = CacheState::as_is;  // --set cache=as_is|cold
  bool stamps = false;  // --set stamps=on: of recordings on a GPU
  bool synchronous = false;  // --set sync=on: each launch on a GPU is waited for
  int workers = 0;     // --set workers=1|2; 0 = by the machine
  int rank = 0;        // --set rank=0 .. tp - 1: whose slice of a checkpoint
  std::shared_ptr<const Checkpoint> checkpoint;  // opened and checked; none: synthetic weights
  bool fault = false;  // --set fault=bitflip: the hidden fault hook
};

// error: what can't run and where: unknown or absent backend, bad workload, a model part that is
// not built yet, unknown setting, not enough memory (bytes by part and how many layers would fit), a
// checkpoint without one of the tensors that the model needs.
trace::Result<Setup> prepare(const trace::RunSpec&);

// The keys that `--set KEY=VALUE` knows beside switches and fields of the model.
std::span<const std::string_view> settings();

// Bytes that a run needs, by part.
std::map<std::string, int64_t> bytes_needed(const trace::RunSpec&, const Shape&);

// Whether these switches can run on this setup. error: what and why.
trace::Status allowed(const Setup&, const trace::ToggleSet&);

std::string device_name();  // "AMD EPYC, 2 cores"
std::string device_name(const Setup&);  // of its backend: that, or "NVIDIA H200"
std::string host_name();
std::string utc_now();  // ISO 8601

}  // namespace engine
