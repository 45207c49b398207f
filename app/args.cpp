#include "app/args.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "engine/gpu_device.h"
#include "engine/safetensors.h"
#include "engine/setup.h"
#include "trace/model_file.h"

namespace app {

void add_common(CLI::App& cli, CommonArgs& args) {
  cli.add_option("--db", args.db, "the run store (default: decodescope/runs.db in the XDG data folder)")->type_name("F");
  cli.add_flag("--json", args.json, "one line of JSON on stdout, everything else on stderr");
}

void add_engine(CLI::App& cli, EngineArgs& args) {
  const std::string group = "Engine";
  cli.add_option("--backend", args.backend, "auto, cpu, cuda or hip")->capture_default_str()->group(group);
  cli.add_option("--model", args.model, "a preset (tiny, glm-5, glm-5.2, deepseek-v3.2, kimi-k2 ...), or a Hugging Face config.json or its folder")
      ->capture_default_str()->group(group)->type_name("P");
  cli.add_option("--weights", args.weights, "safetensors to read (folder, index or file), or synthetic; default: those beside the model's config.json, else synthetic")
      ->group(group)->type_name("PATH");
  cli.add_option("--layers", args.layers, "run the first N layers only")->group(group)->type_name("N");
  cli.add_option("--tp", args.tp, "tensor-parallel size: this rank's slice of N")->group(group)->type_name("N");
  cli.add_option("--batch", args.batch, "sequences in the batch")->group(group)->type_name("B");
  cli.add_option("--next-n", args.next_n, "tokens a sequence and step, 1-6")->group(group)->type_name("N");
  cli.add_option("--context", args.context, "tokens of the longest sequence at the start")->group(group)->type_name("L");
  cli.add_option("--max-context", args.max_context, "width of block table and logits")->group(group)->type_name("L");
  cli.add_option("--page-size", args.page_size, "tokens a page of the index-K cache: 1, 16, 32, 64")->group(group)->type_name("P");
  cli.add_option("--steps", args.steps, "recorded steps")->group(group)->type_name("N");
  cli.add_option("--warmup", args.warmup, "steps before recording")->group(group)->type_name("N");
  cli.add_option("--shared-prefix", args.shared_prefix, "fraction of the context all sequences share, 0-1")->group(group)->type_name("F");
  cli.add_flag("--prefill", args.prefill, "fill the caches by a prefill of the context's tokens, on the CPU in chunks of 64 (slow); default: from seeded latents")->group(group);
  cli.add_option("--page-order", args.page_order, "shuffled or sequential")->group(group);
  cli.add_option("--routing", args.routing, "router, uniform or zipf:S")->group(group);
  cli.add_option("--seed", args.seed, "seed of weights, state and schedule")->group(group)->type_name("S");
  cli.add_option("--set", args.set, "KEY=VALUE: a switch (cat_skip=on), a model field (layers=2) or a setting; may be repeated")
      ->group(group)->type_name("KEY=VALUE");
  cli.add_option("--name", args.name, "name of the run")->group(group)->type_name("T");
}

void add_screenshot(CLI::App& cli, ScreenshotArgs& args) {
  const std::string group = "Screenshot";
  cli.add_option("--screenshot", args.file, "write a PNG of the window and end; needs no display")->group(group)->type_name("F.png");
  cli.add_option("--size", args.size, "of the window")->capture_default_str()->group(group)->type_name("WxH");
  cli.add_option("--panel", args.panel, "panel to bring forward, by title")->group(group)->type_name("NAME");
  cli.add_option("--theme", args.theme, "dark or light")->group(group);
}

trace::Result<trace::AbSpec> ab_spec_from(const EngineArgs& args, const std::string& toggle) {
  auto spec = spec_from(args);
  if (!spec) return spec.error();
  auto arms = trace::parse_arms(toggle, spec->toggles);
  if (!arms) return arms.error();
  trace::AbSpec ab;
  ab.base = std::move(*spec);
  ab.base.toggles = arms->a;
  ab.keys = arms->keys;
  ab.a = arms->a;
  ab.b = arms->b;
  return ab;
}

trace::Result<std::pair<int, int>> parse_size(const std::string& text) {
  int width = 0, height = 0;
  const char* end = text.data() + text.size();
  auto first = std::from_chars(text.data(), end, width);
  if (first.ec == std::errc{} && first.ptr < end && *first.ptr == 'x') {
    auto second = std::from_chars(first.ptr + 1, end, height);
    if (second.ec == std::errc{} && second.ptr == end && width >= 320 && height >= 240 && width <= 16384 && height <= 16384) {
      return std::pair{width, height};
    }
  }
  return trace::Error{"a size is WIDTHxHEIGHT between 320x240 and 16384x16384", "--size " + text};
}

namespace {

constexpr int kGpuContext = 131072;  // width of tables on a GPU, as deployments have them

// A switch, else a field of the model, else a setting the engine reads by name.
trace::Status apply_setting(trace::RunSpec& spec, const std::string& setting) {
  const size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    return trace::Error{"a setting is KEY=VALUE", "--set " + setting};
  }
  const std::string key = setting.substr(0, equals), value = setting.substr(equals + 1);
  if (auto toggle = trace::toggle_key(key)) {
    if (auto done = spec.toggles.set(*toggle, value); !done) return trace::Error{done.error().line(), "--set " + setting};
    return trace::Ok{};
  }
  const auto known = engine::settings();
  if (key == "fault" || std::find(known.begin(), known.end(), key) != known.end()) {
    spec.set[key] = value;
    return trace::Ok{};
  }
  if (auto done = trace::override_field(spec.model, key, value); !done) {
    return trace::Error{done.error().line(), "--set " + setting};
  }
  return trace::Ok{};
}

// Absolute: a stored run may be repeated from another folder.
std::string weights_of(const EngineArgs& args, const std::string& model_folder) {
  std::string path = args.weights;
  if (path == "synthetic") return {};
  if (path.empty() && !model_folder.empty() && engine::TensorFiles::at(model_folder)) path = model_folder;
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

}  // namespace

trace::Result<trace::RunSpec> spec_from(const EngineArgs& args) {
  trace::RunSpec spec;
  auto model = trace::open_model(args.model);
  if (!model) return trace::Error{model.error().line(), "--model " + args.model};
  spec.model = model->model;
  spec.weights = weights_of(args, model->folder);
  const std::string backend = args.backend == "auto" ? engine::best_backend() : args.backend;
  const bool gpu = engine::is_gpu(backend);
  spec.backend = gpu ? backend : args.backend;
  if (gpu) {  // the default there; --set launch=eager is the other
    if (const auto set = spec.toggles.set(trace::ToggleKey::launch, "graph"); !set) return set.error();
  }
  spec.name = args.name;
  auto& load = spec.workload;
  auto take = [](auto& field, const auto& given) { if (given) field = *given; };
  take(spec.model.layers, args.layers);
  take(load.tp, args.tp);
  take(load.batch, args.batch);
  take(load.next_n, args.next_n);
  take(load.context, args.context);
  take(load.steps, args.steps);
  take(load.warmup, args.warmup);
  take(load.seed, args.seed);
  take(load.shared_prefix, args.shared_prefix);
  if (gpu && !args.model.starts_with("tiny") && spec.model.max_positions >= kGpuContext) load.max_context = kGpuContext;
  // A wider context than the default table implies a wider table, unless one was asked for.
  load.max_context = args.max_context.value_or(std::max(load.max_context, load.context));
  if (!args.page_order.empty()) {
    if (args.page_order != "shuffled" && args.page_order != "sequential") {
      return trace::Error{"the page order is shuffled or sequential", "--page-order " + args.page_order};
    }
    load.pages_shuffled = args.page_order == "shuffled";
  }
  if (!args.routing.empty()) load.routing = args.routing;
  load.prefill = args.prefill;
  if (args.page_size) {
    if (auto done = spec.toggles.set(trace::ToggleKey::page_size, std::to_string(*args.page_size)); !done) {
      return trace::Error{done.error().line(), "--page-size"};
    }
  }
  for (const auto& setting : args.set) {
    if (auto done = apply_setting(spec, setting); !done) return done.error();
  }
  return spec;
}

}  // namespace app
