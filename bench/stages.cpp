// What does each stage of reading a capture cost?
//
// synwhy_stages read|fold FILE: reads and decodes every packet, or folds them into handshakes too, and prints what it
// counted. Timed from outside, like any command; the whole of it is `synwhy pcap`.
#include <array>
#include <cstdio>
#include <cstring>

#include "capture/fold.hpp"
#include "capture/reader.hpp"
#include "core/packet.hpp"

int main(int argc, char** argv) {
    using namespace synwhy;
    if (argc != 3 || (std::strcmp(argv[1], "read") != 0 && std::strcmp(argv[1], "fold") != 0)) {
        std::fputs("usage: synwhy_stages read|fold FILE\n", stderr);
        return 2;
    }
    const bool fold_too = std::strcmp(argv[1], "fold") == 0;
    auto timeline = capture::TimeLine::open({argv[2]});
    if (!timeline) {
        std::fprintf(stderr, "synwhy_stages: %s\n", core::to_string(timeline.error()).c_str());
        return 3;
    }
    capture::Fold fold;
    std::array<capture::Packet, 32> batch;
    unsigned long long packets = 0;
    unsigned long long syns = 0;
    while (const std::size_t count = timeline->next(batch)) {
        for (std::size_t i = 0; i < count; ++i) {
            const core::Decoded decoded = core::decode(batch[i].link, batch[i].data, batch[i].wire_length);
            syns += decoded.kind == core::FrameKind::tcp && decoded.segment.is_syn();
            if (fold_too) fold.add(batch[i], decoded);
        }
        packets += count;
    }
    if (fold_too) fold.finish();
    std::printf("packets %llu syns %llu handshakes %zu\n", packets, syns, fold.handshakes().size());
    return 0;
}
