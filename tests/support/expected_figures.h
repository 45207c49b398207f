// The figures of expected.json beside the published traces, held against an import.
#pragma once
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/shared_files.h"
#include "trace/bubbles.h"
#include "trace/formats.h"

namespace tests {

inline trace::Imported import_published(const std::string& name, const trace::ImportOptions& options = {}) {
  auto imported = trace::import_file(shared_file("traces/" + name).string(), options);
  if (!imported.ok()) FAIL(imported.error().line());
  return std::move(*imported);
}

inline nlohmann::json expected_of(const std::string& file) {
  std::ifstream in(shared_file("traces/expected.json"));
  for (auto& row : nlohmann::json::parse(in))
    if (row["file"] == file) return row;
  FAIL("expected.json has no " << file);
  return {};
}

// The files say whole nanoseconds as decimal microseconds.
inline int64_t ns_of_us(const nlohmann::json& us) { return std::llround(us.get<double>() * 1000); }

inline void check_counts(const trace::ImportReport& report) {
  int64_t skipped = 0;
  for (const auto& [reason, count] : report.skipped) {
    CHECK(count > 0);
    skipped += count;
  }
  CHECK(report.read == report.used + skipped);
}

inline void check_figures(const trace::Trace& t, const nlohmann::json& expected) {
  int64_t kernels = 0, copies = 0;
  for (const trace::Event& e : t.events) ++(e.kind == trace::EventKind::kernel ? kernels : copies);
  CHECK(kernels == expected["kernels"].get<int64_t>());
  CHECK(copies == expected["copies"].get<int64_t>());
  const auto devices = trace::active_devices(t);
  REQUIRE(devices.size() == expected["devices"].size());
  for (const auto& want : expected["devices"]) {
    uint32_t device = trace::kNone;
    for (uint32_t d : devices)
      if (t.devices[d].id == want["device"].get<std::string>()) device = d;
    REQUIRE(device != trace::kNone);
    const auto r = trace::classify(t, trace::whole(t, device));
    CHECK(r.streams == want["streams"].get<int>());
    CHECK(r.activities == want["activities"].get<int64_t>());
    CHECK(r.wall_ns == ns_of_us(want["wall_us"]));
    CHECK(r.busy_ns == ns_of_us(want["busy_us"]));
    CHECK(r.idle_ns == ns_of_us(want["idle_us"]));
    for (int k = 0; k < trace::kBubbleKinds; ++k) {
      const auto kind = static_cast<trace::BubbleKind>(k);
      const auto& tally = want["kinds"][std::string(trace::to_string(kind))];
      INFO(trace::to_string(kind));
      CHECK(r.kind(kind) == trace::Tally{tally["count"].get<int64_t>(), ns_of_us(tally["us"])});
    }
    CHECK(static_cast<int64_t>(r.overlaps.size()) == want["same_stream_overlaps"]["count"].get<int64_t>());
    CHECK(r.overlap_min_ns == ns_of_us(want["same_stream_overlaps"]["min_us"]));
  }
}

inline bool any_contains(const std::vector<std::string>& lines, std::string_view text) {
  for (const auto& line : lines)
    if (line.find(text) != line.npos) return true;
  return false;
}

}  // namespace tests
