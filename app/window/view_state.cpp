#include "app/window/view_state.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/window/reduce.h"

namespace app {
namespace {

using nlohmann::json;
using namespace ui;

constexpr size_t kMostMarks = 1000, kLongestText = 1000;
constexpr double kFarNs = 1e18;

bool time(const json& in, const char* key, double& out) {
  const auto found = in.find(key);
  if (found == in.end() || !found->is_number()) return false;
  const double value = found->get<double>();
  if (!std::isfinite(value) || std::abs(value) > kFarNs) return false;
  out = value;
  return true;
}

void take_marks(AppState& state, const json& in) {
  const auto found = in.find("marks");
  if (found == in.end() || !found->is_array()) return;
  state.marks.clear();
  for (const json& m : *found) {
    double begin = 0, end = 0;
    if (!m.is_object() || !time(m, "begin_ns", begin) || !time(m, "end_ns", end) || end < begin || state.marks.size() >= kMostMarks) continue;
    const auto text = m.find("text");
    state.marks.push_back({{std::llround(begin), std::llround(end)}, text != m.end() && text->is_string() ? text->get<std::string>().substr(0, kLongestText) : ""});
  }
}

void take_align(AppState& state, const json& in) {
  const auto found = in.find("align");
  if (found == in.end() || !found->is_object()) return;
  const auto number = [&](const char* key) {
    const auto at = found->find(key);
    return at != found->end() && at->is_number_integer() ? static_cast<int>(std::clamp<int64_t>(at->get<int64_t>(), 0, 1 << 30)) : 0;
  };
  const auto kernel = found->find("kernel");
  Align align{static_cast<AlignBy>(std::min(number("by"), static_cast<int>(AlignBy::kernel))), number("step"), number("layer"), {}};
  if (kernel != found->end() && kernel->is_string()) align.kernel = kernel->get<std::string>();
  state.align = align;
}

}  // namespace

std::string view_text(const AppState& state) {
  json marks = json::array();
  for (const MarkState& m : state.marks) marks.push_back({{"begin_ns", m.range.begin_ns}, {"end_ns", m.range.end_ns}, {"text", m.text}});
  const json out = {{"fitted", state.view.fitted}, {"begin_ns", state.view.begin_ns}, {"end_ns", state.view.end_ns()}, {"marks", marks},
                    {"fence_ns", state.thresholds.fence_ns}, {"stall_ns", state.thresholds.stall_ns},
                    {"align", {{"by", static_cast<int>(state.align.by)}, {"step", state.align.step}, {"layer", state.align.layer}, {"kernel", state.align.kernel}}}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool apply_view(AppState& state, const std::string& text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object()) return false;
  double begin = 0, end = 0, fence = 0, stall = 0;
  const bool fitted = in.value("fitted", json(true)) == true;
  if (!fitted && time(in, "begin_ns", begin) && time(in, "end_ns", end) && end - begin >= 1) {
    state.view.fitted = false;
    state.view.begin_ns = begin;
    state.view.ns_per_px = (end - begin) / std::max(1.0, static_cast<double>(state.view.width_px));
  }
  if (time(in, "fence_ns", fence) && time(in, "stall_ns", stall) && fence > 1 && stall >= fence) {
    state.thresholds.fence_ns = std::llround(fence);
    state.thresholds.stall_ns = std::llround(stall);
  }
  take_align(state, in);
  take_marks(state, in);
  return true;
}

}  // namespace app
