// One record of traceEvents into the builder. Used: GPU kernels, copies and memsets; runtime and
// driver calls; ranges that someone marked; names of streams; flows, where a launch cannot be found
// by its correlation. Spans may come as X or as B and E; where records have no category, those of
// a process that is named after a GPU are its kernels and copies. Everything else, which is most of a file, is counted by reason and left as
// early as its category is known. Not thread-safe.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trace/builder.h"
#include "trace/import_chrome_links.h"
#include "trace/import_report.h"
#include "trace/simdjson.h"

namespace trace {

class ChromeEvents {
 public:
  ChromeEvents(TraceBuilder& builder, ImportReport& report)
      : m_builder(builder), m_report(report) {}

  // The counter that this record belongs to: `used`, or a reason of `skipped`; the caller raises it
  // by one when it has come behind the record. `whole`: all fields were read, so it is one. Null:
  // this is no readable JSON, and nothing was taken from it.
  int64_t* read(simdjson::ondemand::object& record, bool& whole);

  int64_t* skipped(std::string_view reason);

  // After the last record: what could not be decided before.
  void finish();

  // The file was written by export_chrome: op, category and step of an event are in its args.
  void set_own_export() { m_own = true; }
  // Which runtime the host calls are of: "cuda", "hip" or empty.
  std::string_view runtime() const { return m_runtime; }

 private:
  enum class Kind : uint8_t { kernel, memcpy, memset, call, annotation, flow, other };
  struct CategoryRow {
    std::string text;
    Kind kind = Kind::other;
    int64_t* skipped = nullptr;  // of kind other
  };
  // The fields of a record, as tokens of the file.
  struct Fields {
    char phase = 0;
    const CategoryRow* category = nullptr;
    std::string_view name, ts, dur, pid, tid, id;
  };
  struct Args {
    Detail detail;
    std::string_view device, stream, correlation, name, op, category, step, host_lane;
  };

  // A B record that waits for its E: what its fields and args said.
  struct HalfSpan {
    const CategoryRow* category = nullptr;
    int64_t* counter = nullptr;   // `used`, or that of a span which is not for us
    int64_t start_ns = 0;
    std::string name, pid, tid, device, stream, correlation;
    Detail detail;
  };

  const CategoryRow* category(std::string_view token);
  const CategoryRow* guessed_category(const Fields&) const;
  int64_t* open_span(const Fields&, const Args&);
  int64_t* close_span(const Fields&);
  void drop_open_spans();
  void place(const Fields&, const Args&, int64_t start_ns, int64_t end_ns);
  std::string_view gpu_of(const Fields&) const;
  static std::string thread_key(const Fields&);
  void label_guessed(const Fields&, uint32_t lane);
  int64_t* early_reason(const Fields&);
  bool read_args(simdjson::ondemand::object, Args&);
  int64_t* take(const Fields&, const Args&);
  int64_t* take_span(const Fields&, const Args&);
  void take_activity(const Fields&, const Args&, int64_t start_ns, int64_t end_ns);
  void take_call(const Fields&, const Args&, int64_t start_ns, int64_t end_ns);
  int64_t* take_flow(const Fields&);
  int64_t* take_name(const Fields&, const Args&);
  void take_own(Event&, const Args&);
  uint32_t lane(std::string_view device, std::string_view stream);
  StringId intern(std::string_view name_token);
  void place_zero_times();

  TraceBuilder& m_builder;
  ImportReport& m_report;
  bool m_own = false;
  std::string_view m_runtime;
  std::vector<std::unique_ptr<CategoryRow>> m_categories;
  const CategoryRow* m_last_category = nullptr;
  std::unordered_map<std::string, uint32_t>
      m_lanes;  // by device and stream as the file writes them
  std::string m_last_lane_key;
  uint32_t m_last_lane = kNone;
  std::unordered_map<std::string, StringId>
      m_escaped;                                    // names with escapes, as the file writes them
  std::map<std::string, std::string> m_lane_names;  // by device and stream
  std::map<std::string, std::string, std::less<>> m_process_names;
  std::unordered_map<std::string, std::vector<HalfSpan>> m_open;  // by process and thread, the inner ones last
  size_t m_open_spans = 0;
  std::vector<Event> m_at_zero;                     // whose time may be no time at all
  ChromeFlows m_flows;
};

}  // namespace trace
