#include "engine/setup.h"

#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <fstream>
#include <numeric>
#include <thread>

#include "engine/checkpoint.h"
#include "engine/gpu_device.h"
#include "engine/gpu_step.h"

namespace engine {

using trace::Error;
using trace::Ok;
using trace::Result;
using trace::RunSpec;
using trace::Status;

namespace {

std::string flag(std::string_view name, double value) {
  return fmt::format("--{} {}", name, value);
}

Status check_workload(const RunSpec& spec) {
  const trace::Workload& w = spec.workload;
  if (w.batch < 0 || w.batch > 1024)
    return Error{"the batch must be 0 to 1024", flag("batch", w.batch)};
  if (w.next_n < 1 || w.next_n > 6) return Error{"next_n must be 1 to 6", flag("next-n", w.next_n)};
  if (w.steps < 1 || w.steps > 10'000'000)
    return Error{"steps must be 1 to 10000000", flag("steps", w.steps)};
  if (w.warmup < 0 || w.warmup > 1'000'000)
    return Error{"warmup must be 0 to 1000000", flag("warmup", w.warmup)};
  if (w.context < 0) return Error{"the context must not be negative", flag("context", w.context)};
  if (w.max_context < 1 || w.max_context > spec.model.max_positions) {
    return Error{"the widest context must be 1 to the model's " +
                     std::to_string(spec.model.max_positions) + " positions",
                 flag("max-context", w.max_context)};
  }
  if (w.context + w.next_n > w.max_context) {
    return Error{
        "no room for a step behind the context: max_context is " + std::to_string(w.max_context),
        flag("context", w.context)};
  }
  if (!(w.shared_prefix >= 0 && w.shared_prefix <= 1)) {
    return Error{"the shared prefix must be a fraction, 0 to 1",
                 flag("shared-prefix", w.shared_prefix)};
  }
  if (w.tp < 1) return Error{"tp must be positive", flag("tp", w.tp)};
  return Ok{};
}

template <class Number>
bool parse(std::string_view text, Number low, Number high, Number& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size() && out >= low && out <= high;
}

// One `--set`: its key, what it takes, and how it is taken (false: no such value).
struct Setting {
  std::string_view key, takes;
  bool (*read)(std::string_view value, Setup&);
};

constexpr Setting kSettings[] = {
    {"gemm_scales", "row or column",
     [](std::string_view v, Setup& s) {
       s.plan.gemm_scales = v == "row" ? kernels::ScaleLayout::row : kernels::ScaleLayout::column;
       return v == "row" || v == "column";
     }},
    {"index_rope", "in_place, elsewhere or k_elsewhere",
     [](std::string_view v, Setup& s) {
       s.plan.q_rope_in_place = v != "elsewhere";
       s.plan.k_rope_in_place = v == "in_place";
       return v == "in_place" || v == "elsewhere" || v == "k_elsewhere";
     }},
    {"q_cat_padding", "0 to 4096, a multiple of 16: elements between the tokens of q_cat",
     [](std::string_view v, Setup& s) {
       return parse<int64_t>(v, 0, 4096, s.plan.q_cat_padding) && s.plan.q_cat_padding % 16 == 0;
     }},
    {"llama4_scaling", "0 to 10: beta of the query's scaling by position",
     [](std::string_view v, Setup& s) {
       return parse<double>(v, 0.0, 10.0, s.plan.llama4_scaling);
     }},
    {"cache", "as_is or cold: whether the caches are emptied before every timed step",
     [](std::string_view v, Setup& s) {
       s.cache = v == "cold" ? CacheState::cold : CacheState::as_is;
       return v == "as_is" || v == "cold";
     }},
    {"overlap", "on or off: whether a kernel may begin while the one before it in its stream ends (CUDA's programmatic launches)",
     [](std::string_view v, Setup& s) {
       s.plan.overlap = v == "on";
       return v == "on" || v == "off";
     }},
    {"stamps", "on or off: whether a recording carries the device's own clock too",
     [](std::string_view v, Setup& s) {
       s.stamps = v == "on";
       return v == "on" || v == "off";
     }},
    {"sync", "on or off: whether each launch on a GPU is waited for, so that a device error names its op; slow",
     [](std::string_view v, Setup& s) {
       s.synchronous = v == "on";
       return v == "on" || v == "off";
     }},
    {"workers", "1 or 2",
     [](std::string_view v, Setup& s) { return parse<int>(v, 1, 2, s.workers); }},
    {"rank", "0 to tp - 1: whose slice of a checkpoint's tensors is loaded",
     [](std::string_view v, Setup& s) { return parse<int>(v, 0, s.spec.workload.tp - 1, s.rank); }},
    {"fault", "bitflip",
     [](std::string_view v, Setup& s) {
       s.fault = v == "bitflip";
       return s.fault;
     }},
};

Status read_settings(const RunSpec& spec, Setup& setup) {
  for (const auto& [key, value] : spec.set) {
    const std::string where = "--set " + key + "=" + value;
    const auto* row = std::find_if(std::begin(kSettings), std::end(kSettings),
                                   [&k = key](const Setting& s) { return s.key == k; });
    if (row == std::end(kSettings)) {
      std::string known;
      for (const std::string_view k : settings()) known.append(known.empty() ? "" : ", ").append(k);
      return Error{"no such setting, known: " + known, where};
    }
    if (!row->read(value, setup)) return Error{key + " is " + std::string(row->takes), where};
  }
  return Ok{};
}

int64_t total(const std::map<std::string, int64_t>& parts) {
  return std::accumulate(parts.begin(), parts.end(), int64_t{0},
                         [](int64_t n, const auto& p) { return n + p.second; });
}

// A GPU holds all of it; what this process holds there already makes room.
Status check_device_memory(const RunSpec& spec, const std::map<std::string, int64_t>& parts) {
  if (!is_gpu(spec.backend)) return Ok{};
  const auto device = gpu_device(spec.backend);
  if (!device) return device.error();
  const int64_t has = (*device)->free_memory() + Image::held();
  if (total(parts) <= has) return Ok{};
  std::string text;
  for (const auto& [name, bytes] : parts)
    text += (text.empty() ? "" : ", ") + name + " " + gib_text(bytes);
  return Error{"model " + spec.model.name + " does not fit on the device: needs " +
                   gib_text(total(parts)) + " (" + text + "), free are " + gib_text(has),
               "--layers, --batch or --max-context"};
}

Status check_memory(const RunSpec& spec, const Shape& shape) {
  const std::map<std::string, int64_t> parts = bytes_needed(spec, shape);
  if (is_gpu(spec.backend)) {
    // The host keeps buffers and tables; weights and caches are the device's.
    if (const Status status = check_device_memory(spec, parts); !status) return status;
    const int64_t needs = spec.weights.empty() ? parts.at("buffers and tables") + parts.at("norms and tables") : total(parts), has = available_memory_bytes();
    if (needs <= has) return Ok{};
    return Error{"buffers and tables need " + gib_text(needs) + " of the host, which has " + gib_text(has),
                 "--batch or --max-context"};
  }
  const int64_t has = available_memory_bytes();
  if (total(parts) <= has) return Ok{};
  std::string text;
  for (const auto& [name, bytes] : parts)
    text += (text.empty() ? "" : ", ") + name + " " + gib_text(bytes);
  int fitting = 0;
  for (int low = 1, high = spec.model.layers - 1; low <= high;) {
    RunSpec fewer = spec;
    fewer.model.layers = (low + high) / 2;
    const bool fits = total(bytes_needed(fewer, shape_of(fewer.model, fewer.workload))) <= has;
    if (fits)
      fitting = fewer.model.layers, low = fewer.model.layers + 1;
    else
      high = fewer.model.layers - 1;
  }
  const std::string hint =
      fitting > 0 ? "--layers " + std::to_string(fitting) + " would fit"
                  : "not even one layer fits: a larger --tp, or less --batch or --max-context";
  return Error{"model " + spec.model.name + " does not fit: needs " + gib_text(total(parts)) +
                   " (" + text + "), has " + gib_text(has),
               hint};
}

}  // namespace

std::span<const std::string_view> settings() {
  static const std::vector<std::string_view> keys = [] {
    std::vector<std::string_view> all;
    for (const Setting& s : kSettings) {
      if (s.key != "fault") all.push_back(s.key);  // hidden
    }
    return all;
  }();
  return keys;
}

std::map<std::string, int64_t> bytes_needed(const RunSpec& spec, const Shape& shape) {
  std::map<std::string, int64_t> parts = Weights::bytes_by_part(spec.model, shape);
  // A block of 64 slots more for the dummy; pages are not shared here, so a shared prefix only
  // lowers it.
  const int64_t columns = (cached_positions(spec.workload) + Sequences::kBlock - 1) /
                          Sequences::kBlock * Sequences::kBlock;
  const int64_t slots = Sequences::kBlock + shape.B * columns;
  const auto format = spec.toggles.is(trace::ToggleKey::kv_dtype, "fp8") ? kernels::Format::e4m3
                                                                         : kernels::Format::bf16;
  parts["KV cache"] = kv_bytes(shape, slots, format);
  parts["index cache"] = index_bytes(spec.model, shape, slots);
  parts["buffers and tables"] = arena_bytes(shape, spec.toggles) + shape.B * shape.max_context * 8;
  return parts;
}

trace::Result<Setup> prepare(const RunSpec& spec) {
  Setup setup{.spec = spec};
  if (setup.spec.backend == "auto") setup.spec.backend = best_backend();
  const std::string& backend = setup.spec.backend;
  if (is_gpu(backend)) {
    if (const auto device = gpu_device(backend); !device) return device.error();
  } else if (backend != "cpu")
    return Error{"no such backend, known: cpu, cuda, hip", "--backend " + backend};
  for (const Status& status :
       {trace::validate(spec.model, spec.workload.tp), check_workload(setup.spec)}) {
    if (!status) return status.error();
  }
  if (const Status status = allowed(setup, spec.toggles); !status) return status.error();
  if (const Status status = read_settings(spec, setup); !status) return status.error();
  setup.shape = shape_of(spec.model, spec.workload);
  if (const Status status = check_memory(setup.spec, setup.shape); !status) return status.error();
  if (!spec.weights.empty()) {
    auto checkpoint = Checkpoint::open(spec.weights, spec.model, setup.shape, setup.rank);
    if (!checkpoint) return checkpoint.error();
    setup.checkpoint = std::move(*checkpoint);
  } else if (setup.rank != 0) {
    return Error{"synthetic weights are the same on every rank: a checkpoint's differ",
                 "--set rank=" + std::to_string(setup.rank)};
  }
  Result<Routing> routing = Routing::parse(spec.workload.routing, setup.shape, spec.workload.seed);
  if (!routing) return routing.error();
  setup.routing = std::move(routing).value();
  return setup;
}

Status allowed(const Setup& setup, const trace::ToggleSet& toggles) {
  return trace::validate(toggles, setup.spec.model, setup.spec.backend);
}

std::string device_name(const Setup& setup) {
  const std::string& backend = setup.spec.backend;
  return is_gpu(backend) ? gpu_state(backend).device : device_name();
}

std::string device_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string name = "CPU";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name") && line.find(": ") != std::string::npos) {
      name = line.substr(line.find(": ") + 2);
      break;
    }
  }
  const unsigned cores = std::thread::hardware_concurrency();
  return name + ", " + std::to_string(cores) + (cores == 1 ? " core" : " cores");
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace engine
