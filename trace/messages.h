// The seam between engine and window: plain, serialisable messages. In one process they travel through a queue;
// remotely as one JSON object a line over stdin/stdout (`decodescope serve --stdio`), same types.
// JSON form: messages_json.h. A peer with another kProtocol is refused with both versions named.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "trace/ab.h"
#include "trace/plan_sketch.h"
#include "trace/run.h"

namespace trace {

inline constexpr int kProtocol = 2;

struct BackendInfo {
  std::string name;        // cpu, cuda, hip
  bool built = false, usable = false;
  std::string why;         // why not usable, or what stands behind it
  std::string device;
};

namespace request {
struct Hello { int protocol = kProtocol; std::string version; };
struct Start { RunSpec spec; };                    // load the model and run live; replaces what ran
struct SetToggles { ToggleSet toggles; };          // takes effect at the next step
struct Pause {};
struct Resume {};
struct SingleStep {};
struct Record { int steps = 0; std::string name; };   // 0 = the spec's; answers Recorded
struct RunAb { AbSpec spec; };                     // pauses the live run; answers AbProgress..., AbDone
struct Sketch { RunSpec spec; ToggleKey key{}; };  // plans, runs nothing; answers Sketched. spec: what the switch has when it is on
struct Cancel {};                                  // the recording or A/B under way
struct Stop {};                                    // unload
struct Bye {};                                     // end the host
}  // namespace request

using Request = std::variant<request::Hello, request::Start, request::SetToggles, request::Pause, request::Resume,
                             request::SingleStep, request::Record, request::RunAb, request::Sketch, request::Cancel,
                             request::Stop, request::Bye>;

namespace reply {
enum class Phase : uint8_t { idle, loading, running, paused, recording, ab };
struct Welcome { int protocol = kProtocol; std::string version; std::vector<BackendInfo> backends; };
struct State {
  Phase phase = Phase::idle;
  std::string detail;                              // "generating weights, layer 3 of 4"
  double fraction = -1;                            // of what is under way, -1 unknown
  std::optional<RunSpec> spec;                     // effective: backend resolved, sizes filled in
};
struct StepDone {                                  // every live step
  int64_t index = 0;
  double us = 0;
  ToggleSet toggles;
  int kernels = 0;
  std::optional<SensorReading> sensors;            // now and then, where the device tells
};
struct StepTrace { int64_t index = 0; TracePtr trace; };   // newest step's timeline, at most ~10 a second
struct Recorded { RunPtr run; };
struct AbProgress { int instance = 0, instances = 0, quad = 0, quads = 0; std::string detail; AbEstimate so_far; };
struct AbDone { std::shared_ptr<const AbResult> result; };
struct Sketched { std::shared_ptr<const PlanSketch> sketch; };   // also when there is none: it says why
struct Refused { Error error; };                   // before anything ran
struct Failed { Error error; };                    // the work broke off; the host lives on
struct Cancelled { std::string what; };
struct Notice { std::string text; };
struct Coming { int64_t bytes = 0; };               // of the next line, where messages travel as lines: a long one, for its progress
}  // namespace reply

using Reply = std::variant<reply::Welcome, reply::State, reply::StepDone, reply::StepTrace, reply::Recorded,
                           reply::AbProgress, reply::AbDone, reply::Sketched, reply::Refused, reply::Failed,
                           reply::Cancelled, reply::Notice, reply::Coming>;

}  // namespace trace
