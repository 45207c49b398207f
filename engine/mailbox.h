// Mailbox: requests one way, replies the other, between the host's thread and whoever holds the
// Host. Thread rule: any thread; every call holds one mutex for a push, a swap or a count.
// Invariants: order is kept; an unread StepTrace or AbProgress is replaced in place by the next; at
// most kMaxSteps StepDones wait unread, the oldest go first.
#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "trace/messages.h"

namespace engine {

class Mailbox {
 public:
  void post(trace::Request);
  // The next request; with `wait` blocks until there is one.
  std::optional<trace::Request> take(bool wait);
  // A request waits that ends what is under way: Cancel, Start, Stop, Bye.
  bool interrupted() const;

  void reply(trace::Reply);
  std::vector<trace::Reply> poll();
  bool wait(int ms);

 private:
  static constexpr size_t kMaxSteps = 2048;
  void drop_old_steps();

  mutable std::mutex m_mutex;
  std::condition_variable m_requested, m_replied;
  std::vector<trace::Request> m_requests;
  int m_interrupts = 0;
  std::vector<trace::Reply> m_replies;
  std::optional<size_t> m_trace_at, m_progress_at;  // unread ones, to be replaced
  size_t m_steps = 0;
};

}  // namespace engine
