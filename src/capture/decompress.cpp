// One loop feeds four decoders: refill the compressed buffer, let the codec run, stop when it produced something.
//
// A codec says how far it came; whether the stream may end here is its `complete` flag. A broken place is reported
// only after everything decompressed before it was delivered.
#include "capture/decompress.hpp"

#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/bytes.hpp"

namespace synwhy::capture {
namespace {

/// What one call to a codec did.
struct Progress {
    std::size_t taken = 0;
    std::size_t made = 0;
    const char* problem = nullptr;  // static text; nullptr when all is well
    const char* remedy = "";
};

class Codec {
  public:
    Codec() = default;
    Codec(const Codec&) = delete;
    Codec& operator=(const Codec&) = delete;
    virtual ~Codec() = default;
    /// @param last no compressed bytes will follow `in`
    virtual Progress run(std::span<const std::uint8_t> in, std::span<std::uint8_t> out, bool last) = 0;
    /// The compressed bytes so far form whole members, frames or streams.
    [[nodiscard]] virtual bool complete() const = 0;
};

class Gzip final : public Codec {
  public:
    Gzip() { ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }  // the largest window, gzip header and CRC
    ~Gzip() override { inflateEnd(&stream_); }

    Progress run(std::span<const std::uint8_t> in, std::span<std::uint8_t> out, bool) override {
        if (!ready_) {
            return {0, 0, "gzip: out of memory", ""};
        }
        if (complete_ && !in.empty()) {
            if (in[0] == 0) {
                return {1, 0};  // zero padding behind the last member, as tapes leave it
            }
            inflateReset(&stream_);
            complete_ = false;
        }
        stream_.next_in = const_cast<Bytef*>(in.data());  // zlib does not write to it
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = out.data();
        stream_.avail_out = static_cast<uInt>(out.size());
        const int result = inflate(&stream_, Z_NO_FLUSH);
        Progress progress{in.size() - stream_.avail_in, out.size() - stream_.avail_out};
        if (result == Z_STREAM_END) {
            complete_ = true;
        } else if (result == Z_MEM_ERROR) {
            progress.problem = "gzip: out of memory";
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            progress.problem = "gzip data is corrupt";
        }
        return progress;
    }
    [[nodiscard]] bool complete() const override { return complete_; }

  private:
    z_stream stream_{};
    bool ready_ = false;
    bool complete_ = false;
};

class Zstd final : public Codec {
  public:
    Zstd() : context_(ZSTD_createDCtx()) {
        if (context_ != nullptr) {
            ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kZstdWindowLog);
        }
    }
    ~Zstd() override { ZSTD_freeDCtx(context_); }

    Progress run(std::span<const std::uint8_t> in, std::span<std::uint8_t> out, bool) override {
        if (context_ == nullptr) {
            return {0, 0, "zstd: out of memory", ""};
        }
        ZSTD_inBuffer input{in.data(), in.size(), 0};
        ZSTD_outBuffer output{out.data(), out.size(), 0};
        const std::size_t result = ZSTD_decompressStream(context_, &output, &input);
        Progress progress{input.pos, output.pos};
        if (ZSTD_isError(result) != 0) {
            progress.problem = ZSTD_getErrorName(result);
            if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge) {
                progress.remedy = "its window is above 128 MiB: unpack it with zstd -d --long=31 first";
            }
        } else if (progress.taken + progress.made > 0) {  // at rest, the result is a hint about the next frame
            complete_ = result == 0;
        }
        return progress;
    }
    [[nodiscard]] bool complete() const override { return complete_; }

  private:
    ZSTD_DCtx* context_;
    bool complete_ = false;
};

class Lz4 final : public Codec {
  public:
    Lz4() { ready_ = LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) == 0; }
    ~Lz4() override { LZ4F_freeDecompressionContext(context_); }

    Progress run(std::span<const std::uint8_t> in, std::span<std::uint8_t> out, bool) override {
        if (!ready_) {
            return {0, 0, "lz4: out of memory", ""};
        }
        std::size_t taken = in.size();
        std::size_t made = out.size();
        const std::size_t result = LZ4F_decompress(context_, out.data(), &made, in.data(), &taken, nullptr);
        if (LZ4F_isError(result) != 0) {
            ready_ = false;
            return {0, 0, LZ4F_getErrorName(result), ""};
        }
        if (taken + made > 0) {  // at rest, the result is a hint about the next frame
            complete_ = result == 0;
        }
        return {taken, made};
    }
    [[nodiscard]] bool complete() const override { return complete_; }

  private:
    LZ4F_dctx* context_ = nullptr;
    bool ready_ = false;
    bool complete_ = false;
};

class Xz final : public Codec {
  public:
    Xz() { ready_ = lzma_stream_decoder(&stream_, kXzMemoryBytes, LZMA_CONCATENATED) == LZMA_OK; }
    ~Xz() override { lzma_end(&stream_); }

