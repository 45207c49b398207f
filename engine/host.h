// Host: the engine's own thread behind the message seam of trace/messages.h. Whoever holds it posts
// requests and polls replies; nothing else crosses. The thread loads models, runs them live,
// records and runs A/Bs.
//
// Thread rule: post, poll and wait from one thread (the window's or the command line's). No call
// blocks for longer than a pointer swap under a mutex, save wait, which blocks as long as it is
// told. Invariants: replies arrive in the order they were made, except that an unread StepTrace
// (and an unread AbProgress) is replaced by the next one; unread StepDones are bounded by dropping
// the oldest. The destructor breaks off what is under way at the next step and joins the thread.
// Errors: as replies. Refused = before anything ran; Failed = the work broke off and the host lives
// on.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "trace/messages.h"

namespace engine {

class Host {
 public:
  // `version` is what Welcome and the runs say made them: "0.1.0 31574aa".
  explicit Host(std::string version = "");
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void post(trace::Request request);
  // What has arrived since the last poll, oldest first; empty when nothing has.
  std::vector<trace::Reply> poll();
  // Blocks until a reply is there or `ms` milliseconds have passed; true when one is there.
  bool wait(int ms);

 private:
  struct State;
  std::unique_ptr<State> m_state;
};

// What this binary holds and this machine can run: cpu first, then cuda and hip, usable or not and
// why.
std::vector<trace::BackendInfo> backends();

}  // namespace engine
