#include "app/window/worker.h"

namespace app {

Worker::Worker(std::function<void()> wake) : m_wake(std::move(wake)), m_thread([this] { run(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(m_mutex);
    m_stop = true;
    m_waiting.clear();
    if (m_running) m_running->control->cancel = true;
  }
  m_changed.notify_all();
  m_thread.join();
}

void Worker::post(Task task, uint32_t job) {
  {
    const std::lock_guard lock(m_mutex);
    m_waiting.push_back({std::move(task), job, std::make_shared<TaskControl>()});
  }
  m_changed.notify_all();
}

std::vector<Outcome> Worker::poll() {
  std::vector<Outcome> mail;
  const std::lock_guard lock(m_mutex);
  mail.swap(m_mail);
  return mail;
}

void Worker::cancel(uint32_t job) {
  const std::lock_guard lock(m_mutex);
  if (m_running && m_running->job == job) m_running->control->cancel = true;
  for (Item& item : m_waiting) {
    if (item.job == job)
      item.control->cancel = true;  // it starts, sees this and says that it was cancelled
  }
}

std::optional<double> Worker::progress(uint32_t job) const {
  const std::lock_guard lock(m_mutex);
  if (m_running && m_running->job == job) return m_running->control->fraction.load();
  return std::nullopt;
}

bool Worker::idle() const {
  const std::lock_guard lock(m_mutex);
  return m_waiting.empty() && !m_running && m_mail.empty();
}

void Worker::run() {
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_changed.wait(lock, [this] { return m_stop || !m_waiting.empty(); });
    if (m_stop) return;
    m_running = std::move(m_waiting.front());
    m_waiting.pop_front();
    const std::shared_ptr<TaskControl> control = m_running->control;
    Task task = std::move(m_running->task);
    lock.unlock();
    std::optional<Outcome> outcome = task(*control);
    task = nullptr;  // what it holds is let go before anyone hears of the end
    lock.lock();
    m_running.reset();
    if (!outcome) continue;
    m_mail.push_back(std::move(*outcome));
    if (m_wake) m_wake();
  }
}

}  // namespace app