    Progress run(std::span<const std::uint8_t> in, std::span<std::uint8_t> out, bool last) override {
        if (!ready_) {
            return {0, 0, "xz: out of memory", ""};
        }
        stream_.next_in = in.data();
        stream_.avail_in = in.size();
        stream_.next_out = out.data();
        stream_.avail_out = out.size();
        const lzma_ret result = lzma_code(&stream_, last ? LZMA_FINISH : LZMA_RUN);
        Progress progress{in.size() - stream_.avail_in, out.size() - stream_.avail_out};
        if (result == LZMA_STREAM_END) {
            complete_ = true;
        } else if (result == LZMA_MEMLIMIT_ERROR) {
            progress.problem = "xz data needs more than 128 MiB to unpack";
            progress.remedy = "unpack it with xz -d first";
        } else if (result == LZMA_MEM_ERROR) {
            progress.problem = "xz: out of memory";
        } else if (result != LZMA_OK && result != LZMA_BUF_ERROR) {
            progress.problem = "xz data is corrupt";
        }
        return progress;
    }
    [[nodiscard]] bool complete() const override { return complete_; }

  private:
    lzma_stream stream_ = LZMA_STREAM_INIT;
    bool ready_ = false;
    bool complete_ = false;
};

std::unique_ptr<Codec> make_codec(Compression compression) {
    switch (compression) {
        case Compression::gzip: return std::make_unique<Gzip>();
        case Compression::zstd: return std::make_unique<Zstd>();
        case Compression::lz4: return std::make_unique<Lz4>();
        case Compression::xz: return std::make_unique<Xz>();
        case Compression::none: break;
    }
    return nullptr;
}

class Decompressor final : public ByteSource {
  public:
    Decompressor(Compression compression, std::unique_ptr<ByteSource> source, std::string name)
        : codec_(make_codec(compression)),
          kind_(capture::to_string(compression)),
          source_(std::move(source)),
          name_(std::move(name)),
          buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(kCompressedReadBytes)) {}

    std::expected<std::size_t, core::Error> read(std::span<std::uint8_t> into) override {
        while (!failure_) {
            const bool fed = feed();
            const Progress progress = codec_->run(waiting_, into, ended_);
            waiting_ = waiting_.subspan(progress.taken);
            consumed_ += progress.taken;
            if (progress.problem != nullptr) {
                fail(progress.problem, progress.remedy);
            } else if (progress.taken == 0 && progress.made == 0 && !fed) {
                if (codec_->complete() && waiting_.empty()) {
                    return 0;
                }
                fail_at_end();
            }
            if (progress.made > 0) {
                return progress.made;
            }
        }
        return std::unexpected(*failure_);
    }
    [[nodiscard]] std::uint64_t bytes_read() const override { return source_->bytes_read(); }

  private:
    /// Gets compressed bytes when there are none. @return true when the codec was given something new
    bool feed() {
        if (!waiting_.empty() || ended_) {
            return false;
        }
        const auto got = source_->read({buffer_.get(), kCompressedReadBytes});
        if (!got) {
            source_error_ = got.error();
        }
        ended_ = !got || *got == 0;
        waiting_ = {buffer_.get(), got ? *got : 0};
        return true;
    }

    void fail(std::string problem, std::string remedy) {
        failure_ = core::Error{std::string(kind_) + ": " + std::move(problem),
                               place(name_, consumed_) + " (compressed)", std::move(remedy)};
    }

    void fail_at_end() {
        if (source_error_) {
            failure_ = *source_error_;
        } else if (waiting_.empty()) {
            fail("the compressed stream ends too early", "the file is cut; what could be unpacked was used");
        } else {
            fail("the decompressor is stuck", "");
        }
    }

    std::unique_ptr<Codec> codec_;
    const char* kind_;
    std::unique_ptr<ByteSource> source_;
    std::string name_;
    std::unique_ptr<std::uint8_t[]> buffer_;
    std::span<const std::uint8_t> waiting_{};
    std::uint64_t consumed_ = 0;
    bool ended_ = false;
    std::optional<core::Error> source_error_{};
    std::optional<core::Error> failure_{};
};

}  // namespace

Compression recognise(std::span<const std::uint8_t> head) {
    if (head.size() >= 2 && head[0] == 0x1f && head[1] == 0x8b) {
        return Compression::gzip;
    }
    if (head.size() >= 4) {
        const std::uint32_t magic = core::load_be32(head.data());
        // RFC 8878: 0xFD2FB528 little-endian, and skippable frames 0x184D2A50..5F in front of a zstd frame.
        if (magic == 0x28b52ffdU || (magic & 0xf0ffffffU) == 0x502a4d18U) {
            return Compression::zstd;
        }
        if (magic == 0x04224d18U) {
            return Compression::lz4;
        }
    }
    constexpr std::array<std::uint8_t, kMagicBytes> kXz = {0xfd, '7', 'z', 'X', 'Z', 0};
    if (std::ranges::equal(head.first(std::min(head.size(), kMagicBytes)), kXz)) {
        return Compression::xz;
    }
    return Compression::none;
}

const char* to_string(Compression compression) {
    switch (compression) {
        case Compression::none: return "";
        case Compression::gzip: return "gzip";
        case Compression::zstd: return "zstd";
        case Compression::lz4: return "lz4";
        case Compression::xz: return "xz";
    }
    return "";
}

std::unique_ptr<ByteSource> decompress(Compression compression, std::unique_ptr<ByteSource> source, std::string name) {
    if (compression == Compression::none) {
        return source;
    }
    return std::make_unique<Decompressor>(compression, std::move(source), std::move(name));
}

}  // namespace synwhy::capture
