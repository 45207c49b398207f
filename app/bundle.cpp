#include "app/bundle.h"

#include <sys/utsname.h>

#include <fstream>
#include <functional>

#include "app/output.h"
#include "engine/check.h"
#include "engine/gpu_device.h"
#include "engine/gpu_probe.h"
#include "engine/setup.h"

namespace app {

using nlohmann::json;

namespace {

constexpr int kVersion = 1;  // of the file

json probe_json(const engine::GpuProbe& p) {
  json out = {{"empty_node_us", p.empty_node_us}, {"copies", json::array()}};
  for (const auto& c : p.copies) out["copies"].push_back({{"bytes", c.bytes}, {"us", c.us}, {"gbps", c.gbps()}});
  return out;
}

// A part that fails leaves its reason, and the others go on: this file may be the only word from that machine.
json part(const std::string& what, const std::function<json()>& make) {
  note("bundle: {}", what);
  try {
    return make();
  } catch (const std::exception& e) {
    return {{"not_available", e.what()}};
  }
}

std::string first_line_of(const char* file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

json examine_gpu(const std::string& backend, bool once, bool* agrees) {
  kernels::gpu::Device& device = **engine::gpu_device(backend);
  const kernels::gpu::DeviceInfo& info = device.info();
  json out = {{"backend", backend}, {"device", info.name}, {"driver", info.driver}, {"runtime", info.runtime}, {"memory_bytes", info.memory},
              {"l2_bytes", info.l2_bytes}, {"units", info.traits.units}, {"wave", info.traits.wave}, {"shared_bytes", info.traits.lds_bytes}};
  std::string why;
  const std::string profiler = device.profiler(&why);
  out["profiler"] = profiler.empty() ? json{{"not_available", why}} : json(profiler);
  out["clock"] = json{{"not_available", "not available yet: the step and the skew of clocks need kernels with stamps"}};
  out["memory"] = part("an empty node, copies of many sizes", [&] { return probe_json(engine::probe_gpu(device, once)); });
  out["check"] = part("every op and every switch", [&]() -> json {
    const auto report = engine::check(backend, true);
    if (!report) return {{"not_available", report.error().line()}};
    *agrees = *agrees && report->ok;
    return check_json(*report);
  });
  return out;
}

}  // namespace

int write_bundle(const json& found, const std::string& file, bool once) {
  json gpus = json::array();
  std::string why;
  bool agrees = true;
  std::ofstream out(file);
  if (!out) return refuse({"can't be written", "--bundle " + file});
  for (const auto& b : found["backends"]) {
    const std::string name = b["name"].get<std::string>();
    if (!engine::is_gpu(name)) continue;
    if (b["usable"].get<bool>())
      gpus.push_back(examine_gpu(name, once, &agrees));
    else
      why += (why.empty() ? "" : "; ") + b["why"].get<std::string>();
  }
  if (gpus.empty()) {
    out.close();
    std::remove(file.c_str());
    return refuse({"no GPU answers (" + why + ")", "--bundle " + file});
  }
  utsname system{};
  uname(&system);
  const json bundle = {{"decodescope_bundle", kVersion}, {"created", engine::utc_now()}, {"kernel", std::string(system.sysname) + " " + system.release},
                       {"rocm", first_line_of("/opt/rocm/.info/version")}, {"doctor", found}, {"gpus", gpus}};
  out << bundle.dump(1) << "\n";
  if (!out.flush()) return refuse({"can't be written", "--bundle " + file});
  fmt::print("{}: {} GPU{}, {}\n", file, gpus.size(), gpus.size() == 1 ? "" : "s",
             agrees ? "all that was checked agrees" : "NOT ALL AGREE, the file says what");
  return agrees ? kDone : kFailed;
}

}  // namespace app
