// How many connections a second does ns-3 simulate? The peer of bench/model.py's simulation.
//
// One client and one server on a point-to-point link of 1 ms; a connection every `gap_us`, opened and closed by the
// client, nothing sent. Prints one JSON object. Built only where libns3-dev is installed.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

namespace {

unsigned accepted = 0;
unsigned closed = 0;
ns3::Ptr<ns3::Node> client;
ns3::Address server_address;

void on_accept(ns3::Ptr<ns3::Socket> socket, const ns3::Address&) {
    ++accepted;
    socket->SetCloseCallbacks(ns3::MakeCallback(+[](ns3::Ptr<ns3::Socket> s) { s->Close(); }),
                              ns3::MakeNullCallback<void, ns3::Ptr<ns3::Socket>>());
}

void on_connected(ns3::Ptr<ns3::Socket> socket) {
    ++closed;
    socket->Close();
}

void open_connection(unsigned left, ns3::Time gap) {
    auto socket = ns3::Socket::CreateSocket(client, ns3::TcpSocketFactory::GetTypeId());
    socket->SetConnectCallback(ns3::MakeCallback(&on_connected), ns3::MakeNullCallback<void, ns3::Ptr<ns3::Socket>>());
    socket->Connect(server_address);
    if (left > 1) ns3::Simulator::Schedule(gap, &open_connection, left - 1, gap);
}

}  // namespace

int main(int count, char** arguments) {
    const auto connections = static_cast<unsigned>(count > 1 ? std::atoi(arguments[1]) : 2000);
    const auto gap = ns3::MicroSeconds(count > 2 ? std::atoi(arguments[2]) : 500);
    ns3::NodeContainer nodes;
    nodes.Create(2);
    client = nodes.Get(0);
    ns3::PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", ns3::StringValue("10Gbps"));
    link.SetChannelAttribute("Delay", ns3::StringValue("1ms"));
    const auto devices = link.Install(nodes);
    ns3::InternetStackHelper().Install(nodes);
    ns3::Ipv4AddressHelper addresses;
    addresses.SetBase("10.0.0.0", "255.255.255.0");
    const auto interfaces = addresses.Assign(devices);
    server_address = ns3::InetSocketAddress(interfaces.GetAddress(1), 80);
    auto listener = ns3::Socket::CreateSocket(nodes.Get(1), ns3::TcpSocketFactory::GetTypeId());
    listener->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), 80));
    listener->Listen();
    listener->SetAcceptCallback(ns3::MakeNullCallback<bool, ns3::Ptr<ns3::Socket>, const ns3::Address&>(),
                                ns3::MakeCallback(&on_accept));
    ns3::Simulator::Schedule(ns3::Seconds(1), &open_connection, connections, gap);
    const auto start = std::chrono::steady_clock::now();
    ns3::Simulator::Run();
    const double took_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("{\"connections\":%u,\"accepted\":%u,\"closed\":%u,\"events\":%llu,\"seconds\":%.6f}\n", connections,
                accepted, closed, static_cast<unsigned long long>(ns3::Simulator::GetEventCount()), took_s);
    ns3::Simulator::Destroy();
    return accepted == connections ? 0 : 1;
}
