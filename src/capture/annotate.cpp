// Read again, write with comments. Interfaces are described just before their first packet, because a pcapng input
// may reveal one at any time.
#include "capture/annotate.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "capture/file_sink.hpp"
#include "capture/pcapng.hpp"
#include "capture/pcapng_writer.hpp"
#include "capture/reader.hpp"

namespace synwhy::capture {
namespace {

core::Error system_error(const char* what, const std::string& where) {
    return {std::string(what) + ": " + std::strerror(errno), where, {}};
}

/// The output: a descriptor, and for regular files a temporary name that only commit() turns into the real one.
class OutputFile final : public ByteSink {
  public:
    static std::expected<std::unique_ptr<OutputFile>, core::Error> create(const std::string& path);
    ~OutputFile() override {
        if (fd_ >= 0) {
            ::close(fd_);
        }
        if (!temporary_.empty()) {
            ::unlink(temporary_.c_str());
        }
    }

    std::expected<void, core::Error> write(std::span<const std::uint8_t> bytes) override {
        return write_all(fd_, bytes, path_);
    }

    /// Closes, and gives the file its name. Call once, after the last write.
    std::expected<void, core::Error> commit() {
        if (::close(std::exchange(fd_, -1)) != 0) {  // some file systems tell a full disk only now
            return std::unexpected(system_error("close", path_));
        }
        if (!temporary_.empty() && ::rename(temporary_.c_str(), path_.c_str()) != 0) {
            return std::unexpected(system_error("rename", path_));
        }
        temporary_.clear();
        return {};
    }

  private:
    explicit OutputFile(std::string path) : path_(std::move(path)) {}

    std::string path_;
    std::string temporary_{};
    int fd_ = -1;
};

std::expected<std::unique_ptr<OutputFile>, core::Error> OutputFile::create(const std::string& path) {
    std::unique_ptr<OutputFile> file(new OutputFile(path));
    struct stat status{};
    if (path == "-") {
        file->fd_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    } else if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        file->fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);  // a pipe or device keeps its place
    } else {
        file->temporary_ = path + ".part-" + std::to_string(::getpid());
        file->fd_ = ::open(file->temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->fd_ < 0) {
            const core::Error error = system_error("cannot create", file->temporary_);
            file->temporary_.clear();  // not ours to remove
            return std::unexpected(error);
        }
    }
    if (file->fd_ < 0) {
        return std::unexpected(system_error("cannot open for writing", path));
    }
    return file;
}

/// The output must not be one of the inputs: they are read while it is written.
std::expected<void, core::Error> check_paths(const std::vector<std::string>& inputs, const std::string& output) {
    struct stat out{};
    const bool exists = output != "-" && ::stat(output.c_str(), &out) == 0;
    for (const std::string& input : inputs) {
        if (input == "-") {
            return std::unexpected(core::Error{"standard input cannot be read a second time for annotating", "-",
                                               "save the capture to a file first"});
        }
        struct stat in{};
        if (exists && ::stat(input.c_str(), &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
            return std::unexpected(core::Error{"the output is one of the inputs", output, "choose another name"});
        }
    }
    return {};
}

class Annotator {
  public:
    Annotator(TimeLine& timeline, std::size_t files, const CommentMap& comments, ByteSink& sink)
        : timeline_(timeline), comments_(comments), writer_(sink), outputs_(files), sections_told_(files) {}

    std::expected<AnnotateCounts, core::Error> run() {
        writer_.section(new_section_comments());
        while (const auto packet = timeline_.next()) {
            write(*packet);
            if (writer_.failed()) {
                break;
            }
        }
        write_rest();
        if (auto finished = writer_.finish(); !finished) {
            return std::unexpected(std::move(finished).error());
        }
        counts_.input_errors = timeline_.errors();
        return std::move(counts_);
    }

  private:
    static constexpr std::uint32_t kNotWritten = 0xffffffff;

    void write(const Packet& packet) {
        spoken_.clear();
        for_each_option(packet.options, packet.options_swapped,
                        [this](std::uint16_t code, std::span<const std::uint8_t> value) {
                            if (code == pcapng::kOptionComment) {
                                spoken_.emplace_back(reinterpret_cast<const char*>(value.data()), value.size());
                            }
                        });
        counts_.kept_comments += spoken_.size();
        if (const auto ours = comments_.find({packet.file, packet.ordinal}); ours != comments_.end()) {
            spoken_.push_back(ours->second);
            ++counts_.comments;
        }
        writer_.packet(output_of(packet.file, packet.interface), packet, spoken_);
        last_time_ns_ = packet.time_ns;
        ++counts_.packets;
    }

    /// The number of an input's interface in the output, described there when it is new.
    std::uint32_t output_of(std::uint16_t file, std::size_t interface) {
        std::vector<std::uint32_t>& numbers = outputs_[file];
        if (interface >= numbers.size()) {
            numbers.resize(interface + 1, kNotWritten);
        }
        if (numbers[interface] == kNotWritten) {
            numbers[interface] = writer_.interface(timeline_.facts_of(file).interfaces[interface]);
        }
        return numbers[interface];
    }

    /// Interfaces without packets, drop counts, and comments of sections that began after the first packet: these
    /// go into an empty section at the end, because the first section's header was already written.
    void write_rest() {
        for (std::size_t i = 0; i < outputs_.size(); ++i) {
            const auto file = static_cast<std::uint16_t>(i);
            const std::vector<Interface>& interfaces = timeline_.facts_of(file).interfaces;
            for (std::size_t interface = 0; interface < interfaces.size(); ++interface) {
                const std::uint32_t number = output_of(file, interface);
                if (interfaces[interface].drop_count_known) {
                    writer_.statistics(number, last_time_ns_, interfaces[interface].dropped);
                }
            }
        }
        if (const auto late = new_section_comments(); !late.empty()) {
            writer_.section(late);
        }
    }

    /// Section comments seen since the last call.
    std::vector<std::string> new_section_comments() {
        std::vector<std::string> fresh;
        for (std::size_t i = 0; i < outputs_.size(); ++i) {
            const auto& all = timeline_.facts_of(static_cast<std::uint16_t>(i)).section_comments;
            for (; sections_told_[i] < all.size(); ++sections_told_[i]) {
                fresh.push_back(all[sections_told_[i]]);
            }
        }
        return fresh;
    }

    TimeLine& timeline_;
    const CommentMap& comments_;
    PcapngWriter writer_;
    std::vector<std::vector<std::uint32_t>> outputs_;  // per file and interface: number in the output
    std::vector<std::size_t> sections_told_;
    std::vector<std::string_view> spoken_{};  // of the packet being written
    std::int64_t last_time_ns_ = 0;
    AnnotateCounts counts_{};
};

}  // namespace

std::expected<AnnotateCounts, core::Error> annotate(const std::vector<std::string>& inputs, const std::string& output,
                                                    const CommentMap& comments) {
    if (auto checked = check_paths(inputs, output); !checked) {
        return std::unexpected(std::move(checked).error());
    }
    auto timeline = TimeLine::open(inputs);
    if (!timeline) {
        return std::unexpected(std::move(timeline).error());
    }
    auto file = OutputFile::create(output);
    if (!file) {
        return std::unexpected(std::move(file).error());
    }
    auto counts = Annotator(*timeline, inputs.size(), comments, **file).run();
    if (!counts) {
        return counts;
    }
    if (auto committed = (*file)->commit(); !committed) {
        return std::unexpected(std::move(committed).error());
    }
    return counts;
}

}  // namespace synwhy::capture
