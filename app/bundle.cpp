#include "app/bundle.h"

#include <sys/utsname.h>

#include <fstream>
#include <functional>

#include "app/json_number.h"
#include "app/output.h"
#include "app/views.h"
#include "engine/accounting.h"
#include "engine/check.h"
#include "engine/clock_probe.h"
#include "engine/gpu_bench.h"
#include "engine/gpu_device.h"
#include "engine/gpu_probe.h"
#include "engine/setup.h"

namespace app {

using nlohmann::json;

namespace {

constexpr int kVersion = 2;  // of the file

json probe_json(const engine::GpuProbe& p) {
  json out = {{"empty_node_us", p.empty_node_us}, {"copies", json::array()}};
  for (const auto& c : p.copies) out["copies"].push_back({{"bytes", c.bytes}, {"us", c.us}, {"gbps", c.gbps()}});
  return out;
}

json ceilings_json(const trace::BenchCeilings& c) {
  json out = {{"read_gbps", c.read_gbps}, {"copy_gbps", c.copy_gbps}, {"bf16_tflops", c.bf16_tflops}, {"empty_node_us", c.empty_node_us}, {"reads", json::array()}};
  for (const auto& p : c.reads) out["reads"].push_back({{"bytes", p.bytes}, {"us", p.us}, {"gbps", p.gbps()}});
  return out;
}

json clock_json(const engine::ClockFigures& f, const kernels::gpu::DeviceClock& clock) {
  json out = {{"clock", clock.name}, {"tick_ns", clock.tick_ns}, {"step_ns", f.step_ns}, {"read_ns", f.read_ns}, {"blocks", f.blocks}, {"launches", f.launches},
              {"part", clock.group}, {"least_skew_ns", json_number(f.least_skew_ns)}, {"uncertainty_ns", json_number(f.uncertainty_ns)},
              {"method", "no block of a launch begins before all of the launch ahead of it have ended: each pair of neighbouring launches bounds how far one "
                         "part's clock is ahead of another's from both sides; lo_ns and hi_ns are what all pairs leave, against the first part. "
                         "least_skew_ns is what must be, uncertainty_ns half of the widest interval: a skew below it can't be told from none"},
              {"contradiction", f.contradiction.empty() ? json(nullptr) : json("the bounds of " + f.contradiction + " cross: no constant skew explains them")},
              {"parts", json::array()}};
  for (const auto& p : f.parts)
    out["parts"].push_back({{"id", p.id}, {"blocks", p.blocks}, {"ahead_ns", json_number(p.off_ns())}, {"lo_ns", json_number(p.lo_ns)}, {"hi_ns", json_number(p.hi_ns)}});
  return out;
}

// Stamps against the vendor's profiler on a small model, launched as the engine launches.
json stamps_json(const std::string& backend, bool once) {
  json out = json::array();
  for (const char* launch : {"eager", "graph"}) {
    trace::RunSpec spec;
    spec.backend = backend;
    spec.model = once ? engine::check_model() : trace::model_preset("tiny").value();
    spec.workload.context = once ? 100 : 1024, spec.workload.max_context = once ? 512 : 2048;
    spec.workload.steps = once ? 2 : 50;
    spec.toggles = trace::ToggleSet::all_off();
    if (const auto set = spec.toggles.set(trace::ToggleKey::launch, launch); !set) throw std::runtime_error(set.error().line());
    const auto report = engine::account(spec);
    out.push_back(report ? accounting_json(*report) : json{{"launch", launch}, {"not_available", report.error().line()}});
  }
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
  std::string no_sensors;
  if (const auto reading = device.sensors(&no_sensors))
    out["sensors"] = {{"clock_mhz", reading->clock_mhz ? json(*reading->clock_mhz) : json(nullptr)}, {"watts", reading->watts ? json(*reading->watts) : json(nullptr)},
                      {"celsius", reading->celsius ? json(*reading->celsius) : json(nullptr)}};
  else
    out["sensors"] = {{"not_available", no_sensors}};
  out["clock"] = part("the device's clock: its step, and how far the clocks of its parts are apart", [&]() -> json {
    if (!device.can_stamp()) return {{"not_available", "the kernels of this backend read no clock"}};
    return clock_json(engine::probe_clock(device, once), info.clock);
  });
  out["ceilings"] = part("reads of many sizes, copies, the matrix units", [&] { return ceilings_json(engine::GpuBench(device, once).measure()); });
  out["memory"] = part("an empty node, copies of many sizes", [&] { return probe_json(engine::probe_gpu(device, once)); });
  out["check"] = part("every op and every switch", [&]() -> json {
    const auto report = engine::check(backend, {.quick = true});
    if (!report) return {{"not_available", report.error().line()}};
    *agrees = *agrees && report->ok;
    return check_json(*report);
  });
  out["stamps"] = part("stamps against the profiler", [&] { return stamps_json(backend, once); });
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
