#include "trace/serving.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "trace/advise.h"
#include "trace/layers.h"

namespace trace {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestLine = 64 << 20;   // with every request's latencies in it a line grows to megabytes

std::optional<double> number(const Json& in, const char* key) {
  const auto found = in.find(key);
  if (found == in.end() || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// The first of these that is there.
std::optional<double> number(const Json& in, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const auto value = number(in, key)) return value;
  return std::nullopt;
}

Result<Serving> from_json(const Json& in, const std::string& where) {
  Serving s;
  const auto median = number(in, "median_tpot_ms"), mean = number(in, "mean_tpot_ms");
  if (!median && !mean) return Error{"no median_tpot_ms or mean_tpot_ms: not a line of bench_serving", where};
  s.tpot_ms = median ? *median : *mean;
  s.tpot_is_mean = !median;
  if (!(s.tpot_ms > 0)) return Error{"the time per output token is not positive", where};
  s.mean_tpot_ms = mean;
  s.p99_tpot_ms = number(in, "p99_tpot_ms");
  s.median_itl_ms = number(in, {"median_itl_ms", "mean_itl_ms"});
  s.median_ttft_ms = number(in, {"median_ttft_ms", "mean_ttft_ms"});
  s.output_tokens_per_s = number(in, "output_throughput");
  s.request_rate = number(in, "request_rate");
  s.max_concurrency = number(in, "max_concurrency");
  s.input_len = number(in, {"random_input_len", "random_input", "input_len"});
  s.output_len = number(in, {"random_output_len", "random_output", "output_len"});
  if (const auto b = in.find("backend"); b != in.end() && b->is_string()) s.backend = b->get<std::string>();
  return s;
}

struct StepWall {
  double us = 0;
  std::string from;
  std::vector<std::string> caveats;
};

Result<StepWall> step_of(const Run& run) {
  if (run.step.n > 0) return StepWall{run.step.median, fmt::format("median of {} untraced steps", run.step.n), {}};
  if (!run.trace || active_devices(*run.trace).empty()) return Error{"there is no GPU activity that stands for a decode step", run.name};
  const uint32_t device = active_devices(*run.trace).front();
  const auto us = [](int64_t ns) { return static_cast<double>(ns) / 1000; };
  const LayerWindows layers = find_layers(*run.trace, device);
  const Advice advice = advise(*run.trace, device, {});
  const int64_t blocks = advice.attention_blocks;
  const int want = advice.model.config ? advice.model.config->layers : 0;
  // A file that holds one layer of a known model: scaled, and said to be.
  if (layers.steps <= 1 && want > 0 && blocks > 0 && blocks < want) {
    const int64_t wall = whole(*run.trace, device).wall_ns();
    return StepWall{us(wall) * want / static_cast<double>(blocks), fmt::format("{:.3f} us of {} recorded layer{} x {} / {} layers of {}", us(wall), blocks, blocks == 1 ? "" : "s", want, blocks, advice.model.name),
                    {"the step is extrapolated from the recorded layers: embedding, lm_head and sampling are not in it, and layers differ"}};
  }
  const auto step = medoid_step(layers);
  if (!step) return Error{"no decode step was found: " + layers.rule, run.name};
  StepWall out{us(step->wall_ns()), layers.steps > 1 ? fmt::format("{}, of median length among {}", step->label, layers.steps) : "the one step of this trace: " + layers.rule, {}};
  out.caveats.push_back("the step is a traced one: tracing makes it longer than those that were served");
  return out;
}

}  // namespace

Result<Serving> read_serving(const std::string& path, int wanted) {
  std::ifstream in(path);
  if (!in) return Error{"cannot be read", path};
  std::string line, text;
  int count = 0, at = 0;
  while (std::getline(in, line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (line.size() > kLongestLine) return Error{"a line of more than 64 MiB", path + ":" + std::to_string(count + 1)};
    ++count;
    if (wanted != 0 && count != wanted) continue;
    text = std::move(line);
    at = count;
  }
  if (at == 0) return Error{wanted ? fmt::format("no line {}: it has {}", wanted, count) : "the file is empty", path};
  const std::string where = path + ":" + std::to_string(at);
  const Json parsed = Json::parse(text, nullptr, false);
  if (!parsed.is_object()) return Error{"not a JSON object", where};
  auto serving = from_json(parsed, where);
  if (!serving) return serving.error();
  serving->file = std::filesystem::path(path).filename().string();
  serving->line = at;
  serving->lines = count;
  return serving;
}

std::string serving_json(const Serving& s) {
  Json out = {{"file", s.file}, {"line", s.line}, {"lines", s.lines}, {s.tpot_is_mean ? "mean_tpot_ms" : "median_tpot_ms", s.tpot_ms}, {"backend", s.backend}};
  for (const auto& [key, value] : {std::pair{"mean_tpot_ms", &s.mean_tpot_ms}, {"p99_tpot_ms", &s.p99_tpot_ms}, {"median_itl_ms", &s.median_itl_ms}, {"median_ttft_ms", &s.median_ttft_ms},
                                   {"output_throughput", &s.output_tokens_per_s}, {"request_rate", &s.request_rate}, {"max_concurrency", &s.max_concurrency}, {"input_len", &s.input_len}, {"output_len", &s.output_len}})
    if (*value) out[key] = **value;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Serving> serving_from_json(const std::string& text) {
  const Json parsed = Json::parse(text, nullptr, false);
  if (!parsed.is_object()) return Error{"the benchmark's figures beside this run cannot be read", "serving"};
  auto s = from_json(parsed, "serving");
  if (!s) return s;
  if (const auto file = parsed.find("file"); file != parsed.end() && file->is_string()) s->file = file->get<std::string>();
  s->line = static_cast<int>(number(parsed, "line").value_or(0));
  s->lines = static_cast<int>(number(parsed, "lines").value_or(0));
  return s;
}

Result<ServingSplit> split_tpot(const Run& run, const Serving& s) {
  auto step = step_of(run);
  if (!step) return step.error();
  ServingSplit out{s.tpot_ms * 1000, step->us, step->from, step->caveats};
  if (out.rest_us() < 0) out.caveats.push_back("the step is longer than the time per output token: another workload, several tokens a step, or the cost of tracing");
  if (run.spec && run.spec->workload.next_n > 1) out.caveats.push_back("steps with several tokens a sequence yield more than one token when they are accepted");
  return out;
}

std::string serving_text(const Serving& s, const ServingSplit& split) {
  std::string out = fmt::format("{} TPOT {:.3f} ms = decode step {:.3f} ms + host, prefill and scheduling {:.3f} ms ({:.1f} %)\n  step: {}\n  {} line {} of {}", s.tpot_is_mean ? "mean" : "median", split.tpot_us / 1000,
                                split.step_us / 1000, split.rest_us() / 1000, 100 * split.rest_us() / split.tpot_us, split.step_from, s.file, s.line, s.lines);
  if (s.max_concurrency) out += fmt::format(", concurrency {:g}", *s.max_concurrency);
  if (s.request_rate) out += fmt::format(", request rate {:g}", *s.request_rate);
  if (s.input_len && s.output_len) out += fmt::format(", {:g} in {:g} out", *s.input_len, *s.output_len);
  out += "\n";
  for (const auto& caveat : split.caveats) out += "  note: " + caveat + "\n";
  return out;
}

}  // namespace trace
