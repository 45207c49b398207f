#include "ui/panels.h"

#include <algorithm>
#include <array>

#include "ui/vm/kernels_vm.h"

namespace ui {
namespace {

constexpr std::array kPanels = {
    Panel{"Session", "session", Dock::left_top, draw_session},
    Panel{"Toggles", "toggles", Dock::left_middle, draw_toggles},
    Panel{"Runs", "runs", Dock::left_bottom, draw_runs},
    Panel{"Timeline", "timeline", Dock::centre, draw_timeline},
    Panel{"Details", "details", Dock::right, draw_details},
    Panel{"Bubbles", "bubbles", Dock::bottom, draw_bubbles},
    Panel{"Compare", "compare", Dock::bottom, draw_compare},
    Panel{"Kernels", "kernels", Dock::bottom, draw_kernels},
    Panel{"Live", "live", Dock::bottom, draw_live},
    Panel{"Store", "store", Dock::bottom, draw_store},
    Panel{"Log", "log", Dock::bottom, draw_log},
};
static_assert(kPanels.size() <= std::tuple_size_v<decltype(UiMemory::closed)>);

}  // namespace

std::span<const Panel> panels() {
  return kPanels;
}

void SelectedKernel::show(const AnalysisPtr& a, GroupBy group, uint32_t k, int64_t marked, int bins, bool with_trend) {
  if (of.lock() == a && by == group && key == k && marked_ns == marked) return;
  of = a, by = group, key = k, marked_ns = marked;
  const std::vector<trace::EventId> ids = events_of(*a, group, k);
  histogram = kernel_histogram(a->trace(), ids, bins, marked);
  trend = with_trend ? kernel_trend(*a, ids) : KernelTrend{};
}

const Panel* find_panel(std::string_view name) {
  const auto same = [name](const Panel& p) {
    return name.size() == std::string_view(p.key).size() && contains_any_case(p.key, name);
  };
  const auto at = std::ranges::find_if(kPanels, same);
  return at == kPanels.end() ? nullptr : &*at;
}

}  // namespace ui
