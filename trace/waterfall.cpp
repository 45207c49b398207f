#include "trace/waterfall.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

#include <fmt/format.h>

namespace trace {
namespace {

// Runs through the cut points of a window. Every event that runs in a piece gets the same share of
// it, so the running total of that share, F(t), gives an event F(end) - F(start). Only pieces that
// do not divide (k > 16) need more: their remainder goes to the event that started first.
class Sweep {
 public:
  Sweep(const Trace& trace, Shares& shares)
      : m_trace(trace), m_shares(shares), m_events(shares.events) {}

  void run() {
    m_shares.event_share.assign(m_events.size(), 0);
    m_running.assign(m_events.size(), false);
    for (uint32_t i = 0; i < m_events.size(); ++i) {
      const int64_t start = start_of(i), end = end_of(i);
      if (start == end) continue;  // takes part in no piece
      finish_until(start);
      advance(start);
      m_shares.event_share[i] = -m_total;
      m_running[i] = true;
      m_oldest.push(i);
      m_ending.emplace(end, i);
    }
    finish_until(m_shares.window.end_ns);
  }

 private:
  int64_t start_of(uint32_t i) const {
    return clipped_start(m_trace.events[m_events[i]], m_shares.window);
  }
  int64_t end_of(uint32_t i) const {
    return clipped_end(m_trace.events[m_events[i]], m_shares.window);
  }

  // Ends what ends at `t` or before.
  void finish_until(int64_t t) {
    while (!m_ending.empty() && m_ending.top().first <= t) {
      const auto [end, i] = m_ending.top();
      advance(end);
      m_ending.pop();
      m_shares.event_share[i] += m_total;
      m_running[i] = false;
    }
  }

  // Shares out the piece from the last cut to `t` among what runs in it.
  void advance(int64_t t) {
    if (const auto count = static_cast<int64_t>(m_ending.size()); count > 0 && t > m_now) {
      const ShareSum piece = static_cast<ShareSum>(t - m_now) * kShareUnits;
      const ShareSum each = count == 1 ? piece : piece / count;
      m_total += each;
      if (const ShareSum rest = piece - each * count; rest != 0) {
        while (!m_running[m_oldest.front()]) m_oldest.pop();
        m_shares.event_share[m_oldest.front()] += rest;
      }
    }
    m_now = t;
  }

  const Trace& m_trace;
  Shares& m_shares;
  const std::vector<EventId>& m_events;  // by start, so a smaller place started earlier
  using Ending = std::pair<int64_t, uint32_t>;
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> m_ending;  // what runs, by end
  std::queue<uint32_t> m_oldest;  // what has started, in that order; some of it may have ended
  std::vector<bool> m_running;
  ShareSum m_total = 0;  // F
  int64_t m_now = 0;
};

ShareSum floor_div(ShareSum value, int64_t by) {
  const ShareSum quotient = value / by;
  return value % by < 0 ? quotient - 1 : quotient;
}

int64_t nearest_ns(ShareSum units) {
  return static_cast<int64_t>(floor_div(units + kShareUnits / 2, kShareUnits));
}

// Whole nanoseconds whose sum is the whole sum: everything rounded down, then one more for the
// largest remainders.
void round_to_ns(const std::vector<ShareSum>& units, std::vector<Contributor>& contributors) {
  ShareSum sum = 0, floors = 0;
  std::vector<size_t> order(units.size());
  std::vector<ShareSum> rest(units.size());
  for (size_t i = 0; i < units.size(); ++i) {
    const ShareSum floor = floor_div(units[i], kShareUnits);
    contributors[i].ns = static_cast<int64_t>(floor);
    rest[i] = units[i] - floor * kShareUnits;
    sum += units[i];
    floors += floor;
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return rest[a] > rest[b]; });
  const auto missing = static_cast<size_t>(sum / kShareUnits - floors);
  for (size_t i = 0; i < missing && i < order.size(); ++i) ++contributors[order[i]].ns;
}

ShareSum hidden_units(const Shares& s, size_t category) {
  return static_cast<ShareSum>(s.duration_ns[category]) * kShareUnits - s.category[category];
}

std::string idle_name(size_t kind) {
  return fmt::format("idle: {}", to_string(static_cast<BubbleKind>(kind)));
}

int64_t busy_of(const Shares& s) {
  return s.wall_ns - std::accumulate(s.idle_ns.begin(), s.idle_ns.end(), int64_t{0});
}

}  // namespace

