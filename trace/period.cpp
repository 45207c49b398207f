#include "trace/period.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace trace {
namespace {

// Kernels of a step under dense name numbers.
struct Sequence {
  std::vector<EventId> events;
  std::vector<uint32_t> name;       // by position
  std::vector<StringId> name_id;    // by number, in order of first occurrence
  std::vector<int> count;           // by number
  std::vector<int64_t> max_end_ns;  // by position: latest end up to here
};

Sequence sequence_of(const Trace& trace, std::span<const EventId> events) {
  Sequence s;
  std::vector<uint32_t> number(trace.strings.size(), kNone);
  for (const EventId id : events) {
    const Event& e = trace.events[id];
    if (e.kind != EventKind::kernel) continue;
    if (number[e.name] == kNone) {
      number[e.name] = static_cast<uint32_t>(s.name_id.size());
      s.name_id.push_back(e.name);
      s.count.push_back(0);
    }
    s.events.push_back(id);
    s.name.push_back(number[e.name]);
    ++s.count[number[e.name]];
    s.max_end_ns.push_back(s.max_end_ns.empty() ? e.end_ns
                                                : std::max(e.end_ns, s.max_end_ns.back()));
  }
  return s;
}

// How a name is spread over the repeats that an anchor cuts. Repeat 0 is what comes before the
// first anchor together with what comes after the last one (the sequence is cyclic); 1..L-1 lie
// between anchors.
struct Spread {
  int outer = 0;           // in repeat 0
  int inner_most = 0;      // most in one of 1..L-1
  int inner_least = 0;     // least in one of them that has any
  int occupied = 0;        // of 1..L-1
  std::vector<int> where;  // first repeats in order, up to a limit: for spacing
  int before = -1;         // the member that precedes it; -2 when that differs
  // running
  int repeat = -1, here = 0;
};

void close_repeat(Spread& s) {
  if (s.repeat < 0) return;
  s.inner_least = s.occupied == 0 ? s.here : std::min(s.inner_least, s.here);
  s.inner_most = std::max(s.inner_most, s.here);
  ++s.occupied;
}

std::vector<Spread> spread_over(const Sequence& s, uint32_t anchor,
                                const std::vector<bool>& member) {
  std::vector<Spread> spread(s.name_id.size());
  const int last = s.count[anchor];
  int repeat = 0, previous = -1;
  for (size_t i = 0; i < s.name.size(); ++i) {
    Spread& n = spread[s.name[i]];
    const bool outer = repeat == 0 || repeat == last;
    if (outer) {
      ++n.outer;
    } else if (n.repeat == repeat) {
      ++n.here;
    } else {
      close_repeat(n);
      n.repeat = repeat;
      n.here = 1;
    }
    if (n.where.empty() || n.where.back() != repeat) n.where.push_back(repeat);
    n.before = n.before == -1 || n.before == previous ? previous : -2;
    if (member[s.name[i]]) previous = static_cast<int>(s.name[i]);
    if (s.name[i] == anchor) ++repeat;
  }
  for (Spread& n : spread) close_repeat(n);
  return spread;
}

// 1,1,1 / 2,2,2 / 1,1,4,4,4: a regular run has at most two spacings, one after the other.
bool regular(const std::vector<int>& where) {
  int changes = 0;
  for (size_t i = 2; i < where.size(); ++i)
    changes += where[i] - where[i - 1] != where[i - 1] - where[i - 2];
  return changes <= 1;
}

// Ends of the anchor at which something else still runs: a bad place to cut.
int straddled(const Trace& trace, const Sequence& s, uint32_t anchor) {
  int count = 0;
  for (size_t i = 0; i < s.name.size(); ++i) {
    if (s.name[i] != anchor) continue;
    const int64_t end = trace.events[s.events[i]].end_ns;
    size_t j = i;  // last that starts before the anchor ends
    while (j + 1 < s.events.size() && trace.events[s.events[j + 1]].start_ns < end) ++j;
    count += s.max_end_ns[j] > end;
  }
  return count;
}

struct Candidate {
  uint32_t anchor = 0;
  int members = 0, straddled = 0;
  std::vector<bool> member;
};

// Names among `names` that occur exactly once in every repeat that this anchor cuts. All of them
// occur as often as there are repeats, so it is enough that none comes twice in one.
Candidate try_anchor(const Sequence& s, uint32_t anchor, const std::vector<uint32_t>& names) {
  constexpr int kOther = -2;
  const int last = s.count[anchor];
  std::vector<int> seen_in(s.name_id.size(), kOther);
  for (const uint32_t n : names) seen_in[n] = -1;
  std::vector<bool> twice(s.name_id.size(), false), in_outer(s.name_id.size(), false);
  int repeat = 0;
  for (const uint32_t n : s.name) {
    if (seen_in[n] == kOther) continue;
    const bool outer = repeat == 0 || repeat == last;
    if (outer ? in_outer[n] : seen_in[n] == repeat) twice[n] = true;
    if (outer) in_outer[n] = true;
    seen_in[n] = repeat;
    repeat += n == anchor;
  }
  Candidate c{.anchor = anchor};
  c.member.assign(s.name_id.size(), false);
  for (const uint32_t n : names) {
    c.member[n] = !twice[n];
    c.members += !twice[n];
  }
  return c;
}

Candidate best_anchor(const Trace& trace, const Sequence& s, int repeats) {
  std::vector<uint32_t> names;
  for (uint32_t n = 0; n < s.name_id.size(); ++n)
    if (s.count[n] == repeats) names.push_back(n);
  // Something that runs across one cut in twenty does not make a worse anchor: then the later in
  // order is taken.
  const int tolerated = repeats / 20;
  constexpr int kTries = 8;
  Candidate best;
  // From the last of the cyclic order, which closes the layer. A good one ends the search; so do
  // some tries that all were bad, since names that share a count by chance have no order that any
  // anchor could show.
  int tried = 0;
  for (auto it = names.rbegin(); it != names.rend(); ++it) {
    Candidate c = try_anchor(s, *it, names);
    c.straddled = straddled(trace, s, *it);
    if (c.members > best.members ||
        (c.members == best.members && c.straddled + tolerated < best.straddled))
      best = std::move(c);
    const bool all = best.members == static_cast<int>(names.size()),
               few = 2 * best.members < static_cast<int>(names.size());
    if (all && best.straddled <= tolerated) break;
    if (++tried >= kTries && (all || few)) break;
  }
  return best;
}

// Kernels of this name that follow the period; 0 = the name does not.
int following(const Spread& n, int count, int repeats) {
  if (n.occupied == 0 || n.inner_least != n.inner_most) return 0;
  const int each = n.inner_most;
  if (n.occupied == repeats - 1 && n.outer >= each) return each * repeats;
  const bool run = n.outer <= each && n.before != -2 && regular(n.where);
  return repeats >= 4 && count >= 2 && run ? count : 0;
}

Period measure(const Trace& trace, const Sequence& s, int repeats) {
  Period p;
  const Candidate c = best_anchor(trace, s, repeats);
  p.repeats = repeats;
  p.anchor = s.name_id[c.anchor];
  p.names = c.members;
  p.follows.assign(trace.strings.size(), false);
  p.member.assign(trace.strings.size(), false);
  const auto spread = spread_over(s, c.anchor, c.member);
  int64_t covered = 0;
  for (uint32_t n = 0; n < s.name_id.size(); ++n) {
    const int kernels = c.member[n] ? repeats : following(spread[n], s.count[n], repeats);
    covered += kernels;
    p.follows[s.name_id[n]] = kernels > 0;
    p.member[s.name_id[n]] = c.member[n];
  }
  p.coverage = static_cast<double>(covered) / static_cast<double>(s.events.size());
  return p;
}

}  // namespace

