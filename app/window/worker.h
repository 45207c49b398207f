// A thread that does the window's slow work: imports, analyses, the store. Tasks run one after
// another in the order they came; outcomes wait in a mailbox. Thread rule: post, poll, cancel,
// progress from the main thread; none blocks longer than a swap under a mutex. The destructor
// cancels what runs and joins.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "app/window/effects.h"

namespace app {

// Shared by a task and whoever watches it.
struct TaskControl {
  std::atomic<bool> cancel{false};
  std::atomic<double> fraction{-1};
};

class Worker {
 public:
  // Returns nothing when it was cancelled.
  using Task = std::function<std::optional<Outcome>(TaskControl&)>;

  // `wake` is called from the worker's thread when an outcome is there; must be quick and
  // thread-safe.
  explicit Worker(std::function<void()> wake = {});
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // job 0: nobody watches it.
  void post(Task, uint32_t job = 0);
  std::vector<Outcome> poll();
  void cancel(uint32_t job);
  // Of a job that runs now; nullopt if it waits or is over.
  std::optional<double> progress(uint32_t job) const;
  // Nothing waits, nothing runs, nothing is in the mailbox.
  bool idle() const;

 private:
  struct Item {
    Task task;
    uint32_t job = 0;
    std::shared_ptr<TaskControl> control;
  };
  void run();

  std::function<void()> m_wake;
  mutable std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<Item> m_waiting;
  std::optional<Item> m_running;
  std::vector<Outcome> m_mail;
  bool m_stop = false;
  std::thread m_thread;
};

}  // namespace app
