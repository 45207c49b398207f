// What the importers of AMD's and NVIDIA's own profilers share: rows of kernels, copies, calls and
// ranges with exact nanoseconds on the way into a TraceBuilder, each used or counted as left out.
// Lanes are made by (process, device, queue), so that two processes of one file never mix.
// Internal to the importers; not thread-safe.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "trace/builder.h"
#include "trace/import_format.h"

namespace trace {

// Times of one record; nullopt where the file says none or no integer.
struct Span {
  std::optional<int64_t> start, end;
};

class Activities {
 public:
  explicit Activities(const ImportJob& job) : m_job(job) { m_builder.set_filter(job.filter); }

  TraceBuilder& builder() { return m_builder; }
  ImportReport& report() { return m_report; }

  // The counter of records left out for this reason; raise it once a record.
  int64_t& skipped(std::string_view reason);

  // One index a device, by a key that is the same in all processes of a machine ("" = no key); a new one gets this id.
  uint32_t device(const std::string& key, const std::string& id);
  // Lane of a device's queue (or stream). `process` = its number in the file (0, 1 ...): the ids of
  // later processes are moved apart and their label says the process id.
  uint32_t lane(uint32_t process, int64_t pid, uint32_t device, int64_t queue, std::string_view word = "queue");
  static constexpr int64_t kCopyQueue = -1;   // where copies go whose queue the collector does not say
  // A correlation id is of one process only.
  static int64_t correlation(uint32_t process, int64_t id);

  // Counts the record as used, or why not; whether it was used. REQUIRES: as TraceBuilder::add, but for the times.
  bool add(Event& e, const Span& span);
  bool add_call(const Span& span, std::string_view name, int64_t correlation, int64_t thread) { return add_call(span, m_builder.intern(name), correlation, thread); }
  bool add_call(const Span& span, StringId name, int64_t correlation, int64_t thread);
  bool add_annotation(const Span& span, std::string_view name, int64_t thread);

  // Cancelled by the user; also tells the progress. Cheap enough for every few thousand records.
  bool cancelled(int64_t done, int64_t total) const;

  // Builds the trace; read = used + skipped.
  Imported finish();
  void set_format(std::string name) { m_format = std::move(name); }

 private:
  bool take(const Span& span);

  const ImportJob& m_job;
  TraceBuilder m_builder;
  ImportReport m_report;
  std::string m_format;   // empty: the job's
  std::map<std::string, uint32_t> m_devices;
  std::map<std::tuple<uint32_t, uint32_t, int64_t>, uint32_t> m_lanes;
  std::tuple<uint32_t, uint32_t, int64_t> m_last_key{};
  uint32_t m_last_lane = kNone;
};

// work-items / work-group size, rounded up; -1 where either is not known.
int32_t blocks_of(int64_t work_items, int64_t group);
int32_t narrow_or_none(int64_t value);

}  // namespace trace
