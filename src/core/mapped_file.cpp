#include "core/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <string>
#include <system_error>

#include "core/input_file.h"
#include "core/log.h"

namespace genvid {
namespace {

// What the SIGBUS handler may read: no allocation, no lock. A slot is free while begin is 0; the
// message is written before begin is published.
struct Slot {
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  std::array<char, 640> message{};
  size_t message_bytes = 0;
};

constexpr int kSlots = 1024;
std::array<Slot, kSlots> g_slots;
std::mutex g_slots_mutex;
struct sigaction g_previous {};

void on_sigbus(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const Slot& slot : g_slots) {
    const uintptr_t begin = slot.begin.load(std::memory_order_acquire);
    if (begin == 0 || address < begin || address >= slot.end.load()) continue;
    [[maybe_unused]] const ssize_t ignored =
        ::write(STDERR_FILENO, slot.message.data(), slot.message_bytes);
    ::_exit(3);
  }
  // Not ours: whoever was there before, or the default.
  if ((g_previous.sa_flags & SA_SIGINFO) != 0 && g_previous.sa_sigaction != nullptr) {
    g_previous.sa_sigaction(signal, info, context);
    return;
  }
  if (g_previous.sa_handler != SIG_DFL && g_previous.sa_handler != SIG_IGN) {
    g_previous.sa_handler(signal);
    return;
  }
  ::signal(SIGBUS, SIG_DFL);
  ::raise(SIGBUS);
}

int add_slot(const void* data, uint64_t size, const std::filesystem::path& path) {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_sigbus;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &g_previous);
  });
  const std::lock_guard lock(g_slots_mutex);
  for (int i = 0; i < kSlots; ++i) {
    Slot& slot = g_slots[static_cast<size_t>(i)];
    if (slot.begin.load() != 0) continue;
    const std::string name = log::printable(path.string());
    const int written = std::snprintf(
        slot.message.data(), slot.message.size(),
        "error: %.500s became shorter or unreadable while it was in use; check the disk and "
        "download the file again\n",
        name.c_str());
    slot.message_bytes =
        static_cast<size_t>(std::clamp(written, 0, static_cast<int>(slot.message.size()) - 1));
    const auto begin = reinterpret_cast<uintptr_t>(data);
    slot.end.store(begin + size);
    slot.begin.store(begin, std::memory_order_release);
    return i;
  }
  return -1;  // more mapped files than slots: works, but without the message
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const InputFile file(path, ErrorKind::kModel);
  size_ = file.size();
  if (size_ == 0) return;
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd(), 0);
  if (data == MAP_FAILED) {
    throw Error(ErrorKind::kModel, "cannot map " + log::printable(path.string()) + " (" +
                                       std::to_string(size_) +
                                       " bytes): " + std::generic_category().message(errno));
  }
  data_ = static_cast<const uint8_t*>(data);
  slot_ = add_slot(data, size_, path);
}

MappedFile::~MappedFile() {
  if (data_ == nullptr) return;
  if (slot_ >= 0) {
    const std::lock_guard lock(g_slots_mutex);
    g_slots[static_cast<size_t>(slot_)].begin.store(0);
  }
  ::munmap(const_cast<uint8_t*>(data_), size_);
}

void MappedFile::will_need(uint64_t offset, uint64_t bytes) const {
  if (data_ == nullptr || offset >= size_) return;
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t begin = offset / page * page;
  const uint64_t end = std::min(size_, offset + std::min(bytes, size_ - offset));
  ::madvise(const_cast<uint8_t*>(data_) + begin, end - begin, MADV_WILLNEED);
}

}  // namespace genvid
