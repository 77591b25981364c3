// Runs a fuzz target without libFuzzer: a few built-in inputs, every seed, then mutations of them, the same ones each
// time.
//
// replay_NAME MUTATIONS FOLDER: what an ordinary build can check of every parser in a second. A folder that is missing
// or empty is an error: nobody would notice that nothing was tried.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t kMaxInputBytes = 64U * 1024U;

/// Empty when the folder is missing or cannot be read.
std::vector<Bytes> read_seeds(const char* folder) {
    std::vector<std::filesystem::path> paths;
    std::error_code unreadable;
    for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
        paths.push_back(entry.path());
    }
    std::ranges::sort(paths);  // the order of a folder differs from machine to machine
    std::vector<Bytes> seeds;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return seeds;
}

/// A few small changes: flipped bits, interesting values, a cut, a repeated piece.
Bytes mutated(Bytes bytes, std::mt19937& random) {
    constexpr std::uint8_t kInteresting[] = {0, 1, 4, 0x7f, 0x80, 0xfe, 0xff};
    for (auto changes = 1 + random() % 6; changes > 0 && !bytes.empty(); --changes) {
        const std::size_t at = random() % bytes.size();
        switch (random() % 5) {
            case 0: bytes[at] ^= static_cast<std::uint8_t>(1U << random() % 8); break;
            case 1: bytes[at] = kInteresting[random() % std::size(kInteresting)]; break;
            case 2: bytes[at] = static_cast<std::uint8_t>(random()); break;
            case 3: bytes.resize(at); break;
            default:
                if (bytes.size() < kMaxInputBytes) {
                    const Bytes piece(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end());
                    bytes.insert(bytes.end(), piece.begin(), piece.end());
                }
                break;
        }
    }
    return bytes;
}

const Bytes* current_input = nullptr;

/// A check that fails ends in abort(): the input is all that is needed to see it again.
extern "C" void tell_input(int) {
    std::fputs("the input, in hexadecimal: ", stderr);
    for (const std::uint8_t byte : *current_input) {
        std::fprintf(stderr, "%02x", byte);
    }
    std::fputc('\n', stderr);
}

void run(const Bytes& bytes) {
    const Bytes exact(bytes);  // its own allocation, so that a sanitizer sees one byte too far
    current_input = &exact;
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fprintf(stderr, "usage: %s MUTATIONS FOLDER\n", arguments[0]);
        return 2;
    }
    std::signal(SIGABRT, tell_input);
    for (const std::size_t length : {0, 1, 64}) {
        run(Bytes(length));
    }
    const std::vector<Bytes> seeds = read_seeds(arguments[2]);
    if (seeds.empty()) {
        std::fprintf(stderr,
                     "%s: no seeds there, only the built-in inputs were tried; tools/fuzz_seeds.py writes them\n",
                     arguments[2]);
        return 1;
    }
    for (const Bytes& seed : seeds) {
        run(seed);
    }
    const unsigned long mutations = std::strtoul(arguments[1], nullptr, 10);
    std::mt19937 random(20240229);
    for (unsigned long i = 0; i < mutations; ++i) {
        run(mutated(seeds[random() % seeds.size()], random));
    }
    std::printf("%zu seeds and %lu mutations of them: no finding\n", seeds.size(), mutations);
    return 0;
}
