// Where runs meet on the shared axis, and which events belong together. Pure.
#pragma once
#include <cstdint>
#include <optional>

#include "ui/actions.h"
#include "ui/vm/analysis.h"

namespace ui {

// Time of the trace that is put at 0: the start of the window, of a step, of a layer of a step, of a kernel's first
// occurrence on the shown device. None where the run has no such thing.
std::optional<int64_t> aligned_origin(const RunAnalysis&, const Align&);

// by < 0: what the event waited for: the critical path's predecessor, else the source of a known edge that ended
// last, else its neighbour on the lane. by > 0: the other way round. kNone if there is none.
trace::EventId related_event(const RunAnalysis&, trace::EventId, int by);

}  // namespace ui
