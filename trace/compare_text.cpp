#include "trace/compare_text.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>

#include <fmt/format.h>

#include "trace/kernel_names.h"

namespace trace {
namespace {

double us(int64_t ns) {
  return static_cast<double>(ns) / 1000;
}

struct OpTime {
  int64_t count = 0, ns = 0;
};
using OpTimes = std::map<std::string_view, OpTime>;

OpTimes op_uses(const Trace& trace, const Window& window) {
  OpTimes uses;
  for (const EventId id : events_in(trace, window)) {
    const Event& e = trace.events[id];
    if (e.op == 0) continue;
    OpTime& use = uses[trace.op_of(e)];
    ++use.count;
    use.ns += clipped_ns(e, window);
  }
  return uses;
}

// A switch or choice that shows in which ops run. One row each.
struct Tell {
  std::string_view what;
  std::array<std::string_view, 3> ops;  // any of them; unused ones empty
  std::string_view with, without;       // what a side with and a side without them does
};
constexpr std::array kTells{
    Tell{"cat_skip",
         {"concat", "q_concat", ""},
         "rebuilds q_all with a copy",
         "passes q_cat on as it is"},
    Tell{"shared-expert fusion",
         {"append_shared", "", ""},
         "appends the shared expert to the routed ones",
         "runs the shared expert by itself, or has none"},
    Tell{"x_scale",
         {"x_scale_copy", "", ""},
         "copies scales into column order",
         "has no scale copies"},
    Tell{"v_layout",
         {"v_flatten_copy", "", ""},
         "flattens the v output with a copy",
         "writes v in token order"},
    Tell{"logits_init",
         {"logits_fill", "", ""},
         "fills the logits with -inf",
         "leaves the logits uninitialised"},
};

OpTime used(const OpTimes& uses, const Tell& tell) {
  OpTime sum;
  for (const std::string_view op : tell.ops)
    if (const auto it = uses.find(op); !op.empty() && it != uses.end()) {
      sum.count += it->second.count;
      sum.ns += it->second.ns;
    }
  return sum;
}

std::string side(const OpTime& use, const Tell& tell) {
  if (use.count == 0) return std::string(tell.without);
  return fmt::format("{} ({} of {:.3f} us)", tell.with, use.count, us(use.ns));
}

std::string kernel_text(const MatchedKernel& k) {
  const std::string_view bare = bare_kernel_name(k.name);
  const int64_t ns = k.a_count ? k.a_ns : k.b_ns, count = k.a_count ? k.a_count : k.b_count;
  std::string text = k.op.empty() ? fmt::format("`{}`", bare) : fmt::format("{} `{}`", k.op, bare);
  if (count > 1) text += fmt::format(" x {}", count);
  return text + fmt::format(" {:.3f} us", us(ns));
}

void add_only(std::string_view side_name, const std::vector<MatchedKernel>& only,
              std::vector<std::string>& out) {
  if (only.empty()) return;
  constexpr size_t kShown = 8;
  int64_t ns = 0;
  for (const MatchedKernel& k : only) ns += k.a_ns + k.b_ns;
  std::string text = fmt::format("only in {} ({} kernel name{}, {:.3f} us): ", side_name,
                                 only.size(), only.size() == 1 ? "" : "s", us(ns));
  for (size_t i = 0; i < std::min(kShown, only.size()); ++i)
    text += (i ? ", " : "") + kernel_text(only[i]);
  if (only.size() > kShown) text += fmt::format(" and {} more", only.size() - kShown);
  out.push_back(std::move(text));
}

// One thing was meant to differ; here is what else does.
void add_tells(const OpTimes& a, const OpTimes& b, std::vector<std::string>& out) {
  for (const Tell& tell : kTells) {
    const OpTime in_a = used(a, tell), in_b = used(b, tell);
    if ((in_a.count == 0) != (in_b.count == 0))
      out.push_back(fmt::format("the sides also differ in {}: A {}, B {}", tell.what,
                                side(in_a, tell), side(in_b, tell)));
    else if (in_a.count != in_b.count)
      out.push_back(fmt::format("{} also runs a different number of times: A {}, B {}", tell.what,
                                in_a.count, in_b.count));
  }
}

void add_collectors(const Trace& a, const Trace& b, std::vector<std::string>& out) {
  if (a.collector.name != b.collector.name || a.collector.clock != b.collector.clock)
    out.push_back(
        fmt::format("collectors differ ({} / {}): they account for dispatch differently, so "
                    "durations and gaps below "
                    "about 3 us do not compare",
                    a.collector.name, b.collector.name));
  else if (a.collector.version != b.collector.version)
    out.push_back(fmt::format("collector versions differ ({} / {})", a.collector.version,
                              b.collector.version));
  if (a.collector.resolution_ns != b.collector.resolution_ns)
    out.push_back(
        fmt::format("time resolution differs ({} ns / {} ns): nothing below {:.3f} us compares",
                    a.collector.resolution_ns, b.collector.resolution_ns,
                    us(2 * std::max(a.collector.resolution_ns, b.collector.resolution_ns))));
}

std::string device_text(const Trace& t, const Window& w) {
  if (w.device >= t.devices.size()) return "no device";
  const Device& d = t.devices[w.device];
  return d.name.empty() ? fmt::format("device {} without a name", d.id) : d.name;
}

// One rank cannot tell waiting from transferring.
void add_collectives(const Comparison& c, std::vector<std::string>& out) {
  int64_t a_ns = 0, b_ns = 0;
  for (const auto* list : {&c.matched, &c.only_a, &c.only_b})
    for (const MatchedKernel& k : *list) {
      if (k.category != Category::all_reduce) continue;
      a_ns += k.a_ns;
      b_ns += k.b_ns;
    }
  if (a_ns + b_ns > 0)
    out.push_back(fmt::format(
        "all-reduce ({:.3f} / {:.3f} us) includes waiting for peers, unknown from one rank",
        us(a_ns), us(b_ns)));
}

}  // namespace

std::vector<std::string> compare_caveats(const Trace& a, const Trace& b, const Comparison& c) {
  std::vector<std::string> out;
  const Window &wa = c.a.window, &wb = c.b.window;
  add_collectors(a, b, out);
  if (device_text(a, wa) != device_text(b, wb))
    out.push_back(fmt::format("devices differ ({} / {})", device_text(a, wa), device_text(b, wb)));
  if (c.a.lanes != c.b.lanes)
    out.push_back(fmt::format("the sides also differ in streams: {} / {} lanes in use", c.a.lanes,
                              c.b.lanes));
  add_tells(op_uses(a, wa), op_uses(b, wb), out);
  add_only("A", c.only_a, out);
  add_only("B", c.only_b, out);
  add_collectives(c, out);
  return out;
}

}  // namespace trace
