// The records of traceEvents: windows of text, cut where a record ends, through simdjson, and what
// to do where the text is not the JSON it should be. Internal to the Chrome importer.
//
// Memory: one window (kWindow, more only for a record that is longer) and simdjson's index of it.
#pragma once
#include <optional>
#include <string_view>

#include "trace/formats.h"
#include "trace/import_chrome_events.h"
#include "trace/json_buffer.h"
#include "trace/simdjson.h"

namespace trace {

inline constexpr size_t kWindow = 2 << 20;
inline constexpr size_t kMaxRecord = 64 << 20;

class ChromeRecords {
 public:
  enum class End : uint8_t { closed, input_ended, too_long, cancelled };

  ChromeRecords(JsonBuffer& buffer, ChromeEvents& events, const ImportOptions& options,
                int64_t total_bytes)
      : m_buffer(buffer), m_events(events), m_options(options), m_total(total_bytes) {}

  // REQUIRES: the buffer stands behind the array's "[". Afterwards it stands behind the "]", or
  // where reading stopped: at the end, or at a record that the input does not hold whole.
  End run();

  int64_t repairs() const { return m_repairs; }    // records whose stray quotes were escaped
  int64_t replaced() const { return m_replaced; }  // bytes that were no UTF-8

 private:
  // How far a run of records could be read.
  struct Pass {
    enum { all, closed, stuck, no_index } state = all;
    size_t at = 0;         // stuck: the record that is not whole or no JSON; closed: behind the "]"
    bool counted = false;  // stuck, but behind a record that was taken
  };

  size_t run_length(std::string_view text);
  Pass parse(size_t length);
  Pass walk(simdjson::ondemand::document&, const char* text, size_t length);
  std::optional<End> advance(const Pass&, size_t length);
  std::optional<End> close(size_t at);
  std::optional<End> unstick(const Pass&);
  void drop(std::string_view record, bool counted);
  bool repaired(std::string_view record);

  JsonBuffer& m_buffer;
  ChromeEvents& m_events;
  const ImportOptions& m_options;
  int64_t m_total;
  simdjson::ondemand::parser m_parser, m_repair_parser;
  size_t m_window = kWindow;
  size_t m_next_run = 0;  // its length, where it is known; 0 = up to the last record in the window
  int64_t m_stuck_at = -1;  // raw place of a record that got a second look
  int64_t m_repairs = 0, m_replaced = 0;
};

}  // namespace trace
