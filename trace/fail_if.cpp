#include "trace/fail_if.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "trace/bubbles.h"
#include "trace/kernel_names.h"
#include "trace/layers.h"
#include "trace/stats.h"

namespace trace {
namespace {

constexpr size_t kLeastRuns = 3, kLeastWindows = 5;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Result<Condition> parse_condition(std::string_view text) {
  const Error bad{"a condition is METRIC > NUMBER with >, >=, < or <=, METRIC one of wall_pct, idle_us, stall_us, kernels, op:NAME_us", "--fail-if " + std::string(text)};
  // Kernel names may hold < and >: the last comparison in the text is the one.
  const size_t at = text.find_last_of("<>");
  if (at == std::string_view::npos) return bad;
  Condition c;
  c.text = trimmed(text);
  c.greater = text[at] == '>';
  const std::string_view metric = trimmed(text.substr(0, at));
  std::string_view number = text.substr(at + 1);
  if (number.starts_with('=')) number.remove_prefix(1);
  number = trimmed(number);
  if (number.starts_with('+')) number.remove_prefix(1);
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), c.bound);
  if (number.empty() || parsed.ec != std::errc{} || parsed.ptr != number.data() + number.size() || !std::isfinite(c.bound)) return bad;
  if (metric == "wall_pct") c.metric = Condition::Metric::wall_pct;
  else if (metric == "idle_us") c.metric = Condition::Metric::idle_us;
  else if (metric == "stall_us") c.metric = Condition::Metric::stall_us;
  else if (metric == "kernels") c.metric = Condition::Metric::kernels;
  else if (metric.starts_with("op:") && metric.ends_with("_us") && metric.size() > 6) {
    c.metric = Condition::Metric::op_us;
    c.op = metric.substr(3, metric.size() - 6);
  } else return bad;
  return c;
}

double metric_of(const Condition& c, const Trace& t, const BubbleContext& context, const Window& window) {
  if (c.metric == Condition::Metric::op_us) {
    int64_t ns = 0;
    for (const EventId id : events_in(t, context.events, window)) {
      const Event& e = t.events[id];
      if (t.op_of(e) == c.op || bare_kernel_name(t.name_of(e)) == c.op) ns += clipped_ns(e, window);
    }
    return static_cast<double>(ns) / 1000;
  }
  const BubbleReport r = classify(t, context, window);
  switch (c.metric) {
    case Condition::Metric::wall_pct: return static_cast<double>(r.wall_ns) / 1000;
    case Condition::Metric::idle_us: return static_cast<double>(r.idle_ns) / 1000;
    case Condition::Metric::stall_us: return static_cast<double>(r.kind(BubbleKind::stall).ns) / 1000;
    default: return static_cast<double>(r.kernels);
  }
}

// What one side's samples are, of one kind.
struct Samples {
  std::vector<Window> steps, layers;
};

struct Side {
  struct Part {
    const Trace* trace = nullptr;
    BubbleContext context;
    Window all;
    Samples windows;
  };
  std::vector<Part> parts;   // runs with GPU activity

  explicit Side(std::span<const TracePtr> traces) {
    for (const TracePtr& t : traces) {
      const auto devices = active_devices(*t);
      if (devices.empty()) continue;
      Part part{t.get(), bubble_context(*t, devices.front()), whole(*t, devices.front()), {}};
      const LayerWindows found = find_layers(*t, part.context.events);
      if (found.steps > 1) part.windows.steps = found.step_windows;
      for (const auto& step : found.detail) part.windows.layers.insert(part.windows.layers.end(), step.layers.begin(), step.layers.end());
      parts.push_back(std::move(part));
    }
  }
  size_t count(std::vector<Window> Samples::*kind) const {
    size_t n = 0;
    for (const Part& part : parts) n += (part.windows.*kind).size();
    return n;
  }
  // `kind` null = whole runs.
  std::vector<double> values(const Condition& c, std::vector<Window> Samples::*kind) const {
    std::vector<double> out;
    for (const Part& part : parts) {
      if (!kind) out.push_back(metric_of(c, *part.trace, part.context, part.all));
      else
        for (const Window& w : part.windows.*kind) out.push_back(metric_of(c, *part.trace, part.context, w));
    }
    return out;
  }
};

