#include "ui/bench.h"

#include <imgui.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "ui/panels.h"
#include "ui/theme.h"
#include "ui/timeline_draw.h"
#include "ui/vm/synthetic.h"

namespace ui {
namespace {

constexpr float kWidthPx = 1600, kHeightPx = 900;

double now_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double processor_ms() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

FrameTimes times_of(std::vector<double> ms) {
  if (ms.empty()) return {};
  std::ranges::sort(ms);
  const auto at = [&](double q) {
    return ms[std::min(static_cast<size_t>(q * static_cast<double>(ms.size())), ms.size() - 1)];
  };
  return {at(0.5), at(0.99), ms.back()};
}

// A window without a window: fonts are built, draw lists are made, nothing is rendered.
class NullGui {
 public:
  NullGui() {
    ImGui::CreateContext();
    ImGuiIO& io = ImGui::GetIO();
    io.IniFilename = nullptr;
    io.DisplaySize = {kWidthPx, kHeightPx};
    io.BackendFlags |= ImGuiBackendFlags_RendererHasTextures;
    set_theme(ThemeName::dark, 1);
    ImFont* font = io.Fonts->AddFontDefault();
    set_fonts({font, font, font});
  }
  ~NullGui() {
    set_fonts({});
    ImGui::DestroyContext();
  }
  // Textures stay with the atlas: there is no one to take them, so say they were taken.
  static void take_textures() {
    for (ImTextureData* texture : ImGui::GetPlatformIO().Textures) {
      if (texture->Status != ImTextureStatus_OK) texture->SetStatus(ImTextureStatus_OK);
    }
  }
};

struct Path {
  std::vector<Viewport> views;
  int zooms = 0;
};

// Out at everything, in by steps of 1.6 to a nanosecond a pixel; at each scale a few places.
Path make_path(const Extent& content, int frames) {
  Path path;
  const double widest = static_cast<double>(content.ns()) / kWidthPx;
  const int scales = std::max(static_cast<int>(std::log(widest) / std::log(1.6)) + 1, 2);
  const int places = std::max(frames / scales, 1);
  for (int s = 0; s < scales; ++s) {
    for (int p = 0; p < places; ++p) {
      Viewport v;
      v.width_px = kWidthPx;
      v.ns_per_px = widest / std::pow(1.6, s);
      const double free = std::max(static_cast<double>(content.ns()) - v.ns_per_px * kWidthPx, 0.0);
      v.begin_ns = free * (p + 0.37) / places;
      path.views.push_back(v);
    }
  }
  path.zooms = scales;
  return path;
}

double peak_rss_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct FrameCost {
  double total_ms = 0, view_model_ms = 0, wall_ms = 0;
};

FrameCost one_frame(const AppState& state, const Stack& stack, const Viewport& view,
                    TimelineVm& vm) {
  ImGui::GetIO().DeltaTime = 1.0f / 60;
  ImGui::NewFrame();
  update_theme_metrics();
  ImGui::SetNextWindowPos({0, 0});
  ImGui::SetNextWindowSize({kWidthPx, kHeightPx});
  ImGui::Begin("bench", nullptr, ImGuiWindowFlags_NoDecoration);
  TimelineStyle style;
  style.height_px = kHeightPx;
  const double wall_begin = now_ms(), begin = processor_ms();
  build_timeline(stack.items, view, style, vm);
  const double built = processor_ms();
  const TimelineCanvas canvas{
      ImGui::GetWindowDrawList(), {0, 0}, {0, 0}, {kWidthPx, kHeightPx}, 80};
  draw_grid(canvas, vm);
  draw_bands(canvas, vm, stack, state);
  const double drawn = processor_ms(), wall = now_ms();
  ImGui::End();
  ImGui::Render();
  NullGui::take_textures();
  return {drawn - begin, built - begin, wall - wall_begin};
}

}  // namespace

UiBench bench_ui(int64_t events, int frames) {
  UiBench out;
  out.events = events;
  const trace::RunPtr run = synthetic_run(events, 6);
  const trace::Trace& t = *run->trace;

  double begin = now_ms();
  {
    const auto report = trace::classify(t, trace::whole(t, 0));
    const LaneIndex lanes(t, 0, report.overlaps, LaneGrouping::folded);
    const BubbleMap bubbles(report.bubbles);
    out.timeline_ms = now_ms() - begin;
  }
  begin = now_ms();
  const AnalysisPtr analysis = analyse(run, {});
  out.open_ms = now_ms() - begin;
  out.bytes_per_event =
      static_cast<double>(analysis->timeline_bytes()) / static_cast<double>(events);
  out.bubbles = static_cast<int64_t>(analysis->bubbles->size());
  {
    std::vector<double> ms;
    AnalysisPtr before = analysis, now;
    for (int i = 0; i < 7; ++i) {
      begin = now_ms();
      now = reanalyse(*before, {.thresholds = {.fence_ns = 1500 + 10 * i, .stall_ns = 3000 + 10 * i}});
      ms.push_back(now_ms() - begin);
      before = std::move(now);   // as the window does: the one shown before is let go
    }
    out.reclassify_first_ms = ms.front();
    ms.erase(ms.begin());
    std::ranges::sort(ms);
    out.reclassify_ms = ms[ms.size() / 2];
  }

  AppState state;
  state.runs.push_back({.key = 1, .run = run, .title = run->name, .analysis = analysis, .origin_ns = analysis->report->window.begin_ns});
  state.stack = {1};
  state.selected = 1;
  const Stack stack = stack_of(state);
  const Path path = make_path(stack.content(), frames);
  out.zooms = path.zooms;
  const NullGui gui;
  TimelineVm vm;
  std::vector<double> total, view_model, wall;
  one_frame(state, stack, path.views.front(), vm);  // fonts and buffers grow in the first one
  for (const Viewport& view : path.views) {
    const FrameCost cost = one_frame(state, stack, view, vm);
    total.push_back(cost.total_ms);
    view_model.push_back(cost.view_model_ms);
    wall.push_back(cost.wall_ms);
  }
  out.frames = static_cast<int>(total.size());
  out.frame = times_of(std::move(total));
  out.frame_wall = times_of(std::move(wall));
  out.view_model = times_of(std::move(view_model));
  out.rss_mib = peak_rss_mib();
  return out;
}

}  // namespace ui
