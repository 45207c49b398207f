// Groups of kernels that a user makes: a name, and parts of kernel names or op keys that belong to it. The first
// group that fits has the kernel. Pure; any thread.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/trace.h"

namespace ui {

struct GroupRule {
  std::string name;
  std::vector<std::string> parts;  // any of them, any case; within a kernel's name or equal to its op
  bool operator==(const GroupRule&) const = default;
};
using GroupRules = std::vector<GroupRule>;
using GroupRulesPtr = std::shared_ptr<const GroupRules>;

// "attention = mla | softmax"; without "=" the text is both name and part. Nothing if a side is empty.
std::optional<GroupRule> parse_group(std::string_view);
// The same text again.
std::string group_text(const GroupRule&);

// By StringId and by op of a trace: index of the rule, -1 = none.
struct GroupMap {
  std::vector<int32_t> by_name, by_op;
  int32_t of(const trace::Event& e) const { return by_name[e.name] >= 0 ? by_name[e.name] : by_op[e.op]; }
};
GroupMap map_groups(const trace::Trace&, const GroupRules&);

}  // namespace ui
