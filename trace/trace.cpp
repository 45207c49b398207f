#include "trace/trace.h"

namespace trace {

std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::kernel:
      return "kernel";
    case EventKind::memcpy:
      return "memcpy";
    case EventKind::memset:
      return "memset";
  }
  return "kernel";
}

std::string_view to_string(ClockSource clock) {
  switch (clock) {
    case ClockSource::host:
      return "host";
    case ClockSource::cupti:
      return "cupti";
    case ClockSource::roctracer:
      return "roctracer";
    case ClockSource::rocprofiler:
      return "rocprofiler";
    case ClockSource::stamps:
      return "stamps";
    case ClockSource::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace trace
