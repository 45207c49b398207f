// doctor: what this binary holds and what this machine has.
#include <dlfcn.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>

#include <array>
#include <cstdio>
#include <memory>
#include <thread>

#include "app/args.h"
#include "app/bundle.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/source.h"
#include "app/version.h"
#include "db/store.h"
#include "engine/host.h"

namespace app {

using nlohmann::json;

namespace {

// First of the names that the dynamic loader finds, or empty. Nothing of the library is called.
std::string loadable(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (void* library = dlopen(name, RTLD_LAZY | RTLD_LOCAL)) {
      dlclose(library);
      return name;
    }
  }
  return {};
}

// First line that a command prints, or empty when there is no such command.
std::string first_line(const std::string& command, const char* containing = nullptr) {
  std::string out;
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (!pipe) return out;
  std::array<char, 512> buffer;
  while (std::fgets(buffer.data(), buffer.size(), pipe)) {
    std::string line = buffer.data();
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    if (out.empty() && (!containing || line.find(containing) != std::string::npos)) out = line;
  }
  pclose(pipe);
  return out;
}

json library(const char* what, std::initializer_list<const char*> names) {
  const std::string found = loadable(names);
  return {{"name", what}, {"found", !found.empty()}, {"library", found.empty() ? json(nullptr) : json(found)}};
}

json tool(const char* what, const std::string& command, const char* containing = nullptr) {
  const std::string line = first_line(command, containing);
  return {{"name", what}, {"found", !line.empty()}, {"version", line.empty() ? json(nullptr) : json(line)}};
}

json examine(const Context& context, const std::string& db) {
  json out = {{"version", decodescope_version()}, {"commit", decodescope_commit()}, {"host", host_name()},
              {"cpu_cores", std::thread::hardware_concurrency()}, {"missing", json::array()}};
  for (const auto& backend : engine::backends()) {
    out["backends"].push_back({{"name", backend.name}, {"built", backend.built}, {"usable", backend.usable},
                               {"why", backend.why}, {"device", backend.device.empty() ? json(nullptr) : json(backend.device)}});
    if (!backend.usable) out["missing"].push_back(backend.name + ": " + backend.why);
  }
  out["toolchains"] = {json{{"name", "host compiler of this build"}, {"found", true}, {"version", __VERSION__}},
                       tool("nvcc", "nvcc --version", "release"), tool("hipcc", "hipcc --version", "HIP version")};
  out["profilers"] = {library("CUPTI (NVIDIA)", {"libcupti.so.13", "libcupti.so.12", "libcupti.so"}),
                      library("rocprofiler-sdk (AMD)", {"librocprofiler-sdk.so.1", "librocprofiler-sdk.so.0"}),
                      library("NVML: clocks, power (NVIDIA)", {"libnvidia-ml.so.1"}),
                      library("HIP runtime", {"libamdhip64.so.7", "libamdhip64.so.6"}),
                      library("CUDA driver", {"libcuda.so.1"})};
  std::string why;
  const bool has_window = context.window->open != nullptr;
  const bool shown = has_window && context.window->display && context.window->display(&why);
  out["display"] = {{"window", has_window}, {"available", shown},
                    {"why", !has_window ? "decodescope-record has no window" : shown ? "" : why}};
  if (has_window && !shown) out["missing"].push_back("display: " + why + "; --screenshot renders without one");
  const std::string path = db.empty() ? db::default_store_path() : db;
  auto store = db::Store::open(path);
  out["store"] = {{"path", path}, {"ok", store.ok()}, {"why", store ? "" : store.error().line()}};
  if (!store) out["missing"].push_back("store: " + store.error().line());
  return out;
}

std::string text_of(const json& found) {
  std::string out = fmt::format("decodescope {} ({}) on {}, {} cores\n\nbackends\n", found["version"].get<std::string>(),
                                found["commit"].get<std::string>(), found["host"].get<std::string>(), found["cpu_cores"].get<int>());
  for (const auto& b : found["backends"]) {
    out += fmt::format("  {:5} {:9} {:10} {}{}\n", b["name"].get<std::string>(), b["built"].get<bool>() ? "built" : "not built",
                       b["usable"].get<bool>() ? "usable" : "not usable", b["device"].is_null() ? "" : b["device"].get<std::string>() + "  ",
                       b["why"].get<std::string>());
  }
  const auto list = [&](const char* title, const char* key, const char* detail) {
    out += fmt::format("\n{}\n", title);
    for (const auto& item : found[key]) {
      out += fmt::format("  {:30} {}\n", item["name"].get<std::string>(), item["found"].get<bool>() ? item[detail].get<std::string>() : "not found");
    }
  };
  list("toolchains", "toolchains", "version");
  list("profilers and runtimes", "profilers", "library");
  const auto& display = found["display"];
  out += fmt::format("\ndisplay  {}\n", display["available"].get<bool>() ? "available" : "none: " + display["why"].get<std::string>());
  out += fmt::format("store    {}{}\n", found["store"]["path"].get<std::string>(), found["store"]["ok"].get<bool>() ? "" : "  NOT USABLE: " + found["store"]["why"].get<std::string>());
  return out;
}

}  // namespace

void add_doctor(CLI::App& cli, Context& context) {
  struct Args { CommonArgs common; std::string bundle; };
  auto args = std::make_shared<Args>();
  auto* command = cli.add_subcommand("doctor", "What this binary holds and what this machine offers.");
  command->footer("Examples: decodescope doctor --json\n"
                  "          decodescope-record doctor --bundle mi355x.json   (on a machine with a GPU; a few minutes)");
  command->add_option("--bundle", args->bundle, "on a GPU machine: check and calibrate, write one file to send back")->type_name("F");
  add_common(*command, args->common);
  command->callback([&context, args] {
    context.run = [&context, args] {
      const json found = examine(context, args->common.db);
      if (!args->bundle.empty()) return write_bundle(found, args->bundle);
      if (args->common.json) print_json(found);
      else fmt::print("{}", text_of(found));
      return kDone;
    };
  });
}

}  // namespace app
