// What a kernel is for, from its name and its place: the table is assets/kernel_rules.json, which
// also says how to write a rule. Two passes: by name; then, for names that several ops share (a
// TileLang `main_kernel`, a block- scaled GEMM, a group quantisation, a plain copy), by the nearest
// neighbours on the same stream. A user's file of the same form comes before the built-in one.
//
// Pure and thread-safe. Cost: each distinct name of a trace is matched once; a place rule costs a
// pass over the events, and only where an op that it asks for is present.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "trace/result.h"
#include "trace/trace.h"

namespace trace {

struct KernelRules;
using RulesPtr = std::shared_ptr<const KernelRules>;

const RulesPtr& built_in_rules();
// A file of one's own: `names`, `sets` and `places` as in the built-in one, each of which may be
// missing; its sets may be asked for beside the built-in ones. error: cannot be read, no JSON, or
// what is wrong in which row.
Result<RulesPtr> load_rules(const std::string& path);

struct KernelClass {
  Category category = Category::other;
  std::string_view op;  // "mqa_logits"; empty = no rule knows the name. Valid as long as the rules
  bool operator==(const KernelClass&) const = default;
};

// By name alone.
KernelClass classify_kernel(std::string_view name);
KernelClass classify_kernel(std::string_view name, const KernelRules&);

// Both passes, on events sorted by (lane, start): TraceBuilder::finish() calls it when asked to.
// Events that come with an op or a category of their own keep them, and are neighbours to the
// others.
void classify_events(Trace&, const KernelRules& = *built_in_rules());

// A trace that was imported before, under other rules. Not for engine runs, whose ops are known.
TracePtr classify_again(const Trace&, const KernelRules&);

}  // namespace trace
