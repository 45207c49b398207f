#include "trace/ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "trace/builder.h"
#include "trace/kernel_names.h"

namespace trace {
namespace {

constexpr size_t kMostLag = 64;   // collectives that one rank may have recorded more of, at the begin

// Start and end on the rank's collector's clock.
struct Stretch {
  int64_t start_ns = 0, end_ns = 0;
};
using Kinds = std::map<std::string, std::vector<Stretch>>;   // by what collective it is, in order of start

Kinds collectives(const Trace& t) {
  std::map<std::string, std::vector<const Event*>> found;
  for (const Event& e : t.events)
    if (e.category == Category::all_reduce) found[std::string(e.op ? t.op_of(e) : bare_kernel_name(t.name_of(e)))].push_back(&e);
  Kinds out;
  for (auto& [kind, events] : found) {
    std::ranges::stable_sort(events, {}, [](const Event* e) { return e->start_ns; });
    for (const Event* e : events) out[kind].push_back({e->start_ns + t.origin_ns, e->end_ns + t.origin_ns});
  }
  return out;
}

int64_t median_of(std::vector<int64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// How far ends are from being equal once moved by their median difference.
int64_t spread(std::span<const Stretch> a, std::span<const Stretch> b) {
  std::vector<int64_t> differences;
  for (size_t k = 0; k < std::min(a.size(), b.size()); ++k) differences.push_back(b[k].end_ns - a[k].end_ns);
  const int64_t middle = median_of(differences);
  for (int64_t& d : differences) d = std::abs(d - middle);
  return median_of(std::move(differences));
}

// Ranks that began to record later lack the first ones: how many to leave out on either side so that the ends agree
// best. Equal counts need no search.
std::pair<size_t, size_t> lags(const std::vector<Stretch>& a, const std::vector<Stretch>& b) {
  if (a.size() == b.size()) return {0, 0};
  const bool a_longer = a.size() > b.size();
  const auto& longer = a_longer ? a : b;
  const auto& shorter = a_longer ? b : a;
  size_t best = 0;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (size_t lag = 0; lag <= std::min(longer.size() - shorter.size(), kMostLag); ++lag) {
    const int64_t here = spread(std::span(longer).subspan(lag), shorter);
    if (here < least) {
      least = here;
      best = lag;
    }
  }
  return a_longer ? std::pair{best, size_t{0}} : std::pair{size_t{0}, best};
}

// The collectives that every rank has: [k][rank].
std::vector<std::vector<Stretch>> matched(std::span<const RankTrace> ranks, int64_t& unmatched) {
  std::vector<Kinds> all;
  for (const RankTrace& r : ranks) all.push_back(collectives(*r.trace));
  std::vector<std::vector<Stretch>> out;
  std::set<std::string> kinds;
  for (const Kinds& k : all)
    for (const auto& [kind, list] : k) kinds.insert(kind);
  for (const std::string& kind : kinds) {
    // Place of each rank's k-th of this kind in the first rank's counting.
    std::vector<int64_t> shift(all.size(), 0);
    int64_t first = 0, last = std::numeric_limits<int64_t>::max();
    for (size_t r = 0; r < all.size(); ++r) {
      const auto& mine = all[r][kind];
      const auto [skip_first, skip_mine] = r == 0 ? std::pair<size_t, size_t>{} : lags(all[0][kind], mine);
      shift[r] = static_cast<int64_t>(skip_mine) - static_cast<int64_t>(skip_first);
      first = std::max(first, -shift[r]);
      last = std::min(last, static_cast<int64_t>(mine.size()) - shift[r]);
    }
    for (size_t r = 0; r < all.size(); ++r) unmatched += static_cast<int64_t>(all[r][kind].size()) - std::max<int64_t>(0, last - first);
    for (int64_t k = first; k < last; ++k) {
      std::vector<Stretch> row;
      for (size_t r = 0; r < all.size(); ++r) row.push_back(all[r][kind][static_cast<size_t>(k + shift[r])]);
      out.push_back(std::move(row));
    }
  }
  return out;
}

}  // namespace

Result<RankReport> align_ranks(std::span<const RankTrace> ranks) {
  if (ranks.size() < 2) return Error{"two ranks or more are aligned with each other", ""};
  std::set<int> seen;
  for (const RankTrace& r : ranks)
    if (!seen.insert(r.rank).second) return Error{"two files are of the same rank", "rank " + std::to_string(r.rank)};
  for (const RankTrace& r : ranks)
    if (collectives(*r.trace).empty()) return Error{"there are no collectives to align clocks on", r.trace->title};
  RankReport report;
  auto rows = matched(ranks, report.unmatched);
  if (rows.empty()) return Error{"no kind of collective runs on every rank", ranks.front().trace->title};
  report.collectives = static_cast<int64_t>(rows.size());
  std::vector<int64_t> residuals;
  for (size_t r = 0; r < ranks.size(); ++r) {
    std::vector<int64_t> differences;
    for (const auto& row : rows) differences.push_back(row[r].end_ns - row[0].end_ns);
    RankShare share{.rank = ranks[r].rank, .offset_ns = median_of(differences)};
    for (auto& row : rows) {
      row[r].start_ns -= share.offset_ns;
      row[r].end_ns -= share.offset_ns;
      if (r > 0) residuals.push_back(std::abs(row[r].end_ns - row[0].end_ns));
    }
    report.ranks.push_back(share);
  }
  report.residual_median_ns = median_of(residuals);
  report.residual_max_ns = *std::ranges::max_element(residuals);
  for (const auto& row : rows) {
    const auto latest = std::ranges::max_element(row, {}, &Stretch::start_ns);
    int64_t second = std::numeric_limits<int64_t>::min();
    for (auto s = row.begin(); s != row.end(); ++s)
      if (s != latest) second = std::max(second, s->start_ns);
    RankShare& late = report.ranks[static_cast<size_t>(latest - row.begin())];
    ++late.last;
    late.others_waited_ns += latest->start_ns - second;
    for (size_t r = 0; r < row.size(); ++r) {
      RankShare& share = report.ranks[r];
      // A rank that has left before the last came cannot have waited for it: all its time is skew then.
      const int64_t skew = std::min(latest->start_ns, row[r].end_ns) - row[r].start_ns;
      share.collective_ns += row[r].end_ns - row[r].start_ns;
      share.skew_ns += skew;
      share.transfer_ns += row[r].end_ns - row[r].start_ns - skew;
    }
  }
  const auto worst = std::ranges::max_element(report.ranks, {}, &RankShare::others_waited_ns);
  if (worst->others_waited_ns > report.residual_median_ns * worst->last) report.straggler = worst->rank;
  std::ranges::sort(report.ranks, {}, &RankShare::rank);
  if (report.unmatched > 0) report.notes.push_back(fmt::format("{} collectives have no partner on every rank and are left out of skew and transfer", report.unmatched));
  return report;
}

TracePtr merge_ranks(std::span<const RankTrace> ranks, const RankReport& report, const std::string& title) {
  TraceBuilder builder;
  Trace& header = builder.header();
  header.title = title;
  header.source = kRanksMerged;
  header.collector = ranks.front().trace->collector;
  for (size_t r = 0; r < ranks.size(); ++r) {
    const Trace& t = *ranks[r].trace;
    const auto share = std::ranges::find(report.ranks, ranks[r].rank, &RankShare::rank);
    assert(share != report.ranks.end());
    const int64_t move = t.origin_ns - share->offset_ns;
    // Correlations count from 0 in every rank; -1 stays none.
    const auto correlation = [&](int64_t id) { return id == kNoCorrelation ? id : static_cast<int64_t>((static_cast<uint64_t>(id) ^ static_cast<uint64_t>(r) << 48) & 0x7fffffffffffffffu); };
    header.collector.resolution_ns = std::max(header.collector.resolution_ns, t.collector.resolution_ns);
    size_t used = 0;
    for (uint32_t d = 0; d < t.devices.size(); ++d) used += std::ranges::any_of(t.lanes, [&](const Lane& lane) { return lane.device == d && lane.count > 0; });
    std::vector<StringId> names;
    for (const std::string& text : t.strings) names.push_back(builder.intern(text));
    std::vector<uint32_t> lanes(t.lanes.size(), kNone);
    for (uint32_t l = 0; l < t.lanes.size(); ++l) {
      if (t.lanes[l].count == 0) continue;
      const Device& device = t.devices[t.lanes[l].device];
      const uint32_t index = builder.device(used > 1 ? fmt::format("{}/{}", ranks[r].rank, device.id) : std::to_string(ranks[r].rank));
      header.devices[index].name = device.name;
      header.devices[index].vendor = device.vendor;
      lanes[l] = builder.lane(index, t.lanes[l].stream);
      header.lanes[lanes[l]].label = t.lanes[l].label;
      header.lanes[lanes[l]].kind = t.lanes[l].kind;
    }
    std::vector<EventId> ids;
    for (Event e : t.events) {
      e.start_ns += move;
      e.end_ns += move;
      e.correlation = correlation(e.correlation);
      e.name = names[e.name];
      e.lane = lanes[e.lane];
      e.op = e.op ? builder.op(t.op_of(e)) : uint16_t{0};
      e.call = kNone;   // found anew by its correlation
      if (e.detail != kNone) e.detail = builder.detail(t.details[e.detail]);
      ids.push_back(builder.add(e));
    }
    for (const Edge& edge : t.edges) builder.add_edge(ids[edge.from], ids[edge.to]);
    for (HostCall c : t.calls) {
      c.start_ns += move;
      c.end_ns += move;
      c.correlation = correlation(c.correlation);
      c.name = names[c.name];
      builder.add_call(c);
    }
    for (Annotation a : t.annotations) {
      a.start_ns += move;
      a.end_ns += move;
      a.name = names[a.name];
      builder.add_annotation(a);
    }
  }
  return builder.finish();
}

std::vector<std::string> rank_caveats(const RankReport& r) {
  const auto us = [](int64_t ns) { return static_cast<double>(ns) / 1000; };
  std::vector<std::string> out;
  out.push_back(fmt::format("{} ranks on one clock, aligned on the ends of {} matching collectives; residual {:.3f} us (median), {:.3f} us at most: differences below it mean nothing", r.ranks.size(), r.collectives,
                            us(r.residual_median_ns), us(r.residual_max_ns)));
  for (const RankShare& s : r.ranks)
    out.push_back(fmt::format("rank {}: {:.3f} us in collectives = {:.3f} us waiting for peers (skew) + {:.3f} us transfer; last at {} of {}", s.rank, us(s.collective_ns), us(s.skew_ns), us(s.transfer_ns), s.last, r.collectives));
  if (r.straggler >= 0) {
    const auto late = std::ranges::find(r.ranks, r.straggler, &RankShare::rank);
    out.push_back(fmt::format("straggler: rank {}; the others waited {:.3f} us for it alone", r.straggler, us(late->others_waited_ns)));
  } else {
    out.push_back("no straggler beyond the residual");
  }
  out.insert(out.end(), r.notes.begin(), r.notes.end());
  return out;
}

}  // namespace trace
