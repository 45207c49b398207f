#include "trace/kernel_rules.h"

#include <algorithm>

#include "trace/kernel_rules_table.h"

namespace trace {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

uint16_t trace_op(Trace& t, std::string_view key) {
  const auto at = static_cast<uint16_t>(std::ranges::find(t.ops, key) - t.ops.begin());
  if (at == t.ops.size()) t.ops.emplace_back(key);
  return at;
}

// First pass. Returns which events the rules may speak for.
std::vector<bool> classify_names(Trace& t, const KernelRules& rules) {
  struct Known {
    bool done = false;
    Category category = Category::other;
    uint16_t op = 0;
  };
  std::vector<Known> by_name(t.strings.size());
  std::vector<bool> mine(t.events.size());
  for (size_t i = 0; i < t.events.size(); ++i) {
    Event& e = t.events[i];
    mine[i] = e.op == 0 && e.category == Category::other;
    if (!mine[i]) continue;
    if (e.kind != EventKind::kernel) {
      e.category = e.kind == EventKind::memcpy ? Category::copy : Category::fill;
      e.op = trace_op(t, to_string(e.kind));
      continue;
    }
    Known& known = by_name[e.name];
    if (!known.done) {
      const KernelClass c = classify_kernel(t.strings[e.name], rules);
      known = {true, c.category, trace_op(t, c.op)};
    }
    e.category = known.category;
    e.op = known.op;
  }
  return mine;
}

}  // namespace

NamePattern::NamePattern(std::string_view pattern) {
  if (pattern.starts_with('^')) m_at_start = true, pattern.remove_prefix(1);
  if (pattern.ends_with('$')) m_at_end = true, pattern.remove_suffix(1);
  for (size_t begin = 0; begin <= pattern.size();) {
    const size_t star = std::min(pattern.find('*', begin), pattern.size());
    m_parts.emplace_back(pattern.substr(begin, star - begin));
    begin = star + 1;
  }
}

bool NamePattern::matches(std::string_view name) const {
  size_t at = 0;
  for (size_t i = 0; i < m_parts.size(); ++i) {
    const std::string& part = m_parts[i];
    const bool first = i == 0 && m_at_start, last = i + 1 == m_parts.size() && m_at_end;
    if (first && !name.starts_with(part)) return false;
    if (last) return name.ends_with(part) && name.size() - part.size() >= at;
    const size_t found = first ? 0 : name.find(part, at);
    if (found == std::string_view::npos) return false;
    at = found + part.size();
  }
  return true;
}

KernelClass classify_kernel(std::string_view name, const KernelRules& rules) {
  const std::string lower = lower_case(name);
  for (const NameRule& rule : rules.names)
    for (const NamePattern& pattern : rule.patterns)
      if (pattern.matches(lower)) return {rule.category, rules.ops[rule.op]};
  return {};
}

KernelClass classify_kernel(std::string_view name) {
  return classify_kernel(name, *built_in_rules());
}

void classify_events(Trace& t, const KernelRules& rules) {
  if (t.events.empty()) return;
  classify_places(t, classify_names(t, rules), rules);
}

TracePtr classify_again(const Trace& trace, const KernelRules& rules) {
  auto copy = std::make_shared<Trace>(trace);
  copy->ops = {""};
  for (Event& e : copy->events) {
    e.op = 0;
    e.category = Category::other;
  }
  classify_events(*copy, rules);
  return copy;
}

}  // namespace trace
