using System.Net;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Tests.Traffic;

public sealed class TrafficRequestTests
{
    private static readonly TrafficRequest Good = new() { Kind = TrafficKind.UdpRequestResponse, To = IPAddress.Loopback, Port = 7000, Seconds = 1 };

    [Fact]
    public void The_defaults_of_every_kind_are_within_bounds()
    {
        foreach (var kind in Enum.GetValues<TrafficKind>())
        {
            (Good with { Kind = kind }).Validate();
        }
    }

    [Fact]
    public void Values_out_of_bounds_are_named()
    {
        Message(Good with { Port = 0 }).ShouldBe("port: '0' is not in 1..65535");
        Message(Good with { Seconds = 0 }).ShouldStartWith("seconds: '0'");
        Message(Good with { Seconds = double.NaN }).ShouldStartWith("seconds: 'NaN'");
        Message(Good with { WarmUpSeconds = -1 }).ShouldStartWith("warm-up: '-1'");
        Message(Good with { Core = 64 }).ShouldStartWith("core: '64'");
        Message(Good with { Size = 7 }).ShouldBe("size: '7' is not in 8..65507");
        Message(Good with { Rate = 0 }).ShouldBe("rate: '0' is not in 1..1000");
        Message(Good with { Kind = TrafficKind.UdpStream, Rate = 9 }).ShouldBe("rate: '9' is not possible for this kind: only tcp-rr and udp-rr keep one");
        Message(Good with { Kind = TrafficKind.TcpStream, Size = 0 }).ShouldBe("size: '0' is not in 1..1048576");
    }

    private static string Message(TrafficRequest request) => Should.Throw<LabOptionException>(request.Validate).Message;
}
