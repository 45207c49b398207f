#include "app/exec_ab.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <random>
#include <regex>
#include <thread>

#include "app/exec_command.h"
#include "app/json_number.h"
#include "app/output.h"
#include "app/source.h"
#include "trace/formats.h"
#include "trace/layers.h"
#include "trace/stats.h"

namespace app {

namespace {

using nlohmann::json;
using Told = std::function<void(const std::string&, double)>;

constexpr size_t kLongestMatched = 20'000;   // of output that the metric is looked for in

std::string last_lines(const std::string& output) {
  std::string tail = output.substr(output.size() > 400 ? output.size() - 400 : 0);
  for (char& c : tail)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  tail.resize(tail.find_last_not_of(' ') + 1);
  return tail;
}

// The inference writes us: of other readings it means their unit.
std::string reason_of(const ExecAbResult& r) {
  std::string reason = r.estimate.reason;
  if (r.unit != "us")
    for (size_t at; (at = reason.find(" us")) != std::string::npos;) reason.replace(at, 3, r.unit.empty() ? "" : " " + r.unit);
  return reason;
}

struct File {
  std::string path;
  timespec when{};
  bool operator==(const File& o) const { return path == o.path && when.tv_sec == o.when.tv_sec && when.tv_nsec == o.when.tv_nsec; }
};

// The newest of the pattern; no path = there is none.
File newest_file(const std::string& pattern) {
  glob_t found{};
  File newest;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc; ++i) {
      struct stat info {};
      if (::stat(found.gl_pathv[i], &info) != 0 || !S_ISREG(info.st_mode)) continue;
      const timespec &x = info.st_mtim, &y = newest.when;
      if (newest.path.empty() || x.tv_sec > y.tv_sec || (x.tv_sec == y.tv_sec && x.tv_nsec >= y.tv_nsec)) newest = {found.gl_pathv[i], x};
    }
  ::globfree(&found);
  return newest;
}

trace::Result<trace::RunPtr> run_of(const std::string& file) {
  auto runs = runs_from_file(file);
  if (!runs) return runs.error();
  if (runs->size() != 1) return trace::Error{"a bundle of several runs, where one trace is read", file};
  return std::make_shared<const trace::Run>(std::move(runs->front()));
}

// The median wall of the decode steps of a trace, in us; of all of it where there are none.
trace::Result<double> step_of(const trace::Run& run, const std::string& file) {
  if (!run.trace) return trace::Error{"there is no timeline in it", file};
  const trace::Trace& t = *run.trace;
  const auto devices = trace::active_devices(t);
  if (devices.empty()) return trace::Error{"there is no GPU activity in the trace", file};
  std::vector<double> walls;
  for (const auto& window : trace::find_layers(t, devices.front()).step_windows) walls.push_back(to_us(window.wall_ns()));
  return walls.empty() ? to_us(trace::whole(t, devices.front()).wall_ns()) : trace::median(walls);
}

class ExecAb {
 public:
  ExecAb(const ExecAbSpec& spec, const Told& told) : m_spec(spec), m_told(told), m_random(spec.seed) {}

  trace::Result<ExecAbResult> run() {
    ExecAbResult out;
    out.spec = m_spec;
    out.unit = !m_spec.trace.empty() ? "us" : m_spec.metric.empty() ? "s" : "";
    const int nulls = std::max(1, m_spec.instances / 3);
    m_all = (m_spec.instances + nulls) * (4 * m_spec.quads + 2);
    for (int i = 0; i < m_spec.instances + nulls; ++i) {
      // Every fourth; the last one where there are too few for that.
      auto instance = run_instance(i % 4 == 3 || (m_spec.instances < 3 && i == m_spec.instances));
      if (!instance) return instance.error();
      out.instances.push_back(std::move(*instance));
    }
    out.estimate = trace::infer(out.instances);
    if (m_spec.higher_is_better) {
      if (out.estimate.verdict == trace::Verdict::faster) out.estimate.verdict = trace::Verdict::slower;
      else if (out.estimate.verdict == trace::Verdict::slower) out.estimate.verdict = trace::Verdict::faster;
    }
    out.last_trace_a = m_last_trace[0];
    out.last_trace_b = m_last_trace[1];
    out.last_a = m_last_run[0];
    out.last_b = m_last_run[1];
    return out;
  }

