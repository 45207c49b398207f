#include "app/floor_args.h"

#include <CLI/CLI.hpp>

#include <filesystem>

#include "trace/model_file.h"

namespace app {

void add_floor_options(CLI::App& cli, FloorArgs& args) {
  const char* group = "Floors";
  cli.add_option("--model", args.model, "what ran, where the trace does not tell: glm-5, deepseek-v3.2, kimi-k2, qwen3-8b, gpt-oss-20b ... or a config.json")->type_name("P")->group(group);
  cli.add_option("--set", args.set, "KEY=VALUE: a field of the model; may be repeated")->type_name("KEY=VALUE")->group(group);
  cli.add_option("--batch", args.batch, "sequences in a step")->type_name("N")->group(group);
  cli.add_option("--next-n", args.next_n, "tokens a sequence and step")->type_name("N")->group(group);
  cli.add_option("--context", args.context, "tokens of a sequence, on average")->type_name("L")->group(group);
  cli.add_option("--max-context", args.max_context, "width of the index logits")->type_name("L")->group(group);
  cli.add_option("--tp", args.tp, "ranks of tensor parallelism")->type_name("N")->group(group);
  cli.add_option("--kv", args.kv, "format of the cache: bf16, fp8 or fp8_scaled (656 bytes a token)")->type_name("F")->group(group);
  cli.add_option("--routing", args.routing, "experts that a layer meets: uniform, distinct, or how many")->type_name("R")->group(group);
  cli.add_option("--hw", args.hardware, "whose ceilings: MI355X, MI300X, B200, H200, H100 ...")->type_name("GPU")->group(group);
  cli.add_option("--read-gbps", args.read_gbps, "memory, GB/s")->type_name("X")->group(group);
  cli.add_option("--bf16-tflops", args.bf16_tflops, "products of bf16, TFLOP/s")->type_name("X")->group(group);
  cli.add_option("--fp8-tflops", args.fp8_tflops, "products of fp8, TFLOP/s")->type_name("X")->group(group);
  cli.add_option("--fp4-tflops", args.fp4_tflops, "products of fp4, TFLOP/s")->type_name("X")->group(group);
  cli.add_option("--link-gbps", args.link_gbps, "from all peers together, GB/s")->type_name("X")->group(group);
}

namespace {

using trace::Status;

// A preset of either family, or a config.json, whose architecture tells which.
Status take_model(const FloorArgs& args, trace::FloorRequest& r) {
  if (args.model.empty()) return args.set.empty() ? Status(trace::Ok{}) : trace::Error{"fields of a model need the model", "--set " + args.set.front() + " without --model"};
  if (auto latent = trace::open_model(args.model)) r.model = std::move(latent->model);
  else if (auto grouped = trace::open_gqa_model(args.model)) r.gqa = std::move(*grouped);
  else return trace::Error{std::filesystem::exists(args.model) ? latent.error().what + "; " + grouped.error().line() : latent.error().line() + "; " + grouped.error().where, "--model " + args.model};
  for (const std::string& field : args.set) {
    const size_t sign = field.find('=');
    if (sign == std::string::npos) return trace::Error{"a field is set as KEY=VALUE", "--set " + field};
    const std::string key = field.substr(0, sign), value = field.substr(sign + 1);
    if (auto done = r.gqa ? trace::override_field(*r.gqa, key, value) : trace::override_field(*r.model, key, value); !done.ok()) return done;
  }
  return trace::Ok{};
}

}  // namespace

trace::Result<trace::FloorRequest> floor_request(const FloorArgs& args) {
  trace::FloorRequest r;
  if (Status model = take_model(args, r); !model.ok()) return model.error();
  r.batch = args.batch;
  r.next_n = args.next_n;
  r.context = args.context;
  r.max_context = args.max_context;
  r.tp = args.tp;
  if (!args.kv.empty()) {
    if (args.kv == "bf16") r.kv = trace::KvFormat::bf16;
    else if (args.kv == "fp8") r.kv = trace::KvFormat::fp8;
    else if (args.kv == "fp8_scaled") r.kv = trace::KvFormat::fp8_scaled;
    else return trace::Error{"a cache is bf16, fp8 or fp8_scaled", "--kv " + args.kv};
  }
  if (!args.routing.empty()) {
    auto routing = trace::parse_routing(args.routing);
    if (!routing) return routing.error();
    r.routing = *routing;
  }
  r.hardware = args.hardware;
  r.read_gbps = args.read_gbps;
  r.bf16_tflops = args.bf16_tflops;
  r.fp8_tflops = args.fp8_tflops;
  r.fp4_tflops = args.fp4_tflops;
  r.link_gbps = args.link_gbps;
  return r;
}

}  // namespace app
