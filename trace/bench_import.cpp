#include "trace/bench_import.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <type_traits>

#include "trace/bubbles.h"
#include "trace/byte_source.h"
#include "trace/formats.h"
#include "trace/simdjson.h"
#include "trace/window.h"

namespace trace {
namespace {

// What a child sends through the pipe; the memory is not shared.
struct Measured {
  bool ok = false;
  int64_t events = 0, raw_bytes = 0, peak_rss_bytes = 0;
  double seconds = 0, cpu_seconds = 0;
};
static_assert(std::is_trivially_copyable_v<Measured>);

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count();
  }

 private:
  std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

Measured measure_import(const std::string& path) {
  Measured m;
  ImportOptions options;
  options.progress = [&](int64_t done, int64_t) { m.raw_bytes = std::max(m.raw_bytes, done); };
  const Stopwatch watch;
  const auto imported = import_file(path, options);
  if (!imported) return m;
  for (const uint32_t device : active_devices(*imported->trace))
    (void)classify(*imported->trace, whole(*imported->trace, device));
  m.seconds = watch.seconds();
  m.events = imported->report.read;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  m.peak_rss_bytes = int64_t{usage.ru_maxrss} * 1024;
  for (const timeval& t : {usage.ru_utime, usage.ru_stime}) m.cpu_seconds += static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  m.ok = true;
  return m;
}

// Looks at name, category and times of every record; the sum of their lengths is there to be
// computed.
bool walk_records(simdjson::ondemand::array records, size_t& seen) {
  for (auto item : records) {
    simdjson::ondemand::object record;
    if (item.get_object().get(record)) return false;
    for (auto field : record) {
      simdjson::ondemand::raw_json_string key;
      simdjson::ondemand::value value;
      if (field.key().get(key) || field.value().get(value)) return false;
      if (key == "ts" || key == "dur" || key == "cat" || key == "name")
        seen += value.raw_json_token().size();
    }
  }
  return true;
}

Measured measure_simdjson(const std::string& path) {
  Measured m;
  const auto source = ByteSource::open(path);
  if (!source) return m;
  std::string text;
  for (size_t got = 1; got > 0;) {
    const size_t old = text.size();
    text.resize(old + (8 << 20));
    got = (*source)->read({text.data() + old, text.size() - old});
    text.resize(old + got);
  }
  const simdjson::padded_string padded(text);
  std::string().swap(text);
  const Stopwatch watch;
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::array records;
  if (parser.iterate(padded).get(document)) return m;
  if (document.get_array().get(records) && document["traceEvents"].get_array().get(records))
    return m;
  size_t seen = 0;
  m.ok = walk_records(records, seen) && seen > 0;
  m.seconds = watch.seconds();
  return m;
}

Result<Measured> in_child(const std::function<Measured()>& measure) {
  int ends[2];
  if (::pipe(ends) != 0) return Error{std::string("no pipe: ") + std::strerror(errno), ""};
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return Error{std::string("no child process: ") + std::strerror(errno), ""};
  }
  if (child == 0) {
    const Measured m = measure();
    const bool sent = ::write(ends[1], &m, sizeof m) == static_cast<ssize_t>(sizeof m);
    ::_exit(sent ? 0 : 1);  // nothing of the parent's is to be flushed or destroyed twice
  }
  ::close(ends[1]);
  Measured m;
  const bool received = ::read(ends[0], &m, sizeof m) == static_cast<ssize_t>(sizeof m);
  ::close(ends[0]);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!received) return Error{"the measuring process died", ""};
  return m;
}

}  // namespace

Result<ImportBenchRow> bench_import(const std::string& path, int repeats) {
  ImportBenchRow row;
  row.file = path;
  for (int i = 0; i < repeats; ++i) {
    const auto imported = in_child([&] { return measure_import(path); });
    if (!imported) return Error{imported.error().what, path};
    if (!imported->ok) {
      const auto again = import_file(path);  // for its words
      return again ? Error{"the import failed once and not again", path} : again.error();
    }
    row.events = imported->events;
    row.raw_bytes = imported->raw_bytes;
    row.seconds = i == 0 ? imported->seconds : std::min(row.seconds, imported->seconds);
    row.cpu_seconds = i == 0 ? imported->cpu_seconds : std::min(row.cpu_seconds, imported->cpu_seconds);
    row.peak_rss_bytes = std::max(row.peak_rss_bytes, imported->peak_rss_bytes);
    const auto bare = in_child([&] { return measure_simdjson(path); });
    if (!bare) return Error{bare.error().what, path};
    if (bare->ok)
      row.simdjson_seconds =
          row.simdjson_seconds == 0 ? bare->seconds : std::min(row.simdjson_seconds, bare->seconds);
  }
  return row;
}

}  // namespace trace