// Welch's interval of mean(b) - mean(a).
void difference(ConditionResult& r, const std::vector<double>& a, const std::vector<double>& b) {
  const double na = static_cast<double>(a.size()), nb = static_cast<double>(b.size());
  const double va = sample_variance(a) / na, vb = sample_variance(b) / nb;
  r.value = mean(b) - mean(a);
  double half = 0;
  if (va + vb > 0) {
    const double freedom = (va + vb) * (va + vb) / (va * va / (na - 1) + vb * vb / (nb - 1));
    half = boost::math::quantile(boost::math::students_t(freedom), 0.975) * std::sqrt(va + vb);
  }
  r.lo = r.value - half;
  r.hi = r.value + half;
}

ConditionResult judge_one(const Condition& c, const Side& a, const Side& b) {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  ConditionResult r{c, ConditionState::unknown, kNothing, kNothing, kNothing, 0, 0, "", ""};
  std::vector<Window> Samples::*kind = nullptr;
  if (a.parts.size() >= kLeastRuns && b.parts.size() >= kLeastRuns) {
    r.samples = "runs";
  } else if (a.count(&Samples::steps) >= kLeastWindows && b.count(&Samples::steps) >= kLeastWindows) {
    r.samples = "steps";
    kind = &Samples::steps;
  } else if (a.count(&Samples::layers) >= kLeastWindows && b.count(&Samples::layers) >= kLeastWindows) {
    r.samples = "layers";
    kind = &Samples::layers;
  } else {
    r.reason = fmt::format("{} and {} runs, {} and {} steps, {} and {} layers: an interval needs {} runs or {} windows a side", a.parts.size(), b.parts.size(), a.count(&Samples::steps), b.count(&Samples::steps),
                           a.count(&Samples::layers), b.count(&Samples::layers), kLeastRuns, kLeastWindows);
    return r;
  }
  const auto values_a = a.values(c, kind), values_b = b.values(c, kind);
  r.n_a = static_cast<int>(values_a.size());
  r.n_b = static_cast<int>(values_b.size());
  difference(r, values_a, values_b);
  if (c.metric == Condition::Metric::wall_pct) {
    const double whole = mean(values_a);
    if (!(whole > 0)) {
      r.reason = "A took no time: there are no percent of it";
      return r;
    }
    for (double* number : {&r.value, &r.lo, &r.hi}) *number *= 100 / whole;
  }
  if (c.metric == Condition::Metric::op_us && mean(values_a) == 0 && mean(values_b) == 0) {
    r.reason = "neither side runs an op or kernel of this name";
    return r;
  }
  const bool met = c.greater ? r.lo > c.bound : r.hi < c.bound;
  const bool not_met = c.greater ? r.hi <= c.bound : r.lo >= c.bound;
  r.state = met ? ConditionState::met : not_met ? ConditionState::not_met : ConditionState::unclear;
  if (kind) r.reason = r.samples + " of one recording a side follow each other and share its conditions: 3 runs a side would be better";
  return r;
}

}  // namespace

Result<std::vector<Condition>> parse_conditions(std::string_view text) {
  std::vector<Condition> out;
  for (size_t from = 0; from <= text.size();) {
    const size_t next = std::min(text.find(" or ", from), text.size());
    auto condition = parse_condition(text.substr(from, next - from));
    if (!condition) return condition.error();
    out.push_back(std::move(*condition));
    from = next + (next < text.size() ? 4 : 1);
  }
  return out;
}

std::vector<ConditionResult> judge(const std::vector<Condition>& conditions, std::span<const TracePtr> a, std::span<const TracePtr> b) {
  const Side side_a(a), side_b(b);
  std::vector<ConditionResult> out;
  for (const Condition& c : conditions) out.push_back(judge_one(c, side_a, side_b));
  return out;
}

std::string_view to_string(ConditionState state) {
  switch (state) {
    case ConditionState::met: return "met";
    case ConditionState::not_met: return "not met";
    case ConditionState::unclear: return "unclear";
    case ConditionState::unknown: return "unknown";
  }
  return "";
}

}  // namespace trace