Shares equal_shares(const Trace& trace, const Window& window, const Thresholds& thresholds) {
  return equal_shares(trace, device_events(trace, window.device), window, thresholds);
}

Shares equal_shares(const Trace& trace, const DeviceEvents& all, const Window& window,
                    const Thresholds& thresholds) {
  Shares shares;
  shares.window = window;
  shares.wall_ns = window.wall_ns();
  shares.events = events_in(trace, all, window);
  Sweep(trace, shares).run();
  for (size_t i = 0; i < shares.events.size(); ++i) {
    const Event& e = trace.events[shares.events[i]];
    const auto category = static_cast<size_t>(e.category);
    shares.category[category] += shares.event_share[i];
    shares.duration_ns[category] += clipped_ns(e, window);
  }
  for (const IdleSpan& span : idle_spans(trace, window, shares.events))
    shares.idle_ns[static_cast<size_t>(kind_of(span.ns(), thresholds))] += span.ns();
  return shares;
}

Waterfall waterfall(const Shares& a, const Shares& b) {
  Waterfall out{.a_ns = a.wall_ns, .b_ns = b.wall_ns, .contributors = {}};
  std::vector<ShareSum> units;
  for (size_t c = 0; c < a.category.size(); ++c) {
    if (a.duration_ns[c] == 0 && b.duration_ns[c] == 0) continue;
    units.push_back(b.category[c] - a.category[c]);
    out.contributors.push_back({.name = std::string(title_of(static_cast<Category>(c))),
                                .ns = 0,
                                .hidden_ns = nearest_ns(hidden_units(b, c) - hidden_units(a, c))});
  }
  for (size_t k = 0; k < a.idle_ns.size(); ++k) {
    if (a.idle_ns[k] == 0 && b.idle_ns[k] == 0) continue;
    units.push_back(static_cast<ShareSum>(b.idle_ns[k] - a.idle_ns[k]) * kShareUnits);
    out.contributors.push_back({.name = idle_name(k), .ns = 0, .hidden_ns = 0});
  }
  round_to_ns(units, out.contributors);
  return out;
}

void add_tracing(Waterfall& w, int64_t untraced_delta_ns) {
  w.contributors.push_back({.name = "tracing", .ns = untraced_delta_ns - (w.b_ns - w.a_ns)});
}

std::vector<Contributor> grouped(const Waterfall& w) {
  const auto group_of = [](const std::string& name) -> std::string {
    const auto is = [&](Category c) { return name == title_of(c); };
    if (name.starts_with("idle")) return "idle";
    if (is(Category::copy) || is(Category::concat)) return "copies";
    if (is(Category::routed_expert)) return "experts";
    for (Category alone : {Category::gemm, Category::norm_quant, Category::all_reduce, Category::indexer, Category::sparse_mla, Category::attention})
      if (is(alone)) return name;
    return name == "tracing" ? name : "other";
  };
  std::vector<Contributor> out;
  for (const auto& c : w.contributors) {
    const std::string group = group_of(c.name);
    auto at = std::ranges::find_if(out, [&](const Contributor& o) { return o.name == group; });
    if (at == out.end()) at = out.insert(out.end(), {.name = group, .ns = 0, .hidden_ns = 0});
    at->ns += c.ns;
    at->hidden_ns += c.hidden_ns;
  }
  std::ranges::stable_sort(out, std::greater{}, &Contributor::ns);
  return out;
}

std::vector<Contributor> second_view(const Shares& a, const Shares& b) {
  const auto durations = [](const Shares& s) {
    return std::accumulate(s.duration_ns.begin(), s.duration_ns.end(), int64_t{0});
  };
  const int64_t sum = durations(b) - durations(a);
  const int64_t concurrency = (durations(b) - busy_of(b)) - (durations(a) - busy_of(a));
  std::vector<Contributor> out{{.name = "sum of durations", .ns = sum},
                               {.name = "concurrency", .ns = -concurrency}};
  for (size_t k = 0; k < a.idle_ns.size(); ++k)
    if (a.idle_ns[k] != 0 || b.idle_ns[k] != 0)
      out.push_back({.name = idle_name(k), .ns = b.idle_ns[k] - a.idle_ns[k]});
  return out;
}

}  // namespace trace
