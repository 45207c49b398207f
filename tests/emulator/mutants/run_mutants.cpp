// run_mutants LIST [--seed N] [--only ID] [--equivalent FILE]: switches every mutant of make_mutants.py on in turn, in a process of
// its own, and runs the emulator's tests of the ops that its file is part of: random cases at both wave widths, waves and
// lanes forward, reversed and shuffled, shared memory poisoned, guard bands. A mutant is killed by a wrong result, a
// complaint of the emulator, a crash or by not ending. Exit code 1 when one survives that FILE does not call equivalent.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "kernels/verify.h"
#include "tests/emulator/lib/extra_cases.h"
#include "tests/emulator/lib/simt.h"

namespace simt {
int mutant_on = 0;
}

namespace {

using nlohmann::json;

constexpr int kCases = 8, kCpuSeconds = 60;
enum Exit { kSurvived = 10, kWrong = 11, kComplained = 12 };

// By file, the ops its code is part of (beginnings of their keys); of a file that is not here: all.
const std::map<std::string, std::vector<std::string>> kOpsOf = {
    {"attention.h", {"sparse_mla_partial", "sparse_partial", "dense_partial", "dense_mla", "sparse_mla"}},
    {"bmm.h", {"bmm"}},
    {"copies.h", {"embed", "strided_copy", "concat", "fill", "scale_transpose", "cast", "scale", "head_gates", "append_shared", "split_reduce"}},
    {"experts.h", {"moe_gate_up", "moe_down"}},
    {"experts_fp8.h", {"moe_gate_up", "moe_down"}},
    {"ring.h", {"gemm_fp8", "gemm_bf16", "moe_gate_up", "moe_down"}},
    {"gemm.h", {"gemm", "bmm", "moe_gate_up", "moe_down"}},
    {"gemm_sums.h", {"gemm", "bmm", "moe_gate_up", "moe_down"}},
    {"indexer.h", {"index", "hadamard"}},
    {"logits.h", {"mqa"}},
    {"logits_wave32.h", {"mqa"}},
    {"logits_wave64.h", {"mqa"}},
    {"mla_group.h", {"sparse_mla_partial", "sparse_partial", "dense_partial", "dense_mla", "sparse_mla"}},
    {"mla_wave32.h", {"sparse_mla_partial", "sparse_partial", "dense_partial", "dense_mla", "sparse_mla"}},
    {"mla_wave64.h", {"sparse_mla_partial", "sparse_partial", "dense_partial", "dense_mla", "sparse_mla"}},
    {"mla.h", {"rope_cat", "query_scale", "sparse_combine"}},
    {"norms.h", {"rms_norm", "qk_norm", "layer_norm"}},
    {"quants.h", {"group_quant", "mx_quant", "silu", "bmm"}},
    {"route.h", {"moe_sort", "argmax"}},
    {"router.h", {"router"}},
    {"topk.h", {"topk"}},
};

std::vector<kernels::Op> ops_of(const std::string& path) {
  const auto beginnings = kOpsOf.find(path.substr(path.rfind('/') + 1));
  std::vector<kernels::Op> ops;
  for (int i = 0; i < kernels::kOps; ++i) {
    const auto op = static_cast<kernels::Op>(i);
    bool taken = beginnings == kOpsOf.end();
    if (!taken) {
      for (const std::string& b : beginnings->second) taken = taken || kernels::key_of(op).starts_with(b);
    }
    if (taken) ops.push_back(op);
  }
  return ops;
}

// What the tests of test_emulator.cpp do, until something is wrong.
int run(const std::vector<kernels::Op>& ops, uint64_t seed) {
  const auto fate_of = [](int wave, const kernels::OpArgs& args, kernels::Workspace& workspace) {
    if (!simt::refused(wave, args).empty()) return kWrong;
    try {
      return kernels::verify(simt::backend(wave), args, workspace).ok() ? kSurvived : kWrong;
    } catch (const std::exception&) {
      return kComplained;
    }
  };
  for (uint64_t n = 0; n < kCases; ++n) {
    for (const int wave : {64, 32}) {
      for (const kernels::Op op : ops) {
        kernels::Workspace workspace(n % 2 == 1);
        kernels::Random random(seed * 1000003ull + n);
        const kernels::OpArgs args = kernels::make_case(op, workspace, random);
        if (simt::refused(wave, args) == "no GPU kernel for this op yet") continue;
        if (const Exit fate = fate_of(wave, args, workspace); fate != kSurvived) return fate;
      }
    }
  }
  for (const int wave : {64, 32}) {
    for (const simt::ExtraCase& extra : simt::extra_cases()) {
      if (std::find(ops.begin(), ops.end(), extra.op) == ops.end()) continue;
      for (const bool pages : {false, true}) {
        kernels::Workspace workspace(pages);
        kernels::Random random(seed);
        const kernels::OpArgs args = extra.make(workspace, random);
        if (const Exit fate = fate_of(wave, args, workspace); fate != kSurvived) return fate;
      }
    }
  }
  return kSurvived;
}

std::string fate(int status) {
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL ? "did not end" : "crashed";
  switch (WEXITSTATUS(status)) {
    case kSurvived: return "survived";
    case kComplained: return "the emulator complained";
    default: return "wrong result";
  }
}

json read(const std::string& path) {
  std::ifstream in(path);
  return in ? json::parse(in) : json::array();
}

std::string name_of(const json& m) {
  return m["file"].get<std::string>() + ":" + std::to_string(m["line"].get<int>()) + "  " + m["rule"].get<std::string>() + "\n      " +
         m["before"].get<std::string>() + "\n   -> " + m["after"].get<std::string>();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  uint64_t seed = 1;
  int only = 0;
  json equivalent = json::array();
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (option == "--only") only = std::atoi(argv[i + 1]);
    if (option == "--equivalent") equivalent = read(argv[i + 1]);
  }
  const json all = read(argv[1]);
  std::printf("%zu mutants, seed %llu\n", all.size(), static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  const auto begin = std::chrono::steady_clock::now();

  // The unchanged kernels first: whatever kills those kills every mutant.
  std::vector<json> jobs;
  jobs.push_back({{"id", 0}, {"file", "all"}, {"line", 0}, {"rule", "unchanged"}, {"before", ""}, {"after", ""}});
  for (const json& m : all) {
    if (only == 0 || m["id"] == only) jobs.push_back(m);
  }
  std::map<pid_t, size_t> running;
  std::map<size_t, std::string> fates;
  const size_t most = std::max(1u, std::thread::hardware_concurrency());
  size_t next = 0;
  while (next < jobs.size() || !running.empty()) {
    if (next < jobs.size() && running.size() < most) {
      const json& job = jobs[next];
      const pid_t pid = fork();
      if (pid == 0) {
        const rlimit cpu{job["id"] == 0 ? 1200u : kCpuSeconds, job["id"] == 0 ? 1201u : kCpuSeconds + 1u}, none{0, 0};
        setrlimit(RLIMIT_CPU, &cpu);
        setrlimit(RLIMIT_CORE, &none);
        simt::mutant_on = job["id"].get<int>();
        _exit(run(ops_of(job["file"].get<std::string>()), seed));
      }
      running[pid] = next++;
      continue;
    }
    int status = 0;
    const pid_t pid = wait(&status);
    const size_t at = running.at(pid);
    running.erase(pid);
    fates[at] = fate(status);
    if (at == 0 && fates[at] != "survived") {
      std::printf("error: the unchanged kernels fail: %s, seed %llu\n", fates[at].c_str(), static_cast<unsigned long long>(seed));
      return 1;
    }
  }

  const auto known = [&](const json& m) -> std::string {
    for (const json& e : equivalent) {
      if (e["file"] == m["file"] && e["rule"] == m["rule"] && e["before"] == m["before"] && (!e.contains("previous") || e["previous"] == m["previous"])) return e["why"];
    }
    return {};
  };
  std::map<std::string, std::array<int, 3>> rules;  // killed, equivalent, survived
  std::map<std::string, int> ends;
  std::string survivors;
  int killed = 0, same = 0, alive = 0;
  for (size_t i = 1; i < jobs.size(); ++i) {
    auto& rule = rules[jobs[i]["rule"].get<std::string>()];
    if (fates[i] != "survived") {
      ++killed, ++rule[0], ++ends[fates[i]];
    } else if (const std::string why = known(jobs[i]); !why.empty()) {
      ++same, ++rule[1];
    } else {
      ++alive, ++rule[2];
      survivors += "survived: " + std::to_string(jobs[i]["id"].get<int>()) + "  " + name_of(jobs[i]) + "\n";
    }
  }
  for (const auto& [rule, n] : rules) std::printf("%-32s %3d killed, %2d equivalent, %d survived\n", rule.c_str(), n[0], n[1], n[2]);
  for (const auto& [end, n] : ends) std::printf("killed: %s %d\n", end.c_str(), n);
  std::printf("%s%d killed, %d equivalent, %d survived, %.0f s\n", survivors.c_str(), killed, same, alive,
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return alive > 0;
}
