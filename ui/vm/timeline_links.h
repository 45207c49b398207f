// Lines over the timeline of one frame: the critical path with its waits, forks and joins between lanes, the flow
// from the selected kernel's launch. Pure; costs pixels x log(events), like the bars it lies on.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "ui/vm/timeline_vm.h"

namespace ui {

enum class LinkKind : uint8_t {
  path,   // owned by an event of the critical path; horizontal, along the lower edge of its row
  wait,   // of the path: nothing owns it
  hop,    // the path goes from one row to another
  fork,   // a stream's work starts another stream's
  join,   // a stream waits for another
  flow,   // from a launch call to what it launched
};

struct LinkVm {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;   // in time order
  LinkKind kind{};
  bool guessed = false;                   // inferred from times
};

struct LinkOptions {
  bool path = false, arrows = true;
  size_t selected_item = SIZE_MAX;        // and its selected event, for the flow
  trace::EventId selected = trace::kNone;
};

// Of what build_timeline() made of the same items, view and style. More than kMostArrows forks and joins of a band in
// view are left out altogether: they would say nothing.
inline constexpr size_t kMostArrows = 300;
void build_links(std::span<const StackItem>, const Viewport&, const TimelineStyle&, const TimelineVm&,
                 const LinkOptions&, std::vector<LinkVm>& out);

}  // namespace ui
