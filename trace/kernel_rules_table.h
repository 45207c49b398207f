// assets/kernel_rules.json as the two passes use it. Internal to kernel_rules.cpp,
// kernel_places.cpp and rules_file.cpp.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/trace.h"

namespace trace {

// "gemm*reduce": texts that must follow one another in a name, anything between; ^ and $ bind to
// its ends.
class NamePattern {
 public:
  explicit NamePattern(std::string_view pattern);  // in lower case
  bool matches(std::string_view lower_case_name) const;

 private:
  std::vector<std::string> m_parts;
  bool m_at_start = false, m_at_end = false;
};

using RuleOps = std::vector<uint16_t>;  // indices into KernelRules::ops

struct NameRule {
  Category category = Category::other;
  uint16_t op = 0;
  std::vector<NamePattern> patterns;
};

struct PlaceRule {
  uint16_t op = 0;
  std::optional<Category> category;  // none: as it was
  RuleOps was, prev, next, skip;
};

struct PlaceGroup {
  RuleOps needs;
  std::vector<PlaceRule> rules;
};

struct KernelRules {
  std::vector<std::string> ops;  // every op that a rule names; [0] = "" = unknown
  std::vector<NameRule> names;
  std::vector<PlaceGroup> groups;
};

// Second pass: refines events for which `mine` is true by their neighbours.
void classify_places(Trace&, const std::vector<bool>& mine, const KernelRules&);

}  // namespace trace
