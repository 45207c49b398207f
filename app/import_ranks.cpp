#include "app/import_ranks.h"

#include <filesystem>
#include <numeric>
#include <regex>
#include <set>

#include "app/output.h"
#include "app/source.h"
#include "trace/layers.h"

namespace app {

using nlohmann::json;

std::vector<int> ranks_of(const std::vector<std::string>& files, const std::vector<int>& said) {
  // "rank" before "tp": in job_tp8_rank3.json the 8 is how many there are.
  static const std::regex kRank("rank[-_ ]?([0-9]{1,5})", std::regex::icase), kParallel("tp[-_ ]?([0-9]{1,5})", std::regex::icase);
  const auto named = [&](const std::regex& pattern) {
    std::vector<int> out;
    for (size_t i = 0; i < files.size(); ++i) {
      const std::string name = std::filesystem::path(files[i]).filename().string();
      std::smatch match;
      out.push_back(said[i] >= 0 ? said[i] : std::regex_search(name, match, pattern) ? std::stoi(match[1]) : -1);
    }
    return out;
  };
  const auto tell_apart = [](const std::vector<int>& ranks) {
    const std::set<int> different(ranks.begin(), ranks.end());
    return different.size() == ranks.size() && !different.contains(-1);
  };
  for (const std::regex* pattern : {&kRank, &kParallel}) {
    auto ranks = named(*pattern);
    if (tell_apart(ranks) || std::ranges::count(said, -1) == 0) return ranks;   // files that all say it are believed, twice the same is refused later
  }
  std::vector<int> places(files.size());
  std::iota(places.begin(), places.end(), 0);
  return places;
}

trace::Result<RankImport> import_ranks(const std::vector<std::string>& files, const trace::ImportOptions& options) {
  std::vector<trace::Imported> each;
  std::vector<int> said;
  for (const auto& file : files) {
    auto imported = import_by_own_rules(file, options);
    if (!imported) return imported.error();
    said.push_back(imported->rank);
    each.push_back(std::move(*imported));
  }
  const std::vector<int> numbers = ranks_of(files, said);
  std::vector<trace::RankTrace> ranks;
  trace::ImportReport all;
  for (size_t i = 0; i < files.size(); ++i) {
    const auto& file = files[i];
    const int rank = numbers[i];
    ranks.push_back({rank, each[i].trace});
    const auto& one = each[i].report;
    all.file += (all.file.empty() ? "" : ", ") + std::filesystem::path(file).filename().string();
    all.format = one.format;
    all.collector = one.collector;
    all.version = one.version;
    all.resolution_ns = std::max(all.resolution_ns, one.resolution_ns);
    all.read += one.read;
    all.used += one.used;
    all.ties += one.ties;
    all.overlaps += one.overlaps;
    for (const auto& [reason, count] : one.skipped) all.skipped[reason] += count;
    for (const auto& warning : one.warnings) all.warnings.push_back(fmt::format("rank {}: {}", rank, warning));
  }
  auto aligned = trace::align_ranks(ranks);
  if (!aligned) return aligned.error();
  RankImport out;
  out.ranks = std::move(*aligned);
  trace::Run& run = out.run;
  run.name = fmt::format("{} and {} more rank{}", std::filesystem::path(files.front()).filename().string(), files.size() - 1, files.size() == 2 ? "" : "s");
  run.created = now_utc();
  run.origin = trace::Origin::imported;
  run.program = program_name();
  run.host = host_name();
  run.standing = "imported, not measured here";
  run.trace = trace::merge_ranks(ranks, out.ranks, run.name);
  const auto devices = trace::active_devices(*run.trace);
  if (!devices.empty()) {
    const auto layers = trace::find_layers(*run.trace, devices.front());
    all.layers = layers.layers;
    all.steps = layers.steps;
    all.window_rule = layers.rule + "; of rank " + run.trace->devices[devices.front()].id + ", the busiest";
    const std::string& name = run.trace->devices[devices.front()].name;
    run.device = fmt::format("{} x {}", devices.size(), name.empty() ? "GPU" : name);
  }
  all.caveats = trace::rank_caveats(out.ranks);
  run.report = std::move(all);
  return out;
}

json ranks_json(const trace::RankReport& r) {
  json rows = json::array();
  for (const auto& s : r.ranks)
    rows.push_back({{"rank", s.rank}, {"offset_ns", s.offset_ns}, {"collective_us", to_us(s.collective_ns)}, {"skew_us", to_us(s.skew_ns)}, {"transfer_us", to_us(s.transfer_ns)}, {"last", s.last}, {"others_waited_us", to_us(s.others_waited_ns)}});
  return {{"ranks", rows}, {"collectives", r.collectives}, {"unmatched", r.unmatched}, {"residual_median_us", to_us(r.residual_median_ns)}, {"residual_max_us", to_us(r.residual_max_ns)},
          {"straggler", r.straggler < 0 ? json(nullptr) : json(r.straggler)}};
}

}  // namespace app
