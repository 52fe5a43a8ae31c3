// A sequence of PNG files: written into a hidden folder beside the target, then renamed all
// together.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <random>

#include "media/av.h"
#include "media/c2pa.h"
#include "media/image_pattern.h"
#include "media/muxer.h"
#include "media/packet_sink.h"
#include "media/png_text.h"
#include "media/quote.h"
#include "media/target_check.h"

namespace genvid::media {
namespace {

namespace fs = std::filesystem;

class Fd {
 public:
  Fd(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (fd_ < 0) throw_write_error(quote(path), AVERROR(errno));
  }
  ~Fd() { ::close(fd_); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void sync_folder(const std::string& folder) {
  Fd fd(folder, O_RDONLY | O_DIRECTORY);
  if (fsync(fd.get()) != 0) throw_write_error("folder " + quote(folder), AVERROR(errno));
}

void write_file(const std::string& path, const std::vector<uint8_t>& data) {
  Fd fd(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  for (size_t done = 0; done < data.size();) {
    ssize_t n = ::write(fd.get(), data.data() + done, data.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_write_error(quote(path), AVERROR(errno));
    done += static_cast<size_t>(n);
  }
  if (fsync(fd.get()) != 0) throw_write_error(quote(path), AVERROR(errno));
}

class ImageSink : public PacketSink {
 public:
  ImageSink(const OutputPlan& plan, const OutputOptions& options)
      : pattern_(parse_image_pattern(plan.path)), options_(options) {
    struct stat info {};
    new_folder_ = plan.makes_folder && lstat(pattern_.folder.c_str(), &info) != 0;
    make_part_folder();
    text_ = png_text(options_);
  }

  ~ImageSink() override {
    std::error_code ignored;
    fs::remove_all(part_, ignored);
  }

  void start(const AVCodecContext&) override {}

  void write(AVPacket* packet) override {
    const std::vector<uint8_t> data = png_with_text(packet, text_);
    const std::string path = part_ + "/" + pattern_.name(++written_);
    if (options_.sealer == nullptr) return write_file(path, data);
    const std::string plain = path + ".plain";
    write_file(plain, data);
    seal(plain, path);
    unlink(plain.c_str());
  }

  void commit(int64_t frames) override {
    if (written_ != frames) {
      throw Error(ErrorKind::kOutput, "wrote " + std::to_string(written_) + " pictures of " +
                                          std::to_string(frames) + "; none is kept");
    }
    sync_folder(part_);
    if (new_folder_) return move_folder();
    for (int64_t n = 1; n <= written_; ++n) move_into_place(n);
    sync_folder(pattern_.folder);
    moved_ = 0;
    warn_of_older_pictures();
  }

 private:
  void make_part_folder() {
    std::random_device random;
    for (int attempt = 0;; ++attempt) {
      char suffix[16];
      std::snprintf(suffix, sizeof suffix, "%08x", static_cast<unsigned>(random()));
      const std::string folder = new_folder_ ? folder_of(pattern_.folder) : pattern_.folder;
      const std::string name =
          new_folder_ ? fs::path(pattern_.folder).filename().string() : pattern_.before;
      part_ = folder + "/." + name.substr(0, 200) + "." + suffix + ".part";
      if (mkdir(part_.c_str(), 0777) == 0) return;
      if (errno == EEXIST && attempt < 16) continue;
      int code = AVERROR(errno);
      part_.clear();  // nothing of ours to remove
      throw_write_error("into folder " + quote(pattern_.folder), code);
    }
  }

  // A longer clip of the same name was here: a player of the sequence would run on into it.
  void warn_of_older_pictures() const {
    size_t more = pattern_.existing().size() - static_cast<size_t>(written_);
    if (more == 0) return;
    log::warn(std::to_string(more) + " older pictures stay in " + quote(pattern_.folder) +
              " beside the new sequence's " + std::to_string(written_));
  }

  void seal(const std::string& from, const std::string& to) const {
    const C2paFormat format = c2pa_format(to);
    const Fd source(from, O_RDONLY), target(to, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    options_.sealer->seal(format, source.get(), target.get());
    if (fsync(target.get()) != 0) throw_write_error(quote(to), AVERROR(errno));
    const C2paReport report = read_c2pa(format, target.get(), {}, "");
    if (report.state != "valid") {
      throw Error(ErrorKind::kOutput, "the credentials of " + quote(pattern_.name(written_)) +
                                          " are " + report.state + " when read back" +
                                          (report.reasons.empty() ? "" : ": " + report.reasons[0]));
    }
  }

  std::string final_path(int64_t n) const { return pattern_.folder + "/" + pattern_.name(n); }

  void move_folder() {
    if (renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, pattern_.folder.c_str(), RENAME_NOREPLACE) !=
        0) {
      throw_write_error("folder " + quote(pattern_.folder), AVERROR(errno));
    }
    sync_folder(folder_of(pattern_.folder));
  }

  void move_into_place(int64_t n) {
    std::string from = part_ + "/" + pattern_.name(n), to = final_path(n);
    unsigned flags = options_.overwrite ? 0 : RENAME_NOREPLACE;
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0) {
      moved_ = n;
      return;
    }
    int code = errno;
    // All or none: what came under a final name goes again. With overwrite the old ones are gone.
    if (!options_.overwrite) {
      for (int64_t k = 1; k <= moved_; ++k) unlink(final_path(k).c_str());
    }
    if (code == EEXIST) {
      throw Error(ErrorKind::kOutput,
                  quote(to) + " has come to exist meanwhile; remove it or use --overwrite");
    }
    throw_write_error(quote(to), AVERROR(code));
  }

  ImagePattern pattern_;
  OutputOptions options_;
  std::string part_;
  bool new_folder_ = false;  // the whole folder is ours and comes under its name at once
  std::vector<uint8_t> text_;
  int64_t written_ = 0;
  int64_t moved_ = 0;
};

}  // namespace

std::unique_ptr<PacketSink> make_image_sink(const OutputPlan& plan, const OutputOptions& options) {
  return std::make_unique<ImageSink>(plan, options);
}

}  // namespace genvid::media
