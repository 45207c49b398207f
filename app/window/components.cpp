#include "app/window/components.h"

#include <CLI/Version.hpp>
#include <GLFW/glfw3.h>
#include <boost/version.hpp>
#include <fmt/core.h>
#include <imgui.h>
#include <implot.h>
#include <libdeflate.h>
#include <nlohmann/json.hpp>
#include <protozero/version.hpp>
#include <simdjson.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <string>

#include "db/store.h"

namespace app {
namespace {

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

// "1_74", as Boost spells it.
std::string boost_version() {
  std::string text = BOOST_LIB_VERSION;
  std::ranges::replace(text, '_', '.');
  return text;
}

}  // namespace

std::vector<ui::Component> components() {
  int major = 0, minor = 0, patch = 0;
  glfwGetVersion(&major, &minor, &patch);
  return {
      {"Dear ImGui (docking)", ImGui::GetVersion(), "MIT", "the window"},
      {"ImPlot", IMPLOT_VERSION, "MIT", "charts"},
      {"imgui-command-palette", "of imgui-bundle 1.93.0", "MIT", "Ctrl+P"},
      {"portable-file-dialogs", "of imgui-bundle 1.93.0", "WTFPL", "the desktop's file dialogs"},
      {"GLFW", dotted(major, minor, patch), "zlib", "window and input"},
      {"SQLite", db::sqlite_version(), "public domain", "the run store"},
      {"SQLiteCpp", db::sqlitecpp_version(), "MIT", "the run store"},
      {"simdjson", dotted(simdjson::SIMDJSON_VERSION_MAJOR, simdjson::SIMDJSON_VERSION_MINOR, simdjson::SIMDJSON_VERSION_REVISION), "Apache-2.0", "reading traces"},
      {"nlohmann-json", dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH), "MIT", "small JSON files"},
      {"protozero", PROTOZERO_VERSION_STRING, "BSD-2-Clause", "Perfetto files"},
      {"libdeflate", LIBDEFLATE_VERSION_STRING, "MIT", "compression"},
      {"zlib", zlibVersion(), "zlib", "compression"},
      {"Zstandard", ZSTD_versionString(), "BSD-3-Clause", "compression"},
      {"CLI11", CLI11_VERSION, "BSD-3-Clause", "the command line"},
      {"{fmt}", dotted(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100), "MIT", "text"},
      {"Boost.Math", boost_version(), "BSL-1.0", "statistics"},
      {"stb_image_write", "1.16", "MIT, public domain", "pictures"},
      {"Roboto", "of imgui-bundle 1.93.0", "Apache-2.0", "words"},
      {"Inconsolata", "of imgui-bundle 1.93.0", "OFL-1.1", "numbers"},
      {"Font Awesome Free", "6", "OFL-1.1", "symbols"},
  };
}

}  // namespace app
