// Kernel rules of the user's own (docs/KERNEL_RULES.md), asked before the built-in ones wherever a trace file is read:
// those of --rules, else kernel_rules.json in decodescope's folder of the XDG configuration where there is one.
#pragma once
#include "trace/kernel_rules.h"

namespace CLI {
class App;
}

namespace app {

// --rules F, one value for the whole process.
void add_rules(CLI::App&);

struct OwnRules {
  trace::RulesPtr rules;   // null: there are none
  std::string path;
};
// Read once. error: what trace::load_rules says. Any thread.
const trace::Result<OwnRules>& own_rules();

}  // namespace app
