#include "app/window/settings.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace app {
namespace {

std::string file_name() {
  const std::string folder = config_folder();
  return folder.empty() ? std::string() : folder + "/window.json";
}

std::vector<std::string> strings_of(const nlohmann::json& j, const char* key) {
  std::vector<std::string> out;
  if (!j.contains(key) || !j[key].is_array()) return out;
  for (const auto& item : j[key]) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

}  // namespace

std::string config_folder() {
  const char* xdg = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  std::string base;
  if (xdg && *xdg)
    base = xdg;
  else if (home && *home)
    base = std::string(home) + "/.config";
  if (base.empty()) return {};
  base += "/decodescope";
  std::error_code failed;
  std::filesystem::create_directories(base, failed);
  return failed ? std::string() : base;
}

Settings load_settings() {
  Settings s;
  std::ifstream in(file_name());
  const nlohmann::json j = nlohmann::json::parse(in, nullptr, false);
  if (!j.is_object()) return s;
  if (j.value("theme", std::string()) == "light") s.theme = ui::ThemeName::light;
  if (j.contains("font_scale") && j["font_scale"].is_number())
    s.font_scale = std::clamp(j["font_scale"].get<float>(), 0.7f, 2.5f);
  s.closed_panels = strings_of(j, "closed_panels");
  s.recent_files = strings_of(j, "recent_files");
  s.recent_hosts = strings_of(j, "recent_hosts");
  s.kernel_groups = strings_of(j, "kernel_groups");
  return s;
}

bool save_settings(const Settings& s) {
  const std::string name = file_name();
  if (name.empty()) return false;
  const nlohmann::json j{{"theme", s.theme == ui::ThemeName::light ? "light" : "dark"},
                         {"font_scale", s.font_scale},
                         {"closed_panels", s.closed_panels},
                         {"recent_files", s.recent_files},
                         {"recent_hosts", s.recent_hosts},
                         {"kernel_groups", s.kernel_groups}};
  // Written beside and renamed, so that a crash leaves the old one.
  const std::string draft = name + ".new";
  {
    std::ofstream out(draft);
    out << j.dump(2) << '\n';
    if (!out) return false;
  }
  std::error_code failed;
  std::filesystem::rename(draft, name, failed);
  return !failed;
}

}  // namespace app
