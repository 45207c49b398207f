// The ops of one layer in the order in which they started, of two recordings that differ in a switch: what it struck
// out and what it added. pipeline_diff() is of recorded events, sketch_vm.h of plans. Pure.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "trace/trace.h"

namespace ui {

struct PipelineOp {
  std::string name;   // the model's op, else the kernel's name
  int side = 0;       // 0 = in both, -1 = only before, +1 = only after
};

// `a` and `b` as one list, in the order of both: a longest common subsequence is in both.
std::vector<PipelineOp> difference(const std::vector<std::string>& a, const std::vector<std::string>& b);

// Of the first layer whose ops differ, within the first step that both have; empty when no layer differs or the traces
// do not say which layer an op is of.
std::vector<PipelineOp> pipeline_diff(const trace::Trace& before, const trace::Trace& after);

// Places of a list of items with a `side`: each change with `context` common ones on either side; the list's size
// stands for a stretch that is left out.
template <class Item>
std::vector<size_t> places_around_changes(const std::vector<Item>& all, size_t context) {
  std::vector<uint8_t> kept(all.size(), 0);
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].side == 0) continue;
    const size_t first = i > context ? i - context : 0, last = std::min(i + context + 1, all.size());
    std::fill(kept.begin() + static_cast<ptrdiff_t>(first), kept.begin() + static_cast<ptrdiff_t>(last), uint8_t{1});
  }
  std::vector<size_t> places;
  for (size_t i = 0; i < all.size(); ++i) {
    if (kept[i])
      places.push_back(i);
    else if (places.empty() || places.back() != all.size())
      places.push_back(all.size());
  }
  return places;
}

// The same with only `context` common ops around each change; what is left out is one op named "…".
std::vector<PipelineOp> around_changes(const std::vector<PipelineOp>&, size_t context);

}  // namespace ui
