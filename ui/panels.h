// The panels: one row each. Menu, docking place, visibility and --panel come from the row. Adding
// one = a row in panels.cpp, a view-model in ui/vm and a *_panel.cpp.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "ui/state.h"
#include "ui/vm/compare_vm.h"
#include "ui/vm/runs_vm.h"
#include "ui/vm/session_vm.h"
#include "ui/vm/minimap.h"
#include "ui/vm/timeline_links.h"
#include "ui/vm/timeline_vm.h"

namespace ui {

enum class KernelSide : uint8_t { roofline, trend, runs };

// What one group of kernels looks like over the run: made when the choice changes, kept until then.
struct SelectedKernel {
  std::weak_ptr<const RunAnalysis> of;
  GroupBy by = GroupBy::kernel;
  uint32_t key = 0;
  int64_t marked_ns = -1;
  KernelTrend trend;
  KernelHistogram histogram;
  // Rebuilds what is of something else.
  void show(const AnalysisPtr&, GroupBy, uint32_t key, int64_t marked_ns, int bins, bool with_trend);
};

// What a panel remembers between frames that is no one else's business: scroll, filters, half-typed
// text.
struct UiMemory {
  // timeline
  TimelineVm timeline;
  std::vector<LinkVm> links;
  MinimapVm minimap;         // of the stack that minimap_of names
  std::vector<const void*> minimap_of;
  double measure_from_ns = 0;
  float timeline_scroll_px = 0, timeline_height_px = 0;
  bool timeline_hovered = false;
  double cursor_px = 0;
  bool search_wants_focus = false;
  char search[128] = {};
  // kernels
  char kernel_filter[128] = {};
  GroupBy group_by = GroupBy::kernel;
  KernelColumn kernel_sort = KernelColumn::total;
  bool kernel_descending = true;
  KernelSide kernel_side = KernelSide::roofline;
  char kernel_group[160] = {};   // "name = part | part", half-typed
  SelectedKernel selected_kernel;
  SelectedKernel distribution;   // of the details panel: by name
  // runs
  char run_filter[128] = {};
  std::vector<int64_t> picked;  // stored runs that are ticked
  int64_t editing_note = 0;
  bool note_wants_focus = false, editing_tags = false;
  RunColumn run_sort = RunColumn::none;
  bool run_descending = false;
  struct Area {
    float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
    bool holds(float x, float y) const { return x >= x0 && x < x1 && y >= y0 && y < y1; }
  };
  std::array<Area, 2> import_areas;  // files dropped here go into the store: of the Runs and Store panels
  char note[256] = {};
  // details
  bool specification_open = true;  // of an engine run
  // bubbles
  std::pair<RunKey, uint32_t> annotating;  // run and bubble that the line in the details is of
  char annotation[256] = {};               // half-typed: in the stall table's popup
  char gap_note[256] = {};                 // and in the details
  std::optional<bool> caveats_open;  // of the collector; empty = as there is room
  // compare
  CompareVm compare;  // of compare_of
  std::weak_ptr<const trace::Comparison> compare_of;
  std::optional<bool> compare_caveats_open;  // empty = as there is room
  std::string matched;  // kernel whose distributions are shown; empty = the first
  // session
  char host[256] = {};
  // toggles, live
  bool ab_full = false;
  StepChartVm chart;  // of the step chart_at, chart_points steps
  int64_t chart_at = -1;
  size_t chart_points = 0;
  // shell
  std::string focus;  // title of a panel to bring forward
  int focus_frames = 0;
  bool reset_layout = false;
  bool palette_open = false;
  std::array<bool, 16> closed{};  // by panel row
};

enum class Dock : uint8_t { left_top, left_middle, left_bottom, centre, right, bottom };

struct Panel {
  const char* title;  // also the window's id: stable
  const char* key;    // for --panel: "timeline"
  Dock dock;
  void (*draw)(const AppState&, UiMemory&, Actions&);
};

std::span<const Panel> panels();
// By key or title, any case; null if there is none.
const Panel* find_panel(std::string_view name);

void draw_session(const AppState&, UiMemory&, Actions&);
void draw_toggles(const AppState&, UiMemory&, Actions&);
void draw_runs(const AppState&, UiMemory&, Actions&);
void draw_store(const AppState&, UiMemory&, Actions&);
void draw_timeline(const AppState&, UiMemory&, Actions&);
void draw_details(const AppState&, UiMemory&, Actions&);
void draw_bubbles(const AppState&, UiMemory&, Actions&);
void draw_compare(const AppState&, UiMemory&, Actions&);
void draw_kernels(const AppState&, UiMemory&, Actions&);
void draw_live(const AppState&, UiMemory&, Actions&);
void draw_log(const AppState&, UiMemory&, Actions&);

// Stacked runs as the timeline's view-model wants them; entry i belongs to the open run keys[i].
struct Stack {
  std::vector<StackItem> items;
  std::vector<RunKey> keys;
  Extent content() const { return content_of(items); }
};
Stack stack_of(const AppState&);

}  // namespace ui
