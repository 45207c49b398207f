#include "ui/panels.h"

namespace ui {

Stack stack_of(const AppState& state) {
  Stack stack;
  for (const RunKey key : state.stack) {
    const OpenRun* open = state.find(key);
    if (!open || !open->analysis) continue;
    const RunAnalysis& a = *open->analysis;
    StackItem item;
    item.lanes = a.lanes.get();
    item.bubbles = a.bubbles.get();
    item.report = a.report.get();
    item.host = a.host.get();
    item.path = a.path.get();
    item.crossings = a.crossings.get();
    item.longest_crossing_ns = a.longest_crossing_ns;
    item.origin_ns = open->origin_ns;
    item.title = open->title;
    item.note = open->align_note.empty() ? open->note : open->note + " · " + open->align_note;
    if (const auto found = state.search.runs.find(key); found != state.search.runs.end()) item.matches = &found->second.names;
    stack.items.push_back(std::move(item));
    stack.keys.push_back(key);
  }
  return stack;
}

}  // namespace ui