Period find_period(const Trace& trace, std::span<const EventId> events) {
  const Sequence s = sequence_of(trace, events);
  Period none;
  if (s.events.empty()) {
    none.why = "no kernels";
    return none;
  }
  std::map<int, int> names_with;  // count -> names
  for (const int count : s.count) ++names_with[count];
  // Ascending keys and >=: among equally shared counts the larger, which covers more kernels.
  int shared = 1, repeated = 0;
  for (const auto& [count, names] : names_with) {
    if (names >= names_with[shared]) shared = count;
    if (count >= 2 && (repeated == 0 || names >= names_with[repeated])) repeated = count;
  }
  // A long prologue of single kernels may outnumber the names of a layer; then coverage alone
  // decides.
  const int repeats = shared >= 2 ? shared : repeated;
  if (repeats < 2) {
    none.why = "no kernel name occurs twice: nothing repeats";
    return none;
  }
  Period p = measure(trace, s, repeats);
  if (p.coverage >= kLeastCoverage) return p;
  none.coverage = p.coverage;
  none.why = shared < 2 ? fmt::format("most kernel names ({} of {}) occur once: nothing repeats",
                                      names_with[1], s.name_id.size())
                        : fmt::format(
                              "most kernel names ({} of {}) occur {} times, but only {:.0f} % of "
                              "the kernels follow that period "
                              "({:.0f} % needed)",
                              names_with[shared], s.name_id.size(), shared, 100 * p.coverage,
                              100 * kLeastCoverage);
  return none;
}

}  // namespace trace
