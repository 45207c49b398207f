// Decode steps of one device. The first of these that a trace allows:
//   1. the recorder's own numbers (Event::step);
//   2. one graph launch is one step, if the layer rule finds repeats inside it;
//   3. one step annotation is one step (ProfilerStep#6, step[DECODE bs=32], execute_..., an engine's "decode step"):
//      an event belongs to the annotation in which its launch call began;
//   4. graph launches without repeats, if they hold most kernels and the file has no other rhythm;
//   5. the repeating sequence: the whole file is one step, or several if kernels between the repeats say so.
// Thread rule: pure functions of a const Trace.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "trace/period.h"
#include "trace/window.h"

namespace trace {

struct StepSpan {
  int number = 0;                  // the recorder's, else 0, 1, 2 in order of time
  int64_t begin_ns = 0, end_ns = 0;   // first start to last end, cut at the next step's begin
  std::vector<EventId> events;     // that belong to it, by start; nothing else, even if it runs meanwhile
};

struct Steps {
  std::vector<StepSpan> spans;     // by begin
  std::string rule;                // in words
  bool known = false;              // false: nothing marks steps, the only span is the whole device
  Period period;                   // of the first step that has one
  std::vector<int32_t> of_event;   // by EventId: index into spans, -1 = outside every step (or of another device)
};

Steps find_steps(const Trace&, const DeviceEvents&);

}  // namespace trace
