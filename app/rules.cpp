#include "app/rules.h"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>

namespace app {
namespace {

std::string& given_path() {
  static std::string path;
  return path;
}

// Empty where there is no such file.
std::string configured_path() {
  const char* xdg = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (xdg && *xdg == '/') folder = xdg;   // relative ones are to be ignored, says the XDG specification
  else if (home && *home) folder = std::filesystem::path(home) / ".config";
  else return {};
  const auto path = folder / "decodescope" / "kernel_rules.json";
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? path.string() : std::string();
}

trace::Result<OwnRules> load() {
  OwnRules own;
  own.path = given_path().empty() ? configured_path() : given_path();
  if (own.path.empty()) return own;
  auto rules = trace::load_rules(own.path);
  if (!rules) return rules.error();
  own.rules = *rules;
  return own;
}

}  // namespace

void add_rules(CLI::App& cli) {
  cli.add_option("--rules", given_path(), "names of kernels of your own, asked before the built-in ones when a trace file is read, see docs/KERNEL_RULES.md (default: decodescope/kernel_rules.json in the XDG config folder, if it is there)")
      ->type_name("F.json");
}

const trace::Result<OwnRules>& own_rules() {
  static const trace::Result<OwnRules> own = load();
  return own;
}

}  // namespace app
