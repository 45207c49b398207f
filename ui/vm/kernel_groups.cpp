#include "ui/vm/kernel_groups.h"

#include "ui/vm/kernels_vm.h"

namespace ui {
namespace {

std::string_view without_spaces(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

int32_t rule_of(const GroupRules& rules, std::string_view text, bool whole) {
  for (size_t i = 0; i < rules.size(); ++i) {
    for (const std::string& part : rules[i].parts) {
      if (contains_any_case(text, part) && (!whole || text.size() == part.size())) return static_cast<int32_t>(i);
    }
  }
  return -1;
}

}  // namespace

std::optional<GroupRule> parse_group(std::string_view text) {
  const size_t equals = text.find('=');
  GroupRule rule{.name = std::string(without_spaces(text.substr(0, equals))), .parts = {}};
  std::string_view rest = equals == std::string_view::npos ? text : text.substr(equals + 1);
  for (;;) {
    const size_t bar = rest.find('|');
    if (const std::string_view part = without_spaces(rest.substr(0, bar)); !part.empty()) rule.parts.emplace_back(part);
    if (bar == std::string_view::npos) break;
    rest.remove_prefix(bar + 1);
  }
  if (rule.name.empty() || rule.parts.empty()) return std::nullopt;
  return rule;
}

std::string group_text(const GroupRule& rule) {
  std::string text = rule.name + " = ";
  for (size_t i = 0; i < rule.parts.size(); ++i) text += (i > 0 ? " | " : "") + rule.parts[i];
  return text;
}

GroupMap map_groups(const trace::Trace& t, const GroupRules& rules) {
  GroupMap map;
  for (const std::string& name : t.strings) map.by_name.push_back(rule_of(rules, name, false));
  for (const std::string& op : t.ops) map.by_op.push_back(op.empty() ? -1 : rule_of(rules, op, true));
  if (map.by_op.empty()) map.by_op.push_back(-1);
  return map;
}

}  // namespace ui
