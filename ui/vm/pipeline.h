// The ops of one layer in the order in which they started, of two recordings that differ in a switch: what it struck
// out and what it added. From recorded events, never from a plan. Pure.
#pragma once
#include <string>
#include <vector>

#include "trace/trace.h"

namespace ui {

struct PipelineOp {
  std::string name;   // the model's op, else the kernel's name
  int side = 0;       // 0 = in both, -1 = only before, +1 = only after
};

// Of the first layer whose ops differ, within the first step that both have; empty when no layer differs or the traces
// do not say which layer an op is of.
std::vector<PipelineOp> pipeline_diff(const trace::Trace& before, const trace::Trace& after);

// The same with only `context` common ops around each change; what is left out is one op named "…".
std::vector<PipelineOp> around_changes(const std::vector<PipelineOp>&, size_t context);

}  // namespace ui