 private:
  trace::Result<trace::Instance> run_instance(bool null_arm) {
    trace::Instance instance;
    instance.null_arm = null_arm;
    m_padding = std::string(std::uniform_int_distribution<size_t>(0, 4095)(m_random), 'x');
    for (const int arm : {0, 1})
      if (auto discarded = reading(null_arm ? 0 : arm); !discarded) return discarded.error();
    for (int q = 0; q < m_spec.quads; ++q) {
      trace::Quad quad;
      for (size_t block = 0; block < 4; ++block) {
        const bool b = block == 1 || block == 2;
        auto value = reading(null_arm ? 0 : b);
        if (!value) return value.error();
        quad.block_us[block] = *value;
        (b ? instance.b_us : instance.a_us).push_back(*value);
      }
      instance.quads.push_back(quad);
    }
    return instance;
  }

  trace::Result<double> reading(int arm) {
    const std::string& command = arm == 0 ? m_spec.a : m_spec.b;
    m_told(arm == 0 ? "a" : "b", static_cast<double>(m_done++) / m_all);
    const File before = m_spec.trace.empty() ? File() : newest_file(m_spec.trace);
    // File systems stamp changes in ticks of some ms: a file written now must not look as it did before.
    if (!before.path.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    auto ran = run_command(command, m_spec.timeout_s, {"DECODESCOPE_ARM=" + std::string(arm == 0 ? "a" : "b"), "DECODESCOPE_PADDING=" + m_padding});
    if (!ran) return ran.error();
    const std::string where = fmt::format("--exec-{} {}", arm == 0 ? 'a' : 'b', command);
    if (ran->interrupted) return trace::Error{"interrupted", where};
    if (ran->timed_out) return trace::Error{fmt::format("took longer than {:g} s (--timeout)", m_spec.timeout_s), where};
    if (ran->exit_code != 0) return trace::Error{fmt::format("ended with exit code {}{}{}", ran->exit_code, last_lines(ran->output).empty() ? "" : ": ", last_lines(ran->output)), where};
    if (!m_spec.trace.empty()) {
      const File file = newest_file(m_spec.trace);
      if (file.path.empty() || file == before) return trace::Error{"wrote no file of --trace " + m_spec.trace, where};
      auto run = run_of(file.path);
      if (!run) return run.error();
      m_last_trace[static_cast<size_t>(arm)] = file.path;
      m_last_run[static_cast<size_t>(arm)] = *run;
      return step_of(**run, file.path);
    }
    if (m_spec.metric.empty()) return ran->seconds;
    auto value = metric_in(ran->output, m_spec.metric);
    if (!value) return trace::Error{value.error().what + "; it said: " + last_lines(ran->output), where};
    return value;
  }

  const ExecAbSpec& m_spec;
  const Told& m_told;
  std::mt19937_64 m_random;
  std::string m_padding;
  std::array<std::string, 2> m_last_trace;
  std::array<trace::RunPtr, 2> m_last_run;
  int m_done = 0, m_all = 1;
};

json arm_json(const std::string& command, const trace::Estimate& e) { return {{"command", command}, {"median", json_number(e.median)}, {"lo", json_number(e.lo)}, {"hi", json_number(e.hi)}, {"n", e.n}}; }

}  // namespace

trace::Result<double> metric_in(const std::string& output, const std::string& pattern) {
  std::regex regex;
  try {
    regex = std::regex(pattern, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    return trace::Error{std::string("this is no regular expression: ") + error.what(), "--metric " + pattern};
  }
  std::string found;
  for (size_t from = 0; from < output.size();) {
    const size_t end = std::min(output.find('\n', from), output.size());
    // Line by line: the standard library's matcher recurses once a character.
    const std::string line = output.substr(from, std::min(end - from, kLongestMatched));
    for (auto match = std::sregex_iterator(line.begin(), line.end(), regex); match != std::sregex_iterator(); ++match)
      found = match->size() > 1 && (*match)[1].matched ? (*match)[1].str() : match->str();
    from = end + 1;
  }
  if (found.empty()) return trace::Error{"its output has no match of --metric " + pattern, ""};
  std::string digits;
  for (const char c : found)
    if (c != ',' && c != ' ') digits += c;   // 1,234.5
  double value = 0;
  const size_t sign = digits.starts_with('+');
  const auto parsed = std::from_chars(digits.data() + sign, digits.data() + digits.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size() || !std::isfinite(value)) return trace::Error{"the match of --metric is no number: " + found.substr(0, 80), ""};
  return value;
}

trace::Result<ExecAbResult> run_exec_ab(const ExecAbSpec& spec, const Told& told) {
  if (spec.a.empty() || spec.b.empty()) return trace::Error{"two commands are compared: give both --exec-a and --exec-b", "ab"};
  if (!spec.metric.empty() && !spec.trace.empty()) return trace::Error{"the reading is either --metric or --trace", "ab --exec-a"};
  if (spec.instances < 2 || spec.quads < 1) return trace::Error{"an interval needs 2 instances and 1 quad or more", "--instances, --quads"};
  if (!spec.metric.empty())
    if (auto tried = metric_in("", spec.metric); tried.error().where.starts_with("--metric")) return tried.error();
  return ExecAb(spec, told).run();
}

trace::AbResult exec_ab_record(const ExecAbResult& r) {
  trace::AbResult out;
  const auto arm = [&](const trace::Run& last, const char* from, const trace::Estimate& step, std::vector<double> trace::Instance::*readings) {
    auto run = std::make_shared<trace::Run>(last);
    run->name += std::string(" of ") + from;   // both may have written one file; the command itself is in the A/B, where a bundle knows it for one
    run->step = step;
    for (const trace::Instance& instance : r.instances)
      if (!instance.null_arm) run->step_us.insert(run->step_us.end(), (instance.*readings).begin(), (instance.*readings).end());
    return run;
  };
  out.a = arm(*r.last_a, "--exec-a", r.estimate.a, &trace::Instance::a_us);
  out.b = arm(*r.last_b, "--exec-b", r.estimate.b, &trace::Instance::b_us);
  out.spec.command_a = r.spec.a, out.spec.command_b = r.spec.b;
  out.spec.instances = r.spec.instances, out.spec.quads = r.spec.quads;
  out.estimate = r.estimate;
  out.instances = r.instances;
  out.notes = {"a reading is the median step of the trace that one run of a command wrote", "each arm's timeline is that of its last reading"};
  return out;
}

json exec_ab_json(const ExecAbResult& r) {
  const auto& e = r.estimate;
  return {{"a", arm_json(r.spec.a, e.a)}, {"b", arm_json(r.spec.b, e.b)},
          {"reading", r.unit == "us" ? "trace" : r.unit == "s" ? "seconds" : "metric"}, {"metric", r.spec.metric}, {"traces", {r.last_trace_a, r.last_trace_b}}, {"higher_is_better", r.spec.higher_is_better},
          {"delta", json_number(e.delta_us)}, {"delta_pct", json_number(e.delta_pct)}, {"ci95", {json_number(e.lo), json_number(e.hi)}}, {"verdict", trace::to_string(e.verdict)}, {"reason", reason_of(r)},
          {"mde", json_number(e.mde_us)}, {"instances", e.instances}, {"null_instances", e.null_instances}, {"quads", e.quads},
          {"null", {{"delta", json_number(e.null_delta_us)}, {"ci95", {json_number(e.null_lo), json_number(e.null_hi)}}}}, {"lag1", json_number(e.lag1)}, {"instance_variance_share", json_number(e.instance_variance_share)},
          {"equivalence", nullptr}};
}

std::string exec_ab_text(const ExecAbResult& r) {
  const auto& e = r.estimate;
  const std::string unit = r.unit.empty() ? "" : " " + r.unit;
  Table table({"", "median" + (r.unit.empty() ? "" : " " + r.unit), "95 % of the median", "runs", "command"});
  const auto row = [&](const char* name, const trace::Estimate& x, const std::string& command) {
    table.row({name, fmt::format("{:.6g}", x.median), fmt::format("{:.6g} .. {:.6g}", x.lo, x.hi), std::to_string(x.n), command});
  };
  row("a", e.a, r.spec.a);
  row("b", e.b, r.spec.b);
  return table.text() +
         fmt::format("\nverdict: {}  {:+.6g}{} ({:+.2f} %), 95 % interval [{:+.6g}, {:+.6g}]{}, smallest detectable effect {:.6g}{}{}\n         {}\n         {} instances of {} quads A B B A in all, null arm {:+.6g}{}; outputs of the two commands are not compared\n",
                     trace::to_string(e.verdict), e.delta_us, unit, e.delta_pct, e.lo, e.hi, unit, e.mde_us, unit, r.spec.higher_is_better ? "; higher is better" : "", reason_of(r), e.instances, e.quads, e.null_delta_us, unit);
}

}  // namespace app
